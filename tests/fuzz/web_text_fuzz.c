/*
 * web_text_fuzz.c: any bytes as a request, and as a ramdisk, of guests/web.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "http/http.h"
#include "web/files.h"
#include "web/request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the rest of the guest relies on. */
static void request_check(const char *text, size_t size)
{
	struct web_request r;
	int n = web_request_read(text, size, &r);

	if (n > 0 && ((size_t)n > size || n > WEB_REQUEST_MAX ||
		      r.path[0] != '/' || strlen(r.path) >= WEB_PATH_MAX ||
		      strstr(r.path, "/../") || strchr(r.path, '\n')))
		abort();
	if (n < 0 && !strcmp(http_reason(-n), "?"))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct archive a;
	const char *file;
	size_t len;

	request_check((const char *)data, size);
	archive_init(&a, data, size);
	if (archive_find(&a, "/index.html", &file, &len) &&
	    (file < a.data || len > size ||
	     (size_t)(file - a.data) > size - len))
		abort();
	return 0;
}
