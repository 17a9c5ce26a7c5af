sluice test --json wrong.vfr; echo "-> $?"
