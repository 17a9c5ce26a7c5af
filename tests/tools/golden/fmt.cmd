sluice fmt ugly.vfr; echo "-> $?"
sluice fmt -d ugly.vfr; echo "-> $?"
sluice fmt - <ugly.vfr | cmp - ugly.vfr; echo "-> $?"
chmod 640 ugly.vfr
sluice fmt -w ugly.vfr; echo "-> $?"
stat -c %a ugly.vfr
sluice fmt -d ugly.vfr; echo "-> $?"
sluice fmt broken.vfr; echo "-> $?"
ls *ugly*
