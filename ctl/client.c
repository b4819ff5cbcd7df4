/* client.c - see client.h */
#include "ctl/client.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/units.h"
#include "ctl/interrupt.h"
#include "ctl/outcome.h"
#include "ctl/url.h"
#include "sys/clock.h"
#include "sys/fd.h"

enum { READ_SIZE = 64 * 1024 };

/* ---- where ---- */

static bool is_url(const char *host)
{
        if (text_after(host, "http://") || text_after(host, "https://"))
                return true;
        return !text_after(host, "unix:") && !strchr(host, '/') && strchr(host, ':');
}

static int host_set(Client *client, const char *host)
{
        const char *path = text_after(host, "unix:");
        Text url = { 0 };

        if (is_url(host)) {
                text_printf(&url, "%s%s", strstr(host, "://") ? "" : "http://", host);
                while (url.length > 0 && url.bytes[url.length - 1] == '/')
                        url.bytes[--url.length] = '\0';
                return text_take(&url, &client->url);
        }
        client->sockets[0] = strdup(path ? path : host);
        return client->sockets[0] ? 0 : -ENOMEM;
}

static int default_sockets_set(Client *client)
{
        const char *folder = getenv("XDG_RUNTIME_DIR");
        bool is_root = geteuid() == 0;
        size_t count = 0;

        if (is_root)
                client->sockets[count++] = strdup(REEVE_DEFAULT_RUNTIME "/" REEVE_API_SOCKET_NAME);
        if (folder && *folder) {
                AUTO_TEXT path = { 0 };

                text_printf(&path, "%s/reeve/%s", folder, REEVE_API_SOCKET_NAME);
                if (text_take(&path, &client->sockets[count++]) < 0)
                        return -ENOMEM;
        }
        if (!is_root)
                client->sockets[count++] = strdup(REEVE_DEFAULT_RUNTIME "/" REEVE_API_SOCKET_NAME);
        return client->sockets[0] && client->sockets[count - 1] ? 0 : -ENOMEM;
}

int client_init(Client *client, const char *host, const char *token_file)
{
        const char *variable = getenv(REEVE_SOCKET_VARIABLE);
        int r;

        *client = (Client){ .token_file = token_file };
        if (!host && variable && *variable)
                host = variable;
        r = host ? host_set(client, host) : default_sockets_set(client);
        if (r < 0)
                client_done(client);
        return r;
}

void client_done(Client *client)
{
        free(client->url);
        for (size_t i = 0; i < CLIENT_SOCKETS_MAX; i++)
                free(client->sockets[i]);
        *client = (Client){ 0 };
}

/* ---- the request ---- */

static void line_add(char ***lines, int *r, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

static void line_add(char ***lines, int *r, const char *format, ...)
{
        char line[256];
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(line, sizeof(line), format, arguments);
        va_end(arguments);
        if (*r == 0)
                *r = text_list_add(lines, line);
}

int request_fields(const Request *request, char ***ret_lines)
{
        char **lines = NULL;
        int r = 0;

        line_add(&lines, &r, "Accept: %s", request->accept ? request->accept : "application/json");
        line_add(&lines, &r, "User-Agent: reevectl/" REEVE_VERSION);
        if (request->body)
                line_add(&lines, &r, "Content-Type: application/json");
        if (request->has_generation)
                line_add(&lines, &r, "If-Match: \"%" PRIu64 "\"", request->generation);
        if (request->wait_sec > 0)
                line_add(&lines, &r, "Prefer: wait=%u", request->wait_sec);
        if (request->last_event_id)
                line_add(&lines, &r, "Last-Event-ID: %s", request->last_event_id);
        if (r < 0)
                lines = text_list_free(lines);
        else
                *ret_lines = lines;
        return r;
}

static int request_write(const Request *request, Text *text)
{
        char **lines = NULL;
        int r = request_fields(request, &lines);

        if (r < 0)
                return r;
        text_printf(text, "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n",
                    request->method ? request->method : "GET", request->path);
        for (char **line = lines; *line; line++)
                text_printf(text, "%s\r\n", *line);
        if (request->body)
                text_printf(text, "Content-Length: %zu\r\n", strlen(request->body));
        text_printf(text, "\r\n%s", request->body ? request->body : "");
        (void)text_list_free(lines);
        return text->error;
}

/* ---- the socket ---- */

static int socket_open(const char *path, int *ret_fd)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        AUTO_CLOSE fd = -1;

        if (!text_copy(address.sun_path, sizeof(address.sun_path), path))
                return -ENAMETOOLONG;
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        /* Blocks while the listener's backlog is full; SO_SNDTIMEO bounds that: unix(7). */
        (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO,
                         &(struct timeval){ .tv_sec = CLIENT_TIMEOUT_SEC }, sizeof(struct timeval));
        if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
                return errno == EAGAIN ? -ETIMEDOUT : -errno;
        *ret_fd = TAKE_FD(fd);
        return fd_set_nonblocking(*ret_fd);
}

static const char *advice_of(int r)
{
        switch (r) {
        case -ENOENT: return "No reeved listens there: start it, or say where it is with -H";
        case -ECONNREFUSED: return "A reeved was there and is gone: start it again";
        case -EACCES: return "Its group may use it (OperateGroup=, reeve): join that, or use sudo";
        case -ETIMEDOUT: return "It takes no connections: look at the log of reeved";
        default: return "Is reeved running?";
        }
}

static int unreachable(const Client *client, const char *path, int r, Error *reterr)
{
        const char *other = path == client->sockets[0] ? client->sockets[1] : client->sockets[0];

        return error_set(reterr, r, OUTCOME_UNREACHABLE, "cannot reach reeve at %s: %s%s%s. %s",
                         path, strerror(-r), other ? "; nor at " : "", other ? other : "",
                         advice_of(r));
}

