/*
 * offload.c: as ethtool -K, for machines without one.
 *
 *	offload on|off INTERFACE...
 *
 * off: TCP is cut into segments, and put together from them, nowhere but in its
 * own end, which adds up checksums as well.  What an interface cannot change
 * stays as it is.
 */
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

/* On goes the other way: segments need checksums. */
static const unsigned int features[] = {
	ETHTOOL_SGRO, ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_STXCSUM,
	ETHTOOL_SRXCSUM,
};

#define NR_FEATURES	(sizeof(features) / sizeof(features[0]))

static void set(int s, const char *interface, unsigned int feature, int on)
{
	struct ethtool_value value = { .cmd = feature, .data = on };
	struct ifreq request = { .ifr_data = (void *)&value };

	strncpy(request.ifr_name, interface, IFNAMSIZ - 1);
	ioctl(s, SIOCETHTOOL, &request);
}

int main(int argc, char **argv)
{
	int s = socket(AF_INET, SOCK_DGRAM, 0), on;

	if (argc < 3 || s < 0) {
		fprintf(stderr, "usage: offload on|off INTERFACE...\n");
		return 2;
	}
	on = strcmp(argv[1], "on") == 0;
	for (int i = 2; i < argc; i++)
		for (unsigned int f = 0; f < NR_FEATURES; f++)
			set(s, argv[i], features[on ? NR_FEATURES - 1 - f : f],
			    on);
	return 0;
}
