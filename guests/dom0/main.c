#include "kit/kit.h"
#include "kit/mm.h"
#include "kit/time.h"
#include "kit/event.h"
#include "kit/console.h"
static struct timer t;
static void tick(void *a)
{
	printf("tick %lu ms wall %lu\n", time_now()/1000000, time_wall_s());
	timer_set(&t, time_now() + SECONDS, tick, 0);
}
static void in(const char *b, size_t n) { console_write(b, n); }
int guest_main(void)
{
	printf("dom0: %lu pages, %zu free, up %lu ms\n", start_info->nr_pages, pages_nr_free(), time_now()/1000000);
	void *p = pages_alloc(10);
	for (int i = 0; i < 10; i++) *(volatile char*)((char *)p + 4096*i) = 1;
	console_on_input(in);
	tick(0);
	event_loop();
}
