/*
 * content.h: what there is to be served: files of the ramdisk, and a page that
 * shows which domain answers.
 */
#ifndef WEB_CONTENT_H
#define WEB_CONTENT_H

/* Needs xenbus_init() and net_init(). */
void content_init(void);

#endif
