/*
 * store.c: a persistent tree with permissions and quotas.
 *
 * Reading never copies.  Writing first makes the path private: from the root
 * down, each node that another tree holds too is replaced by a copy of its
 * own.  All checks come before that, so a refused change changes nothing.
 */
#include "dom0/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct store_node {
	unsigned int	    refs;
	unsigned int	    nr_children;
	unsigned int	    nr_perms;
	size_t		    len;
	struct store_perm   perms[STORE_PERMS_MAX];
	struct store_node **children;	/* in order of name */
	uint8_t		   *value;
	char		    name[];
};

/* Its place among its parent's children, and what the heap keeps of each. */
#define NODE_OVERHEAD	64

/* -- nodes ---------------------------------------------------------------- */

static void node_put(struct store_node *n)
{
	if (!n || --n->refs)
		return;
	for (unsigned int i = 0; i < n->nr_children; i++)
		node_put(n->children[i]);
	free(n->children);
	free(n->value);
	free(n);
}

static struct store_node *node_new(const char *name, size_t len)
{
	struct store_node *n = calloc(1, sizeof(*n) + len + 1);

	if (n) {
		n->refs = 1;
		memcpy(n->name, name, len);
	}
	return n;
}

static struct store_node *node_clone(const struct store_node *from)
{
	struct store_node *n = node_new(from->name, strlen(from->name));

	if (!n)
		return NULL;
	n->nr_perms = from->nr_perms;
	memcpy(n->perms, from->perms, sizeof(n->perms));
	if (from->len) {
		n->value = malloc(from->len);
		if (!n->value)
			goto out_node;
		memcpy(n->value, from->value, from->len);
		n->len = from->len;
	}
	if (from->nr_children) {
		size_t bytes = from->nr_children * sizeof(*n->children);

		n->children = malloc(bytes);
		if (!n->children)
			goto out_node;
		memcpy(n->children, from->children, bytes);
		n->nr_children = from->nr_children;
		for (unsigned int i = 0; i < n->nr_children; i++)
			n->children[i]->refs++;
	}
	return n;
out_node:
	node_put(n);
	return NULL;
}

