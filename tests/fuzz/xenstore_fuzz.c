/*
 * xenstore_fuzz.c: two domains that write any bytes to their store rings.
 *
 * The input is requests: who (1 byte), type, transaction, length (1 byte
 * each), and the payload.  At the end the counts of nodes and bytes must agree
 * with the tree, which removing everything shows.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dom0/xs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void drain(struct xs_conn *c)
{
	char buf[512];

	while (xs_conn_output(c, buf, sizeof(buf)))
		;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct xs_conn *conns[2];
	struct xs_server s;

	assert(xs_server_init(&s) == 0);
	for (unsigned int i = 0; i < 2; i++)
		conns[i] = xs_conn_new(&s, i + 1);
	xs_set(&s, "/local/domain/1", "");
	xs_set_owner(&s, "/local/domain/1", 1, 2);
	xs_set(&s, "/local/domain/2", "");
	xs_set_owner(&s, "/local/domain/2", 2, 2);
	while (size >= 4) {
		struct xs_conn *c = conns[data[0] & 1];
		struct xsd_sockmsg h = { data[1] % 24, 0, data[2], data[3] };

		data += 4;
		size -= 4;
		if (h.len > size)
			h.len = size;
		xs_conn_input(c, &h, sizeof(h));
		xs_conn_input(c, data, h.len);
		data += h.len;
		size -= h.len;
		if (!(h.req_id & 7))
			drain(c);
	}
	xs_delete(&s, "/local");
	assert(store_nodes_of(&s.store, 1) == 0);
	assert(store_nodes_of(&s.store, 2) == 0);
	assert(store_bytes_of(&s.store, 1) == 0);
	assert(store_bytes_of(&s.store, 2) == 0);
	xs_server_fini(&s);
	return 0;
}
