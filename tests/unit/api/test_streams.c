/* What takes its time: streams of events and logs, slow clients, the end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "api/http/server.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "fixture.h"
#include "sys/clock.h"
#include "sys/fd.h"

static Fixture fixture, patient;

static int start(void **state)
{
        const FixtureOptions options = { .heartbeat_usec = 200000 };

        fixture_start(&fixture, &options);
        return 0;
}

static int stop(void **state)
{
        fixture_stop(&fixture);
        return 0;
}

static int get(const char *path, const char *headers)
{
        int fd = fixture_connect(&fixture);
        AUTO_TEXT text = { 0 };

        text_printf(&text, "GET %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n", path, headers);
        http_send_bytes(fd, text.bytes, text.length);
        return fd;
}

/* A stream whose head was read. */
static Response *follow(const char *path, const char *headers, int *ret_fd)
{
        static Response response;

        *ret_fd = get(path, headers);
        http_read_head(*ret_fd, &response);
        assert_int_equal(response.status, 200);
        return &response;
}

#define EVENTS "Accept: text/event-stream\r\n"

/* ---- events ---- */

static void test_events_page(void **state)
{
        Response *response;

        core_send_board(&fixture, 2);
        while (json_number_at(http_get(&fixture, "/v1/events"), "next_id") != 1) {
        }
        for (unsigned i = 0; i < 5; i++)
                core_add_event(&fixture, EVENT_POOL_STATE, i % 2 ? "web" : "empty",
                               "from=running to=failed code=3 text=a\\sb");
        response = http_get(&fixture, "/v1/events");
        assert_int_equal(json_number_at(response, "items.4.id"), 5);
        assert_string_equal(json_text_at(response, "items.0.type"), "pool.state");
        assert_string_equal(json_text_at(response, "items.0.actor"), "uid 0");
        assert_string_equal(json_text_at(response, "items.0.detail.to"), "failed");
        assert_string_equal(json_text_at(response, "items.0.detail.text"), "a b");
        assert_int_equal(json_number_at(response, "items.0.detail.code"), 3);
        assert_true(json_is_null_at(response, "items.0.slot"));
        response = http_get(&fixture, "/v1/events?since=1&limit=2");
        assert_int_equal(json_number_at(response, "items.0.id"), 2);
        assert_string_equal(json_text_at(response, "next"), "3");
        response = http_get(&fixture, "/v1/events?cursor=3");
        assert_int_equal(json_number_at(response, "items.1.id"), 5);
        assert_true(json_is_null_at(response, "next"));
        response = http_get(&fixture, "/v1/events?pool=web&limit=1");
        assert_int_equal(json_number_at(response, "items.0.id"), 4);
        response = http_get(&fixture, "/v1/events?since=5");
        assert_false(json_has(response, "items.0"));
        response = http_get(&fixture, "/v1/events?since=0000000000000001-3");
        assert_int_equal(json_number_at(response, "items.0.id"), 1);
        assert_true(json_has(response, "reset"));
}

static void test_t46_replay(void **state)
{
        int fd;
        Response *response =
                follow("/v1/events", EVENTS "Last-Event-ID: 0000000000000002-3\r\n", &fd);

        assert_string_equal(http_header(response, "Content-Type"), "text/event-stream");
        http_wait_text(fd, response, "id: 0000000000000002-5\nevent: pool.state\ndata: {\"id\":5,");
        assert_null(strstr(response->bytes, "-3\n"));
        assert_null(strstr(response->bytes, "reset"));
        core_add_event(&fixture, EVENT_POOL_STATE, "web", "n=6");
        core_send_news(&fixture);
        http_wait_text(fd, response, "\"id\":6,");
        (void)fd_close(fd);
}

static void test_stream_begins_now(void **state)
{
        int fd;
        Response *response = follow("/v1/events?follow", "", &fd);

        http_wait_text(fd, response, ": events");
        core_add_event(&fixture, EVENT_POOL_STATE, "web", "n=7");
        core_send_news(&fixture);
        http_wait_text(fd, response, "\"id\":7,");
        assert_null(strstr(response->bytes, "\"id\":6,"));
        (void)fd_close(fd);
}

static void test_t46_ids_that_are_gone(void **state)
{
        static const struct {
                const char *id, *reason;
        } cases[] = {
                { "0123456789abcdef-3", "epoch" },
                { "0000000000000002-999", "ahead" },
        };
        int fd;

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                char headers[128];
                Response *response;

                (void)snprintf(headers, sizeof(headers), EVENTS "Last-Event-ID: %s\r\n",
                               cases[i].id);
                response = follow("/v1/events", headers, &fd);
                http_wait_text(fd, response, "event: reset\n");
                http_wait_text(fd, response, cases[i].reason);
                http_wait_text(fd, response, "\"id\":1,");
                (void)fd_close(fd);
        }
        assert_int_equal(
                http_ask(&fixture, "GET", "/v1/events", EVENTS "Last-Event-ID: '; drop\r\n", NULL)
                        ->status,
                400);
}

