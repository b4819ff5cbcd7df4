/* What is shown: every GET, lists and their pages, selections, tags, values that cannot be had. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "fixture.h"
#include "model/pool.h"
#include "model/worker.h"

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

static void test_daemon(void **state)
{
        Response *response = http_get(&fixture, "/v1/");

        assert_int_equal(response->status, 200);
        assert_int_equal(json_number_at(response, "pid"), 99);
        assert_string_equal(json_text_at(response, "warnings.0.pool"), "web");
        assert_true(json_has(response, "sampler"));
        assert_int_equal(http_get(&fixture, "/v1")->status, 200);
}

static void test_pool(void **state)
{
        Response *response = http_get(&fixture, "/v1/pools/web");

        assert_int_equal(response->status, 200);
        assert_string_equal(http_header(response, "ETag"), "\"5\"");
        assert_string_equal(json_text_at(response, "state"), "running");
        assert_string_equal(json_text_at(response, "scale.mode"), "manual");
        assert_int_equal(json_number_at(response, "scale.limits.processes.1"), 8);
        assert_true(json_is_null_at(response, "scale.limits.memory_bytes"));
        assert_int_equal(json_number_at(response, "processes.ready"), 2);
        assert_int_equal(json_number_at(response, "threads.wanted"), 8);
        assert_int_equal(json_number_at(response, "cpu_ratio"), 1);
        assert_int_equal(json_number_at(response, "rss_bytes"), 2 << 20);
        assert_string_equal(json_text_at(response, "listeners.1"), "/run/web.sock");
        assert_string_equal(json_text_at(response, "warnings.0.message"),
                            "MemoryMax= is not honoured here.");
        assert_string_equal(json_text_at(response, "description"), "caf\xC3\xA9 <b>\xEF\xBF\xBD\"");
        /* no value that cannot be had is 0 */
        assert_true(json_is_null_at(response, "memory_bytes"));
        assert_true(json_is_null_at(response, "threads.busy"));
        assert_true(json_is_null_at(response, "verdict"));
        assert_non_null(json_text_at(response, "unavailable.memory_bytes"));
        assert_true(json_is_null_at(response, "operation"));
}

static void test_pool_tag(void **state)
{
        static const char *const same[] = { "\"5\"", "W/\"5\"", "\"4\", \"5\"", "*" };
        static const char *const other[] = { "\"4\"", "5", "\"55\"", "\"5", "" };
        char header[64];

        for (size_t i = 0; i < COUNT_OF(same); i++) {
                (void)snprintf(header, sizeof(header), "If-None-Match: %s\r\n", same[i]);
                assert_int_equal(http_ask(&fixture, "GET", "/v1/pools/web", header, NULL)->status,
                                 304);
        }
        for (size_t i = 0; i < COUNT_OF(other); i++) {
                (void)snprintf(header, sizeof(header), "If-None-Match: %s\r\n", other[i]);
                assert_int_equal(http_ask(&fixture, "GET", "/v1/pools/web", header, NULL)->status,
                                 200);
        }
}

static void test_pool_follows_the_board(void **state)
{
        BoardView board;
        BoardPool row;

        assert_int_equal(board_view_init(&board, fixture.board, fixture.board_size), 0);
        assert_int_equal(board_view_find_pool(&board, "web", &row), 1);
        assert_int_equal(json_number_at(http_get(&fixture, "/v1/pools/web"), "restarts"), 0);
        row.restarts = 7;
        assert_int_equal(board_pool_write(fixture.board, 1, &row), 0);
        assert_int_equal(json_number_at(http_get(&fixture, "/v1/pools/web"), "restarts"), 7);
        row.restarts = 0;
        assert_int_equal(board_pool_write(fixture.board, 1, &row), 0);
}

static void test_pools(void **state)
{
        Response *response = http_get(&fixture, "/v1/pools");

        assert_string_equal(json_text_at(response, "items.0.name"), "empty");
        assert_string_equal(json_text_at(response, "items.1.name"), "web");
        assert_false(json_has(response, "items.2"));
        assert_true(json_is_null_at(response, "next"));
        response = http_get(&fixture, "/v1/pools?builtin=true");
        assert_string_equal(json_text_at(response, "items.0.name"), "@api");
        assert_int_equal(http_get(&fixture, "/v1/pools/@api")->status, 200);
        response = http_get(&fixture, "/v1/pools/nothing");
        assert_int_equal(response->status, 404);
        assert_string_equal(json_text_at(response, "code"), "unknown-pool");
}

