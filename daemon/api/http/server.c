/* server.c - libmicrohttpd in an sd-event loop, and the deadlines that it lacks
 *
 * libmicrohttpd waits on an epoll descriptor of its own, which our loop watches. Its sockets are
 * edge-triggered in there, so after every run its next timeout must be armed anew, 0 included, or
 * requests stall.
 *
 * Its own timeout counts idle time only: a client that sends a byte now and then lives for ever.
 * Each connection therefore has one absolute deadline: for the request as a whole, then for the
 * client's next read of the reply. One timer, set to the earliest of them, sweeps through the
 * connections, and shutdown() makes libmicrohttpd see the end of those that are late. */
#include "api/http/server.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "api/http/connection.h"
#include "base/units.h"
#include "sys/clock.h"

enum {
        /* Twice the default: a target of 4 KiB and a proxy's headers fit. */
        CONNECTION_MEMORY = 64 * 1024,
};

/* ---- the loop ---- */

static void arm_timer(HttpServer *server)
{
        MHD_UNSIGNED_LONG_LONG timeout_msec;
        bool has_timeout = MHD_get_timeout(server->mhd, &timeout_msec) == MHD_YES;

        if (has_timeout)
                (void)sd_event_source_set_time(server->timer,
                                               now_usec() + timeout_msec * USEC_PER_MSEC);
        /* Only programming errors make this fail. */
        (void)sd_event_source_set_enabled(server->timer,
                                          has_timeout ? SD_EVENT_ONESHOT : SD_EVENT_OFF);
}

static void server_run(HttpServer *server)
{
        (void)MHD_run(server->mhd); /* fails only for daemons with threads of their own */
        arm_timer(server);
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        server_run(userdata);
        return 0;
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        server_run(userdata);
        return 0;
}

static int on_run(sd_event_source *source, void *userdata)
{
        HttpServer *server = userdata;

        for (Connection *c = server->connections; c; c = c->next)
                if (c->exchange && c->exchange->is_pull_due) {
                        c->exchange->is_pull_due = false;
                        exchange_resume(c->exchange);
                }
        server_run(server);
        return 0;
}

void server_run_soon(HttpServer *server)
{
        if (server->run)
                (void)sd_event_source_set_enabled(server->run, SD_EVENT_ONESHOT);
}

/* ---- deadlines ---- */

static void arm_sweep(HttpServer *server, uint64_t usec)
{
        server->sweep_usec = usec;
        if (!server->sweep)
                return;
        if (usec != USEC_INFINITY)
                (void)sd_event_source_set_time(server->sweep, usec);
        (void)sd_event_source_set_enabled(server->sweep,
                                          usec == USEC_INFINITY ? SD_EVENT_OFF : SD_EVENT_ONESHOT);
}

void connection_set_deadline(Connection *connection, uint64_t after_usec)
{
        HttpServer *server = connection->server;

        connection->deadline_usec =
                after_usec == USEC_INFINITY ? USEC_INFINITY : now_usec() + after_usec;
        /* Later deadlines leave the timer alone: the sweep finds them when it comes by. */
        if (connection->deadline_usec < server->sweep_usec)
                arm_sweep(server, connection->deadline_usec);
}

static void connection_late(Connection *connection)
{
        Exchange *exchange = connection->exchange;

        connection->deadline_usec = USEC_INFINITY;
        if (exchange && exchange->is_suspended && exchange->stream)
                stream_look(exchange);
        else
                (void)shutdown(connection->peer.fd, SHUT_RDWR); /* it may be gone already */
}

static int on_sweep(sd_event_source *source, uint64_t usec, void *userdata)
{
        HttpServer *server = userdata;
        uint64_t now = now_usec(), next = USEC_INFINITY;

        for (Connection *c = server->connections; c; c = c->next) {
                if (c->deadline_usec <= now)
                        connection_late(c);
                if (c->deadline_usec < next)
                        next = c->deadline_usec;
        }
        arm_sweep(server, next);
        return 0;
}

/* ---- connections ---- */

static void connection_begin(HttpServer *server, struct MHD_Connection *mhd, void **context)
{
        const HttpServerSettings *settings = &server->settings;
        const union MHD_ConnectionInfo *info =
                MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
        Connection *connection = calloc(1, sizeof(*connection));

        if (!connection)
                return; /* its requests find no context and are cut off */
        connection->server = server;
        connection->peer = (HttpPeer){ .is_unix = settings->is_unix, .fd = info->connect_fd };
        if (settings->is_unix)
                settings->identify(settings->userdata, &connection->peer);
        connection->next = server->connections;
        if (connection->next)
                connection->next->previous = connection;
        server->connections = connection;
        connection_set_deadline(connection, settings->request_deadline_usec);
        *context = connection;
}

static void connection_end(HttpServer *server, Connection *connection)
{
        connection->exchange = exchange_free(connection->exchange);
        if (connection->next)
                connection->next->previous = connection->previous;
        if (connection->previous)
                connection->previous->next = connection->next;
        else
                server->connections = connection->next;
        free(connection);
        /* At its limit libmicrohttpd takes the listener out of its epoll, and puts it back only when
         * it is run again after a connection has ended: nothing would wake it for that. */
        server_run_soon(server);
}

static void on_connection(void *userdata, struct MHD_Connection *mhd, void **context,
                          enum MHD_ConnectionNotificationCode code)
{
        if (code == MHD_CONNECTION_NOTIFY_STARTED) {
                connection_begin(userdata, mhd, context);
        } else if (*context) {
                connection_end(userdata, *context);
                *context = NULL;
        }
}

/* ---- requests ---- */

