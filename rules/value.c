/*
 * value.c: numbers, quantities and addresses, from text.
 */
#include "rules_int.h"

#include <errno.h>

/* Decimal digits alone.  -ERANGE: more than a uint64_t holds. */
int value_number(const char *s, size_t len, uint64_t *n)
{
	uint64_t v = 0;
	size_t i;
	bool over = false;

	if (!len)
		return -EINVAL;
	for (i = 0; i < len; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -EINVAL;
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, s[i] - '0', &v))
			over = true;
	}
	*n = v;
	return over ? -ERANGE : 0;
}

const struct unit units_size[] = {	/* bytes */
	{ "K", 1ull << 10 }, { "M", 1ull << 20 }, { "G", 1ull << 30 },
	{ "T", 1ull << 40 }, { NULL },
};
const struct unit units_rate[] = {	/* bits a second */
	{ "bit", 1 }, { "kbit", 1000 }, { "Mbit", 1000000 },
	{ "Gbit", 1000000000 }, { NULL },
};
const struct unit units_time[] = {	/* nanoseconds */
	{ "ns", 1 }, { "us", 1000 }, { "ms", 1000000 }, { "s", 1000000000 },
	{ "m", 60000000000ull }, { "h", 3600000000000ull },
	{ "d", 86400000000000ull }, { NULL },
};

/* -ERANGE as value_number(). */
int value_unit(const char *s, size_t len, const struct unit *units, uint64_t *n)
{
	size_t digits = 0;
	int rc;

	while (digits < len && s[digits] >= '0' && s[digits] <= '9')
		digits++;
	for (; units->name; units++) {
		if (!word_is(s + digits, len - digits, units->name))
			continue;
		rc = value_number(s, digits, n);
		if (rc)
			return rc;
		return __builtin_mul_overflow(*n, units->factor, n) ? -ERANGE
								    : 0;
	}
	return -EINVAL;
}