static void test_pages(void **state)
{
        Response *response = http_get(&fixture, "/v1/workers?limit=2&pool=web");

        assert_int_equal(json_number_at(response, "items.1.pid"), 4712);
        assert_string_equal(json_text_at(response, "next"), "web:1");
        assert_string_equal(http_header(response, "Link"),
                            "</v1/workers?limit=2&pool=web&cursor=web:1>; rel=\"next\"");
        response = http_get(&fixture, "/v1/workers?limit=2&pool=web&cursor=web:1");
        assert_int_equal(json_number_at(response, "items.0.slot"), 2);
        assert_false(json_has(response, "items.1"));
        assert_true(json_is_null_at(response, "next"));
        assert_null(http_header(response, "Link"));
        /* a cursor whose row went away goes on behind it */
        response = http_get(&fixture, "/v1/workers?cursor=vvv:9");
        assert_int_equal(json_number_at(response, "items.0.slot"), 0);
        response = http_get(&fixture, "/v1/pools?limit=1");
        assert_string_equal(json_text_at(response, "next"), "empty");
        response = http_get(&fixture, "/v1/pools?limit=1&cursor=empty");
        assert_string_equal(json_text_at(response, "items.0.name"), "web");
        assert_true(json_is_null_at(response, "next"));
}

static void test_bad_parameters(void **state)
{
        static const char *const paths[] = {
                "/v1/pools?limit=0",
                "/v1/pools?limit=5001",
                "/v1/pools?limit=x",
                "/v1/pools?fields=",
                "/v1/pools?fields=name,,pid",
                "/v1/pools?fields=nope",
                "/v1/pools?builtin=2",
                "/v1/events?since=x",
                "/v1/events?since=-1",
                "/v1/events?follow=eh",
                "/v1/pools/web/logs?lines=-1",
                "/v1/pools/web/logs?slot=a",
                "/v1/workers/4711?fields=nope",
        };

        for (size_t i = 0; i < COUNT_OF(paths); i++) {
                Response *response = http_get(&fixture, paths[i]);

                if (response->status != 400)
                        fail_msg("%d to %s", response->status, paths[i]);
                assert_string_equal(json_text_at(response, "code"), "bad-request");
        }
}

static void test_fields(void **state)
{
        Response *response = http_get(&fixture, "/v1/workers?fields=pid,slot,pss_bytes");

        assert_int_equal(json_number_at(response, "items.0.pid"), 4711);
        assert_false(json_has(response, "items.0.state"));
        assert_non_null(json_text_at(response, "items.0.unavailable.pss_bytes"));
        assert_false(json_has(response, "items.0.unavailable.busy"));
        response = http_get(&fixture, "/v1/pools/web?fields=scale");
        assert_int_equal(json_number_at(response, "scale.limits.threads.0"), 1);
        assert_false(json_has(response, "name"));
        response = http_get(&fixture, "/v1/pools/web?fields=threads,unavailable");
        assert_true(json_is_null_at(response, "threads.live"));
        assert_false(json_has(response, "unavailable.memory_bytes"));
        response = http_get(&fixture, "/v1/workers/4711?fields=instance");
        assert_true(json_is_null_at(response, "instance"));
}

static void test_workers(void **state)
{
        Response *response = http_get(&fixture, "/v1/workers");

        assert_int_equal(json_number_at(response, "items.0.pid"), 4711);
        assert_string_equal(json_text_at(response, "items.0.state"), "ready");
        assert_string_equal(json_text_at(response, "items.0.start_time"),
                            "2023-11-14T22:13:20.123456Z");
        assert_int_equal(json_number_at(response, "items.0.threads"), 3);
        assert_true(json_is_null_at(response, "items.0.last_exit"));
        /* a slot without a process is a row, too */
        assert_string_equal(json_text_at(response, "items.2.state"), "backoff");
        assert_true(json_is_null_at(response, "items.2.pid"));
        assert_true(json_is_null_at(response, "items.2.rss_bytes"));
        assert_non_null(json_text_at(response, "items.2.unavailable.pid"));
        assert_string_equal(json_text_at(response, "items.2.last_exit.signal"), "SIGKILL");
        assert_int_equal(http_get(&fixture, "/v1/workers?pool=nope")->status, 404);
        assert_false(json_has(http_get(&fixture, "/v1/workers?pool=empty"), "items.0"));
}

static void test_worker(void **state)
{
        Response *response =
                http_get(&fixture, "/v1/workers/4712?fields=slot,status_text,process_state,log");

        assert_int_equal(json_number_at(response, "slot"), 1);
        assert_string_equal(json_text_at(response, "status_text"), "<script>");
        assert_string_equal(json_text_at(response, "process_state"), "S");
        assert_int_equal(json_number_at(response, "log.file"), 1);
        assert_int_equal(http_get(&fixture, "/v1/workers/1")->status, 404);
        assert_int_equal(http_get(&fixture, "/v1/workers/0")->status, 404);
        assert_int_equal(http_get(&fixture, "/v1/workers/99999999999")->status, 404);
        assert_int_equal(http_get(&fixture, "/v1/workers/web")->status, 404);
}

