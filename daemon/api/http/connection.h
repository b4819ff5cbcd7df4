/* connection.h - what the files of this folder share; nobody else includes it */
#pragma once

#include <microhttpd.h>

#include "api/http/server.h"

typedef struct Connection Connection;

struct HttpServer {
        HttpServerSettings settings;
        sd_event *event;
        struct MHD_Daemon *mhd;
        sd_event_source *io, *timer, *run, *sweep;
        uint64_t sweep_usec; /* when the sweep is due, USEC_INFINITY: never */
        Connection *connections;
        unsigned stream_count;
        bool is_stopping;
};

struct Connection {
        HttpServer *server;
        Connection *next, *previous;
        HttpPeer peer;
        uint64_t deadline_usec; /* USEC_INFINITY: none */
        Exchange *exchange;     /* the request in progress */
};

struct Exchange {
        Connection *connection;
        struct MHD_Connection *mhd;
        Request request;
        const char *raw_target; /* in libmicrohttpd's buffer, see intake_target_is_whole() */
        size_t raw_length;
        bool has_headers, is_body_too_long, is_suspended, has_reply, is_ending;
        bool is_heartbeat_due, is_pull_due;
        size_t body_capacity;
        unsigned refusal_status; /* 0: sound so far */
        const char *refusal;
        Reply reply;
        const StreamKind *stream;
        void *source;
        uint64_t silent_since_usec; /* of the stream */
        void (*on_gone)(void *userdata);
        void *gone_userdata;
};

/* ---- intake.c: from bytes to a Request ---- */

/** intake_begin() - the headers are there: take them over and judge the framing
 *  Return: true if the body may be read; false if the refusal must go out at once */
bool intake_begin(Exchange *exchange, const char *method, const char *version);

/** intake_body() - a piece of the body; Return: false if the client is to be cut off */
bool intake_body(Exchange *exchange, const char *bytes, size_t length);

/* ---- exchange.c: from a Reply to bytes ---- */

Exchange *exchange_new(Connection *connection, struct MHD_Connection *mhd, const char *raw_target);
Exchange *exchange_free(Exchange *exchange);

/** exchange_disown() - tell whoever meant to answer later that there is nothing to answer any more */
void exchange_disown(Exchange *exchange);

/** exchange_refuse() - let the owner of the server word a refusal, and make it the reply */
void exchange_refuse(Exchange *exchange, unsigned status, const char *sentence);

/** exchange_queue() - hand reply or stream to libmicrohttpd; Return: what it said */
enum MHD_Result exchange_queue(Exchange *exchange);

/** exchange_suspend(), exchange_resume() - no bytes move in between */
void exchange_suspend(Exchange *exchange);
void exchange_resume(Exchange *exchange);

/** stream_look() - a stream is silent: end it if its client went, send a heartbeat if it is time */
void stream_look(Exchange *exchange);

/* ---- server.c ---- */

/** server_run_soon() - let libmicrohttpd work once the present callback is over */
void server_run_soon(HttpServer *server);

/** connection_set_deadline() - shut the connection down (or look at a silent stream)
 *  after @after_usec; USEC_INFINITY: never */
void connection_set_deadline(Connection *connection, uint64_t after_usec);
