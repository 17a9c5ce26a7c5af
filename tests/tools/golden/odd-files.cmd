# what is no proper rule file: said in a line, without a crash, in bounded time
try() {
	echo "--- sluice $*" >&2
	timeout 20 sluice "$@"
	echo "sluice $* -> $?"
}
: >empty.vfr
try check empty.vfr
try test empty.vfr
try fmt empty.vfr
try explain empty.vfr 'tcp 198.51.100.7:40000 -> 10.1.0.10:80'
try replay empty.vfr empty.vfr
try diff empty.vfr web-new.vfr
try check /dev/zero
echo 'include "loop.vfr"' >loop.vfr
try check loop.vfr
echo 'include "none.vfr"' >dangling.vfr
try check dangling.vfr
printf 'allow \001\377\376 from any to any\n' >binary.vfr
try check --json binary.vfr
sluice check web.vfr >/dev/full
echo "/dev/full -> $?"
