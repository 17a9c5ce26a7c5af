/*
 * rings.h: serving a domain's console and store rings.
 */
#ifndef DOM0_RINGS_H
#define DOM0_RINGS_H

#include <stddef.h>

struct built;
struct con;
struct domain;

/* Map the rings and bind their ports; 0 or a negative errno. */
int rings_attach(struct domain *d, const struct built *b);
void rings_detach(struct domain *d);

/* Serve what waits in both rings. */
void rings_serve(struct domain *d);
/* The same for the stores of all domains: one's request may wake another. */
void rings_serve_all(void);

/* Keys for a domain; dropped where its ring has no room. */
void rings_type(struct con *c, const char *buf, size_t len);

#endif
