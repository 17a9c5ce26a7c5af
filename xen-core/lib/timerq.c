/*
 * timerq.c: a pairing heap (Fredman, Sedgewick, Sleator and Tarjan, 1986).
 *
 * It needs no memory of its own, so that setting a timer cannot fail: a timer
 * points to its first child, its next sibling, and back to its previous sibling
 * or, if it is a first child, its parent.  Insertion takes constant time,
 * removal logarithmic time on average.
 */
#include "timerq.h"

/* Two roots become one; the later becomes the first child of the other. */
static struct timer *meld(struct timer *a, struct timer *b)
{
	struct timer *t;

	if (a == NULL)
		return b;
	if (b == NULL)
		return a;
	if (b->at < a->at) {
		t = a;
		a = b;
		b = t;
	}
	b->prev = a;
	b->next = a->child;
	if (b->next != NULL)
		b->next->prev = b;
	a->child = b;
	a->next = a->prev = NULL;
	return a;
}

/* Siblings become one root: pairs from the left, then all from the right. */
static struct timer *meld_siblings(struct timer *t)
{
	struct timer *pairs = NULL, *root = NULL;

	while (t != NULL) {
		struct timer *a = t, *b = t->next;

		t = b ? b->next : NULL;
		a->next = NULL;
		if (b != NULL)
			b->next = NULL;
		a = meld(a, b);
		a->next = pairs; /* a stack of roots */
		pairs = a;
	}
	while (pairs != NULL) {
		struct timer *a = pairs;

		pairs = a->next;
		a->next = NULL;
		root = meld(root, a);
	}
	if (root != NULL)
		root->prev = NULL;
	return root;
}

void timerq_insert(struct timerq *q, struct timer *t)
{
	t->child = t->next = t->prev = NULL;
	q->first = meld(q->first, t);
}

void timerq_remove(struct timerq *q, struct timer *t)
{
	struct timer *rest = meld_siblings(t->child);

	if (t == q->first) {
		q->first = rest;
	} else {
		if (t->prev->child == t)
			t->prev->child = t->next;
		else
			t->prev->next = t->next;
		if (t->next != NULL)
			t->next->prev = t->prev;
		q->first = meld(q->first, rest);
	}
	t->child = t->next = t->prev = NULL;
}
