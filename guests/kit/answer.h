/*
 * answer.h: how a guest of the kit shows that it is alive.
 *
 * It makes an event channel for dom0 and writes its port in the store, at
 * ANSWER_NODE of its own directory.  Whoever in dom0 binds it and sends an
 * event gets one back.
 */
#ifndef KIT_ANSWER_H
#define KIT_ANSWER_H

#define ANSWER_NODE	"data/answer-port"

/* Needs xenbus_init(); 0 or a negative errno. */
int answer_init(void);

#endif