static int value_addr4(const char *s, size_t len, struct vfr_addr *a)
{
	uint32_t ip = 0, part = 0, parts = 0, digits = 0;
	size_t i;

	for (i = 0; i <= len; i++) {
		if (i == len || s[i] == '.') {
			if (!digits || part > 255 || ++parts > 4)
				return -EINVAL;
			ip = ip << 8 | part;
			part = digits = 0;
			continue;
		}
		/* Four digits, or 010: octal to some, so refused. */
		if (s[i] < '0' || s[i] > '9' || ++digits > 3 ||
		    (digits == 2 && !part))
			return -EINVAL;
		part = part * 10 + (s[i] - '0');
	}
	if (parts != 4)
		return -EINVAL;
	*a = vfr_addr_v4(ip);
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A group of 1 to 4 hex digits at *s; -1 if there is none. */
static int addr6_group(const char **s, const char *end)
{
	int v = 0, n = 0, d;

	while (*s < end && n < 4 && (d = hex_digit(**s)) >= 0) {
		v = v << 4 | d;
		(*s)++;
		n++;
	}
	return n ? v : -1;
}

#define NO_GAP 9	/* groups before ::, when there is none */

static int value_addr6(const char *s, size_t len, struct vfr_addr *a)
{
	const char *end = s + len;
	unsigned int n = 0, gap = NO_GAP;
	uint16_t g[8] = { 0 };
	struct vfr_addr v4;
	int i, v;

	if (len >= 2 && s[0] == ':' && s[1] == ':') {
		gap = 0;
		s += 2;
	}
	while (s < end) {
		const char *from = s;

		v = addr6_group(&s, end);
		if (v < 0 || n == 8)
			return -EINVAL;
		if (s < end && *s == '.') {	/* the last 32 bits as IPv4 */
			if (n > 6 || value_addr4(from, end - from, &v4))
				return -EINVAL;
			g[n++] = v4.b[12] << 8 | v4.b[13];
			g[n++] = v4.b[14] << 8 | v4.b[15];
			break;
		}
		g[n++] = v;
		if (s == end)
			break;
		if (*s++ != ':' || s == end)
			return -EINVAL;
		if (*s == ':') {
			if (gap != NO_GAP)
				return -EINVAL;
			gap = n;
			s++;
		}
	}
	if (gap == NO_GAP ? n != 8 : n > 7)
		return -EINVAL;
	for (i = 7; gap != NO_GAP && n > gap; i--) {	/* move what follows :: */
		g[i] = g[--n];
		g[n] = 0;
	}
	for (i = 0; i < 8; i++) {
		a->b[2 * i] = g[i] >> 8;
		a->b[2 * i + 1] = g[i] & 0xff;
	}
	/* The mapped range is how IPv4 is kept; nobody may write it as IPv6. */
	return vfr_addr_is_v4(a) ? -EINVAL : 0;
}

int value_addr(const char *s, size_t len, struct vfr_addr *a)
{
	if (memchr(s, ':', len))
		return value_addr6(s, len, a);
	return value_addr4(s, len, a);
}

void prefix_bounds(const struct vfr_addr *a, unsigned int len,
		   struct vfr_addr *lo, struct vfr_addr *hi)
{
	unsigned int i;

	*lo = *hi = *a;
	for (i = 0; i < 16; i++) {
		unsigned int bits = len > 8 * i ? len - 8 * i : 0;
		uint8_t host = bits >= 8 ? 0 : 0xff >> bits;

		lo->b[i] &= ~host;
		hi->b[i] |= host;
	}
}

bool addr_next(struct vfr_addr *a)
{
	int i;

	for (i = 15; i >= 0; i--)
		if (++a->b[i])
			return true;
	return false;
}

void addr_prev(struct vfr_addr *a)
{
	int i;

	for (i = 15; i >= 0; i--)
		if (a->b[i]--)
			return;
}

u128 addr_number(const struct vfr_addr *a)
{
	u128 n = 0;
	int i;

	for (i = 0; i < 16; i++)
		n = n << 8 | a->b[i];
	return n;
}

struct vfr_addr number_addr(u128 n)
{
	struct vfr_addr a;
	int i;

	for (i = 15; i >= 0; i--, n >>= 8)
		a.b[i] = n & 0xff;
	return a;
}

static int value_prefix(const char *s, const char *slash, size_t len,
			struct value_range *v, const char **why)
{
	const char *digits = slash + 1;
	uint64_t n;
	bool v4;

	if (value_addr(s, slash - s, &v->as_written))
		return -EINVAL;
	v4 = vfr_addr_is_v4(&v->as_written);
	if (value_number(digits, s + len - digits, &n) ||
	    n > (v4 ? 32 : 128)) {
		*why = v4 ? "the length of an IPv4 prefix runs from 0 to 32"
			  : "the length of an IPv6 prefix runs from 0 to 128";
		return -EINVAL;
	}
	v->prefix_len = v4 ? n + VFR_V4_BITS : n;
	v->has_len = true;
	prefix_bounds(&v->as_written, v->prefix_len, &v->lo, &v->hi);
	return 0;
}

int value_range(const char *s, size_t len, struct value_range *v,
		const char **why)
{
	const char *slash = memchr(s, '/', len), *dash = memchr(s, '-', len);

	*why = "";
	memset(v, 0, sizeof(*v));
	if (slash)
		return value_prefix(s, slash, len, v, why);
	v->prefix_len = 128;
	if (!dash) {
		if (value_addr(s, len, &v->lo))
			return -EINVAL;
		v->hi = v->as_written = v->lo;
		return 0;
	}
	if (value_addr(s, dash - s, &v->lo) ||
	    value_addr(dash + 1, s + len - dash - 1, &v->hi))
		return -EINVAL;
	v->range = true;
	v->as_written = v->lo;
	if (vfr_addr_is_v4(&v->lo) != vfr_addr_is_v4(&v->hi)) {
		*why = "both ends of a range are IPv4 or both IPv6";
		return -EINVAL;
	}
	if (addr_cmp(&v->lo, &v->hi) > 0) {
		*why = "the lower end of a range comes first";
		return -EINVAL;
	}
	return 0;
}

int value_mac(const char *s, size_t len, uint8_t mac[6])
{
	int i;

	if (len != 17)
		return -EINVAL;
	for (i = 0; i < 6; i++) {
		int hi = hex_digit(s[3 * i]), lo = hex_digit(s[3 * i + 1]);

		if (hi < 0 || lo < 0 || (i < 5 && s[3 * i + 2] != ':'))
			return -EINVAL;
		mac[i] = hi << 4 | lo;
	}
	return 0;
}

/* --- protocols --- */

static const struct {
	const char	*name;
	int		 proto;
} protos[] = {
	{ "tcp", PROTO_TCP }, { "udp", PROTO_UDP }, { "sctp", PROTO_SCTP },
	{ "icmp", RULES_PROTO_ICMP_BOTH }, { "icmp4", PROTO_ICMP },
	{ "icmp6", PROTO_ICMP6 }, { "any", RULES_PROTO_ANY },
	{ "igmp", 2 }, { "ipip", 4 }, { "ip6", 41 }, { "gre", 47 },
	{ "esp", 50 }, { "ah", 51 }, { "ospf", 89 }, { "pim", 103 },
	{ "vrrp", 112 }, { "l2tp", 115 },
};

int proto_by_name(const char *s, size_t len)
{
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(protos); i++)
		if (word_is(s, len, protos[i].name))
			return protos[i].proto;
	return RULES_PROTO_SERVICE;	/* not one of ours: a service's name */
}