static void test_operation(void **state)
{
        BoardOperation row = { .id = 7,
                               .state = OPERATION_FAILED,
                               .from_processes = 2,
                               .to_processes = 4,
                               .began_realtime_usec = 1700000000000000,
                               .pid_count = 2,
                               .pids = { BOARD_OPERATION_PID(BOARD_OPERATION_KEPT, 11),
                                         BOARD_OPERATION_PID(BOARD_OPERATION_STARTED, 12) } };
        Response *response;

        (void)text_copy(row.pool, sizeof(row.pool), "web");
        (void)text_copy(row.cut[1], sizeof(row.cut[1]), "8 was cut to 4.");
        (void)text_copy(row.error_code, sizeof(row.error_code), "start-failed");
        assert_int_equal(board_operation_write(fixture.board, &row), 0);
        response = http_get(&fixture, "/v1/operations/7");
        assert_int_equal(json_number_at(response, "operation"), 7);
        assert_string_equal(json_text_at(response, "state"), "failed");
        assert_int_equal(json_number_at(response, "kept.0"), 11);
        assert_int_equal(json_number_at(response, "started.0"), 12);
        assert_string_equal(json_text_at(response, "cut.0"), "8 was cut to 4.");
        assert_string_equal(json_text_at(response, "error.code"), "start-failed");
        assert_true(json_is_null_at(response, "ended"));
        assert_int_equal(http_get(&fixture, "/v1/operations/71")->status, 404);
        assert_int_equal(http_get(&fixture, "/v1/operations/x")->status, 404);
}

static void test_probes_and_pages(void **state)
{
        Response *response = http_get(&fixture, "/livez");

        assert_int_equal(response->status, 200);
        assert_int_equal(http_get(&fixture, "/readyz")->status, 200);
        board_header(fixture.board)->is_stopping = 1;
        assert_int_equal(http_get(&fixture, "/readyz")->status, 503);
        board_header(fixture.board)->is_stopping = 0;
        assert_int_equal(http_get(&fixture, "/favicon.ico")->status, 204);
        response = http_get(&fixture, "/");
        assert_int_equal(response->status, 200);
        assert_non_null(strstr(response->body, "4711"));
        assert_non_null(strstr(response->body, "&lt;script&gt;"));
        assert_null(strstr(response->body, "<script"));
        assert_null(strstr(response->body, "<b>"));
}

static void test_openapi(void **state)
{
        Response *response = http_get(&fixture, "/openapi.json");
        AUTO_FREE char *served = strndup(response->body, response->body_length), *text;
        FILE *file = fopen(OPENAPI_FILE, "re");

        assert_non_null(file);
        text = calloc(1, response->body_length + 2);
        assert_int_equal(fread(text, 1, response->body_length + 1, file), response->body_length);
        assert_string_equal(text, served);
        (void)fclose(file);
        assert_string_equal(json_text_at(response, "openapi"), "3.1.0");
}

static void test_head(void **state)
{
        static const char *const paths[] = { "/",
                                             "/livez",
                                             "/v1/",
                                             "/v1/pools",
                                             "/v1/pools/web",
                                             "/v1/workers/4711",
                                             "/v1/events",
                                             "/v1/events?follow",
                                             "/v1/pools/web/logs" };

        for (size_t i = 0; i < COUNT_OF(paths); i++) {
                int fd = fixture_connect(&fixture);
                static Response response;
                AUTO_TEXT request = { 0 };

                text_printf(&request,
                            "HEAD %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                            paths[i]);
                http_send(fd, request.bytes);
                http_read_head(fd, &response);
                assert_int_equal(response.status, 200);
                assert_true(http_is_closed(fd));
                assert_int_equal(response.bytes + response.length - response.body, 0);
                (void)close(fd);
        }
}

/* Nobody is told that reeved is away only because he came before its board did. */
static void test_requests_wait_for_the_board(void **state)
{
        const FixtureOptions options = { .has_no_board = true };
        static Response response;
        Fixture young;
        int fd;

        fixture_start(&young, &options);
        fd = fixture_connect(&young);
        http_send(fd, "GET /v1/pools HTTP/1.1\r\nHost: localhost\r\n\r\n");
        core_send_board(&young, 3);
        http_read(fd, &response);
        assert_int_equal(response.status, 200);
        (void)close(fd);
        fixture_stop(&young);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_daemon),
                cmocka_unit_test(test_pool),
                cmocka_unit_test(test_pool_tag),
                cmocka_unit_test(test_pool_follows_the_board),
                cmocka_unit_test(test_pools),
                cmocka_unit_test(test_pages),
                cmocka_unit_test(test_bad_parameters),
                cmocka_unit_test(test_fields),
                cmocka_unit_test(test_workers),
                cmocka_unit_test(test_worker),
                cmocka_unit_test(test_operation),
                cmocka_unit_test(test_probes_and_pages),
                cmocka_unit_test(test_openapi),
                cmocka_unit_test(test_head),
                cmocka_unit_test(test_requests_wait_for_the_board),
        };

        return cmocka_run_group_tests(tests, start, stop);
}
