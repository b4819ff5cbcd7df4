/* exchange.h - one request and the reply it gets
 *
 * A handler sees a Request that was read completely and that is sound as HTTP; it answers at
 * once, later (the connection sleeps meanwhile), or with a stream that it is asked to fill. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "api/http/target.h"

typedef enum HttpMethod {
        HTTP_NONE = 0, /* one we do not know */
        HTTP_GET = 1 << 0,
        HTTP_HEAD = 1 << 1,
        HTTP_POST = 1 << 2,
        HTTP_PATCH = 1 << 3,
} HttpMethod;

/* Who is at the other end of a connection; settled when it was accepted. */
typedef struct HttpPeer {
        bool is_unix;
        int fd;    /* the connection, borrowed */
        uid_t uid; /* unix: SO_PEERCRED */
        int role;  /* unix: ControlRole; TCP connections show a token with each request */
} HttpPeer;

/* NULL: the header was not there. */
typedef struct HttpHeaders {
        const char *host, *accept, *authorization, *content_type, *idempotency_key, *if_match,
                *if_none_match, *last_event_id, *origin, *prefer, *sec_fetch_site;
} HttpHeaders;

typedef struct Request {
        HttpMethod method;
        const HttpPeer *peer;
        Target target;
        HttpHeaders headers;
        char *body; /* terminated; NULL if there was none */
        size_t body_length;
} Request;

enum { REPLY_HEADERS_MAX = 6 };

typedef struct ReplyHeader {
        const char *name; /* static */
        char *value;      /* malloc'd */
} ReplyHeader;

typedef struct Reply {
        unsigned status;
        const char *content_type; /* static; NULL: no body */
        char *body;               /* malloc'd */
        size_t length;
        bool is_last; /* close the connection afterwards */
        ReplyHeader headers[REPLY_HEADERS_MAX];
        unsigned header_count;
} Reply;

/** reply_header() - add a header; without memory or room it is left out, which no reply of ours
 *  becomes wrong by
 *  @name: static */
void reply_header(Reply *reply, const char *name, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/** reply_copy() - a deep copy; Return: 0, -ENOMEM */
int reply_copy(Reply *ret, const Reply *reply);

void reply_done(Reply *reply);

typedef struct Exchange Exchange;

/** exchange_request() - the request; its strings live as long as the exchange */
const Request *exchange_request(const Exchange *exchange);

/** exchange_reply() - answer, in the handler or later; what @reply owns is taken
 *  Exactly one of exchange_reply() and exchange_stream() per exchange. */
void exchange_reply(Exchange *exchange, Reply *reply);

/** exchange_on_gone() - be told if the exchange ends before it was answered, which happens when
 *  the server stops; one caller at a time, NULL to let go */
void exchange_on_gone(Exchange *exchange, void (*on_gone)(void *userdata), void *userdata);

/* ---- streams: replies whose end is not known ---- */

enum { STREAM_NOTHING = 0, STREAM_END = -1, STREAM_AGAIN = -2 };

typedef struct StreamKind {
        const char *content_type;
        /* Fill @buffer. Return: bytes; STREAM_NOTHING: sleep until stream_wake(); STREAM_AGAIN:
         * there is more to do, ask again after others had their turn; STREAM_END */
        ssize_t (*pull)(void *source, char *buffer, size_t size);
        void (*close)(void *source); /* the client went, or STREAM_END: free @source */
        const char *heartbeat;       /* sent after 15 s of silence; NULL: none */
} StreamKind;

typedef Exchange Stream;

/** exchange_stream() - answer with 200 and a stream
 *  @source: owned by the exchange from now on, whatever is returned
 *  Return: 0; -EBUSY if the listener has STREAMS_MAX already (the exchange is unanswered then and
 *  @source closed) */
int exchange_stream(Exchange *exchange, const StreamKind *kind, void *source);

/** stream_wake() - there may be something to pull; not from within pull() */
void stream_wake(Stream *stream);
