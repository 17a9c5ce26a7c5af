/*
 * domain.h: the domains that dom0 knows, from definition to end.
 *
 * A domain is defined once, from its module; it may then run several times,
 * under a new id each time.
 */
#ifndef DOM0_DOMAIN_H
#define DOM0_DOMAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "dom0/builder.h"
#include "dom0/config.h"
#include "dom0/conmux.h"
#include "dom0/seldom.h"
#include "dom0/xs.h"
#include "kit/grant.h"
#include "kit/time.h"

enum domain_state {
	DOMAIN_OFF,		/* defined, or ended for good */
	DOMAIN_RUNNING,		/* exists in the hypervisor and is served */
	DOMAIN_PRESERVED,	/* ended, but kept to be looked at */
	DOMAIN_WAITING,		/* to be started, after others or a while */
};

struct domain {
	struct domain		*next;
	struct domain_config	 config;
	struct kernel_image	 image;
	enum domain_state	 state;
	uint32_t		 domid;		/* while not OFF or WAITING */
	uint64_t		 started_ns;
	uint64_t		 backoff_ns;	/* before the next restart */
	struct timer		 restart;	/* or its first start */
	bool			 awaits;	/* others, for its first start */

	struct con		 con;
	struct grant_mapping	 con_ring, xs_ring;
	int			 con_port, xs_port;
	struct xs_conn		*xs;

	bool			 vif_connected[VIFS_MAX];
	struct seldom		 vif_refused;

	int			 answer_port;	/* 0: it has none yet */
	struct seldom		 answer_refused;
	uint64_t		 answers;
	uint64_t		 asked_ns, answered_ns;
};

extern struct domain *domains;		/* in order of definition */
extern struct xs_server xs_server;
extern struct conmux conmux;

/* Called when a domain has been started; has ended, or could not be started. */
extern void (*domain_started_hook)(struct domain *d);
extern void (*domain_ended_hook)(struct domain *d, const char *reason);

void domains_init(void);

/* Define a domain; NULL without memory. */
struct domain *domain_define(const struct domain_config *c,
			     const struct kernel_image *im);
struct domain *domain_find(const char *name);
void domain_forget(struct domain *d);	/* one that is OFF */

/* n more domains like d, none paused: prefix1, prefix2 ..., up to the first that
 * does not start; the number started. */
unsigned int domain_clone(const struct domain *d, const char *prefix,
			  unsigned int n);

/* Build it and let it run; 0 or a negative errno, the reason printed. */
int domain_start(struct domain *d);
/* End it now, whatever it does, for good. */
void domain_destroy(struct domain *d);
/* Ask it by the store to "poweroff" or "reboot". */
void domain_ask(struct domain *d, const char *what);

/* Send it an event, if it has made a port for that; see kit/answer.h. */
bool domain_ping(struct domain *d);
/* Whether it has answered the last one. */
bool domain_answered(const struct domain *d);

#endif
