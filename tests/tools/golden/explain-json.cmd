sluice explain --json web.vfr 'tcp 198.51.100.7:40000 -> 203.0.113.2:8080'
sluice explain --json web.vfr 'tcp 198.51.100.7:40000 -> web:23'
