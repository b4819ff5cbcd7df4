/* server.c - see server.h */
#include "server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

void server_reply(Server *server, const char *raw)
{
        assert_true(server->reply_count < SERVER_REPLIES_MAX);
        server->replies[server->reply_count++] = strdup(raw);
}

void server_json(Server *server, int status, const char *json)
{
        char raw[8192];

        (void)snprintf(raw, sizeof(raw),
                       "HTTP/1.1 %d X\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s", status,
                       status < 400 ? "application/json" : "application/problem+json", strlen(json),
                       json);
        server_reply(server, raw);
}

/* Whether the request in @text is complete: its head, and as much body as it announces. */
static bool is_complete(const char *text)
{
        const char *end = strstr(text, "\r\n\r\n"), *length = strstr(text, "Content-Length: ");

        return end && (!length || strlen(end + 4) >= strtoul(length + 16, NULL, 10));
}

static void request_read(int fd, char *text)
{
        size_t used = 0;

        while (!is_complete(text) && used + 1 < SERVER_REQUEST_SIZE) {
                ssize_t length = recv(fd, text + used, SERVER_REQUEST_SIZE - 1 - used, 0);

                if (length <= 0)
                        return;
                used += (size_t)length;
                text[used] = '\0';
        }
}

static void reply_send(int fd, const char *raw, bool is_slow)
{
        size_t length = strlen(raw), step = is_slow ? 1 : length;

        for (size_t sent = 0; sent < length; sent += step)
                if (send(fd, raw + sent, step, MSG_NOSIGNAL) < 0)
                        return; /* the client had enough: some tests want that */
}

static void *serve(void *data)
{
        Server *server = data;

        for (size_t i = 0; i < server->reply_count; i++) {
                int fd = accept(server->listen_fd, NULL, NULL);

                if (fd < 0)
                        return NULL; /* stopped */
                request_read(fd, server->requests[i]);
                server->request_count = i + 1;
                reply_send(fd, server->replies[i], server->is_slow);
                (void)close(fd);
        }
        return NULL;
}

void server_start(Server *server)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        (void)snprintf(server->folder, sizeof(server->folder), "/tmp/reeve-ctl-XXXXXX");
        assert_non_null(mkdtemp(server->folder));
        (void)snprintf(server->path, sizeof(server->path), "%s/api.sock", server->folder);
        memcpy(address.sun_path, server->path, strlen(server->path) + 1);
        server->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_true(server->listen_fd >= 0);
        assert_int_equal(bind(server->listen_fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(server->listen_fd, 8), 0);
        assert_int_equal(pthread_create(&server->thread, NULL, serve, server), 0);
        server->is_running = true;
}

void server_stop(Server *server)
{
        if (!server->is_running)
                return;
        (void)shutdown(server->listen_fd, SHUT_RDWR); /* wakes accept() */
        assert_int_equal(pthread_join(server->thread, NULL), 0);
        (void)close(server->listen_fd);
        (void)unlink(server->path);
        (void)rmdir(server->folder);
        for (size_t i = 0; i < server->reply_count; i++)
                free((char *)server->replies[i]);
        server->is_running = false;
}
