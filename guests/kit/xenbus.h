/*
 * xenbus.h: the guest's connection to xenstore.
 *
 * Every call waits for its answer; paths may be relative to the guest's own
 * directory.  Errors are negative errno numbers of the store's answer.
 */
#ifndef KIT_XENBUS_H
#define KIT_XENBUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <xen/xen.h>
#include <xen/io/xs_wire.h>

#define XS_NO_TRANSACTION 0

void xenbus_init(void);

/*
 * One request: type with len bytes of data.  The answer's payload, with a NUL
 * after it, goes into reply; its length, or a negative errno.
 */
int xs_request(unsigned int type, uint32_t tx, const void *data, size_t len,
	       char *reply, size_t reply_size);

/* The node's value as a string; its length. */
int xs_read(uint32_t tx, const char *path, char *buf, size_t size);
int xs_write(uint32_t tx, const char *path, const char *value);
int xs_remove(uint32_t tx, const char *path);

/* Call fn(path) from event_dispatch() when something at or below path changes. */
int xs_watch(const char *path, void (*fn)(const char *path));

/* The id of a new transaction, or a negative errno. */
int64_t xs_transaction_start(void);
int xs_transaction_end(uint32_t tx, bool commit);

#endif
