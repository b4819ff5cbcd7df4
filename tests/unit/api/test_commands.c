/* Commands: what reaches the core, what becomes of its answers, who may give them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "config/config.h"
#include "fixture.h"
#include "model/grid.h"
#include "model/pool.h"
#include "sys/fd.h"
#include "sys/packet.h"

static Fixture fixture;

static int start(void **state)
{
        const FixtureOptions options = { .operate_gid = "54321", .view_gid = "54322" };

        fixture_start(&fixture, &options);
        return 0;
}

static int stop(void **state)
{
        fixture_stop(&fixture);
        return 0;
}

/* ---- a request in two halves, with the core's part between them ---- */

static int ask(const char *method, const char *path, const char *headers, const char *body)
{
        int fd = fixture_connect(&fixture);
        AUTO_TEXT text = { 0 };

        text_printf(&text,
                    "%s %s HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                    "Content-Length: %zu\r\n%s\r\n%s",
                    method, path, strlen(body), headers, body);
        http_send_bytes(fd, text.bytes, text.length);
        return fd;
}

static Response *answer(int fd)
{
        static Response response;

        json_done();
        http_read(fd, &response);
        (void)fd_close(fd);
        return &response;
}

static BoardOperation operation_of(uint64_t id, OperationState state)
{
        BoardOperation row = { .id = id,
                               .state = state,
                               .from_processes = 2,
                               .from_threads = 4,
                               .to_processes = 3,
                               .to_threads = 4,
                               .generation = 6 };

        (void)text_copy(row.pool, sizeof(row.pool), "web");
        (void)text_copy(row.kind, sizeof(row.kind), "scale");
        return row;
}

static void reply_accepted(const ControlCommand *command, uint64_t id)
{
        ControlReply reply = { .outcome = OUTCOME_ACCEPTED,
                               .generation = 6,
                               .has_operation = 1,
                               .operation = operation_of(id, OPERATION_RUNNING) };

        core_reply(&fixture, command, &reply);
}

static void reply_refused(const ControlCommand *command, const char *code, const char *message)
{
        ControlReply reply = { .outcome = OUTCOME_REFUSED };

        (void)text_copy(reply.code, sizeof(reply.code), code);
        (void)text_copy(reply.message, sizeof(reply.message), message);
        core_reply(&fixture, command, &reply);
}

/* ---- scale ---- */

static void test_scale(void **state)
{
        int fd = ask("PATCH", "/v1/pools/web/scale", "", "{\"processes\":3,\"runtime\":true}");
        ControlCommand command;
        Response *response;

        core_expect_command(&fixture, &command, NULL);
        assert_int_equal(command.verb, CONTROL_SCALE);
        assert_int_equal(command.scale_verb, SCALE_SET);
        assert_string_equal(command.pool, "web");
        assert_int_equal(command.processes, 3);
        assert_int_equal(command.flags & ~(uint32_t)CONTROL_HAS_CLIENT,
                         CONTROL_HAS_PROCESSES | CONTROL_RUNTIME);
        assert_int_equal(strncmp(command.actor, "uid ", 4), 0);
        reply_accepted(&command, 21);
        response = answer(fd);
        assert_int_equal(response->status, 202);
        assert_string_equal(http_header(response, "Location"), "/v1/operations/21");
        assert_int_equal(json_number_at(response, "operation"), 21);
        assert_string_equal(json_text_at(response, "state"), "running");
        assert_int_equal(json_number_at(response, "to.processes"), 3);
}

typedef struct BodyCase {
        const char *body;
        uint32_t scale_verb, flags;
        int64_t processes, threads, greenlets;
        uint64_t total;
        uint32_t mode;
} BodyCase;

static const BodyCase body_cases[] = {
        { "{\"processes\":4,\"threads\":8,\"greenlets\":100}", SCALE_SET,
          CONTROL_HAS_PROCESSES | CONTROL_HAS_THREADS | CONTROL_HAS_GREENLETS, 4, 8, 100, 0, 0 },
        { "{\"processes_delta\":1,\"threads_delta\":-1}", SCALE_SET,
          CONTROL_HAS_PROCESSES | CONTROL_HAS_THREADS | CONTROL_RELATIVE_PROCESSES
                  | CONTROL_RELATIVE_THREADS,
          1, -1, 0, 0, 0 },
        { "{\"mode\":\"processes\"}", SCALE_TO_PROCESSES, 0, 0, 0, 0, 0, 0 },
        { "{\"mode\":\"threads\",\"dry_run\":true}", SCALE_TO_THREADS, CONTROL_DRY_RUN, 0, 0, 0, 0,
          0 },
        { "{\"total\":32}", SCALE_TOTAL, 0, 0, 0, 0, 32, 0 },
        { "{\"reset\":true}", SCALE_RESET, 0, 0, 0, 0, 0, 0 },
        { "{\"mode\":\"auto\"}", SCALE_SET, CONTROL_HAS_MODE, 0, 0, 0, 0, SCALE_AUTO },
        { "{\"mode\":\"manual\",\"total\":8}", SCALE_TOTAL, CONTROL_HAS_MODE, 0, 0, 0, 8,
          SCALE_MANUAL },
};

