/* client.h - requests to the API, over its unix socket or a URL
 *
 * The socket is spoken to by a small HTTP client of our own, since loading libcurl takes longer
 * than all the rest of a command; a URL is left to libcurl (url.h). One connection a request:
 * on a unix socket it costs microseconds and there is no idle connection to lose a request on. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "ctl/http.h"

enum {
        CLIENT_BODY_MAX = 64 * 1024 * 1024,
        CLIENT_TIMEOUT_SEC = 10,
        CLIENT_SOCKETS_MAX = 2,
};

typedef struct Client {
        char *url;                         /* NULL: the sockets below */
        char *sockets[CLIENT_SOCKETS_MAX]; /* tried in this order; NULL ends them */
        const char *token_file;            /* NULL: $REEVE_TOKEN */
} Client;

typedef struct Request {
        const char *method;        /* NULL: GET */
        const char *path;          /* encoded, with its query */
        const char *body;          /* JSON, NULL: none */
        const char *accept;        /* NULL: application/json */
        const char *last_event_id; /* NULL: not said */
        bool has_generation;       /* If-Match */
        uint64_t generation;
        unsigned wait_sec; /* Prefer: wait=N; the reply may take so much longer */
        bool is_endless;   /* once the head came, there is no deadline */
        int reader_fd;     /* of an endless one: ends when this output's reader leaves; or -1 */
} Request;

typedef struct Reply {
        HttpHead head;
        Text body;
} Reply;

/** client_init() - find out where the API is; nothing is opened yet
 *  @host: of -H, NULL: $REEVE_SOCKET, else the default sockets (the user's first unless root)
 *  @token_file: NULL or a path that outlives the client
 *  Return: 0, -ENOMEM */
int client_init(Client *client, const char *host, const char *token_file);
void client_done(Client *client);

/** client_perform() - send a request and pass the reply on as it comes
 *  Return: 0 when the reply is complete; -ETIMEDOUT, -EINTR after Ctrl-C, -EPIPE when our own
 *  reader left, what the sink said, or another negative errno; @reterr says it in a sentence */
int client_perform(const Client *client, const Request *request, const HttpSink *sink,
                   Error *reterr);

/** client_fetch() - send a request and keep the reply
 *  @ret: to be given to reply_done(); any status is a success here
 *  Return: as client_perform(), -EFBIG for a body over CLIENT_BODY_MAX */
int client_fetch(const Client *client, const Request *request, Reply *ret, Error *reterr);
void reply_done(Reply *reply);
#define AUTO_REPLY CLEANUP(reply_done) Reply

/** request_fields() - the header lines of a request, without Host and what frames the body
 *  @ret_lines: NULL-terminated, for text_list_free()
 *  Return: 0, -ENOMEM */
int request_fields(const Request *request, char ***ret_lines);
