/*
 * client.h: talk to an appliance's API (HTTP, a bearer token).
 */
#ifndef TOOLS_CLIENT_H
#define TOOLS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include <curl/curl.h>

struct client {
	const char	*host;		/* "address", "name:port" */
	char		 token[256];
};

/*
 * host: of the command line, or NULL: $SLUICE_HOST.  token_file: likewise, or
 * NULL: $SLUICE_TOKEN.  An exit code; what is missing has been said.
 */
int client_init(struct client *c, const char *host, const char *token_file);

/* Text as a part of a query; free() it. */
char *client_escape(const char *text);

struct client_call {
	const char *path;		/* with its query */
	/* Bytes of the answer; what is not 0 ends the call. */
	int (*take)(void *ctx, const void *data, size_t len);
	/* Asked ten times a second: true says the server that no more of the
	 * answer is wanted; it ends it then. */
	bool (*enough)(void *ctx);
	void *ctx;
};

/*
 * One call.  An exit code: EXIT_OK when the answer came whole or take() ended
 * it; else why has been said: nobody answers, the token, or what the appliance
 * says is wrong.
 */
int client_get(const struct client *c, const struct client_call *call);

#endif
