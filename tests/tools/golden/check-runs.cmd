# What a machine must have to be this appliance.
sluice check --json runs.vfr
