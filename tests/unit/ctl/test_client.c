#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "ctl/api.h"
#include "ctl/interrupt.h"
#include "ctl/outcome.h"
#include "ctl/stream.h"
#include "ctl/url.h"
#include "server.h"
#include "sys/clock.h"

/* A context that talks to @server and prints nothing of its own. */
static Context context_of(const Server *server, const Options *options)
{
        Context context = { .options = options, .out = stdout, .err = stderr, .out_fd = -1 };

        assert_int_equal(client_init(&context.client, server->path, NULL), 0);
        return context;
}

static void test_get(void **state)
{
        for (int is_slow = 0; is_slow < 2; is_slow++) {
                Server server = { .is_slow = is_slow };
                Options options = { 0 };
                Context context;
                AUTO_JSON *value = NULL;
                Error error = { 0 };

                server_json(&server, 200, "{\"version\":\"0.1.0\",\"pid\":7}");
                server_start(&server);
                context = context_of(&server, &options);
                assert_int_equal(api_get(&context, "/v1/", &value, &error), 0);
                assert_int_equal(value_integer(value, "pid", 0), 7);
                server_stop(&server);
                assert_non_null(strstr(server.requests[0], "GET /v1/ HTTP/1.1\r\n"));
                assert_non_null(strstr(server.requests[0], "\r\nHost: localhost\r\n"));
                assert_non_null(strstr(server.requests[0], "\r\nAccept: application/json\r\n"));
                context_done(&context);
        }
}

static void test_change(void **state)
{
        Server server = { 0 };
        Options options = { 0 };
        Context context;
        Request request = { .method = "PATCH",
                            .path = "/v1/pools/web/scale",
                            .body = "{\"processes\":4}",
                            .has_generation = true,
                            .generation = 6,
                            .wait_sec = 3 };
        Error error = { 0 };

        server_json(&server, 202, "{}");
        server_start(&server);
        context = context_of(&server, &options);
        assert_int_equal(api_call(&context, &request, NULL, &error), 202);
        server_stop(&server);
        assert_non_null(strstr(server.requests[0], "PATCH /v1/pools/web/scale HTTP/1.1"));
        assert_non_null(strstr(server.requests[0], "\r\nIf-Match: \"6\"\r\n"));
        assert_non_null(strstr(server.requests[0], "\r\nPrefer: wait=3\r\n"));
        assert_non_null(strstr(server.requests[0], "\r\nContent-Type: application/json\r\n"));
        assert_non_null(strstr(server.requests[0], "\r\nContent-Length: 15\r\n"));
        assert_non_null(strstr(server.requests[0], "\r\n\r\n{\"processes\":4}"));
        context_done(&context);
}

static void test_problems(void **state)
{
        static const struct {
                int status, r;
                const char *body, *code, *part;
        } cases[] = {
                { 404, -ENOENT, "{\"code\":\"unknown-pool\",\"detail\":\"There is no pool x.\"}",
                  REEVE_ERROR_UNKNOWN_POOL, "There is no pool x." },
                { 422, -EPERM, "{\"code\":\"over-limit\",\"detail\":\"Too many.\"}",
                  REEVE_ERROR_OVER_LIMIT, "Too many." },
                { 412, -ESTALE, "{\"code\":\"stale-generation\",\"title\":\"Stale\"}",
                  REEVE_ERROR_STALE_GENERATION, "Stale" },
                { 414, -EPERM, "", OUTCOME_FAILED, "414" },
                { 403, -EPERM, "<html>", REEVE_ERROR_FORBIDDEN, "403" },
                { 503, -EIO, "[1]", REEVE_ERROR_BUSY, "503" },
                { 500, -EIO, "{\"code\":5,\"detail\":null}", OUTCOME_FAILED, "500" },
        };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Server server = { 0 };
                Options options = { 0 };
                Context context;
                AUTO_JSON *value = NULL;
                Error error = { 0 };

                server_json(&server, cases[i].status, cases[i].body);
                server_start(&server);
                context = context_of(&server, &options);
                assert_int_equal(api_get(&context, "/v1/pools/x", &value, &error), cases[i].r);
                assert_string_equal(error.code, cases[i].code);
                assert_non_null(strstr(error.message, cases[i].part));
                assert_null(value);
                server_stop(&server);
                context_done(&context);
        }
}

