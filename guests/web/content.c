/*
 * content.c: the ramdisk's file of that path, its index.html, or the page that
 * this guest makes itself: at /status, and at / where there is no other.
 */
#include "web/content.h"

#include <string.h>

#include <lwip/netif.h>

#include "kit/kit.h"
#include "kit/time.h"
#include "kit/xenbus.h"
#include "net/net.h"
#include "web/files.h"
#include "web/server.h"

#define STATUS_PATH	"/status"
#define PAGE_MAX	2048

static struct archive archive;
static char name[64] = "?";

void content_init(void)
{
	int n;

	xs_read(XS_NO_TRANSACTION, "name", name, sizeof(name));
	if (!start_info->mod_len)
		return;
	n = archive_init(&archive, (const void *)start_info->mod_start,
			 start_info->mod_len);
	if (n < 0)
		printf("web: the ramdisk is no cpio archive (newc)\n");
	else
		printf("web: %d files\n", n);
}

/* By the name's ending. */
static const char *media_type(const char *path)
{
	static const struct {
		const char *ending, *type;
	} table[] = {
		{ "html", "text/html; charset=utf-8" },
		{ "htm", "text/html; charset=utf-8" },
		{ "txt", "text/plain; charset=utf-8" },
		{ "css", "text/css" },
		{ "js", "text/javascript" },
		{ "json", "application/json" },
		{ "svg", "image/svg+xml" },
		{ "png", "image/png" },
		{ "jpg", "image/jpeg" },
		{ "gif", "image/gif" },
		{ "ico", "image/x-icon" },
		{ "pdf", "application/pdf" },
		{ "wasm", "application/wasm" },
	};
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot && i < sizeof(table) / sizeof(table[0]); i++)
		if (!strcmp(dot + 1, table[i].ending))
			return table[i].type;
	return "application/octet-stream";
}

/* For a reader with a browser: the way on to the other server. */
static void link_add(char *page, size_t size)
{
	size_t len = strlen(page);

	if (*forward_prefix())
		snprintf(page + len, size - len,
			 "<p><a href=\"%s\">%s</a> is asked of the server at "
			 "%s.</p>\n", forward_prefix(), forward_prefix(),
			 forward_server());
}

static void status_page(struct answer *a)
{
	static char page[PAGE_MAX];
	uint64_t ms = time_now() / MILLISECONDS;
	char ip[IPADDR_STRLEN_MAX];

	ipaddr_ntoa_r(netif_ip_addr4(&net_if), ip, sizeof(ip));
	snprintf(page, sizeof(page),
		 "<!doctype html>\n<title>%s</title>\n"
		 "<style>body { max-width: 40em; margin: 3em auto; "
		 "font-family: sans-serif }\n"
		 "td { padding: 0.2em 2em 0.2em 0 }</style>\n"
		 "<h1>%s</h1>\n"
		 "<p>This page comes from domain <b>%s</b>, through the "
		 "firewall of Sluice.</p>\n"
		 "<table>\n"
		 "<tr><td>address<td>%s\n"
		 "<tr><td>up<td>%lu.%03lu s\n"
		 "<tr><td>requests<td>%lu\n"
		 "<tr><td>connections<td>%lu, %u open\n"
		 "</table>\n",
		 name, name, name, ip, ms / 1000, ms % 1000,
		 server_counters.requests, server_counters.connections,
		 server_counters.open);
	link_add(page, sizeof(page));
	*a = (struct answer){
		.status = 200,
		.type = media_type(".html"),
		.body = page,
		.len = strlen(page),
	};
}

static bool file_answer(const char *path, struct answer *a)
{
	char index[WEB_PATH_MAX + 16];
	const char *data;
	size_t len;

	if (path[strlen(path) - 1] == '/') {
		snprintf(index, sizeof(index), "%sindex.html", path);
		path = index;
	}
	if (!archive_find(&archive, path, &data, &len))
		return false;
	*a = (struct answer){
		.status = 200,
		.type = media_type(path),
		.body = data,
		.len = len,
		.lasting = true,
	};
	return true;
}

void content_find(const char *path, struct answer *a)
{
	static const char missing[] = "There is no such page.\n";

	if (file_answer(path, a))
		return;
	if (!strcmp(path, STATUS_PATH) || !strcmp(path, "/")) {
		status_page(a);
		return;
	}
	*a = (struct answer){
		.status = 404,
		.type = media_type(".txt"),
		.body = missing,
		.len = sizeof(missing) - 1,
		.lasting = true,
	};
}
