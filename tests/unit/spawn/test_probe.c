/* probe: a server of our own, in the same process, says what the probe is to make of it */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "spawn/probe.h"
#include "sys/fd.h"

typedef struct Server {
        int listen_fd, fd;
        unsigned port;
        ProbeTarget target;
        Probe *probe;
        Error error;
} Server;

static Server server;

static int open_server(void **state)
{
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t length = sizeof(address);

        server = (Server){ .fd = -1 };
        server.listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(server.listen_fd, (struct sockaddr *)&address, length), 0);
        assert_int_equal(listen(server.listen_fd, 8), 0);
        assert_int_equal(getsockname(server.listen_fd, (struct sockaddr *)&address, &length), 0);
        server.port = ntohs(address.sin_port);
        return 0;
}

static int close_server(void **state)
{
        server.probe = probe_free(server.probe);
        probe_target_done(&server.target);
        (void)fd_close(server.fd);
        (void)fd_close(server.listen_fd);
        return 0;
}

static void begin(ProbeKind kind, const char *path)
{
        char text[128];

        (void)snprintf(text, sizeof(text), "%s127.0.0.1:%u%s", kind == PROBE_HTTP ? "http://" : "",
                       server.port, path);
        assert_int_equal(probe_target_parse(kind, text, &server.target, &server.error), 0);
        assert_int_equal(probe_start(&server.target, &server.probe, &server.error), 0);
}

/* Step it until it knows, or waits for us. */
static int drive(void)
{
        for (;;) {
                struct pollfd ready = { .fd = probe_fd(server.probe),
                                        .events = (short)probe_events(server.probe) };
                int r;

                if (poll(&ready, 1, 0) == 0)
                        return 0;
                r = probe_step(server.probe, &server.error);
                if (r != 0)
                        return r;
        }
}

static int drive_to_end(void)
{
        int r;

        while ((r = drive()) == 0) {
                struct pollfd ready = { .fd = probe_fd(server.probe),
                                        .events = (short)probe_events(server.probe) };

                assert_int_equal(poll(&ready, 1, 60000), 1);
        }
        return r;
}

static void take_request(char *request, size_t size)
{
        size_t length = 0;

        server.fd = accept4(server.listen_fd, NULL, NULL, SOCK_CLOEXEC);
        assert_true(server.fd >= 0);
        while (!(length >= 4 && memcmp(request + length - 4, "\r\n\r\n", 4) == 0)) {
                ssize_t n;

                assert_int_equal(drive(), 0);
                n = recv(server.fd, request + length, size - length - 1, 0);
                assert_true(n > 0);
                length += (size_t)n;
        }
        request[length] = '\0';
}

static void say(const char *text)
{
        assert_int_equal(send(server.fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static int answer(const char *text)
{
        char request[512];

        begin(PROBE_HTTP, "/healthz?a=b");
        assert_int_equal(drive(), 0);
        take_request(request, sizeof(request));
        assert_non_null(strstr(request, "GET /healthz?a=b HTTP/1.1\r\n"));
        assert_non_null(strstr(request, "\r\nHost: 127.0.0.1:"));
        assert_non_null(strstr(request, "\r\nConnection: close\r\n"));
        say(text);
        return drive_to_end();
}

static void test_200_is_well(void **state)
{
        assert_int_equal(answer("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nx"), 1);
}

static void test_399_is_well(void **state)
{
        assert_int_equal(answer("HTTP/1.0 399 x\n\n"), 1);
}

static void test_interim_answers_are_passed_over(void **state)
{
        assert_int_equal(answer("HTTP/1.1 103 Early Hints\r\na: b\r\n\r\n"
                                "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 500 Oh\r\n\r\n"),
                         -EPROTO);
        assert_string_equal(server.error.message, "the answer was status 500");
}

static void test_another_protocol(void **state)
{
        assert_int_equal(answer("220 mail.example ESMTP\r\n"), -EBADMSG);
}

static void test_a_head_without_end(void **state)
{
        char text[9000];

        memset(text, 'a', sizeof(text) - 1);
        text[sizeof(text) - 1] = '\0';
        memcpy(text, "HTTP/1.1 200 OK\r\n", strlen("HTTP/1.1 200 OK\r\n"));
        assert_int_equal(answer(text), -EMSGSIZE);
}

/* Each is read and forgotten; without an end to that the loop would stand still. */
static void test_interim_answers_without_end(void **state)
{
        static const char interim[] = "HTTP/1.1 100 Continue\r\n\r\n";
        char text[9000] = "";

        for (size_t length = 0; length + sizeof(interim) < sizeof(text);
             length += sizeof(interim) - 1)
                memcpy(text + length, interim, sizeof(interim));
        assert_int_equal(answer(text), -EMSGSIZE);
}

static void test_silence(void **state)
{
        char request[512];

        begin(PROBE_HTTP, "");
        assert_int_equal(drive(), 0);
        take_request(request, sizeof(request));
        assert_non_null(strstr(request, "GET / HTTP/1.1\r\n"));
        say("HTTP/1.1 200 OK\r\n");
        assert_int_equal(drive(), 0); /* not an answer yet */
        server.fd = fd_close(server.fd);
        assert_true(drive_to_end() < 0);
}

static void test_tcp(void **state)
{
        begin(PROBE_TCP, "");
        assert_int_equal(drive_to_end(), 1);
}

static void test_nobody_listens(void **state)
{
        char text[64];
        int r;

        server.listen_fd = fd_close(server.listen_fd);
        (void)snprintf(text, sizeof(text), "127.0.0.1:%u", server.port);
        assert_int_equal(probe_target_parse(PROBE_TCP, text, &server.target, &server.error), 0);
        r = probe_start(&server.target, &server.probe, &server.error);
        assert_int_equal(r < 0 ? r : drive_to_end(), -ECONNREFUSED);
        assert_string_equal(server.error.message, "cannot connect: Connection refused");
}

static void test_targets(void **state)
{
        static const char *const bad[] = { "http://localhost/",
                                           "http://127.0.0.1:0/",
                                           "http://127.0.0.1:80/a b",
                                           "127.0.0.1:80",
                                           "http://127.0.0.1:x/",
                                           "http://",
                                           "" };

        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                assert_int_equal(
                        probe_target_parse(PROBE_HTTP, bad[i], &server.target, &server.error),
                        -EINVAL);
        assert_int_equal(probe_target_parse(PROBE_HTTP, "http://127.0.0.1/?key=not so secret",
                                            &server.target, &server.error),
                         -EINVAL);
        assert_null(strstr(server.error.message, "secret"));
        assert_int_equal(probe_target_parse(PROBE_HTTP, "http://[::1]/x", &server.target, NULL), 0);
        assert_int_equal(server.target.address.address.ipv6.sin6_port, htons(80));
        assert_non_null(strstr(server.target.request, "\r\nHost: [::1]\r\n"));
}

#define WITH_SERVER(test) cmocka_unit_test_setup_teardown(test, open_server, close_server)

int main(void)
{
        const struct CMUnitTest tests[] = {
                WITH_SERVER(test_200_is_well),
                WITH_SERVER(test_399_is_well),
                WITH_SERVER(test_interim_answers_are_passed_over),
                WITH_SERVER(test_another_protocol),
                WITH_SERVER(test_a_head_without_end),
                WITH_SERVER(test_interim_answers_without_end),
                WITH_SERVER(test_silence),
                WITH_SERVER(test_tcp),
                WITH_SERVER(test_nobody_listens),
                WITH_SERVER(test_targets),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
