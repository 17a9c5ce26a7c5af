sluice diff --json web.vfr web-new.vfr