static void test_scale_bodies(void **state)
{
        for (size_t i = 0; i < COUNT_OF(body_cases); i++) {
                const BodyCase *row = &body_cases[i];
                int fd = ask("PATCH", "/v1/pools/web/scale", "", row->body);
                ControlCommand command;

                core_expect_command(&fixture, &command, NULL);
                assert_int_equal(command.scale_verb, row->scale_verb);
                assert_int_equal(command.flags & ~(uint32_t)CONTROL_HAS_CLIENT, row->flags);
                assert_int_equal(command.processes, row->processes);
                assert_int_equal(command.threads, row->threads);
                assert_int_equal(command.greenlets, row->greenlets);
                assert_int_equal(command.total, row->total);
                assert_int_equal(command.mode, row->mode);
                reply_accepted(&command, 22);
                assert_int_equal(answer(fd)->status, 202);
        }
}

static void test_over_limit(void **state)
{
        int fd = ask("PATCH", "/v1/pools/web/scale", "", "{\"threads\":4,\"processes_delta\":7}");
        ControlCommand command;
        Response *response;

        core_expect_command(&fixture, &command, NULL);
        reply_refused(&command, "over-limit", "9 processes are more than 8.");
        response = answer(fd);
        assert_int_equal(response->status, 422);
        assert_string_equal(json_text_at(response, "code"), "over-limit");
        assert_string_equal(json_text_at(response, "errors.0.pointer"), "/processes_delta");
        assert_false(json_has(response, "errors.1"));
}

static void test_t43_stale_generation(void **state)
{
        int fd = ask("PATCH", "/v1/pools/web/scale", "If-Match: \"4\"\r\n", "{\"processes\":3}");
        ControlCommand command;
        Response *response;

        core_expect_command(&fixture, &command, NULL);
        assert_true(command.flags & CONTROL_IF_GENERATION);
        assert_int_equal(command.generation, 4);
        reply_refused(&command, "stale-generation", "The pool is at 5.");
        response = answer(fd);
        assert_int_equal(response->status, 412);
        assert_int_equal(json_number_at(response, "current.generation"), 5);
        assert_int_equal(json_number_at(response, "current.scale.processes"), 2);
        response =
                answer(ask("PATCH", "/v1/pools/web/scale", "If-Match: 4\r\n", "{\"processes\":3}"));
        assert_int_equal(response->status, 400);
        core_expect_silence(&fixture);
}

static void test_refusals_have_the_status_of_their_code(void **state)
{
        static const struct {
                const char *code;
                int status;
        } cases[] = {
                { "unknown-pool", 404 },   { "conflict", 409 },
                { "invalid", 422 },        { "forbidden", 403 },
                { "not-supported", 422 },  { "threads-fixed", 422 },
                { "something-else", 422 }, { "", 500 },
        };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                int fd = ask("POST", "/v1/pools/web/start", "", "{}");
                ControlCommand command;
                Response *response;

                core_expect_command(&fixture, &command, NULL);
                reply_refused(&command, cases[i].code, "No \xFF.");
                response = answer(fd);
                assert_int_equal(response->status, cases[i].status);
                assert_string_equal(json_text_at(response, "detail"), "No \xEF\xBF\xBD.");
        }
}

/* ---- the other verbs ---- */

