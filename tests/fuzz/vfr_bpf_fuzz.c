/*
 * Tap programs from strangers: refused, or ended within their length and
 * reading nothing but the packet.  Where libpcap accepts the program as well,
 * both must give the same answer.  Input: number of instructions, those, packet.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <pcap/pcap.h>

#include <vfr/tap.h>

int bpf_validate(const struct bpf_insn *f, int len);

/* libpcap's scratch memory starts with chance values, ours with zeros. */
static int reads_memory(const struct vfr_bpf_insn *p, uint32_t nr)
{
	uint32_t i;

	for (i = 0; i < nr; i++)
		if (p[i].code == 0x60 || p[i].code == 0x61)
			return 1;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *in, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *in, size_t n)
{
	static struct vfr_bpf_insn prog[256];
	uint32_t nr, got;
	uint8_t *packet;

	if (n < 1 || n - 1 < in[0] * sizeof(*prog))
		return 0;
	nr = in[0];
	memcpy(prog, in + 1, nr * sizeof(*prog));
	in += 1 + nr * sizeof(*prog);
	n -= 1 + nr * sizeof(*prog);
	if (vfr_bpf_check(prog, nr))
		return 0;
	packet = malloc(n + 1);
	memcpy(packet, in, n);
	got = vfr_bpf_run(prog, packet, (uint32_t)n + 7, (uint32_t)n);
	if (!reads_memory(prog, nr) && bpf_validate((const void *)prog, (int)nr) &&
	    got != bpf_filter((const void *)prog, packet, (u_int)n + 7,
			      (u_int)n))
		abort();
	free(packet);
	return 0;
}
