sluice check --json web.vfr; echo "-> $?"
sluice check --json broken.vfr wrong.vfr; echo "-> $?"