const char *proto_name(int proto)
{
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(protos); i++)
		if (protos[i].proto == proto)
			return protos[i].name;
	return NULL;
}

void nearest_protos(struct nearest *n)
{
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(protos); i++)
		nearest_try(n, protos[i].name);
}

bool proto_has_ports(int proto)
{
	return proto == PROTO_TCP || proto == PROTO_UDP || proto == PROTO_SCTP;
}

/* RFC 792, 950, 1191; RFC 4443, 4861, 2710, 3810.  -1: that family has none. */
static const struct {
	const char	*name;
	int16_t		 v4, v6, code;
} icmp_types[] = {
	{ "echo-request", 8, 128, -1 },
	{ "echo-reply", 0, 129, -1 },
	{ "unreachable", 3, 1, -1 },
	{ "time-exceeded", 11, 3, -1 },
	{ "parameter-problem", 12, 4, -1 },
	{ "redirect", 5, 137, -1 },
	{ "router-solicit", 10, 133, -1 },
	{ "router-advert", 9, 134, -1 },
	{ "needs-fragment", 3, -1, 4 },
	{ "source-quench", 4, -1, -1 },
	{ "timestamp-request", 13, -1, -1 },
	{ "timestamp-reply", 14, -1, -1 },
	{ "too-big", -1, 2, -1 },
	{ "listener-query", -1, 130, -1 },
	{ "listener-report", -1, 131, -1 },
	{ "listener-done", -1, 132, -1 },
	{ "listener-report2", -1, 143, -1 },
	{ "neighbor-solicit", -1, 135, -1 },
	{ "neighbor-advert", -1, 136, -1 },
};

int icmp_by_name(const char *s, size_t len, int16_t *v4, int16_t *v6,
		 int16_t *code)
{
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(icmp_types); i++)
		if (word_is(s, len, icmp_types[i].name)) {
			*v4 = icmp_types[i].v4;
			*v6 = icmp_types[i].v6;
			*code = icmp_types[i].code;
			return 0;
		}
	return -EINVAL;
}

void nearest_icmp(struct nearest *n)
{
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(icmp_types); i++)
		nearest_try(n, icmp_types[i].name);
}

const char *rules_icmp_name(int proto, int type, int code)
{
	const char *name = NULL;
	unsigned int i;

	for (i = 0; i < ARRAY_LEN(icmp_types); i++) {
		int t = proto == PROTO_ICMP6 ? icmp_types[i].v6
					     : icmp_types[i].v4;

		if (t != type || type < 0)
			continue;
		if (icmp_types[i].code == code)
			return icmp_types[i].name;
		if (icmp_types[i].code < 0)
			name = icmp_types[i].name;
	}
	return name;
}
