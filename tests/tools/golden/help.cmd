sluice --help
sluice --version
for command in check test explain diff replay fmt completion help; do
	echo "--- $command"
	sluice help $command || exit
done