static void test_t46_too_old(void **state)
{
        char last[32];
        int fd;
        Response *response;

        for (unsigned i = 0; i < BOARD_EVENTS + 10; i++)
                core_add_event(&fixture, EVENT_POOL_STATE, "web", "");
        response = follow("/v1/events?since=2", EVENTS, &fd);
        http_wait_text(fd, response, "event: reset\n");
        http_wait_text(fd, response, "too-old");
        (void)snprintf(last, sizeof(last), "\"id\":%u,", BOARD_EVENTS + 17);
        for (unsigned i = 0; !strstr(response->bytes, last) && i < 100; i++) {
                ssize_t n = recv(fd, response->bytes, RESPONSE_SIZE - 1, 0);

                assert_true(n > 0);
                response->bytes[n] = '\0';
        }
        (void)fd_close(fd);
}

static void test_t46_new_epoch_in_the_midst(void **state)
{
        int fd;
        Response *response = follow("/v1/events", EVENTS, &fd);

        http_wait_text(fd, response, ": events");
        core_send_board(&fixture, 3);
        http_wait_text(fd, response, "event: reset\n");
        core_add_event(&fixture, EVENT_DAEMON_READY, "", "");
        core_send_news(&fixture);
        http_wait_text(fd, response, "id: 0000000000000003-1\nevent: daemon.ready");
        (void)fd_close(fd);
}

static void test_heartbeat(void **state)
{
        int fd;
        Response *response = follow("/v1/events", EVENTS, &fd);

        http_wait_text(fd, response, ": heartbeat\n\n");
        response->length = 0;
        http_wait_text(fd, response, ": heartbeat\n\n");
        (void)fd_close(fd);
}

static int open_stream(const Fixture *other, Response *ret)
{
        int fd = fixture_connect(other);

        http_send(fd, "GET /v1/events?follow HTTP/1.1\r\nHost: localhost\r\n\r\n");
        http_read_head(fd, ret);
        return fd;
}

static void test_no_more_streams_than_fit(void **state)
{
        const FixtureOptions options = { .heartbeat_usec = 100000 };
        static Response response;
        int fds[STREAMS_MAX];
        Fixture other;

        fixture_start(&other, &options);
        for (size_t i = 0; i < COUNT_OF(fds); i++) {
                fds[i] = open_stream(&other, &response);
                assert_int_equal(response.status, 200);
        }
        (void)fd_close(open_stream(&other, &response));
        assert_int_equal(response.status, 503);
        assert_int_equal(http_get(&other, "/livez")->status, 200);
        for (size_t i = 0; i < COUNT_OF(fds); i++)
                (void)fd_close(fds[i]);
        do /* until it was noticed that they went */
                (void)fd_close(open_stream(&other, &response));
        while (response.status == 503);
        assert_int_equal(response.status, 200);
        fixture_stop(&other);
}

/* ---- logs ---- */

static int file_of(const char *text)
{
        int fd = memfd_create("log", MFD_CLOEXEC);

        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        return fd;
}

static void give_log(uint32_t slot, const char *newest, const char *older)
{
        int fds[2] = { file_of(newest), older ? file_of(older) : -1 };
        ControlOpenLog asked;

        core_expect_open_log(&fixture, &asked);
        assert_string_equal(asked.pool, "web");
        assert_int_equal(asked.slot, slot);
        core_reply_log(&fixture, &asked, fds, older ? 2 : 1, 1);
        (void)fd_close(fds[0]);
        (void)fd_close(fds[1]);
}

static Response *read_all(int fd)
{
        static Response response;

        http_read(fd, &response);
        response.body[response.body_length] = '\0';
        (void)fd_close(fd);
        return &response;
}

static void test_tail(void **state)
{
        int fd = get("/v1/pools/web/logs?slot=1&lines=3", "");
        Response *response;

        give_log(1, "four\nfive\x1B[31m \xFF\n", "one\ntwo\nthree\n");
        response = read_all(fd);
        assert_int_equal(response->status, 200);
        assert_string_equal(http_header(response, "Content-Type"), "text/plain; charset=utf-8");
        assert_string_equal(response->body, "three\nfour\nfive?[31m \xEF\xBF\xBD\n");
}

static void test_tail_of_a_line_without_end(void **state)
{
        int fd = get("/v1/pools/web/logs?slot=1&lines=2", "");

        give_log(1, "one\ntwo\nthr", NULL);
        assert_string_equal(read_all(fd)->body, "two\nthr");
}