static void test_verbs(void **state)
{
        static const struct {
                const char *path, *body;
                uint32_t verb, flags;
        } cases[] = {
                { "/v1/pools/web/start", "", CONTROL_START, 0 },
                { "/v1/pools/web/stop", "{}", CONTROL_STOP, 0 },
                { "/v1/pools/web/restart", "{\"rolling\":true}", CONTROL_RESTART, CONTROL_ROLLING },
                { "/v1/pools/web/restart", "{\"rolling\":false}", CONTROL_RESTART, 0 },
                { "/v1/pools/web/reload", "", CONTROL_RELOAD_POOL, 0 },
                { "/v1/pools/web/reset-failed", "", CONTROL_RESET_FAILED, 0 },
        };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                ControlReply reply = { .outcome = OUTCOME_DONE, .generation = 5 };
                int fd = ask("POST", cases[i].path, "", cases[i].body);
                ControlCommand command;
                Response *response;

                core_expect_command(&fixture, &command, NULL);
                assert_int_equal(command.verb, cases[i].verb);
                assert_int_equal(command.flags & ~(uint32_t)CONTROL_HAS_CLIENT, cases[i].flags);
                core_reply(&fixture, &command, &reply);
                response = answer(fd);
                assert_int_equal(response->status, 200);
                assert_string_equal(json_text_at(response, "state"), "done");
                assert_true(json_is_null_at(response, "operation"));
                assert_int_equal(json_number_at(response, "to.processes"), 2);
        }
}

static void test_signal(void **state)
{
        int fd = ask("POST", "/v1/workers/4712/signal", "", "{\"signal\":\"SIGUSR1\"}");
        ControlReply reply = { .outcome = OUTCOME_DONE };
        ControlCommand command;
        Response *response;

        core_expect_command(&fixture, &command, NULL);
        assert_int_equal(command.verb, CONTROL_SIGNAL);
        assert_int_equal(command.pid, 4712);
        assert_int_equal(command.start_ticks, 1001);
        assert_int_equal(command.signal, SIGUSR1);
        core_reply(&fixture, &command, &reply);
        response = answer(fd);
        assert_int_equal(response->status, 200);
        assert_string_equal(json_text_at(response, "signal"), "SIGUSR1");
        assert_int_equal(
                answer(ask("POST", "/v1/workers/1/signal", "", "{\"signal\":\"SIGKILL\"}"))->status,
                404);
}

static void test_signals_that_are_not_sent(void **state)
{
        static const char *const bodies[] = {
                "{\"signal\":\"SIGSEGV\"}",
                "{\"signal\":\"SIG\"}",
                "{\"signal\":\"\"}",
                "{\"signal\":10}",
                "{}",
                "",
        };

        for (size_t i = 0; i < COUNT_OF(bodies); i++) {
                Response *response = answer(ask("POST", "/v1/workers/4711/signal", "", bodies[i]));

                assert_int_equal(response->status, 422);
                assert_string_equal(json_text_at(response, "errors.0.pointer"), "/signal");
        }
        core_expect_silence(&fixture);
}

static void test_reload_brings_the_client_along(void **state)
{
        int fd = ask("POST", "/v1/reload", "", "{\"dry_run\":true}"), client = -1;
        ControlReply reply = { .outcome = OUTCOME_DONE };
        ControlCommand command;
        struct ucred peer;
        socklen_t size = sizeof(peer);
        Response *response;

        core_expect_command(&fixture, &command, &client);
        assert_int_equal(command.verb, CONTROL_RELOAD);
        assert_int_equal(command.flags, CONTROL_DRY_RUN | CONTROL_HAS_CLIENT);
        assert_true(client >= 0);
        assert_int_equal(getsockopt(client, SOL_SOCKET, SO_PEERCRED, &peer, &size), 0);
        assert_int_equal(peer.pid, getpid());
        (void)fd_close(client);
        (void)text_copy(reply.message, sizeof(reply.message), "web: changed");
        core_reply(&fixture, &command, &reply);
        response = answer(fd);
        assert_int_equal(response->status, 200);
        assert_string_equal(json_text_at(response, "message"), "web: changed");
}

/* ---- waiting ---- */

static void test_wait_for_the_end(void **state)
{
        int fd = ask("PATCH", "/v1/pools/web/scale", "Prefer: respond-async, wait=600\r\n",
                     "{\"processes\":3}");
        BoardOperation row = operation_of(30, OPERATION_RUNNING);
        ControlCommand command;
        Response *response;

        core_expect_command(&fixture, &command, NULL);
        assert_int_equal(board_operation_write(fixture.board, &row), 0);
        reply_accepted(&command, 30);
        row.state = OPERATION_ROLLED_BACK;
        row.ended_realtime_usec = 1700000000000000;
        assert_int_equal(board_operation_write(fixture.board, &row), 0);
        core_send_news(&fixture);
        response = answer(fd);
        assert_int_equal(response->status, 200);
        assert_string_equal(json_text_at(response, "state"), "rolled-back");
}

