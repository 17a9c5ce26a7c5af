/*
 * store.h: xenstore's tree, as values: a tree can be copied in no time, and
 * the copy changed without changing the first.
 *
 * Nodes are counted references and never change while more than one tree holds
 * them; a change copies the nodes on the way down from the root.  A transaction
 * is such a copy.  Paths here are absolute ("/" is the root), checked by
 * store_path_valid().  All errors are negative errno numbers.
 */
#ifndef DOM0_STORE_H
#define DOM0_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_PATH_MAX		3072	/* bytes, with the NUL */
#define STORE_VALUE_MAX		2048
#define STORE_PERMS_MAX		8
#define STORE_BYTES_MAX		24576	/* that the nodes of one domain other
					   than 0 take of dom0's memory */
#define STORE_DEPTH_MAX		24
#define STORE_CHILDREN_MAX	2048	/* of one node */

#define PERM_READ		1u
#define PERM_WRITE		2u

/* The first is the owner, and his perms are everybody else's. */
struct store_perm {
	uint32_t domid;
	uint32_t perms;
};

struct store_node;

struct store_owner {
	uint32_t domid;
	uint32_t nodes;
	size_t	 bytes;		/* that they take */
};

struct store {
	struct store_node  *root;
	struct store_owner *owners;	/* what each has, for the quota */
	unsigned int	    nr_owners;
};

int store_init(struct store *s);
void store_fini(struct store *s);
/* Make *copy a second tree with what s holds now. */
int store_copy(struct store *copy, const struct store *s);

bool store_path_valid(const char *path);

/* who: the domain that asks; 0 may do everything. */
int store_read(const struct store *s, uint32_t who, const char *path,
	       const void **value, size_t *len);
int store_write(struct store *s, uint32_t who, const char *path,
		const void *value, size_t len);
/* As store_write with no value, but leaves a node that exists as it is. */
int store_mkdir(struct store *s, uint32_t who, const char *path);
/* A node that is missing is removed already if its parent exists. */
int store_remove(struct store *s, uint32_t who, const char *path);
/* The names of the children, each NUL-ended; the length, or -E2BIG. */
int store_directory(const struct store *s, uint32_t who, const char *path,
		    char *buf, size_t size);
int store_get_perms(const struct store *s, uint32_t who, const char *path,
		    struct store_perm *perms, unsigned int *n);
int store_set_perms(struct store *s, uint32_t who, const char *path,
		    const struct store_perm *perms, unsigned int n);

/* The nodes that count against domain who, and the bytes. */
unsigned int store_nodes_of(const struct store *s, uint32_t who);
size_t store_bytes_of(const struct store *s, uint32_t who);

#endif
