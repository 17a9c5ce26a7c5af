/*
 * count_plugin.c: a plugin for QEMU 7.2 that counts how often each translated
 * block runs, in a file that others map and read while the machine runs.
 *
 * Argument: counts=PATH.  The file is an array of struct block; the first one's
 * count is the number of those that follow.  What is used of QEMU's plugin
 * interface is declared here, since Debian has no package with its header.
 */
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define EXPORT	__attribute__((visibility("default")))
#define BLOCKS	(1u << 20)	/* the file is sparse */

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
void qemu_plugin_register_vcpu_tb_trans_cb(
	plugin_id id, void (*cb)(plugin_id id, struct qemu_plugin_tb *tb));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb,
					      int op, void *at, uint64_t n);
#define INLINE_ADD_U64	0

EXPORT int qemu_plugin_version = 1;

struct block {
	uint64_t address, insns, count;
};

static struct block *blocks;

/* Under QEMU's lock for translation. */
static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
	struct block *b;

	(void)id;
	if (blocks->count == BLOCKS - 1)
		return;
	b = &blocks[blocks->count + 1];
	b->address = qemu_plugin_tb_vaddr(tb);
	b->insns = qemu_plugin_tb_n_insns(tb);
	qemu_plugin_register_vcpu_tb_exec_inline(tb, INLINE_ADD_U64, &b->count,
						 1);
	__atomic_fetch_add(&blocks->count, 1, __ATOMIC_RELEASE);
}

EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc,
			       char **argv)
{
	size_t size = BLOCKS * sizeof(struct block);
	int fd;

	(void)info;
	if (argc != 1 || strncmp(argv[0], "counts=", 7) != 0)
		return 1;
	fd = open(argv[0] + 7, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || ftruncate(fd, (off_t)size))
		return 1;
	blocks = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (blocks == MAP_FAILED)
		return 1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
