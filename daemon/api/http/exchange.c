/* exchange.c - from a Reply or a stream to libmicrohttpd, now or later
 *
 * A suspended connection is out of libmicrohttpd's sight: it neither times out nor notices that
 * its client went. Resuming alone moves nothing either, libmicrohttpd must be run afterwards, and
 * not from one of its own callbacks: server_run_soon(). */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "api/http/connection.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "base/units.h"
#include "sys/clock.h"

enum { STREAM_BLOCK_SIZE = 32 * 1024 };

/* How often a silent stream is looked at: its place is free again so long after its client went. */
#define STREAM_LOOK_USEC USEC_PER_SEC

/* Sent with every reply. Nothing here may be framed, sniffed, cached, or load from elsewhere. */
static const char *const common_headers[][2] = {
        { "Cache-Control", "no-store" },
        { "Content-Security-Policy", "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; "
                                     "form-action 'self'" },
        { "Cross-Origin-Resource-Policy", "same-origin" },
        { "Referrer-Policy", "no-referrer" },
        { "X-Content-Type-Options", "nosniff" },
};

/* ---- Reply ---- */

void reply_header(Reply *reply, const char *name, const char *format, ...)
{
        va_list arguments;
        char *value;
        int r;

        if (reply->header_count == REPLY_HEADERS_MAX)
                return;
        va_start(arguments, format);
        r = vasprintf(&value, format, arguments);
        va_end(arguments);
        if (r >= 0)
                reply->headers[reply->header_count++] =
                        (ReplyHeader){ .name = name, .value = value };
}

int reply_copy(Reply *ret, const Reply *reply)
{
        Reply copy = *reply;

        copy.header_count = 0;
        copy.body = malloc(reply->length + 1);
        if (!copy.body)
                return -ENOMEM;
        if (reply->length > 0)
                memcpy(copy.body, reply->body, reply->length);
        for (unsigned i = 0; i < reply->header_count; i++)
                reply_header(&copy, reply->headers[i].name, "%s", reply->headers[i].value);
        *ret = copy;
        return 0;
}

void reply_done(Reply *reply)
{
        free(reply->body);
        for (unsigned i = 0; i < reply->header_count; i++)
                free(reply->headers[i].value);
        *reply = (Reply){ 0 };
}

/* ---- Exchange ---- */

Exchange *exchange_new(Connection *connection, struct MHD_Connection *mhd, const char *raw_target)
{
        Exchange *exchange = calloc(1, sizeof(*exchange));

        if (!exchange)
                return NULL;
        exchange->connection = connection;
        exchange->mhd = mhd;
        exchange->raw_target = raw_target;
        exchange->raw_length = strlen(raw_target);
        exchange->request.peer = &connection->peer;
        if (target_parse(&exchange->request.target, raw_target, exchange->raw_length) < 0)
                return exchange_free(exchange);
        return exchange;
}

static void stream_close(Exchange *exchange)
{
        if (!exchange->stream)
                return;
        exchange->stream->close(exchange->source);
        exchange->stream = NULL;
        exchange->connection->server->stream_count--;
}

void exchange_disown(Exchange *exchange)
{
        void (*on_gone)(void *) = exchange->on_gone;

        exchange->on_gone = NULL;
        if (on_gone)
                on_gone(exchange->gone_userdata);
}

Exchange *exchange_free(Exchange *exchange)
{
        if (!exchange)
                return NULL;
        exchange_disown(exchange);
        stream_close(exchange);
        reply_done(&exchange->reply);
        target_done(&exchange->request.target);
        free(exchange->request.body);
        free(exchange);
        return NULL;
}

const Request *exchange_request(const Exchange *exchange)
{
        return &exchange->request;
}

void exchange_on_gone(Exchange *exchange, void (*on_gone)(void *userdata), void *userdata)
{
        exchange->on_gone = on_gone;
        exchange->gone_userdata = userdata;
}

void exchange_suspend(Exchange *exchange)
{
        MHD_suspend_connection(exchange->mhd);
        exchange->is_suspended = true;
}

void exchange_resume(Exchange *exchange)
{
        if (!exchange->is_suspended)
                return;
        exchange->is_suspended = false;
        MHD_resume_connection(exchange->mhd);
        server_run_soon(exchange->connection->server);
}

void exchange_reply(Exchange *exchange, Reply *reply)
{
        exchange->reply = *reply;
        *reply = (Reply){ 0 };
        exchange->has_reply = true;
        exchange->on_gone = NULL;
        exchange_resume(exchange);
}

void exchange_refuse(Exchange *exchange, unsigned status, const char *sentence)
{
        const HttpServerSettings *settings = &exchange->connection->server->settings;
        Reply reply = { .status = status };

        settings->refuse(settings->userdata, status, sentence, &reply);
        exchange_reply(exchange, &reply);
}

static struct MHD_Response *response_from_reply(Reply *reply)
{
        static char nothing[1];
        struct MHD_Response *response;
        bool is_fine = true;

