/*
 * own_page: a page in which nothing runs but its own script.
 *
 * The script and the style in the page carry a secret that is new in each answer (a nonce, in
 * W3C's Content Security Policy). The policy allows nothing else, so even if somebody smuggled
 * a script into the page, it would not run. No other site may be asked for anything, or show
 * the page inside its own.
 */
#ifndef HTTP_OWN_PAGE_H
#define HTTP_OWN_PAGE_H

#include "http/exchange.h"

/* Stands in the page where the secret goes, and has its length. */
#define OWN_PAGE_NONCE "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@"

/* Answers with the page, which must fit the stream's output, with 4 KB to spare. */
void own_page_send(struct exchange *exchange, const char *page);

#endif
