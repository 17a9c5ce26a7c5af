explain() {
	echo "--- $*"
	sluice explain web.vfr "$@" || echo "-> $?"
	echo
}
explain 'tcp 198.51.100.7:40000 -> web:80 on wan'
explain 'tcp 198.51.100.7:40000 -> 203.0.113.2:8080'
explain 'udp web:5353 -> 9.9.9.9:53'
explain 'tcp web:40000 -> db:22'
explain 'tcp 198.51.100.7:40000 -> web:23'
explain 'tcp 10.1.0.20:40000 -> web:80 on wan'
explain 'tcp db:40000 -> web:80 on web'
explain 'icmp echo-request 198.51.100.7 -> 203.0.113.2'
explain 'icmp echo-request 198.51.100.7 -> web'
explain 'tcp [2001:db8:9::7]:40000 -> web:443'
explain 'tcp 198.51.100.7:40000 -> web:80 ttl 1'
explain 'udp 198.51.100.7:40000 -> web:53 fragment 1480 size 100'
sluice explain web.vfr udp web:5353 x; echo "-> $?"