static void test_raw(void **state)
{
        int fd = get("/v1/pools/web/logs?slot=1&lines=all&raw=true", "");
        Response *response;

        give_log(1, "b\xFF\x1B\n", "a\n");
        response = read_all(fd);
        assert_string_equal(http_header(response, "Content-Type"), "application/octet-stream");
        assert_string_equal(response->body, "a\nb\xFF\x1B\n");
}

static void test_all_slots(void **state)
{
        int fd = get("/v1/pools/web/logs?lines=2", "");

        give_log(0, "a\nb\n", NULL);
        give_log(1, "", NULL);
        give_log(2, "c", NULL);
        assert_string_equal(read_all(fd)->body, "0 | b\n2 | c\n");
}

static void test_lines_as_events(void **state)
{
        int fd = get("/v1/pools/web/logs?slot=0", EVENTS);

        give_log(0, "a\"\nb\n", NULL);
        assert_string_equal(read_all(fd)->body, "data: {\"slot\":0,\"line\":\"a\\\"\"}\n\n"
                                                "data: {\"slot\":0,\"line\":\"b\"}\n\n");
}

static void test_slot_without_a_log(void **state)
{
        int fd = get("/v1/pools/web/logs?slot=9", "");
        ControlOpenLog asked;

        core_expect_open_log(&fixture, &asked);
        core_reply_log(&fixture, &asked, NULL, 0, 0);
        assert_int_equal(read_all(fd)->status, 404);
        assert_int_equal(http_get(&fixture, "/v1/pools/nope/logs")->status, 404);
}

/* It has no slots on the board, and files all the same. */
static void test_logs_of_a_stopped_pool(void **state)
{
        int fd = get("/v1/pools/empty/logs", ""), file = file_of("last words\n");
        ControlOpenLog asked;

        core_expect_open_log(&fixture, &asked);
        assert_string_equal(asked.pool, "empty");
        core_reply_log(&fixture, &asked, NULL, 0, 0);
        core_expect_open_log(&fixture, &asked);
        assert_int_equal(asked.slot, 1);
        core_reply_log(&fixture, &asked, &file, 1, 0);
        (void)fd_close(file);
        assert_string_equal(read_all(fd)->body, "1 | last words\n");
}

static void test_many_lines(void **state)
{
        AUTO_TEXT log = { 0 };
        int fd = get("/v1/pools/web/logs?slot=0&lines=20000", "");
        Response *response;

        for (unsigned i = 0; i < 30000; i++)
                text_printf(&log, "%06u\n", i);
        give_log(0, log.bytes, NULL);
        response = read_all(fd);
        assert_int_equal(response->body_length, 20000 * 7);
        assert_memory_equal(response->body, "010000\n", 7);
}

static void set_log_file(uint32_t slot, uint64_t number)
{
        BoardView board;
        BoardWorker row;

        assert_int_equal(board_view_init(&board, fixture.board, fixture.board_size), 0);
        for (uint32_t i = 0; i < 3; i++)
                if (board_view_worker(&board, i, &row) == 1 && row.slot == slot) {
                        row.log_file = number;
                        assert_int_equal(board_worker_write(fixture.board, i, &row), 0);
                }
}

