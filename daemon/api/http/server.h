/* server.h - HTTP on one listening socket, inside our event loop
 *
 * The only folder that knows libmicrohttpd. Each listener gets a daemon of its own, so that a
 * flood on one leaves the others free. Here is what makes a request sound (framing, sizes,
 * deadlines); what it may ask for is decided above. */
#pragma once

#include <stdint.h>
#include <systemd/sd-event.h>

#include "api/http/exchange.h"

enum {
        BODY_LENGTH_MAX = 64 * 1024,
        CONNECTIONS_MAX = 256, /* per listener; further ones wait in the backlog */
        STREAMS_MAX = 64,      /* per listener: they hold a connection for as long as they like */
};

typedef struct HttpServer HttpServer;

typedef struct HttpServerSettings {
        int listen_fd; /* taken on success */
        bool is_unix;
        uint64_t request_deadline_usec; /* headers and body together */
        uint64_t reply_deadline_usec;   /* between two reads of a client that takes a reply */
        uint64_t heartbeat_usec;
        /** fill uid and role of a peer on a unix socket */
        void (*identify)(void *userdata, HttpPeer *peer);
        /** answer one request */
        void (*handle)(void *userdata, Exchange *exchange);
        /** make the reply to a request that is not sound, or that nobody answered */
        void (*refuse)(void *userdata, unsigned status, const char *sentence, Reply *ret);
        void *userdata;
} HttpServerSettings;

#define REQUEST_DEADLINE_USEC (UINT64_C(10) * 1000000)
#define REPLY_DEADLINE_USEC   (UINT64_C(60) * 1000000)
#define HEARTBEAT_USEC        (UINT64_C(15) * 1000000)

/** http_server_new() - begin to serve; Return: 0, negative errno */
int http_server_new(sd_event *event, const HttpServerSettings *settings, HttpServer **ret);

/** http_server_free() - end all streams, answer what is unanswered with 503, and stop
 *  Return: NULL */
HttpServer *http_server_free(HttpServer *server);
