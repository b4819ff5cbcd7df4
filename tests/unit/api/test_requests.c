/* Raw requests: what is sound as HTTP, what is not, and what is not meant for us. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "fixture.h"
#include "sys/fd.h"

static Fixture fixture;

static int start(void **state)
{
        fixture_start(&fixture, NULL);
        return 0;
}

static int stop(void **state)
{
        fixture_stop(&fixture);
        return 0;
}

#define HOST "Host: localhost\r\n"
#define JSON "Content-Type: application/json\r\n"
#define STOP "POST /v1/pools/web/stop HTTP/1.1\r\n"

typedef struct RawCase {
        const char *request;
        size_t length;    /* 0: up to its NUL */
        int status;       /* 0: closed, or a bare 4xx of the library */
        const char *code; /* NULL: none is looked for */
} RawCase;

#define NUL_REQUEST(text) text, sizeof(text) - 1

static const RawCase raw_cases[] = {
        /* hosts */
        { "GET /livez HTTP/1.1\r\n" HOST "\r\n", 0, 200, NULL },
        { "GET /livez HTTP/1.1\r\n\r\n", 0, 400, NULL },
        { "GET /livez HTTP/1.0\r\n\r\n", 0, 400, "bad-request" },
        { "GET /livez HTTP/1.1\r\nHost: evil.example\r\n\r\n", 0, 421, "misdirected" },
        { "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 0, 421, "misdirected" },
        { "GET /v1/events?follow HTTP/1.1\r\nHost: evil.example\r\n\r\n", 0, 421, "misdirected" },
        { "GET /livez HTTP/1.1\r\n" HOST HOST "\r\n", 0, 400, "bad-request" },
        { "GET /livez HTTP/1.1\r\n" HOST "Host: evil.example\r\n\r\n", 0, 400, "bad-request" },
        { "GET /livez HTTP/1.1\r\nHost: localhost:7733\r\n\r\n", 0, 200, NULL },
        { "GET /livez HTTP/1.1\r\nHost: LocalHost.\r\n\r\n", 0, 200, NULL },
        { "GET /livez HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", 0, 200, NULL },
        { "GET /livez HTTP/1.1\r\nHost: reeve.example\r\n\r\n", 0, 200, NULL },
        { "GET /livez HTTP/1.1\r\nHost: localhost:80:80\r\n\r\n", 0, 421, NULL },
        { "GET /livez HTTP/1.1\r\nHost: localhost@evil.example\r\n\r\n", 0, 421, NULL },
        { "GET /livez HTTP/1.1\r\nHost: localhost.evil.example\r\n\r\n", 0, 421, NULL },
        { "GET /livez HTTP/1.1\r\nHost: \r\n\r\n", 0, 421, NULL },
        { NUL_REQUEST("GET /livez HTTP/1.1\r\nHost: evil\0localhost\r\n\r\n"), 421, NULL },
        /* framing */
        { STOP HOST JSON "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}", 0, 400,
          "bad-request" },
        { STOP HOST JSON "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 0, 400,
          "bad-request" },
        { STOP HOST JSON
          "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
          0, 400, "bad-request" },
        { STOP HOST JSON "Transfer-Encoding: gzip\r\n\r\n", 0, 501, NULL },
        { STOP HOST JSON "Transfer-Encoding: xchunked\r\n\r\n", 0, 501, NULL },
        { STOP HOST JSON "Transfer-Encoding: gzip, chunked\r\n\r\n", 0, 501, NULL },
        { "POST /v1/pools/web/stop HTTP/1.0\r\n" HOST JSON
          "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
          0, 400, NULL },
        { STOP HOST JSON "Content-Length: 70000\r\n\r\n", 0, 413, "too-large" },
        { STOP HOST JSON "Content-Length: 9223372036854775808\r\n\r\n", 0, 413, "too-large" },
        { STOP HOST JSON "Content-Length: -1\r\n\r\n", 0, 0, NULL },
        { STOP HOST JSON "Content-Length: +5\r\n\r\n", 0, 0, NULL },
        { STOP HOST JSON "Content-Length: 5, 6\r\n\r\n", 0, 0, NULL },
        { STOP HOST JSON "Content-Length: 18446744073709551616\r\n\r\n", 0, 0, NULL },
        { "GET /livez HTTP/1.1\r\n" HOST "X : a\r\n\r\n", 0, 400, "bad-request" },
        { "GET /livez HTTP/1.1\r\n" HOST "X: a\rb\r\n\r\n", 0, 400, "bad-request" },
        { "GET /livez HTTP/1.1\r\nHost: localhost\r\n b\r\n\r\n", 0, 400, NULL },
        { "GET /livez HTTP/1.1\r\n" HOST "Accept: a\r\nAccept: b\r\n\r\n", 0, 400, NULL },
        { "GET /livez HTTP/2.0\r\n" HOST "\r\n", 0, 505, NULL },
        /* targets */
        { NUL_REQUEST("GET /livez\0/x HTTP/1.1\r\n" HOST "\r\n"), 400, "bad-request" },
        { "GET /v1/pools/a%00b HTTP/1.1\r\n" HOST "\r\n", 0, 400, "bad-request" },
        { "GET /v1/pools/a%2fb HTTP/1.1\r\n" HOST "\r\n", 0, 400, "bad-request" },
        { "GET /v1/pools/%2e%2e HTTP/1.1\r\n" HOST "\r\n", 0, 400, "bad-request" },
        { "GET /v1/pools/%zz HTTP/1.1\r\n" HOST "\r\n", 0, 400, "bad-request" },
        { "GET /v1/pools/../livez HTTP/1.1\r\n" HOST "\r\n", 0, 404, NULL },
        { "GET /../../etc/passwd HTTP/1.1\r\n" HOST "\r\n", 0, 404, NULL },
        { "GET /v1/pools/w\xC3\xA4"
          "b HTTP/1.1\r\n" HOST "\r\n",
          0, 400, NULL },
        { "GET /v1/pools/-rf HTTP/1.1\r\n" HOST "\r\n", 0, 404, "unknown-pool" },
        { "GET /v1/pools//web HTTP/1.1\r\n" HOST "\r\n", 0, 404, "not-found" },
        { "GET /livez/ HTTP/1.1\r\n" HOST "\r\n", 0, 404, "not-found" },
        { "GET http://evil.example/livez HTTP/1.1\r\n" HOST "\r\n", 0, 400, "bad-request" },
        { "GET http://localhost/livez HTTP/1.1\r\n" HOST "\r\n", 0, 400, "bad-request" },
        { "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 0, 400, NULL },
        { "GET /livez?a=%00 HTTP/1.1\r\n" HOST "\r\n", 0, 400, "bad-request" },
        { "GET /v1/pools?limit=1&limit=2 HTTP/1.1\r\n" HOST "\r\n", 0, 400, "bad-request" },
        { "GET /v1/pools?nonsense=1 HTTP/1.1\r\n" HOST "\r\n", 0, 400, "bad-request" },
        /* methods */
        { "DELETE /v1/pools/web HTTP/1.1\r\n" HOST "\r\n", 0, 405, "method-not-allowed" },
        { "BREW /v1/ HTTP/1.1\r\n" HOST "\r\n", 0, 405, "method-not-allowed" },
        { "POST /v1/pools/web/advice HTTP/1.1\r\n" HOST "\r\n", 0, 404, "not-found" },
        { "GET /v1/pools/web/stop HTTP/1.1\r\n" HOST "\r\n", 0, 405, "method-not-allowed" },
        /* requests of other sites */
        { STOP HOST "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}", 0, 415,
          "media-type" },
        { STOP HOST "Content-Length: 2\r\n\r\n{}", 0, 415, "media-type" },
        { STOP HOST "Content-Type: application/jsonp\r\nContent-Length: 2\r\n\r\n{}", 0, 415,
          NULL },
        { STOP HOST "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 0\r\n\r\n",
          0, 415, "media-type" },
        { STOP HOST JSON "Sec-Fetch-Site: cross-site\r\nContent-Length: 2\r\n\r\n{}", 0, 403,
          "cross-site" },
        { STOP HOST JSON "Sec-Fetch-Site: same-site\r\nContent-Length: 2\r\n\r\n{}", 0, 403,
          "cross-site" },
        { STOP HOST JSON "Origin: null\r\nContent-Length: 2\r\n\r\n{}", 0, 403, "cross-site" },
        { STOP HOST JSON "Origin: http://evil.example\r\nContent-Length: 2\r\n\r\n{}", 0, 403,
          "cross-site" },
        { STOP HOST JSON "Origin: http://localhost:3000\r\nContent-Length: 2\r\n\r\n{}", 0, 403,
          "cross-site" },
};

static void check_raw(const RawCase *row, bool is_tcp)
{
        int fd = is_tcp ? fixture_connect_tcp(&fixture) : fixture_connect(&fixture);
        static Response response;

        http_send_bytes(fd, row->request, row->length ? row->length : strlen(row->request));
        http_read(fd, &response);
        (void)fd_close(fd);
        if (row->status == 0 ? response.status != 0 && response.status / 100 != 4
                             : response.status != row->status)
                fail_msg("%d, not %d, to: %s%.300s", response.status, row->status, row->request,
                         response.bytes);
        if (row->code)
                assert_string_equal(json_text_at(&response, "code"), row->code);
}

static void test_t36_raw_requests(void **state)
{
        for (size_t i = 0; i < COUNT_OF(raw_cases); i++)
                check_raw(&raw_cases[i], false);
        core_expect_silence(&fixture);
}

static void test_t36_raw_requests_over_tcp(void **state)
{
        for (size_t i = 0; i < COUNT_OF(raw_cases); i++)
                if (raw_cases[i].status == 421 || raw_cases[i].status == 501
                    || (raw_cases[i].status == 400 && !strstr(raw_cases[i].request, "limit=")
                        && !strstr(raw_cases[i].request, "nonsense")))
                        check_raw(&raw_cases[i], true);
        core_expect_silence(&fixture);
}

static char *repeat(const char *before, char c, size_t count, const char *after)
{
        AUTO_TEXT text = { 0 };
        char *string;

        text_append(&text, before);
        for (size_t i = 0; i < count; i++)
                text_append_bytes(&text, &c, 1);
        text_append(&text, after);
        assert_int_equal(text_take(&text, &string), 0);
        return string;
}

static void test_long_targets(void **state)
{
        static const size_t lengths[] = { 3000, 5000, 40000, 100000 };

        for (size_t i = 0; i < COUNT_OF(lengths); i++) {
                AUTO_FREE char *path = repeat("GET /v1/pools?cursor=", 'a', lengths[i],
                                              " HTTP/1.1\r\n" HOST "\r\n");
                int fd = fixture_connect(&fixture);
                static Response response;

                http_send(fd, path);
                http_read(fd, &response);
                assert_true(response.status == 414 || response.status == 431);
                (void)fd_close(fd);
        }
}

static void test_t36_many_headers_and_parameters(void **state)
{
        AUTO_TEXT text = { 0 };
        int fd = fixture_connect(&fixture);
        static Response response;

        text_append(&text, "GET /v1/pools?");
        for (unsigned i = 0; i < 2000; i++)
                text_append(&text, "a&");
        text_append(&text, " HTTP/1.1\r\n" HOST "\r\n");
        http_send(fd, text.bytes);
        http_read(fd, &response);
        assert_true(response.status == 0 || response.status / 100 == 4);
        (void)fd_close(fd);

        fd = fixture_connect(&fixture);
        http_send(fd, "GET /livez HTTP/1.1\r\n" HOST);
        for (unsigned i = 0; i < 5000; i++)
                http_send(fd, "X-Header: value\r\n");
        http_send(fd, "\r\n");
        http_read(fd, &response);
        assert_true(response.status == 0 || response.status / 100 == 4);
        (void)fd_close(fd);
}

static void test_body_too_long_in_chunks(void **state)
{
        AUTO_FREE char *chunk = repeat("4000\r\n", 'x', 0x4000, "\r\n");
        int fd = fixture_connect(&fixture);
        static Response response;

        http_send(fd, STOP HOST JSON "Transfer-Encoding: chunked\r\n\r\n");
        for (unsigned i = 0; i < 6; i++)
                http_send(fd, chunk);
        http_send(fd, "0\r\n\r\n");
        http_read(fd, &response);
        assert_int_equal(response.status, 413);
        assert_string_equal(json_text_at(&response, "code"), "too-large");
        (void)fd_close(fd);

        fd = fixture_connect(&fixture); /* and who never ends is cut off */
        http_send(fd, STOP HOST JSON "Transfer-Encoding: chunked\r\n\r\n");
        for (unsigned i = 0; i < 100; i++)
                http_send(fd, chunk);
        assert_true(http_is_closed(fd));
        (void)fd_close(fd);
        core_expect_silence(&fixture);
}

static void test_t42_bodies(void **state)
{
        static const struct {
                const char *body;
                int status;
                const char *pointer;
        } cases[] = {
                { "{", 400, "" },
                { "", 422, NULL }, /* an empty body changes nothing */
                { "{} x", 400, "" },
                { "[]", 422, "" },
                { "4", 400, "" },
                { "\xEF\xBB\xBF{}", 400, "" },
                { "{\"processes\":4.0}", 422, "/processes" },
                { "{\"processes\":1e2}", 422, "/processes" },
                { "{\"processes\":-1}", 422, "/processes" },
                { "{\"processes\":9223372036854775808}", 400, "" },
                { "{\"processes\":9223372036854775807}", 422, "/processes" },
                { "{\"processes\":\"4\"}", 422, "/processes" },
                { "{\"processes\":NaN}", 400, "" },
                { "{\"processes\":null}", 422, "/processes" },
                { "{\"processes\":true}", 422, "/processes" },
                { "{\"processes\":[4]}", 422, "/processes" },
                { "{\"processes\":4,\"processes\":5}", 400, "/processes" },
                { "{\"proceses\":4}", 422, "/proceses" },
                { "{\"a/b~c\":4}", 422, "/a~1b~0c" },
                { "{\"mode\":\"fast\"}", 422, "/mode" },
                { "{\"mode\":\"a\\u0000\"}", 400, "" },
                { "{\"mode\":\"\xFF\"}", 400, "" },
                { "{\"processes\":4,\"processes_delta\":1}", 422, "/processes_delta" },
                { "{\"processes\":4,\"total\":8}", 422, NULL },
                { "{\"mode\":\"threads\",\"reset\":true}", 422, NULL },
                { "{\"dry_run\":true}", 422, NULL },
                { "{\"dry_run\":1,\"processes\":2}", 422, "/dry_run" },
        };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Response *response =
                        http_ask(&fixture, "PATCH", "/v1/pools/web/scale", "", cases[i].body);

                if (response->status != cases[i].status)
                        fail_msg("%d to %s: %s", response->status, cases[i].body, response->body);
                if (cases[i].pointer)
                        assert_string_equal(json_text_at(response, "errors.0.pointer"),
                                            cases[i].pointer);
        }
        core_expect_silence(&fixture);
}

static void test_t42_deep_and_wide(void **state)
{
        AUTO_FREE char *deep = repeat("", '[', 60000, "");
        AUTO_TEXT wide = { 0 };

        assert_int_equal(http_ask(&fixture, "PATCH", "/v1/pools/web/scale", "", deep)->status, 400);
        text_append(&wide, "{");
        for (unsigned i = 0; i < 5000; i++)
                text_printf(&wide, "%s\"k%u\":1", i ? "," : "", i);
        text_append(&wide, "}");
        assert_int_equal(http_ask(&fixture, "PATCH", "/v1/pools/web/scale", "", wide.bytes)->status,
                         422);
        core_expect_silence(&fixture);
}

static void test_one_byte_at_a_time_and_pipelined(void **state)
{
        const char *request = "GET /livez HTTP/1.1\r\n" HOST "\r\n";
        int fd = fixture_connect(&fixture);
        static Response response;

        for (const char *p = request; *p; p++)
                http_send_bytes(fd, p, 1);
        http_read(fd, &response);
        assert_int_equal(response.status, 200);
        http_send(fd, "GET /livez HTTP/1.1\r\n" HOST "\r\n"
                      "GET /nothing HTTP/1.1\r\nConnection: close\r\n" HOST "\r\n");
        response.length = 0;
        response.bytes[0] = '\0';
        http_wait_text(fd, &response, "not-found");
        assert_non_null(strstr(response.bytes, "\"ok\""));
        (void)fd_close(fd);
}

static void test_headers_of_every_reply(void **state)
{
        static const char *const paths[] = { "/", "/livez", "/v1/", "/nothing", "/v1/pools/nope" };

        for (size_t i = 0; i < COUNT_OF(paths); i++) {
                Response *response = http_get(&fixture, paths[i]);

                assert_string_equal(http_header(response, "X-Content-Type-Options"), "nosniff");
                assert_string_equal(http_header(response, "Cache-Control"), "no-store");
                assert_string_equal(http_header(response, "Referrer-Policy"), "no-referrer");
                assert_non_null(strstr(http_header(response, "Content-Security-Policy"),
                                       "default-src 'self'"));
                assert_null(http_header(response, "Access-Control-Allow-Origin"));
        }
}

static void test_allow(void **state)
{
        assert_string_equal(
                http_header(http_ask(&fixture, "DELETE", "/v1/pools", "", NULL), "Allow"),
                "GET, HEAD");
        assert_string_equal(http_header(http_get(&fixture, "/v1/pools/web/scale"), "Allow"),
                            "PATCH");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_t36_raw_requests),
                cmocka_unit_test(test_t36_raw_requests_over_tcp),
                cmocka_unit_test(test_long_targets),
                cmocka_unit_test(test_t36_many_headers_and_parameters),
                cmocka_unit_test(test_body_too_long_in_chunks),
                cmocka_unit_test(test_t42_bodies),
                cmocka_unit_test(test_t42_deep_and_wide),
                cmocka_unit_test(test_one_byte_at_a_time_and_pipelined),
                cmocka_unit_test(test_headers_of_every_reply),
                cmocka_unit_test(test_allow),
        };

        return cmocka_run_group_tests(tests, start, stop);
}