static void test_broken_replies(void **state)
{
        static const struct {
                const char *raw;
                int r;
                const char *code;
        } cases[] = {
                { "", -EPROTO, OUTCOME_UNREACHABLE },
                { "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"half\":", -EPROTO,
                  OUTCOME_UNREACHABLE },
                { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":", -EPROTO,
                  OUTCOME_UNREACHABLE },
                { "220 mail.example ESMTP\r\n", -EPROTO, OUTCOME_UNREACHABLE },
                { "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n<xx>", -EPROTO, OUTCOME_FAILED },
        };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Server server = { 0 };
                Options options = { 0 };
                Context context;
                AUTO_JSON *value = NULL;
                Error error = { 0 };

                server_reply(&server, cases[i].raw);
                server_start(&server);
                context = context_of(&server, &options);
                assert_int_equal(api_get(&context, "/v1/", &value, &error), cases[i].r);
                assert_string_equal(error.code, cases[i].code);
                server_stop(&server);
                context_done(&context);
        }
}

static void test_pages(void **state)
{
        Server server = { 0 };
        Options options = { 0 };
        Context context;
        AUTO_JSON *list = NULL;
        AUTO_FREE char *dump = NULL;
        Error error = { 0 };

        server_json(&server, 200, "{\"items\":[1,2],\"next\":\"web:1\"}");
        server_json(&server, 200, "{\"items\":[3],\"next\":null}");
        server_start(&server);
        context = context_of(&server, &options);
        assert_int_equal(api_list(&context, "/v1/workers?pool=web", &list, &error), 0);
        server_stop(&server);
        assert_non_null(strstr(server.requests[0], "GET /v1/workers?pool=web&limit=5000 "));
        assert_non_null(strstr(server.requests[1], "&limit=5000&cursor=web%3A1 "));
        dump = json_dumps(list, JSON_COMPACT | JSON_SORT_KEYS);
        assert_string_equal(dump, "{\"items\":[1,2,3],\"next\":null}");
        context_done(&context);
}

static void test_no_list(void **state)
{
        Server server = { 0 };
        Options options = { 0 };
        Context context;
        AUTO_JSON *list = NULL;
        Error error = { 0 };

        server_json(&server, 200, "{\"items\":7}");
        server_start(&server);
        context = context_of(&server, &options);
        assert_int_equal(api_list(&context, "/v1/pools", &list, &error), -EPROTO);
        assert_null(list);
        server_stop(&server);
        context_done(&context);
}

static void test_unreachable(void **state)
{
        char folder[] = "/tmp/reeve-ctl-XXXXXX", path[64];
        Client client;
        Reply reply;
        Error error = { 0 };

        assert_non_null(mkdtemp(folder));
        (void)snprintf(path, sizeof(path), "%s/none.sock", folder);
        assert_int_equal(client_init(&client, path, NULL), 0);
        assert_int_equal(client_fetch(&client, &(Request){ .path = "/" }, &reply, &error), -ENOENT);
        assert_string_equal(error.code, OUTCOME_UNREACHABLE);
        assert_non_null(strstr(error.message, path));
        assert_non_null(strstr(error.message, "-H"));
        client_done(&client);
        assert_int_equal(rmdir(folder), 0);
}

static void test_default_sockets(void **state)
{
        Client client;

        assert_int_equal(unsetenv("REEVE_SOCKET"), 0);
        assert_int_equal(setenv("XDG_RUNTIME_DIR", "/run/user/7", 1), 0);
        assert_int_equal(client_init(&client, NULL, NULL), 0);
        assert_string_equal(client.sockets[geteuid() == 0], "/run/user/7/reeve/api.sock");
        assert_string_equal(client.sockets[geteuid() != 0], "/run/reeve/api.sock");
        client_done(&client);
        assert_int_equal(setenv("REEVE_SOCKET", "/x/api.sock", 1), 0);
        assert_int_equal(client_init(&client, NULL, NULL), 0);
        assert_string_equal(client.sockets[0], "/x/api.sock");
        assert_null(client.sockets[1]);
        client_done(&client);
        assert_int_equal(client_init(&client, "localhost:7733", NULL), 0);
        assert_string_equal(client.url, "http://localhost:7733");
        client_done(&client);
        assert_int_equal(client_init(&client, "http://[::1]:7733/", NULL), 0);
        assert_string_equal(client.url, "http://[::1]:7733");
        client_done(&client);
        assert_int_equal(client_init(&client, "unix:api:1", NULL), 0);
        assert_string_equal(client.sockets[0], "api:1");
        client_done(&client);
        assert_int_equal(unsetenv("REEVE_SOCKET"), 0);
}

