/*
 * nic_flow_test.c: packets of one flow give one number, those of others mostly
 * another; frames that are cut short are read no further than they are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "nic_flow.h"

struct frame {
	uint8_t b[128];
	unsigned len;
};

static void put16(struct frame *f, unsigned v)
{
	f->b[f->len++] = (uint8_t)(v >> 8);
	f->b[f->len++] = (uint8_t)v;
}

static struct frame eth(bool vlan)
{
	struct frame f = { .len = 12 };

	if (vlan) {
		put16(&f, 0x8100);
		put16(&f, 5);
	}
	return f;
}

/* fragment: the field with flags and offset. */
static struct frame ipv4(bool vlan, uint8_t proto, unsigned fragment,
			 uint8_t host, unsigned sport)
{
	struct frame f = eth(vlan);

	put16(&f, 0x0800);
	memcpy(f.b + f.len, (uint8_t[20]){ 0x45, [9] = proto, 10, [13] = 1,
					   [15] = host, [16] = 192 }, 20);
	f.b[f.len + 12] = 10;
	f.b[f.len + 6] = (uint8_t)(fragment >> 8);
	f.b[f.len + 7] = (uint8_t)fragment;
	f.len += 20;
	put16(&f, sport);
	put16(&f, 80);
	f.len += 20;
	return f;
}

static struct frame ipv6(uint8_t host, unsigned sport)
{
	struct frame f = eth(false);

	put16(&f, 0x86dd);
	f.b[f.len] = 0x60;
	f.b[f.len + 6] = 17;
	f.b[f.len + 23] = host;
	f.len += 40;
	put16(&f, sport);
	put16(&f, 80);
	f.len += 8;
	return f;
}

static uint32_t hash(struct frame f)
{
	/* Its own memory, so that reading on is seen. */
	uint8_t *p = malloc(f.len + !f.len);
	uint32_t h;

	assert_non_null(p);
	memcpy(p, f.b, f.len);
	h = nic_flow_hash(p, f.len);
	free(p);
	return h;
}

static void test_same(void **state)
{
	struct frame a = ipv4(false, 6, 0, 1, 1000), b = a;

	b.b[a.len - 1] = 77;		/* the payload */
	b.b[14 + 8] = 3;		/* the hop limit */
	assert_int_equal(hash(a), hash(b));
	assert_int_equal(hash(a), hash(ipv4(true, 6, 0, 1, 1000)));
	assert_int_equal(hash(ipv6(1, 5)), hash(ipv6(1, 5)));
}

static void test_fragments(void **state)
{
	uint32_t first = hash(ipv4(false, 17, 0x2000, 1, 1000));

	assert_int_equal(first, hash(ipv4(false, 17, 0x2010, 1, 0x5555)));
	assert_int_equal(first, hash(ipv4(false, 17, 0x0020, 1, 0x6666)));
}

/* Two queues: neither gets less than a third of many flows. */
static void test_spread(void **state)
{
	unsigned n[4] = { 0 };

	for (unsigned i = 0; i < 1000; i++) {
		n[0] += hash(ipv4(false, 6, 0, 1, 1024 + i)) % 2;
		n[1] += hash(ipv4(false, 1, 0, (uint8_t)i, 8)) % 2;
		n[2] += hash(ipv6(1, 1024 + i)) % 2;
		n[3] += hash(ipv6((uint8_t)i, 9)) % 2;
	}
	for (unsigned i = 0; i < 4; i++)
		assert_in_range(n[i], 333, 667);
}

static void test_short(void **state)
{
	struct frame f[] = { ipv4(false, 6, 0, 1, 1), ipv4(true, 6, 0, 1, 1),
			     ipv6(1, 1) };

	for (unsigned i = 0; i < 3; i++)
		while (f[i].len--)
			hash(f[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_spread),
		cmocka_unit_test(test_short),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