static void test_wait_ends_before_the_operation(void **state)
{
        int fd = ask("PATCH", "/v1/pools/web/scale", "Prefer: wait=1\r\n", "{\"processes\":3}");
        BoardOperation row = operation_of(31, OPERATION_RUNNING);
        ControlCommand command;
        Response *response;

        core_expect_command(&fixture, &command, NULL);
        assert_int_equal(board_operation_write(fixture.board, &row), 0);
        reply_accepted(&command, 31);
        response = answer(fd);
        assert_int_equal(response->status, 202);
        assert_string_equal(json_text_at(response, "state"), "running");
}

static void test_dry_run_does_not_wait(void **state)
{
        int fd = ask("PATCH", "/v1/pools/web/scale", "Prefer: wait=600\r\n",
                     "{\"processes\":3,\"dry_run\":true}");
        ControlReply reply = { .outcome = OUTCOME_DONE,
                               .has_operation = 1,
                               .operation = operation_of(0, OPERATION_DONE) };
        ControlCommand command;
        Response *response;

        core_expect_command(&fixture, &command, NULL);
        reply.operation.is_dry_run = 1;
        core_reply(&fixture, &command, &reply);
        response = answer(fd);
        assert_int_equal(response->status, 200);
        assert_true(json_is_null_at(response, "operation"));
        assert_null(http_header(response, "Location"));
}

/* The client goes; the answer comes; the next request finds everything in order. */
static void test_t44_client_goes(void **state)
{
        int fd = ask("PATCH", "/v1/pools/web/scale", "Idempotency-Key: gone\r\n",
                     "{\"processes\":3}");
        ControlCommand command;
        Response *response;

        core_expect_command(&fixture, &command, NULL);
        (void)fd_close(fd);
        reply_accepted(&command, 33);
        do
                response = answer(ask("PATCH", "/v1/pools/web/scale", "Idempotency-Key: gone\r\n",
                                      "{\"processes\":3}"));
        while (response->status == 409);
        assert_int_equal(response->status, 202);
        assert_int_equal(json_number_at(response, "operation"), 33);
        core_expect_silence(&fixture);
}

static void test_t44_idempotency(void **state)
{
        int fd = ask("POST", "/v1/pools/web/stop", "Idempotency-Key: k1\r\n", "{}");
        ControlCommand command;
        Response *response;

        core_expect_command(&fixture, &command, NULL);
        response = answer(ask("POST", "/v1/pools/web/stop", "Idempotency-Key: k1\r\n", "{}"));
        assert_int_equal(response->status, 409);
        reply_accepted(&command, 40);
        assert_int_equal(answer(fd)->status, 202);
        response = answer(ask("POST", "/v1/pools/web/stop", "Idempotency-Key: k1\r\n", "{}"));
        assert_int_equal(response->status, 202);
        assert_int_equal(json_number_at(response, "operation"), 40);
        assert_string_equal(http_header(response, "Location"), "/v1/operations/40");
        assert_string_equal(http_header(response, "Idempotency-Replayed"), "true");
        response = answer(ask("POST", "/v1/pools/web/start", "Idempotency-Key: k1\r\n", "{}"));
        assert_int_equal(response->status, 422);
        response = answer(ask("POST", "/v1/pools/web/stop", "Idempotency-Key: \r\n", "{}"));
        assert_int_equal(response->status, 400);
        core_expect_silence(&fixture);
}

/* ---- a core that does not do its part ---- */

static int ask_on(const Fixture *other, const char *request)
{
        int fd = fixture_connect(other);

        http_send(fd, request);
        return fd;
}

