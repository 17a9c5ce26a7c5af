/*
 * buddy_test.c: the frame allocator on two CPUs at once: no frame is given to
 * both, and at the end all are free and in one piece again.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../xen-core/mm/mm_private.h"

#define ORDER		6
#define NR_FRAMES	(1u << ORDER)	/* from this number on */
#define NR_CPUS		2
#define MINE		(NR_FRAMES / NR_CPUS / 2) /* of each CPU, at most */
#define ROUNDS		200000

struct page *frame_table;
uint64_t max_mfn = 2 * NR_FRAMES - 1;

void tlb_flush_stale(uint32_t stamp)
{
}

static uint8_t taken[2 * NR_FRAMES];

static struct page *take(void)
{
	struct page *pg = frames_alloc(0);

	assert(pg);
	assert(!__atomic_exchange_n(&taken[page_mfn(pg).n], 1,
				    __ATOMIC_RELAXED));
	return pg;
}

static void give(struct page *pg)
{
	__atomic_store_n(&taken[page_mfn(pg).n], 0, __ATOMIC_RELAXED);
	frames_free(pg, 0);
}

static void *cpu(void *arg)
{
	struct page *mine[MINE] = { NULL };
	uint32_t seed = *(const uint32_t *)arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct page **pg;

		seed = seed * 1664525 + 1013904223;
		pg = &mine[(seed >> 16) % MINE];
		if (*pg) {
			give(*pg);
			*pg = NULL;
		} else {
			*pg = take();
		}
	}
	for (unsigned i = 0; i < MINE; i++)
		if (mine[i])
			give(mine[i]);
	return NULL;
}

static void test_two_cpus(void **state)
{
	uint32_t seed[NR_CPUS];
	pthread_t id[NR_CPUS];
	struct page *all;

	frame_table = calloc(max_mfn + 1, sizeof(*frame_table));
	frames_add(MFN(NR_FRAMES), MFN(max_mfn + 1));
	for (unsigned i = 0; i < NR_CPUS; i++) {
		seed[i] = i;
		assert_int_equal(pthread_create(&id[i], NULL, cpu, &seed[i]),
				 0);
	}
	for (unsigned i = 0; i < NR_CPUS; i++)
		assert_int_equal(pthread_join(id[i], NULL), 0);
	assert_int_equal(frames_free_count(), NR_FRAMES);
	all = frames_alloc(ORDER);
	assert_ptr_equal(all, &frame_table[NR_FRAMES]);
	assert_null(frames_alloc(0));
	free(frame_table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_two_cpus),
	};

	return cmocka_run_group_tests_name("buddy", tests, NULL, NULL);
}
