# what is not there is exit code 3
try() {
	echo "--- sluice $*" >&2
	sluice "$@"
	echo "sluice $* -> $?"
}
try check none.vfr
try check web.vfr none.vfr
try test none.vfr
try fmt none.vfr
try explain none.vfr 'tcp 1.2.3.4:5 -> web:80'
try explain web.vfr -r none.pcap
try diff web.vfr none.vfr
try replay web.vfr none.pcap
try help frobnicate
try completion csh
try check .
