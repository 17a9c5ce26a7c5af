/*
 * xs_watch.c: who wants to hear of which changes.
 *
 * A watch fires for changes at its path and below, and when its own node goes
 * with a removed ancestor.
 */
#include "dom0/xs_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void watch_free(struct xs_watch *w)
{
	free(w->path);
	free(w->token);
	free(w);
}

static size_t watch_bytes(const char *path, const char *token)
{
	return sizeof(struct xs_watch) + strlen(path) + strlen(token) +
	       3 * XS_HEAP_BYTES;
}

/* Whether path is dir itself or lies below it. */
static bool below(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	if (len == 1)
		return *path == '/';
	return !strncmp(path, dir, len) && (!path[len] || path[len] == '/');
}

static void watch_send(struct xs_conn *c, const struct xs_watch *w,
		       const char *path)
{
	char data[XENSTORE_PAYLOAD_MAX];
	size_t path_len = strlen(path + w->skip) + 1;
	size_t token_len = strlen(w->token) + 1;

	if (path_len + token_len > sizeof(data))
		return;
	memcpy(data, path + w->skip, path_len);
	memcpy(data + path_len, w->token, token_len);
	if (!xs_send(c, XS_WATCH_EVENT, 0, 0, data, path_len + token_len))
		c->events_lost++;
}

/* May c know of path?  Where it is gone now, what counts is how it was. */
static bool visible(const struct xs_conn *c, const struct store *before,
		    const struct store *after, const char *path)
{
	const void *value;
	size_t len;
	int rc = store_read(after, c->domid, path, &value, &len);

	if (rc == -ENOENT)
		rc = store_read(before, c->domid, path, &value, &len);
	return rc == 0;
}

static bool existed(const struct store *before, const char *path)
{
	const void *value;
	size_t len;

	return store_read(before, 0, path, &value, &len) == 0;
}

void xs_watches_fire(struct xs_server *s, const struct store *before,
		     const struct store *after, const char *path)
{
	bool removed = !existed(after, path);

	s->changes++;
	for (struct xs_conn *c = s->conns; c; c = c->next) {
		for (struct xs_watch *w = c->watches; w; w = w->next) {
			if (below(path, w->path)) {
				if (visible(c, before, after, path))
					watch_send(c, w, path);
			} else if (removed && below(w->path, path) &&
				   existed(before, w->path)) {
				if (visible(c, before, after, w->path))
					watch_send(c, w, w->path);
			}
		}
	}
	if (s->changed)
		s->changed(s->changed_arg, path);
}

void xs_special(struct xs_server *s, const char *name)
{
	for (struct xs_conn *c = s->conns; c; c = c->next)
		for (struct xs_watch *w = c->watches; w; w = w->next)
			if (!strcmp(w->path, name))
				watch_send(c, w, name);
}

static struct xs_watch **watch_find(struct xs_conn *c, const char *path,
				    const char *token)
{
	struct xs_watch **link;

	for (link = &c->watches; *link; link = &(*link)->next)
		if (!strcmp((*link)->path, path) &&
		    !strcmp((*link)->token, token))
			break;
	return link;
}

static int watch_path(struct xs_conn *c, const char *path, char *full)
{
	if (*path != '@')
		return xs_path(c, path, full);
	if (c->domid)
		return -EACCES;
	if (strcmp(path, "@introduceDomain") && strcmp(path, "@releaseDomain"))
		return -EINVAL;
	strcpy(full, path);
	return 0;
}

void xs_watch_first(struct xs_conn *c, const struct xs_watch *w)
{
	watch_send(c, w, w->path);
}

int xs_watch_add(struct xs_conn *c, const char *path, const char *token,
		 struct xs_watch **added)
{
	char full[STORE_PATH_MAX];
	struct xs_watch *w;
	int rc = watch_path(c, path, full);

	if (rc)
		return rc;
	if (*watch_find(c, full, token))
		return -EEXIST;
	if (c->domid && c->nr_watches >= XS_WATCHES_MAX)
		return -ENOSPC;
	rc = xs_room(c, watch_bytes(full, token));
	if (rc)
		return rc;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->path = strdup(full);
	w->token = strdup(token);
	if (!w->path || !w->token) {
		watch_free(w);
		return -ENOMEM;
	}
	if (*path != '/' && *path != '@')
		w->skip = strlen(full) - strlen(path);
	w->next = c->watches;
	c->watches = w;
	c->nr_watches++;
	c->watch_bytes += watch_bytes(full, token);
	*added = w;
	return 0;
}

int xs_watch_remove(struct xs_conn *c, const char *path, const char *token)
{
	char full[STORE_PATH_MAX];
	struct xs_watch **link, *w;
	int rc = watch_path(c, path, full);

	if (rc)
		return rc;
	link = watch_find(c, full, token);
	w = *link;
	if (!w)
		return -ENOENT;
	*link = w->next;
	c->watch_bytes -= watch_bytes(w->path, w->token);
	watch_free(w);
	c->nr_watches--;
	return 0;
}

void xs_watches_free(struct xs_conn *c)
{
	while (c->watches) {
		struct xs_watch *w = c->watches;

		c->watches = w->next;
		watch_free(w);
	}
	c->nr_watches = 0;
	c->watch_bytes = 0;
}