/* Where the child of that name is, or would be. */
static unsigned int child_index(const struct store_node *n, const char *name,
				size_t len, bool *found)
{
	unsigned int low = 0, high = n->nr_children;

	*found = false;
	while (low < high) {
		unsigned int mid = (low + high) / 2;
		const char *other = n->children[mid]->name;
		int cmp = strncmp(other, name, len);

		if (!cmp && other[len])
			cmp = 1;
		if (!cmp) {
			*found = true;
			return mid;
		}
		if (cmp < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int child_insert(struct store_node *n, unsigned int at,
			struct store_node *child)
{
	struct store_node **children;

	if (n->nr_children >= STORE_CHILDREN_MAX)
		return -ENOSPC;
	children = realloc(n->children,
			   (n->nr_children + 1) * sizeof(*children));
	if (!children)
		return -ENOMEM;
	n->children = children;
	memmove(children + at + 1, children + at,
		(n->nr_children - at) * sizeof(*children));
	children[at] = child;
	n->nr_children++;
	return 0;
}

/* -- paths ---------------------------------------------------------------- */

bool store_path_valid(const char *path)
{
	size_t len = strlen(path);
	unsigned int depth = 0;

	if (*path != '/' || len >= STORE_PATH_MAX)
		return false;
	if (len == 1)
		return true;
	for (size_t i = 0; i < len; i++) {
		char c = path[i];

		if (c == '/') {
			depth++;
			if (path[i + 1] == '/' || !path[i + 1])
				return false;
		} else if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9') || strchr("-_@+:.,", c))) {
			return false;
		}
	}
	return depth <= STORE_DEPTH_MAX;
}

/* The next name of a path: its length, with *path moved to its start. */
static size_t path_next(const char **path)
{
	const char *p = *path;

	while (*p == '/')
		p++;
	*path = p;
	while (*p && *p != '/')
		p++;
	return p - *path;
}

/*
 * Follow path as far as it exists.  *rest is what remains of it ("" where the
 * node itself was found).
 */
static struct store_node *path_walk(const struct store *s, const char *path,
				    const char **rest)
{
	struct store_node *n = s->root;
	size_t len;

	while ((len = path_next(&path))) {
		bool found;
		unsigned int i = child_index(n, path, len, &found);

		if (!found)
			break;
		n = n->children[i];
		path += len;
	}
	*rest = path;
	return n;
}

static struct store_node *path_find(const struct store *s, const char *path)
{
	const char *rest;
	struct store_node *n = path_walk(s, path, &rest);

	return *rest ? NULL : n;
}

/*
 * Make every node on the way to path, as far as it exists, this tree's own.
 * The last of them, or NULL without memory.
 */
static struct store_node *path_own(struct store *s, const char *path,
				   size_t path_len)
{
	const char *end = path + path_len;
	struct store_node **link = &s->root;

	for (;;) {
		struct store_node *n = *link;
		bool found = false;
		unsigned int i = 0;
		size_t len;

		if (n->refs > 1) {
			n = node_clone(n);
			if (!n)
				return NULL;
			(*link)->refs--;
			*link = n;
		}
		len = path_next(&path);
		if (len && path < end)
			i = child_index(n, path, len, &found);
		if (!found)
			return n;
		link = &n->children[i];
		path += len;
	}
}

/* What a node takes of dom0's memory. */
static size_t node_bytes(size_t name_len, size_t value_len)
{
	return sizeof(struct store_node) + NODE_OVERHEAD + name_len + value_len;
}

/* -- permissions and quotas ----------------------------------------------- */

static unsigned int perms_of(const struct store_node *n, uint32_t who)
{
	if (who == 0 || n->perms[0].domid == who)
		return PERM_READ | PERM_WRITE;
	for (unsigned int i = 1; i < n->nr_perms; i++)
		if (n->perms[i].domid == who)
			return n->perms[i].perms;
	return n->perms[0].perms;
}

static bool may(const struct store_node *n, uint32_t who, unsigned int perm)
{
	return perms_of(n, who) & perm;
}

static struct store_owner *owner_find(const struct store *s, uint32_t domid)
{
	for (unsigned int i = 0; i < s->nr_owners; i++)
		if (s->owners[i].domid == domid)
			return &s->owners[i];
	return NULL;
}

/* A place to count the nodes of domid, or NULL without memory. */
static struct store_owner *owner_get(struct store *s, uint32_t domid)
{
	struct store_owner *o = owner_find(s, domid);

	if (o)
		return o;
	o = realloc(s->owners, (s->nr_owners + 1) * sizeof(*o));
	if (!o)
		return NULL;
	s->owners = o;
	o += s->nr_owners++;
	*o = (struct store_owner){ .domid = domid };
	return o;
}

/* n is one of domid's from now on, who has a place. */
static void owner_add(struct store *s, uint32_t domid,
		      const struct store_node *n)
{
	struct store_owner *o = owner_find(s, domid);

	o->nodes++;
	o->bytes += node_bytes(strlen(n->name), n->len);
}

static void owner_drop(struct store *s, uint32_t domid,
		       const struct store_node *n)
{
	struct store_owner *o = owner_find(s, domid);

	if (!o)
		return;
	o->bytes -= node_bytes(strlen(n->name), n->len);
	if (--o->nodes == 0)
		*o = s->owners[--s->nr_owners];
}

static void owners_drop_tree(struct store *s, const struct store_node *n)
{
	owner_drop(s, n->perms[0].domid, n);
	for (unsigned int i = 0; i < n->nr_children; i++)
		owners_drop_tree(s, n->children[i]);
}

unsigned int store_nodes_of(const struct store *s, uint32_t who)
{
	struct store_owner *o = owner_find(s, who);

	return o ? o->nodes : 0;
}

size_t store_bytes_of(const struct store *s, uint32_t who)
{
	struct store_owner *o = owner_find(s, who);

	return o ? o->bytes : 0;
}

/* -- whole trees ---------------------------------------------------------- */

int store_init(struct store *s)
{
	*s = (struct store){ .root = node_new("", 0) };
	if (!s->root)
		return -ENOMEM;
	s->root->nr_perms = 1;
	s->root->perms[0].perms = PERM_READ;
	if (!owner_get(s, 0)) {
		store_fini(s);
		return -ENOMEM;
	}
	owner_add(s, 0, s->root);
	return 0;
}

void store_fini(struct store *s)
{
	node_put(s->root);
	free(s->owners);
	*s = (struct store){ 0 };
}

int store_copy(struct store *copy, const struct store *s)
{
	size_t bytes = s->nr_owners * sizeof(*s->owners);

	copy->owners = malloc(bytes);
	if (!copy->owners)
		return -ENOMEM;
	memcpy(copy->owners, s->owners, bytes);
	copy->nr_owners = s->nr_owners;
	copy->root = s->root;
	copy->root->refs++;
	return 0;
}

/* -- operations ----------------------------------------------------------- */

int store_read(const struct store *s, uint32_t who, const char *path,
	       const void **value, size_t *len)
{
	const struct store_node *n = path_find(s, path);

	if (!n)
		return -ENOENT;
	if (!may(n, who, PERM_READ))
		return -EACCES;
	*value = n->value;
	*len = n->len;
	return 0;
}

/* A child of n by that name; it takes n's permissions but belongs to who. */
static struct store_node *child_create(struct store *s, uint32_t who,
				       struct store_node *n, const char *name,
				       size_t len)
{
	struct store_node *child = node_new(name, len);
	bool found;

	if (!child)
		return NULL;
	child->nr_perms = n->nr_perms;
	memcpy(child->perms, n->perms, sizeof(child->perms));
	if (who)
		child->perms[0].domid = who;
	if (!owner_get(s, child->perms[0].domid) ||
	    child_insert(n, child_index(n, name, len, &found), child)) {
		node_put(child);
		return NULL;
	}
	owner_add(s, child->perms[0].domid, child);
	return child;
}

/* What the nodes of path take, without values. */
static size_t path_bytes(const char *path)
{
	size_t bytes = 0, len;

	for (; (len = path_next(&path)); path += len)
		bytes += node_bytes(len, 0);
	return bytes;
}

/*
 * May who have a value of len bytes at n, or at rest below it?  It counts
 * against the owner, and a value that gets no longer always fits.
 */
static bool has_room(const struct store *s, uint32_t who,
		     const struct store_node *n, const char *rest, size_t len)
{
	uint32_t owner = *rest ? who : n->perms[0].domid;
	size_t old = *rest ? 0 : n->len;
	size_t bytes = store_bytes_of(s, owner) + path_bytes(rest) + len - old;

	return !who || !owner || (!*rest && len <= old) ||
	       bytes <= STORE_BYTES_MAX;
}

/*
 * The node of path, this tree's own, with all that is missing of it created.
 * It is to get a value of value_len bytes.
 * At most one level can fail for want of room after the checks, and what was
 * created before stays: an empty node, as mkdir would leave.
 */
static int node_create(struct store *s, uint32_t who, const char *path,
		       size_t value_len, struct store_node **node)
{
	const char *rest;
	struct store_node *n = path_walk(s, path, &rest);
	size_t len;

	if (!may(n, who, PERM_WRITE))
		return -EACCES;
	if (!has_room(s, who, n, rest, value_len))
		return -ENOSPC;
	if (*rest && n->nr_children >= STORE_CHILDREN_MAX)
		return -ENOSPC;
	n = path_own(s, path, strlen(path));
	for (; n && (len = path_next(&rest)); rest += len)
		n = child_create(s, who, n, rest, len);
	*node = n;
	return n ? 0 : -ENOMEM;
}

int store_write(struct store *s, uint32_t who, const char *path,
		const void *value, size_t len)
{
	uint8_t *copy = NULL;
	struct store_node *n;
	int rc;

	if (len > STORE_VALUE_MAX)
		return -ENOSPC;
	if (len) {
		copy = malloc(len);
		if (!copy)
			return -ENOMEM;
		memcpy(copy, value, len);
	}
	rc = node_create(s, who, path, len, &n);
	if (rc) {
		free(copy);
		return rc;
	}
	owner_find(s, n->perms[0].domid)->bytes += len - n->len;
	free(n->value);
	n->value = copy;
	n->len = len;
	return 0;
}

int store_mkdir(struct store *s, uint32_t who, const char *path)
{
	struct store_node *n;

	if (path_find(s, path))
		return 0;
	return node_create(s, who, path, 0, &n);
}

int store_remove(struct store *s, uint32_t who, const char *path)
{
	const char *rest, *name = strrchr(path, '/') + 1;
	struct store_node *n = path_walk(s, path, &rest), *parent;
	unsigned int i;
	bool found;

	if (!*name)
		return -EINVAL;		/* the root */
	if (*rest)
		return strchr(rest, '/') ? -ENOENT : 0;
	if (!may(n, who, PERM_WRITE))
		return -EACCES;
	parent = path_own(s, path, name - path);
	if (!parent)
		return -ENOMEM;
	i = child_index(parent, name, strlen(name), &found);
	n = parent->children[i];
	parent->nr_children--;
	memmove(parent->children + i, parent->children + i + 1,
		(parent->nr_children - i) * sizeof(*parent->children));
	owners_drop_tree(s, n);
	node_put(n);
	return 0;
}

int store_directory(const struct store *s, uint32_t who, const char *path,
		    char *buf, size_t size)
{
	const struct store_node *n = path_find(s, path);
	size_t used = 0;

	if (!n)
		return -ENOENT;
	if (!may(n, who, PERM_READ))
		return -EACCES;
	for (unsigned int i = 0; i < n->nr_children; i++) {
		size_t len = strlen(n->children[i]->name) + 1;

		if (len > size - used)
			return -E2BIG;
		memcpy(buf + used, n->children[i]->name, len);
		used += len;
	}
	return used;
}

int store_get_perms(const struct store *s, uint32_t who, const char *path,
		    struct store_perm *perms, unsigned int *n)
{
	const struct store_node *node = path_find(s, path);

	if (!node)
		return -ENOENT;
	if (!may(node, who, PERM_READ))
		return -EACCES;
	*n = node->nr_perms;
	memcpy(perms, node->perms, *n * sizeof(*perms));
	return 0;
}

int store_set_perms(struct store *s, uint32_t who, const char *path,
		    const struct store_perm *perms, unsigned int n)
{
	struct store_node *node = path_find(s, path);
	uint32_t owner;

	if (!node)
		return -ENOENT;
	owner = node->perms[0].domid;
	if (who && (who != owner || !n || perms[0].domid != who))
		return -EACCES;		/* only dom0 gives nodes away */
	if (!n || n > STORE_PERMS_MAX)
		return n ? -ENOSPC : -EINVAL;
	node = path_own(s, path, strlen(path));
	if (!node || !owner_get(s, perms[0].domid))
		return -ENOMEM;
	owner_add(s, perms[0].domid, node);
	owner_drop(s, owner, node);
	memcpy(node->perms, perms, n * sizeof(*perms));
	node->nr_perms = n;
	return 0;
}
