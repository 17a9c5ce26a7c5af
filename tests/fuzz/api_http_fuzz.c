/*
 * api_http_fuzz.c: what strangers send to dom0's server.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dom0/request.h"

#define MAX	16384

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct http_request r;
	char value[16];
	int n;

	if (http_request_read((const char *)data, size, MAX, &r) <= 0)
		return 0;
	n = query_param(r.query, "port", value, sizeof(value));
	if (n >= (int)sizeof(value) || (n >= 0 && strlen(value) != (size_t)n))
		abort();
	if (secret_equal(request_token(&r), "secret") &&
	    !memmem(data, size, "secret", 6))
		abort();
	return 0;
}