/* Called once the request line is there, with the target as it was sent. */
static void *on_target(void *userdata, const char *raw, struct MHD_Connection *mhd)
{
        const union MHD_ConnectionInfo *info =
                MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
        Connection *connection = info ? info->socket_context : NULL;

        if (!connection)
                return NULL;
        exchange_free(connection->exchange);
        connection->exchange = exchange_new(connection, mhd, raw);
        return connection->exchange;
}

static enum MHD_Result request_finish(Exchange *exchange)
{
        const HttpServerSettings *settings = &exchange->connection->server->settings;

        if (exchange->connection->server->is_stopping) {
                exchange_disown(exchange);
                exchange_refuse(exchange, 503,
                                exchange_request(exchange)->method == HTTP_GET
                                        ? "reeve-api is stopping; try again."
                                        : "reeve-api is stopping; look whether the change was "
                                          "begun before asking for it again.");
        } else if (exchange->refusal_status) {
                exchange_refuse(exchange, exchange->refusal_status, exchange->refusal);
        } else {
                settings->handle(settings->userdata, exchange);
        }
        if (exchange->has_reply)
                return exchange_queue(exchange);
        connection_set_deadline(exchange->connection, USEC_INFINITY);
        exchange_suspend(exchange);
        return MHD_YES;
}

static enum MHD_Result on_request(void *userdata, struct MHD_Connection *mhd, const char *url,
                                  const char *method, const char *version, const char *upload,
                                  size_t *upload_length, void **context)
{
        Exchange *exchange = *context;
        bool is_wanted;

        if (!exchange)
                return MHD_NO; /* there was no memory for it */
        if (!exchange->has_headers) {
                if (intake_begin(exchange, method, version))
                        return MHD_YES;
                exchange_refuse(exchange, exchange->refusal_status, exchange->refusal);
                exchange->reply.is_last = true;
                return exchange_queue(exchange);
        }
        if (*upload_length > 0) {
                is_wanted = intake_body(exchange, upload, *upload_length);
                *upload_length = 0; /* else libmicrohttpd offers it again and again */
                return is_wanted ? MHD_YES : MHD_NO;
        }
        return exchange->has_reply ? exchange_queue(exchange) : request_finish(exchange);
}

static void on_completed(void *userdata, struct MHD_Connection *mhd, void **context,
                         enum MHD_RequestTerminationCode code)
{
        HttpServer *server = userdata;
        Exchange *exchange = *context;
        Connection *connection;

        if (!exchange)
                return;
        *context = NULL;
        connection = exchange->connection;
        connection->exchange = exchange_free(exchange);
        connection_set_deadline(connection, server->settings.request_deadline_usec);
}

/* ---- begin and end ---- */

static int start_daemon(HttpServer *server)
{
        server->mhd = MHD_start_daemon(
                MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME, 0, NULL, NULL, on_request, server,
                MHD_OPTION_LISTEN_SOCKET, server->settings.listen_fd, MHD_OPTION_CONNECTION_LIMIT,
                (unsigned)CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
                (size_t)CONNECTION_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, 1,
                MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_URI_LOG_CALLBACK, on_target,
                server, MHD_OPTION_NOTIFY_CONNECTION, on_connection, server,
                MHD_OPTION_NOTIFY_COMPLETED, on_completed, server, MHD_OPTION_END);
        return server->mhd ? 0 : errno ? -errno : -ENOMEM;
}

static int add_sources(HttpServer *server)
{
        const union MHD_DaemonInfo *info =
                MHD_get_daemon_info(server->mhd, MHD_DAEMON_INFO_EPOLL_FD);
        int r = sd_event_add_io(server->event, &server->io, info->epoll_fd, EPOLLIN, on_io, server);

        if (r >= 0)
                r = sd_event_add_time(server->event, &server->timer, CLOCK_MONOTONIC, 0, 1,
                                      on_timer, server);
        if (r >= 0)
                r = sd_event_add_time(server->event, &server->sweep, CLOCK_MONOTONIC, 0, 0,
                                      on_sweep, server);
        if (r >= 0)
                r = sd_event_add_defer(server->event, &server->run, on_run, server);
        if (r < 0)
                return r;
        arm_timer(server);
        arm_sweep(server, USEC_INFINITY);
        return sd_event_source_set_enabled(server->run, SD_EVENT_OFF);
}

int http_server_new(sd_event *event, const HttpServerSettings *settings, HttpServer **ret)
{
        HttpServer *server = calloc(1, sizeof(*server));
        int r;

        if (!server)
                return -ENOMEM;
        server->settings = *settings;
        server->event = sd_event_ref(event);
        server->sweep_usec = USEC_INFINITY;
        errno = 0;
        r = start_daemon(server);
        if (r >= 0)
                r = add_sources(server);
        if (r < 0) {
                (void)http_server_free(server);
                return r;
        }
        *ret = server;
        return 0;
}

/* libmicrohttpd aborts the process if a connection is suspended when it stops. */
static void resume_all(HttpServer *server)
{
        for (Connection *c = server->connections; c; c = c->next) {
                Exchange *exchange = c->exchange;

                if (!exchange || !exchange->is_suspended)
                        continue;
                exchange->is_ending = true;
                exchange_resume(exchange);
        }
}

HttpServer *http_server_free(HttpServer *server)
{
        if (!server)
                return NULL;
        server->is_stopping = true;
        if (server->mhd) {
                resume_all(server);
                (void)MHD_run(server->mhd);
                resume_all(server);
                MHD_stop_daemon(server->mhd);
        }
        sd_event_source_disable_unref(server->io);
        sd_event_source_disable_unref(server->timer);
        sd_event_source_disable_unref(server->sweep);
        sd_event_source_disable_unref(server->run);
        sd_event_unref(server->event);
        free(server);
        return NULL;
}
