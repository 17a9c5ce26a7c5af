sluice test web.vfr; echo "-> $?"
sluice test -v wrong.vfr; echo "-> $?"
sluice test -q web.vfr wrong.vfr; echo "-> $?"
sluice test ugly.vfr; echo "-> $?"
