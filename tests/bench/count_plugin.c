/*
 * count_plugin.c: a plugin for QEMU 7.2 that counts how often each translated
 * block runs, and for how long by the clock of the host, in a file that others
 * map and read while the machine runs.
 *
 * Argument: counts=PATH.  The file is an array of struct block; the first one's
 * count is the number of those that follow.  Times are samples: a thread asks
 * every 100 us or so which block it is.  What the emulation does for a block,
 * filling its TLB say, is in the block's time; so is the call that counts, some
 * nanoseconds each, but not a halt.  One CPU only.
 *
 * What is used of QEMU's plugin interface is declared here, since Debian has no
 * package with its header.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define EXPORT	__attribute__((visibility("default")))
#define BLOCKS	(1u << 20)	/* the file is sparse */

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
void qemu_plugin_register_vcpu_tb_trans_cb(
	plugin_id id, void (*cb)(plugin_id id, struct qemu_plugin_tb *tb));
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
uint64_t qemu_plugin_tb_vaddr(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *
qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t i);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_tb_exec_cb(struct qemu_plugin_tb *tb,
					  void (*cb)(unsigned int cpu, void *ctx),
					  int flags, void *ctx);
#define CB_NO_REGS	0
#define HLT		0xf4

EXPORT int qemu_plugin_version = 1;

struct block {
	uint64_t address, insns, count, ns;
};

static struct block *blocks;
static struct block *running;		/* NULL: none, the CPU is halted */

static void runs(unsigned int cpu, void *ctx)
{
	struct block *b = ctx;

	(void)cpu;
	b->count++;
	__atomic_store_n(&running, b, __ATOMIC_RELAXED);
}

static void runs_and_halts(unsigned int cpu, void *ctx)
{
	runs(cpu, ctx);
	__atomic_store_n(&running, NULL, __ATOMIC_RELAXED);
}

/* Under QEMU's lock for translation. */
static void translated(plugin_id id, struct qemu_plugin_tb *tb)
{
	struct block *b;
	const uint8_t *last;

	(void)id;
	if (blocks->count == BLOCKS - 1)
		return;
	b = &blocks[blocks->count + 1];
	b->address = qemu_plugin_tb_vaddr(tb);
	b->insns = qemu_plugin_tb_n_insns(tb);
	last = qemu_plugin_insn_data(qemu_plugin_tb_get_insn(tb, b->insns - 1));
	qemu_plugin_register_vcpu_tb_exec_cb(
		tb, *last == HLT ? runs_and_halts : runs, CB_NO_REGS, b);
	__atomic_fetch_add(&blocks->count, 1, __ATOMIC_RELEASE);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void *samples(void *ctx)
{
	const struct timespec pause = { .tv_nsec = 50000 };
	uint64_t last = now_ns();

	(void)ctx;
	while (blocks) {
		struct block *b;
		uint64_t now;

		nanosleep(&pause, NULL);
		b = __atomic_load_n(&running, __ATOMIC_RELAXED);
		now = now_ns();
		if (b)
			b->ns += now - last;
		last = now;
	}
	return NULL;
}

EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc,
			       char **argv)
{
	size_t size = BLOCKS * sizeof(struct block);
	pthread_t sampler;
	int fd;

	(void)info;
	if (argc != 1 || strncmp(argv[0], "counts=", 7) != 0)
		return 1;
	fd = open(argv[0] + 7, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || ftruncate(fd, (off_t)size))
		return 1;
	blocks = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (blocks == MAP_FAILED ||
	    pthread_create(&sampler, NULL, samples, NULL))
		return 1;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	return 0;
}
