# a set that differs in its last member only, however long; a domain's memory
long() {
	echo 'nic wan address 203.0.113.2/24 gateway 203.0.113.1'
	echo 'net dmz 10.1.0.0/24'
	echo "domain web on dmz address 10.1.0.10 { memory $2 }"
	printf 'set many {'
	i=0
	while [ $i -lt 250 ]; do
		printf ' 192.0.2.%s,' $i
		i=$((i + 1))
	done
	echo " $1 }"
	echo 'allow tcp 80 from many to web'
}
long 198.51.100.1 16M >a.vfr
long 198.51.100.2 32M >b.vfr
sluice diff a.vfr b.vfr; echo "-> $?"
sluice diff --exit-code a.vfr a.vfr; echo "-> $?"