/* Try the sockets in turn; the most telling failure is the one that is not "no such file". */
static int client_connect(const Client *client, int *ret_fd, Error *reterr)
{
        const char *path = client->sockets[0];
        int reason = 0;

        for (size_t i = 0; i < CLIENT_SOCKETS_MAX && client->sockets[i]; i++) {
                int r = socket_open(client->sockets[i], ret_fd);

                if (r == 0)
                        return 0;
                if (reason == 0 || reason == -ENOENT) {
                        reason = r;
                        path = client->sockets[i];
                }
        }
        return unreachable(client, path, reason, reterr);
}

static int broken(int r, Error *reterr)
{
        switch (r) {
        case -EINTR: return error_set(reterr, r, OUTCOME_INTERRUPTED, "interrupted");
        case -EPIPE: return error_set(reterr, r, OUTCOME_BROKEN_PIPE, "nobody reads the output");
        case -ETIMEDOUT:
                return error_set(reterr, r, OUTCOME_UNREACHABLE,
                                 "reeve did not answer in time. Look at the log of reeved");
        case -EPROTO:
                return error_set(reterr, r, OUTCOME_UNREACHABLE,
                                 "the reply of reeve broke off. If reeve-api was just restarted, "
                                 "try again");
        default:
                return error_set(reterr, r, OUTCOME_UNREACHABLE, "talking to reeve failed: %s",
                                 strerror(-r));
        }
}

static int bytes_send(int fd, const char *bytes, size_t length, uint64_t deadline_usec)
{
        while (length > 0) {
                ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);
                int r;

                if (sent >= 0) {
                        bytes += sent;
                        length -= (size_t)sent;
                        continue;
                }
                if (errno != EAGAIN && errno != EINTR)
                        /* It may have answered before it closed (413): read on. */
                        return errno == EPIPE || errno == ECONNRESET ? 0 : -errno;
                r = interrupt_poll(fd, POLLOUT, -1, deadline_usec);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* A sink around the caller's, which tells what the sink said from what the socket said. */
typedef struct Tap {
        const HttpSink *sink;
        bool has_head;
        int stopped; /* what the sink returned when it had enough */
} Tap;

static int tap_head(void *data, const HttpHead *head)
{
        Tap *tap = data;

        tap->has_head = true;
        return tap->stopped = tap->sink->head(tap->sink->data, head);
}

static int tap_body(void *data, const char *bytes, size_t length)
{
        Tap *tap = data;

        return tap->stopped = tap->sink->body(tap->sink->data, bytes, length);
}

static int reply_read(int fd, const Request *request, Tap *tap, uint64_t deadline_usec)
{
        HttpSink sink = { .head = tap_head, .body = tap_body, .data = tap };
        AUTO_FREE char *buffer = malloc(READ_SIZE);
        AUTO_FREE HttpReader *reader = calloc(1, sizeof(*reader));
        int r = 0;

        if (!buffer || !reader)
                return -ENOMEM;
        while (r == 0) {
                bool is_flowing = request->is_endless && tap->has_head;
                ssize_t length;

                r = interrupt_poll(fd, POLLIN, is_flowing ? request->reader_fd : -1,
                                   is_flowing ? USEC_INFINITY : deadline_usec);
                if (r < 0)
                        return r;
                length = recv(fd, buffer, READ_SIZE, 0);
                if (length == 0 || (length < 0 && errno == ECONNRESET))
                        return http_reader_end(reader);
                if (length < 0 && errno != EAGAIN && errno != EINTR)
                        return -errno;
                if (length > 0)
                        r = http_reader_feed(reader, buffer, (size_t)length, &sink);
        }
        return MIN(r, 0);
}

static int socket_perform(const Client *client, const Request *request, const HttpSink *sink,
                          Error *reterr)
{
        uint64_t deadline = now_usec() + (CLIENT_TIMEOUT_SEC + request->wait_sec) * USEC_PER_SEC;
        Tap tap = { .sink = sink };
        AUTO_CLOSE fd = -1;
        AUTO_TEXT text = { 0 };
        int r;

        r = client_connect(client, &fd, reterr);
        if (r < 0)
                return r;
        r = request_write(request, &text);
        if (r == 0)
                r = bytes_send(fd, text.bytes, text.length, deadline);
        if (r == 0)
                r = reply_read(fd, request, &tap, deadline);
        if (r == 0 || tap.stopped < 0)
                return r;
        return broken(r, reterr);
}

int client_perform(const Client *client, const Request *request, const HttpSink *sink,
                   Error *reterr)
{
        if (client->url)
                return url_perform(client, request, sink, reterr);
        return socket_perform(client, request, sink, reterr);
}

/* ---- whole replies ---- */

static int reply_head(void *data, const HttpHead *head)
{
        ((Reply *)data)->head = *head;
        return 0;
}

static int reply_body(void *data, const char *bytes, size_t length)
{
        Reply *reply = data;

        if (reply->body.length + length > CLIENT_BODY_MAX)
                return -EFBIG;
        text_append_bytes(&reply->body, bytes, length);
        return reply->body.error;
}

int client_fetch(const Client *client, const Request *request, Reply *ret, Error *reterr)
{
        AUTO_REPLY reply = { 0 };
        HttpSink sink = { .head = reply_head, .body = reply_body, .data = &reply };
        int r = client_perform(client, request, &sink, reterr);

        if (r == -EFBIG || r == -ENOMEM)
                return error_set(reterr, r, OUTCOME_FAILED, "the reply is too large to be held");
        if (r < 0)
                return r;
        *ret = reply;
        reply = (Reply){ 0 };
        return 0;
}

void reply_done(Reply *reply)
{
        text_done(&reply->body);
}
