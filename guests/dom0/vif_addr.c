/* vif_addr.c: addresses of a checked appliance file as text. */
#include "dom0/vif_addr.h"

#include <stdio.h>

static void addr_text(const struct vfr_addr *a, char *buf, size_t size)
{
	const uint8_t *b = a->b;

	if (vfr_addr_is_v4(a))
		snprintf(buf, size, "%u.%u.%u.%u", b[12], b[13], b[14], b[15]);
	else
		snprintf(buf, size, "%x:%x:%x:%x:%x:%x:%x:%x",
			 b[0] << 8 | b[1], b[2] << 8 | b[3], b[4] << 8 | b[5],
			 b[6] << 8 | b[7], b[8] << 8 | b[9],
			 b[10] << 8 | b[11], b[12] << 8 | b[13],
			 b[14] << 8 | b[15]);
}

/* Bits of the prefix of its net that has the address; all where none has. */
static unsigned int link_len(const struct rules_iface *i,
			     const struct vfr_addr *a)
{
	const struct rules_ref *p = i->net ? i->net->prefixes : NULL;

	for (; p; p = (const void *)p->node.next) {
		struct vfr_prefix prefix = { p->lo, p->prefix_len };

		if (vfr_prefix_has(&prefix, a))
			return p->prefix_len;
	}
	return 128;
}

void vif_addr_take(const struct rules_iface *i, struct vif_config *v)
{
	const struct rules_ref *a;
	char text[40];

	for (a = i->addresses; a; a = (const void *)a->node.next) {
		bool v4 = vfr_addr_is_v4(&a->lo);
		char *to = v4 ? v->ip : v->ip6;
		unsigned int len = link_len(i, &a->lo);

		if (a->kind != RULES_REF_ADDR || *to)
			continue;
		addr_text(&a->lo, text, sizeof(text));
		snprintf(to, v4 ? sizeof(v->ip) : sizeof(v->ip6), "%s/%u",
			 text, v4 ? len - VFR_V4_BITS : len);
	}
	if (i->net && !vfr_addr_is_zero(&i->net->gateway4))
		addr_text(&i->net->gateway4, v->gateway, sizeof(v->gateway));
	if (i->net && !vfr_addr_is_zero(&i->net->gateway6))
		addr_text(&i->net->gateway6, v->gateway6, sizeof(v->gateway6));
}
