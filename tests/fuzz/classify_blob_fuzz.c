/*
 * classify_blob_fuzz.c: a blob is what a stranger sends.
 *
 * The first byte chooses: the rest as a blob as it stands, or a good blob of
 * one of several rule sets, spoilt by it at places that it names (so that the
 * checks behind the first ones are reached too).  What vfr_cls_open() takes
 * must be searchable without a fault, in bounded time, and answer within range.
 */
#include <stdlib.h>
#include <string.h>

#include "../bench/classify_data.h"
#include "classify/internal.h"

#define NR_PORTS	4
#define NR_GOOD		6
#define NR_KEYS		40

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct good {
	struct rule_list list;
	void	*blob;
	size_t	 len;
};

static struct vfr_cls_key keys[NR_KEYS];
static const struct vfr_cls_key *pointers[NR_KEYS];

/* Every field and both kinds of search are in one of them. */
static void good_make(struct good *g, uint32_t kind)
{
	static const uint32_t sizes[NR_GOOD] = { 0, 2, 8, 20, 10, 40 };
	static struct vfr_cls_range range = { { { 1 } }, { { 2 } } };
	static struct vfr_cls_set set = { 0, 1 };
	struct vfr_cls_input in = { NULL, &set, &range, 0, 1, 1 };
	size_t arena_len, cap;
	void *arena;
	uint32_t i;

	rules_make(&g->list, sizes[kind], kind);
	for (i = 0; kind != 3 && i < g->list.nr; i++) {
		struct vfr_cls_rule *r = &g->list.rules[i];

		if (i % 5 == 0)
			r->src = (struct vfr_addr){ { 0x20, 1, i } };
		if (i % 3 == 0)
			r->in = i % NR_PORTS;
		if (i % 7 == 0)
			r->src_set = 0;
		if (i % 11 == 0)
			r->tcp_flags = r->tcp_mask = 2;
	}
	in.rules = g->list.rules;
	in.nr_rules = g->list.nr;
	arena_len = vfr_cls_arena_size(&in);
	cap = vfr_cls_blob_max(&in);
	arena = malloc(arena_len);
	g->blob = malloc(cap);
	if (!arena || !g->blob ||
	    cls_build(&in, kind < 4, arena, arena_len, g->blob, cap, &g->len,
		      NULL))
		abort();
	free(arena);
}

static void search(const struct vfr_cls *c, uint32_t nr_rules)
{
	uint32_t got[NR_KEYS], i;

	vfr_cls_lookup_burst(c, pointers, NR_KEYS, got);
	for (i = 0; i < NR_KEYS; i++) {
		if (got[i] >= nr_rules && got[i] != VFR_CLS_NONE)
			abort();
		if (vfr_cls_lookup(c, &keys[i]) != got[i])
			abort();
	}
}

static void keys_fill(const struct good *g, const uint8_t *data, size_t size)
{
	uint32_t i;

	keys_make(&g->list, keys, NR_KEYS - 1, size);
	memcpy(&keys[NR_KEYS - 1], data,
	       size < sizeof(keys[0]) ? size : sizeof(keys[0]));
	for (i = 0; i < NR_KEYS; i++) {
		pointers[i] = &keys[i];
		keys[i].in = i % (NR_PORTS + 1);
		if (i % 8 == 0)
			keys[i].src.b[0] = 0x20;
		if (i % 16 == 1)
			keys[i].dst = (struct vfr_addr){ { 0 } };
	}
}

/* Each six bytes: where (three, from the start or the end), how, what. */
static void spoil(uint8_t *blob, size_t len, const uint8_t *data, size_t size)
{
	for (; size >= 6 && len; data += 6, size -= 6) {
		uint32_t at = (data[0] | data[1] << 8 | data[2] << 16) % len;

		switch (data[3] & 3) {
		case 0:
			blob[at] = data[4];
			break;
		case 1:
			blob[at] ^= 1 << (data[4] & 7);
			break;
		case 2:
			at = at % sizeof(struct cls_blob) % len & ~3u;
			blob[at] = data[4];
			blob[at + 1] = data[5];
			break;
		default:
			blob[at] += data[4];
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct good good[NR_GOOD];
	const struct good *g;
	struct vfr_cls c;
	uint32_t kind;
	uint8_t *blob;
	size_t len;

	if (!good[0].blob) {
		for (kind = 0; kind < NR_GOOD; kind++)
			good_make(&good[kind], kind);
	}
	if (size < 1)
		return 0;
	kind = data[0] % (NR_GOOD + 1);
	data++;
	size--;
	g = &good[kind % NR_GOOD];
	len = kind == NR_GOOD ? size : g->len;
	blob = malloc(len);
	if (len)
		memcpy(blob, kind == NR_GOOD ? data : g->blob, len);
	if (kind < NR_GOOD)
		spoil(blob, len, data, size);
	keys_fill(g, data, size);
	if (vfr_cls_open(&c, blob, len, g->list.nr, NR_PORTS) == 0)
		search(&c, g->list.nr);
	else if (kind < NR_GOOD && size < 6)
		abort();	/* it was good */
	free(blob);
	return 0;
}