static void test_url_refused(void **state)
{
        Client client;
        Reply reply;
        Error error = { 0 };

        /* Port 0 can never be listened on. */
        assert_int_equal(client_init(&client, "http://127.0.0.1:0", NULL), 0);
        assert_true(client_fetch(&client, &(Request){ .path = "/" }, &reply, &error) < 0);
        assert_string_equal(error.code, OUTCOME_UNREACHABLE);
        client_done(&client);
}

static void test_token(void **state)
{
        char path[] = "/tmp/reeve-ctl-XXXXXX";
        int fd = mkstemp(path);
        Client client = { .token_file = path };
        char *token = NULL;
        Error error = { 0 };

        assert_true(fd >= 0);
        assert_int_equal(write(fd, "abc\n", 4), 4);
        (void)close(fd);
        assert_int_equal(url_token(&client, &token, &error), 0);
        assert_string_equal(token, "abc");
        free(token);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(url_token(&client, &token, &error), -ENOENT);
        assert_non_null(strstr(error.message, path));
        client.token_file = NULL;
        assert_int_equal(setenv("REEVE_TOKEN", "xyz", 1), 0);
        assert_int_equal(url_token(&client, &token, &error), 0);
        assert_string_equal(token, "xyz");
        free(token);
        assert_int_equal(unsetenv("REEVE_TOKEN"), 0);
        assert_int_equal(url_token(&client, &token, &error), 0);
        assert_null(token);
}

/* ---- streams ---- */

static int on_bytes(void *userdata, const char *bytes, size_t length)
{
        text_append_bytes(userdata, bytes, length);
        return 0;
}

static void test_stream(void **state)
{
        Server server = { .is_slow = true };
        Options options = { 0 };
        Context context;
        AUTO_TEXT text = { 0 };
        Error error = { 0 };

        server_reply(&server, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                              "4\r\none\n\r\n4\r\ntwo\n\r\n0\r\n\r\n");
        server_start(&server);
        context = context_of(&server, &options);
        assert_int_equal(stream_run(&context,
                                    &(Request){ .path = "/x", .is_endless = true, .reader_fd = -1 },
                                    on_bytes, &text, &error),
                         1);
        assert_string_equal(text.bytes, "one\ntwo\n");
        server_stop(&server);
        context_done(&context);
}

static void test_stream_refused(void **state)
{
        Server server = { 0 };
        Options options = { 0 };
        Context context;
        AUTO_TEXT text = { 0 };
        Error error = { 0 };

        server_json(&server, 404, "{\"code\":\"unknown-pool\",\"detail\":\"No pool x.\"}");
        server_start(&server);
        context = context_of(&server, &options);
        assert_int_equal(stream_run(&context,
                                    &(Request){ .path = "/x", .is_endless = true, .reader_fd = -1 },
                                    on_bytes, &text, &error),
                         -ENOENT);
        assert_string_equal(error.message, "No pool x.");
        assert_int_equal(text.length, 0);
        server_stop(&server);
        context_done(&context);
}

static void test_poll(void **state)
{
        int in[2], out[2];

        assert_int_equal(pipe(in), 0);
        assert_int_equal(pipe(out), 0);
        assert_int_equal(interrupt_poll(in[0], POLLIN, out[1], now_usec()), -ETIMEDOUT);
        assert_int_equal(write(in[1], "x", 1), 1);
        assert_int_equal(interrupt_poll(in[0], POLLIN, out[1], UINT64_MAX), 0);
        assert_int_equal(read(in[0], (char[1]){ 0 }, 1), 1);
        (void)close(out[0]); /* our reader leaves */
        assert_int_equal(interrupt_poll(in[0], POLLIN, out[1], UINT64_MAX), -EPIPE);
        assert_false(interrupt_came());
        assert_int_equal(interrupt_arm(), 0);
        assert_int_equal(raise(SIGINT), 0);
        assert_true(interrupt_came());
        assert_int_equal(interrupt_poll(in[0], POLLIN, -1, UINT64_MAX), -EINTR);
        (void)close(in[0]);
        (void)close(in[1]);
        (void)close(out[1]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_get),         cmocka_unit_test(test_change),
                cmocka_unit_test(test_problems),    cmocka_unit_test(test_broken_replies),
                cmocka_unit_test(test_pages),       cmocka_unit_test(test_no_list),
                cmocka_unit_test(test_unreachable), cmocka_unit_test(test_default_sockets),
                cmocka_unit_test(test_url_refused), cmocka_unit_test(test_token),
                cmocka_unit_test(test_stream),      cmocka_unit_test(test_stream_refused),
                cmocka_unit_test(test_poll), /* last: from here on a signal has come */
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