        response = MHD_create_response_from_buffer(
                reply->length, reply->body ? reply->body : nothing,
                reply->body ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT);
        if (!response)
                return NULL;
        reply->body = NULL;
        for (unsigned i = 0; i < reply->header_count; i++)
                is_fine &= MHD_add_response_header(response, reply->headers[i].name,
                                                   reply->headers[i].value)
                           == MHD_YES;
        if (reply->is_last)
                is_fine &= MHD_add_response_header(response, "Connection", "close") == MHD_YES;
        if (is_fine)
                return response;
        /* A value with a line break, or no memory: better no reply than one that was bent. */
        MHD_destroy_response(response);
        return NULL;
}

/* ---- streams ---- */

/* A suspended connection is nobody's business but ours: is there still a client? One that has shut
 * down its half counts as gone, since a stream is read to its end by nobody. */
static bool client_is_gone(const Exchange *exchange)
{
        char byte;
        ssize_t n = recv(exchange->connection->peer.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

        return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

static void stream_sleep(Exchange *exchange)
{
        uint64_t heartbeat = exchange->connection->server->settings.heartbeat_usec;

        connection_set_deadline(exchange->connection, MIN(heartbeat, STREAM_LOOK_USEC));
}

void stream_look(Exchange *exchange)
{
        uint64_t heartbeat = exchange->connection->server->settings.heartbeat_usec;

        exchange->is_ending = client_is_gone(exchange);
        exchange->is_heartbeat_due = exchange->stream->heartbeat
                                     && now_usec() - exchange->silent_since_usec >= heartbeat;
        if (exchange->is_ending || exchange->is_heartbeat_due)
                exchange_resume(exchange);
        else
                stream_sleep(exchange);
}

static ssize_t copy_heartbeat(Exchange *exchange, char *buffer, size_t size)
{
        size_t length = strlen(exchange->stream->heartbeat);

        exchange->is_heartbeat_due = false;
        if (length > size)
                return 0;
        memcpy(buffer, exchange->stream->heartbeat, length);
        return (ssize_t)length;
}

static ssize_t on_pull(void *userdata, uint64_t position, char *buffer, size_t size)
{
        Exchange *exchange = userdata;
        const HttpServerSettings *settings = &exchange->connection->server->settings;
        ssize_t n = STREAM_END;

        if (!exchange->is_ending)
                n = exchange->stream->pull(exchange->source, buffer, size);
        if (n == STREAM_NOTHING && exchange->is_heartbeat_due)
                n = copy_heartbeat(exchange, buffer, size);
        if (n > 0) {
                exchange->silent_since_usec = now_usec();
                connection_set_deadline(exchange->connection, settings->reply_deadline_usec);
                return n;
        }
        if (n == STREAM_END)
                return MHD_CONTENT_READER_END_OF_STREAM;
        exchange_suspend(exchange);
        stream_sleep(exchange);
        exchange->is_pull_due = n == STREAM_AGAIN;
        if (exchange->is_pull_due)
                server_run_soon(exchange->connection->server);
        return 0;
}

static struct MHD_Response *response_from_stream(Exchange *exchange)
{
        return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK_SIZE, on_pull,
                                                 exchange, NULL);
}

int exchange_stream(Exchange *exchange, const StreamKind *kind, void *source)
{
        HttpServer *server = exchange->connection->server;

        if (server->stream_count >= STREAMS_MAX) {
                kind->close(source);
                return -EBUSY;
        }
        server->stream_count++;
        exchange->silent_since_usec = now_usec();
        exchange->stream = kind;
        exchange->source = source;
        exchange->reply.status = MHD_HTTP_OK;
        exchange->reply.content_type = kind->content_type;
        exchange->has_reply = true;
        exchange->on_gone = NULL;
        exchange_resume(exchange);
        return 0;
}

void stream_wake(Stream *stream)
{
        exchange_resume(stream);
}

/* ---- to libmicrohttpd ---- */

static bool add_common_headers(struct MHD_Response *response, const char *content_type)
{
        bool is_fine = true;

        for (size_t i = 0; i < COUNT_OF(common_headers); i++)
                is_fine &= MHD_add_response_header(response, common_headers[i][0],
                                                   common_headers[i][1])
                           == MHD_YES;
        if (content_type)
                is_fine &=
                        MHD_add_response_header(response, "Content-Type", content_type) == MHD_YES;
        return is_fine;
}

enum MHD_Result exchange_queue(Exchange *exchange)
{
        const HttpServerSettings *settings = &exchange->connection->server->settings;
        unsigned status = exchange->reply.status;
        struct MHD_Response *response = exchange->stream ? response_from_stream(exchange)
                                                         : response_from_reply(&exchange->reply);
        enum MHD_Result r = MHD_NO;

        if (!response)
                return MHD_NO; /* ends the connection */
        if (add_common_headers(response, exchange->reply.content_type))
                r = MHD_queue_response(exchange->mhd, status, response);
        MHD_destroy_response(response); /* our reference; the queue has its own */
        connection_set_deadline(exchange->connection, settings->reply_deadline_usec);
        return r;
}
