# every mistake on the command line is exit code 2, and names its cure
try() {
	echo "--- sluice $*" >&2
	sluice "$@"
	echo "sluice $* -> $?"
}
try chekc
try check
try check --stirct web.vfr
try check -x web.vfr
try fmt --json web.vfr
try fmt -w -d web.vfr
try fmt -w -
try diff web.vfr
try diff web.vfr web-new.vfr web.vfr
try explain web.vfr
try explain web.vfr -n 3 'tcp 1.2.3.4:5 -> web:80'
try explain web.vfr -r x.pcap 'tcp 1.2.3.4:5 -> web:80'
try explain web.vfr -r x.pcap -n 0
try explain web.vfr 'tcp 1.2.3.4:5 -> wbe:80'
try explain web.vfr 'hello world'
try replay web.vfr
try replay web.vfr x.pcap --snaplen 7
try replay web.vfr x.pcap -m nonsense
try replay web.vfr x.pcap -m 10.0.0.0/40=wan
try replay web.vfr x.pcap -w
