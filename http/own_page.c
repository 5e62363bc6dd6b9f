#include "http/own_page.h"

#include "base/random.h"

#include <stdio.h>
#include <string.h>

static void send_with_nonce(struct stream *stream, const char *page, const char *nonce)
{
    const char *mark;

    while ((mark = strstr(page, OWN_PAGE_NONCE)) != NULL) {
        stream_send(stream, page, (size_t)(mark - page));
        stream_send(stream, nonce, strlen(nonce));
        page = mark + strlen(OWN_PAGE_NONCE);
    }
    stream_send(stream, page, strlen(page));
}

void own_page_send(struct exchange *exchange, const char *page)
{
    char nonce[RANDOM_TOKEN_MOST], policy[500];

    if (random_token(nonce) == -1) {
        exchange_refuse(exchange, 503, "",
                        "there are no random numbers: try again later");
        return;
    }
    snprintf(policy, sizeof policy,
             "Content-Security-Policy: default-src 'none'; script-src 'nonce-%s'; "
             "style-src 'nonce-%s'; connect-src 'self'; img-src data:; base-uri 'none'; "
             "form-action 'none'; frame-ancestors 'none'; "
             "require-trusted-types-for 'script'\r\n",
             nonce, nonce);
    exchange_send_head(exchange, 200, "text/html; charset=utf-8", strlen(page), policy);
    if (!exchange_wants_head_only(exchange))
        send_with_nonce(exchange->stream, page, nonce);
    exchange_end(exchange);
}
