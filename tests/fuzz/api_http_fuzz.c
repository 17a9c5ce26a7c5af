/*
 * api_http_fuzz.c: what strangers send to dom0's server.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dom0/http.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *buf = malloc(size + 1), value[16];
	struct http_request r;
	size_t len;

	memcpy(buf, data, size);
	len = http_head_len(buf, size);
	if (len && http_parse(buf, len, &r) == 0) {
		if (strlen(r.method) + strlen(r.path) + strlen(r.query) > len ||
		    (r.token && strlen(r.token) > len))
			abort();
		if (http_param(r.query, "port", value, sizeof(value)) >=
		    (int)sizeof(value))
			abort();
		http_secret_equal(r.token ? r.token : "", "secret");
	}
	free(buf);
	return 0;
}