static void test_no_answer(void **state)
{
        const FixtureOptions options = { .command_timeout_usec = 50000 };
        ControlReply late = { .outcome = OUTCOME_DONE };
        ControlCommand command;
        Response *response;
        Fixture slow;
        int fd;

        fixture_start(&slow, &options);
        fd = ask_on(&slow, "POST /v1/pools/web/stop HTTP/1.1\r\nHost: localhost\r\n"
                           "Idempotency-Key: k\r\n\r\n");
        core_expect_command(&slow, &command, NULL);
        response = answer(fd);
        assert_int_equal(response->status, 503);
        assert_string_equal(json_text_at(response, "code"), "core-unreachable");
        core_reply(&slow, &command, &late); /* too late: nobody is confused by it */
        fd = ask_on(&slow, "GET /v1/pools/web/logs HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_int_equal(answer(fd)->status, 503);
        assert_int_equal(http_get(&slow, "/livez")->status, 200);
        fixture_stop(&slow);
}

static void test_messages_that_are_not_understood(void **state)
{
        const ControlHead heads[] = {
                { CONTROL_VERSION + 1, CONTROL_NEWS, 0 },
                { CONTROL_VERSION, 99, 0 },
                { CONTROL_VERSION, CONTROL_BOARD, 0 }, /* without its descriptor */
        };

        for (size_t i = 0; i < COUNT_OF(heads); i++) {
                Fixture broken;

                fixture_start(&broken, NULL);
                assert_int_equal(packet_send(broken.control, &heads[i], sizeof(heads[i]), NULL, 0),
                                 0);
                assert_int_equal(fixture_wait(&broken), 1);
        }
}

static void test_a_board_that_is_none(void **state)
{
        ControlBoard message = { .head = { CONTROL_VERSION, CONTROL_BOARD, 0 }, .size = 4096 };
        AUTO_CLOSE fd = memfd_create("nothing", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        Fixture broken;

        assert_int_equal(ftruncate(fd, 4096), 0);
        assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK), 0);
        fixture_start(&broken, NULL);
        assert_int_equal(packet_send(broken.control, &message, sizeof(message), &fd, 1), 0);
        assert_int_equal(fixture_wait(&broken), 1);
}

/* ---- roles ---- */

#define BEARER(token) "Authorization: Bearer " token "\r\n"

static void test_t41_tokens(void **state)
{
        static const char *const bad[] = {
                "",
                "Authorization: Basic eDp5\r\n",
                BEARER("wrong"),
                BEARER(""),
                BEARER(FIXTURE_TOKEN_VIEW "x"),
                "Authorization: " FIXTURE_TOKEN_VIEW "\r\n",
        };
        static const char *const paths[] = { "/v1/", "/v1/pools", "/v1/nothing", "/v1/events" };

        for (size_t i = 0; i < COUNT_OF(bad); i++)
                for (size_t j = 0; j < COUNT_OF(paths); j++) {
                        Response *response = http_ask_tcp(&fixture, "GET", paths[j], bad[i], NULL);

                        assert_int_equal(response->status, 401);
                        assert_non_null(
                                strstr(http_header(response, "WWW-Authenticate"), "Bearer"));
                }
        assert_int_equal(
                http_ask_tcp(&fixture, "GET", "/v1/pools", BEARER(FIXTURE_TOKEN_VIEW), NULL)
                        ->status,
                200);
        assert_int_equal(http_ask_tcp(&fixture, "POST", "/v1/pools/web/stop", "", "{}")->status,
                         401);
        core_expect_silence(&fixture);
}

static void test_t41_roles_of_tokens(void **state)
{
        Response *response = http_ask_tcp(&fixture, "POST", "/v1/pools/web/stop",
                                          BEARER(FIXTURE_TOKEN_VIEW), "{}");

        assert_int_equal(response->status, 403);
        assert_string_equal(json_text_at(response, "code"), "forbidden");
        response =
                http_ask_tcp(&fixture, "POST", "/v1/reload", BEARER(FIXTURE_TOKEN_OPERATE), "{}");
        assert_int_equal(response->status, 403);
        core_expect_silence(&fixture);
}

static void test_token_operates(void **state)
{
        ControlReply reply = { .outcome = OUTCOME_DONE };
        int fd = fixture_connect_tcp(&fixture), client = 0;
        ControlCommand command;

        http_send(fd, "POST /v1/pools/web/stop HTTP/1.1\r\nHost: localhost\r\n" BEARER(
                              FIXTURE_TOKEN_OPERATE) "\r\n");
        core_expect_command(&fixture, &command, &client);
        assert_string_equal(command.actor, "token deploy");
        assert_int_equal(command.role, ROLE_OPERATE);
        assert_int_equal(client, -1);
        core_reply(&fixture, &command, &reply);
        assert_int_equal(answer(fd)->status, 200);
}

static void test_t41_command_lines_are_redacted(void **state)
{
        Response *response =
                http_ask_tcp(&fixture, "GET", "/v1/pools/web", BEARER(FIXTURE_TOKEN_VIEW), NULL);

        assert_string_equal(json_text_at(response, "command"), "/bin/serve --password=*** --fast");
        response = http_get(&fixture, "/v1/pools/web");
        assert_string_equal(json_text_at(response, "command"),
                            "/bin/serve --password=hunter2 --fast");
        response = http_ask_tcp(&fixture, "GET", "/v1/pools", BEARER(FIXTURE_TOKEN_VIEW), NULL);
        assert_null(strstr(response->body, "hunter2"));
}

