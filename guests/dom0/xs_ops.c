/*
 * xs_ops.c: what each request means.
 */
#include "dom0/xs_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * The payload is strings.  The first ends with a NUL; what follows it is the
 * request's own affair.
 */
static const char *second_part(const struct xs_request *rq, size_t *len)
{
	size_t first = strlen(rq->data) + 1;

	*len = rq->len - first;
	return rq->data + first;
}

static int reply_text(struct xs_request *rq, const char *text)
{
	rq->reply_len = strlen(text) + 1;
	memcpy(rq->reply, text, rq->reply_len);
	return 0;
}

static int op_read(struct xs_request *rq)
{
	const void *value;
	size_t len;
	int rc = store_read(rq->store, rq->conn->domid, rq->path, &value, &len);

	if (rc)
		return rc;
	if (len)
		memcpy(rq->reply, value, len);
	rq->reply_len = len;
	return 0;
}

static int op_directory(struct xs_request *rq)
{
	int rc = store_directory(rq->store, rq->conn->domid, rq->path,
				 rq->reply, sizeof(rq->reply));

	if (rc < 0)
		return rc;
	rq->reply_len = rc;
	return 0;
}

static int changed(struct xs_request *rq, int rc)
{
	if (rc)
		return rc;
	rq->changed = true;
	return reply_text(rq, "OK");
}

static int op_write(struct xs_request *rq)
{
	size_t len;
	const char *value = second_part(rq, &len);

	return changed(rq, store_write(rq->store, rq->conn->domid, rq->path,
				       value, len));
}

static int op_mkdir(struct xs_request *rq)
{
	return changed(rq, store_mkdir(rq->store, rq->conn->domid, rq->path));
}

static int op_rm(struct xs_request *rq)
{
	return changed(rq, store_remove(rq->store, rq->conn->domid, rq->path));
}

static const char perm_letters[] = "nrwb";	/* by PERM_READ | PERM_WRITE */

static int op_get_perms(struct xs_request *rq)
{
	struct store_perm perms[STORE_PERMS_MAX];
	unsigned int n;
	int rc = store_get_perms(rq->store, rq->conn->domid, rq->path, perms,
				 &n);

	if (rc)
		return rc;
	for (unsigned int i = 0; i < n; i++)
		rq->reply_len += 1 + snprintf(
			rq->reply + rq->reply_len,
			sizeof(rq->reply) - rq->reply_len, "%c%u",
			perm_letters[perms[i].perms], perms[i].domid);
	return 0;
}

static int perm_parse(const char *text, struct store_perm *p)
{
	const char *letter = *text ? strchr(perm_letters, *text) : NULL;
	unsigned long domid;
	char *end;

	if (!letter || text[1] < '0' || text[1] > '9')
		return -EINVAL;
	domid = strtoul(text + 1, &end, 10);
	if (*end || domid > UINT16_MAX)
		return -EINVAL;
	*p = (struct store_perm){ domid, letter - perm_letters };
	return 0;
}

static int op_set_perms(struct xs_request *rq)
{
	struct store_perm perms[STORE_PERMS_MAX];
	unsigned int n = 0;
	size_t len;
	const char *text = second_part(rq, &len);

	while (len) {
		size_t one = strnlen(text, len);

		if (one == len || n == STORE_PERMS_MAX ||
		    perm_parse(text, &perms[n]))
			return -EINVAL;
		n++;
		text += one + 1;
		len -= one + 1;
	}
	return changed(rq, store_set_perms(rq->store, rq->conn->domid,
					   rq->path, perms, n));
}

static int domid_parse(const char *text, unsigned long *domid)
{
	char *end;

	*domid = strtoul(text, &end, 10);
	return *text < '0' || *text > '9' || *end || *domid > UINT16_MAX ?
		-EINVAL : 0;
}

static int op_get_domain_path(struct xs_request *rq)
{
	unsigned long domid;

	if (domid_parse(rq->data, &domid))
		return -EINVAL;
	rq->reply_len = 1 + snprintf(rq->reply, sizeof(rq->reply),
				     "/local/domain/%lu", domid);
	return 0;
}

static int op_is_introduced(struct xs_request *rq)
{
	unsigned long domid;

	if (domid_parse(rq->data, &domid))
		return -EINVAL;
	for (struct xs_conn *c = rq->conn->server->conns; c; c = c->next)
		if (c->domid == domid)
			return reply_text(rq, "T");
	return reply_text(rq, "F");
}

/* path NUL token NUL */
static int watch_token(const struct xs_request *rq, const char **token)
{
	size_t len;

	*token = second_part(rq, &len);
	return !len || strnlen(*token, len) == len ? -EINVAL : 0;
}

static int op_watch(struct xs_request *rq)
{
	const char *token;
	int rc = watch_token(rq, &token);

	if (!rc)
		rc = xs_watch_add(rq->conn, rq->data, token, &rq->watch);
	return rc ? rc : reply_text(rq, "OK");
}

static int op_unwatch(struct xs_request *rq)
{
	const char *token;
	int rc = watch_token(rq, &token);

	if (!rc)
		rc = xs_watch_remove(rq->conn, rq->data, token);
	return rc ? rc : reply_text(rq, "OK");
}

static int op_reset_watches(struct xs_request *rq)
{
	xs_watches_free(rq->conn);
	while (rq->conn->transactions)
		xs_transaction_free(rq->conn, rq->conn->transactions);
	return reply_text(rq, "OK");
}

static const struct op {
	int (*serve)(struct xs_request *rq);
	bool path;		/* the first string is a path in the store */
} ops[XS_TYPE_COUNT] = {
	[XS_DIRECTORY] = { op_directory, true },
	[XS_READ] = { op_read, true },
	[XS_GET_PERMS] = { op_get_perms, true },
	[XS_SET_PERMS] = { op_set_perms, true },
	[XS_WRITE] = { op_write, true },
	[XS_MKDIR] = { op_mkdir, true },
	[XS_RM] = { op_rm, true },
	[XS_WATCH] = { op_watch },
	[XS_UNWATCH] = { op_unwatch },
	[XS_RESET_WATCHES] = { op_reset_watches },
	[XS_GET_DOMAIN_PATH] = { op_get_domain_path },
	[XS_IS_DOMAIN_INTRODUCED] = { op_is_introduced },
};

int xs_path(const struct xs_conn *c, const char *data, char *path)
{
	int len;

	if (*data == '/')
		len = snprintf(path, STORE_PATH_MAX, "%s", data);
	else
		len = snprintf(path, STORE_PATH_MAX, "/local/domain/%u/%s",
			       c->domid, data);
	if (len >= STORE_PATH_MAX || !store_path_valid(path))
		return -EINVAL;
	return 0;
}

int xs_serve(struct xs_request *rq)
{
	const struct op *op = &ops[rq->type];

	rq->reply_len = 0;
	rq->changed = false;
	rq->watch = NULL;
	if (!op->serve)
		return -ENOSYS;
	if (strnlen(rq->data, rq->len) == rq->len)
		return -EINVAL;		/* no NUL */
	if (op->path && xs_path(rq->conn, rq->data, rq->path))
		return -EINVAL;
	return op->serve(rq);
}
