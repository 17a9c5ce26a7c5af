sluice test -v dual.vfr; echo "-> $?"
sluice check dual.vfr; echo "-> $?"
sed 's/from 10.1.0.0.24/from any/' dual.vfr >dual-new.vfr
sluice diff dual.vfr dual-new.vfr