static void append(int fd, const char *text)
{
        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static void test_follow_across_rotation(void **state)
{
        int old = file_of("one\n"), middle = file_of("three\n"), new = file_of("four\n");
        int first[] = { old }, then[] = { new, middle, old };
        ControlOpenLog asked;
        static Response response;
        int fd = get("/v1/pools/web/logs?slot=1&lines=1&follow", "");

        core_expect_open_log(&fixture, &asked);
        core_reply_log(&fixture, &asked, first, 1, 1);
        http_read_head(fd, &response);
        http_wait_text(fd, &response, "one\n");
        append(old, "tw");
        http_wait_text(fd, &response, "tw");
        append(old, "o\n");
        set_log_file(1, 3);
        core_expect_open_log(&fixture, &asked);
        core_reply_log(&fixture, &asked, then, 3, 3);
        http_wait_text(fd, &response, "three\n");
        http_wait_text(fd, &response, "four\n");
        append(new, "five\n");
        http_wait_text(fd, &response, "five\n");
        assert_null(strstr(strstr(response.body, "one") + 1, "one"));
        (void)fd_close(fd);
        (void)fd_close(old);
        (void)fd_close(middle);
        (void)fd_close(new);
}

/* ---- slow clients, of a face that has little patience ---- */

static int begin_hasty(void **state)
{
        const FixtureOptions options = { .request_deadline_usec = 1000000,
                                         .reply_deadline_usec = 1000000 };

        patient = fixture;
        fixture_start(&fixture, &options);
        return 0;
}

static int end_hasty(void **state)
{
        fixture_stop(&fixture);
        fixture = patient;
        return 0;
}

static void test_t35_slow_head(void **state)
{
        int fd = fixture_connect(&fixture), tcp = fixture_connect_tcp(&fixture);

        http_send(fd, "GET /livez HT");
        assert_true(http_is_closed(tcp)); /* who sends nothing */
        assert_true(http_is_closed(fd));
        (void)fd_close(fd);
        (void)fd_close(tcp);
}

/* A byte now and then does not buy time. */
static void test_t35_dripping_body(void **state)
{
        int fd = fixture_connect(&fixture);
        uint64_t began = now_usec();

        http_send(fd, "POST /v1/pools/web/stop HTTP/1.1\r\nHost: localhost\r\n"
                      "Content-Type: application/json\r\nContent-Length: 60000\r\n\r\n");
        while (now_usec() - began < 60000000) {
                int pending = 0;
                char byte;

                if (send(fd, " ", 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
                        break;
                pending = (int)recv(fd, &byte, 1, MSG_DONTWAIT);
                if (pending == 0)
                        break;
                (void)sched_yield();
        }
        assert_true(now_usec() - began < 30000000);
        (void)fd_close(fd);
}

static void test_t35_slow_reader(void **state)
{
        AUTO_TEXT log = { 0 };
        int fd = get("/v1/pools/web/logs?slot=0&lines=all", "");

        for (unsigned i = 0; i < 300000; i++)
                text_append(&log, "0123456789012345678901234567890123456789\n");
        give_log(0, log.bytes, NULL);
        /* Nothing is read until the other side has given up. */
        for (uint64_t began = now_usec(); now_usec() - began < 60000000;)
                if (send(fd, "x", 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno == EPIPE)
                        break;
        assert_int_equal(http_get(&fixture, "/livez")->status, 200);
        assert_true(http_is_closed(fd));
        (void)fd_close(fd);
}

static void test_idle_connections_leave_the_socket_free(void **state)
{
        int fds[400];

        for (size_t i = 0; i < COUNT_OF(fds); i++)
                fds[i] = fixture_connect_tcp(&fixture);
        assert_int_equal(http_get(&fixture, "/livez")->status, 200);
        for (size_t i = 0; i < COUNT_OF(fds); i++)
                (void)fd_close(fds[i]);
}

/* ---- the end ---- */

static void test_everything_ends_with_the_core(void **state)
{
        int stream, command, log;
        ControlOpenLog asked;
        ControlCommand asked_command;
        Fixture old;
        static Response response;

        fixture_start(&old, NULL);
        stream = fixture_connect(&old);
        http_send(stream, "GET /v1/events?follow HTTP/1.1\r\nHost: localhost\r\n\r\n");
        http_read_head(stream, &response);
        command = fixture_connect(&old);
        http_send(command, "POST /v1/pools/web/stop HTTP/1.1\r\nHost: localhost\r\n\r\n");
        core_expect_command(&old, &asked_command, NULL);
        log = fixture_connect(&old);
        http_send(log, "GET /v1/pools/web/logs HTTP/1.1\r\nHost: localhost\r\n\r\n");
        core_expect_open_log(&old, &asked);
        fixture_stop(&old); /* sees it exit with 0 */
        http_read(command, &response);
        assert_int_equal(response.status, 503);
        assert_true(http_is_closed(stream));
        (void)fd_close(stream);
        (void)fd_close(command);
        (void)fd_close(log);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_events_page),
                cmocka_unit_test(test_t46_replay),
                cmocka_unit_test(test_stream_begins_now),
                cmocka_unit_test(test_t46_ids_that_are_gone),
                cmocka_unit_test(test_t46_too_old),
                cmocka_unit_test(test_t46_new_epoch_in_the_midst),
                cmocka_unit_test(test_heartbeat),
                cmocka_unit_test(test_no_more_streams_than_fit),
                cmocka_unit_test(test_tail),
                cmocka_unit_test(test_tail_of_a_line_without_end),
                cmocka_unit_test(test_raw),
                cmocka_unit_test(test_all_slots),
                cmocka_unit_test(test_lines_as_events),
                cmocka_unit_test(test_slot_without_a_log),
                cmocka_unit_test(test_logs_of_a_stopped_pool),
                cmocka_unit_test(test_many_lines),
                cmocka_unit_test(test_follow_across_rotation),
                cmocka_unit_test_setup_teardown(test_t35_slow_head, begin_hasty, end_hasty),
                cmocka_unit_test_setup_teardown(test_t35_dripping_body, begin_hasty, end_hasty),
                cmocka_unit_test_setup_teardown(test_t35_slow_reader, begin_hasty, end_hasty),
                cmocka_unit_test_setup_teardown(test_idle_connections_leave_the_socket_free,
                                                begin_hasty, end_hasty),
                cmocka_unit_test(test_everything_ends_with_the_core),
        };

        return cmocka_run_group_tests(tests, start, stop);
}