static void test_pages_without_a_token(void **state)
{
        Response *response = http_ask_tcp(&fixture, "GET", "/", "", NULL);

        assert_int_equal(response->status, 200);
        assert_null(strstr(response->body, "web"));
        assert_null(strstr(response->body, "4711"));
        assert_non_null(strstr(response->body, "token"));
        assert_int_equal(http_ask_tcp(&fixture, "GET", "/livez", "", NULL)->status, 200);
        assert_int_equal(http_ask_tcp(&fixture, "GET", "/readyz", "", NULL)->status, 200);
        assert_int_equal(http_ask_tcp(&fixture, "GET", "/openapi.json", "", NULL)->status, 200);
        response = http_ask_tcp(&fixture, "GET", "/", BEARER(FIXTURE_TOKEN_VIEW), NULL);
        assert_non_null(strstr(response->body, "4711"));
}

/* A connection made by another user: SO_PEERCRED is settled when it is made. */
static int connect_as(uid_t uid, gid_t gid, gid_t extra)
{
        int pair[2], fds[PACKET_FDS_MAX], status;
        size_t count;
        char byte;
        pid_t child;

        assert_int_equal(packet_pair(pair), 0);
        child = fork();
        if (child == 0) {
                int fd;

                if (setgroups(1, &extra) < 0 || setresgid(gid, gid, gid) < 0
                    || setresuid(uid, uid, uid) < 0)
                        _exit(1);
                fd = fixture_connect(&fixture);
                _exit(packet_send(pair[1], "x", 1, &fd, 1) < 0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        assert_int_equal(packet_receive(pair[0], &byte, 1, fds, &count, NULL), 1);
        assert_int_equal(count, 1);
        (void)fd_close(pair[0]);
        (void)fd_close(pair[1]);
        return fds[0];
}

static int status_as(gid_t gid, gid_t extra, const char *request)
{
        int fd = connect_as(65534, gid, extra);

        http_send(fd, request);
        return answer(fd)->status;
}

#define LOOK "GET /v1/pools HTTP/1.1\r\nHost: localhost\r\n\r\n"
#define ACT  "POST /v1/pools/nope/stop HTTP/1.1\r\nHost: localhost\r\n\r\n"
#define RULE "POST /v1/reload HTTP/1.1\r\nHost: localhost\r\n\r\n"

static void test_t40_roles_of_other_users(void **state)
{
        if (geteuid() != 0)
                return; /* only root can become somebody else */
        assert_int_equal(status_as(65534, 65534, LOOK), 403);
        assert_int_equal(status_as(65534, 65534, ACT), 403);
        assert_int_equal(status_as(65534, 54322, LOOK), 200);
        assert_int_equal(status_as(54322, 65534, LOOK), 200);
        assert_int_equal(status_as(65534, 54322, ACT), 403);
        assert_int_equal(status_as(65534, 54321, LOOK), 200);
        assert_int_equal(status_as(65534, 54321, ACT), 404); /* it got as far as the pool */
        assert_int_equal(status_as(65534, 54321, RULE), 403);
        core_expect_silence(&fixture);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_scale),
                cmocka_unit_test(test_scale_bodies),
                cmocka_unit_test(test_over_limit),
                cmocka_unit_test(test_t43_stale_generation),
                cmocka_unit_test(test_refusals_have_the_status_of_their_code),
                cmocka_unit_test(test_verbs),
                cmocka_unit_test(test_signal),
                cmocka_unit_test(test_signals_that_are_not_sent),
                cmocka_unit_test(test_reload_brings_the_client_along),
                cmocka_unit_test(test_wait_for_the_end),
                cmocka_unit_test(test_wait_ends_before_the_operation),
                cmocka_unit_test(test_dry_run_does_not_wait),
                cmocka_unit_test(test_t44_client_goes),
                cmocka_unit_test(test_t44_idempotency),
                cmocka_unit_test(test_no_answer),
                cmocka_unit_test(test_messages_that_are_not_understood),
                cmocka_unit_test(test_a_board_that_is_none),
                cmocka_unit_test(test_t41_tokens),
                cmocka_unit_test(test_t41_roles_of_tokens),
                cmocka_unit_test(test_token_operates),
                cmocka_unit_test(test_t41_command_lines_are_redacted),
                cmocka_unit_test(test_pages_without_a_token),
                cmocka_unit_test(test_t40_roles_of_other_users),
        };

        return cmocka_run_group_tests(tests, start, stop);
}
