/* Verbs against a server with a script: what they ask, what they print, what they exit with. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "ctl/outcome.h"
#include "ctl/verbs.h"
#include "server.h"

#define DAEMON \
        "{\"version\":\"0.1.0\",\"pid\":7,\"uptime_seconds\":125.4,\"sampler\":\"procfs\"," \
        "\"families\":\"cgroup\",\"warnings\":[{\"pool\":\"web\",\"message\":\"no cgroup " \
        "controller for MemoryMax=\"}]}"
#define POOL(name, state, ready) \
        "{\"name\":\"" name "\",\"description\":\"\",\"state\":\"" state \
        "\",\"generation\":5,\"scale\":{\"mode\":\"manual\",\"processes\":2,\"threads\":4," \
        "\"greenlets\":0,\"limits\":{\"processes\":[1,8],\"threads\":[1,32]}}," \
        "\"processes\":{\"ready\":" ready ",\"wanted\":2},\"cpu_ratio\":0.35," \
        "\"memory_bytes\":null,\"rss_bytes\":10485760,\"restarts\":1,\"operation\":null," \
        "\"last_error\":null,\"warnings\":[]}"
#define WORKER(pool, slot, pid, state, ready) \
        "{\"pid\":" pid ",\"pool\":\"" pool "\",\"slot\":" slot ",\"state\":\"" state \
        "\",\"ready\":" ready ",\"uptime_seconds\":61,\"restarts\":0,\"cpu_ratio\":null," \
        "\"rss_bytes\":1048576,\"threads\":4,\"last_exit\":{\"code\":3,\"time\":null}}"
#define LIST(items) "{\"items\":[" items "],\"next\":null}"
#define SCALE(operation, state, to, started, error) \
        "{\"operation\":" operation ",\"state\":\"" state \
        "\",\"generation\":6,\"from\":{\"processes\":2,\"threads\":4},\"to\":{\"processes\":" to \
        ",\"threads\":4},\"kept\":[101,102],\"started\":[" started "],\"stopped\":[]," \
        "\"cut\":[],\"error\":" error "}"

typedef struct Run {
        Server server;
        Options options;
        Context context;
        char *out, *err;
        size_t out_size, err_size;
        int exit_code;
} Run;

/* Run @verb with the words of @line against what was added to the script. */
static void run_verb(Run *run, int (*verb)(const Context *context), const char *line)
{
        char *words[16] = { NULL }, copy[256];
        int count = 0;
        Error error = { 0 };

        (void)snprintf(copy, sizeof(copy), "%s", line);
        for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
                words[count++] = word;
        assert_int_equal(options_parse(count, words, &run->options, &error), 0);
        server_start(&run->server);
        run->context = (Context){ .options = &run->options, .out_fd = -1 };
        run->context.out = open_memstream(&run->out, &run->out_size);
        run->context.err = open_memstream(&run->err, &run->err_size);
        assert_int_equal(client_init(&run->context.client, run->server.path, NULL), 0);
        run->exit_code = verb(&run->context);
        server_stop(&run->server);
        assert_int_equal(fclose(run->context.out), 0);
        assert_int_equal(fclose(run->context.err), 0);
        context_done(&run->context);
        options_done(&run->options);
}

static void run_done(Run *run)
{
        free(run->out);
        free(run->err);
        *run = (Run){ 0 };
}

#define AUTO_RUN __attribute__((cleanup(run_done))) Run

static void test_status_well(void **state)
{
        AUTO_RUN run = { 0 };

        server_json(&run.server, 200, DAEMON);
        server_json(&run.server, 200, LIST(POOL("web", "running", "2")));
        run_verb(&run, verb_status, "reevectl status");
        assert_int_equal(run.exit_code, REEVE_EXIT_OK);
        assert_string_equal(
                run.out,
                "reeve 0.1.0, pid 7, up 2min 5s; sampler procfs; slots kept together by cgroup\n"
                "warning: web: no cgroup controller for MemoryMax=\n"
                "\n"
                "POOL  STATE    GRID  READY  CPU  RSS  RESTARTS  DETAIL\n"
                "web   running  2x4     2/2  35%  10M         1  -\n");
}

static void test_status_unwell(void **state)
{
        AUTO_RUN run = { 0 };

        server_json(&run.server, 200, DAEMON);
        server_json(&run.server, 200, LIST(POOL("web", "degraded", "1")));
        server_json(&run.server, 200,
                    LIST(WORKER("web", "0", "101", "ready",
                                "true") "," WORKER("web", "1", "null", "backoff", "false")));
        run_verb(&run, verb_status, "reevectl status");
        assert_int_equal(run.exit_code, REEVE_EXIT_NOT_RUNNING);
        assert_non_null(strstr(run.out, "Workers that are not well:\n"
                                        "WORKER  STATE    PID  RESTARTS  NEXT START  LAST EXIT"));
        assert_non_null(strstr(run.out, "web/1   backoff    -         0  -           code 3"));
        assert_null(strstr(run.out, "web/0"));
}

static void test_status_json(void **state)
{
        AUTO_RUN run = { 0 };

        server_json(&run.server, 200, DAEMON);
        server_json(&run.server, 200, LIST(POOL("web", "stopped", "0")));
        run_verb(&run, verb_status, "reevectl status -o json");
        assert_int_equal(run.exit_code, REEVE_EXIT_NOT_RUNNING);
        assert_non_null(strstr(run.out, "\"version\": \"0.1.0\""));
        assert_non_null(strstr(run.out, "\"pools\": ["));
}

static void test_status_unknown(void **state)
{
        AUTO_RUN run = { 0 };

        server_json(&run.server, 404, "{\"code\":\"unknown-pool\",\"detail\":\"No pool x.\"}");
        run_verb(&run, verb_status, "reevectl status x");
        assert_int_equal(run.exit_code, REEVE_EXIT_UNKNOWN);
        assert_string_equal(run.out, "");
        assert_string_equal(run.err, "reevectl: No pool x.\n");
}

static void test_ps(void **state)
{
        AUTO_RUN run = { 0 };

        server_json(&run.server, 200,
                    LIST(WORKER("web", "0", "101", "ready", "true") "," WORKER("web", "1", "null",
                                                                               "failed", "false")));
        run_verb(&run, verb_ps, "reevectl ps web");
        assert_int_equal(run.exit_code, REEVE_EXIT_OK);
        assert_string_equal(
                run.out,
                "POOL  SLOT  PID  STATE   READY   UPTIME  CPU   RSS  THREADS  RESTARTS  LAST EXIT\n"
                "web      0  101  ready   yes    1min 1s    -  1.0M        4         0  code 3\n"
                "web      1    -  failed  no     1min 1s    -  1.0M        4         0  code 3\n");
        assert_non_null(strstr(run.server.requests[0], "&pool=web&limit=5000"));
        assert_non_null(strstr(run.server.requests[0], "/v1/workers?fields=pool,slot,pid,"));
}

static void test_columns(void **state)
{
        AUTO_RUN run = { 0 }, names = { 0 }, bad = { 0 };

        server_json(&run.server, 200, LIST(WORKER("web", "0", "101", "ready", "true")));
        run_verb(&run, verb_ps, "reevectl ps --columns pid,last-exit --no-headers");
        assert_string_equal(run.out, "101  code 3\n");
        server_json(&names.server, 200, LIST(WORKER("web", "0", "101", "ready", "true")));
        run_verb(&names, verb_ps, "reevectl ps -o name");
        assert_string_equal(names.out, "web/0\n");
        server_json(&bad.server, 200, LIST(WORKER("web", "0", "101", "ready", "true")));
        run_verb(&bad, verb_ps, "reevectl ps --columns pid,nope");
        assert_int_equal(bad.exit_code, REEVE_EXIT_USAGE);
        assert_non_null(strstr(bad.err, "no column nope; there are: pool slot pid"));
}

static void test_scale(void **state)
{
        AUTO_RUN run = { 0 };

        server_json(&run.server, 202, SCALE("9", "running", "4", "", "null"));
        server_json(&run.server, 200, SCALE("9", "running", "4", "140", "null"));
        server_json(&run.server, 200, SCALE("9", "done", "4", "140,141", "null"));
        run_verb(&run, verb_scale, "reevectl scale web 4x4");
        assert_int_equal(run.exit_code, REEVE_EXIT_OK);
        assert_string_equal(run.out,
                            "web: 2x4 -> 4x4, generation 6; kept 101 102, started 140 141, "
                            "stopped none\n");
        assert_string_equal(run.err, "");
        assert_non_null(strstr(run.server.requests[0], "PATCH /v1/pools/web/scale"));
        assert_non_null(strstr(run.server.requests[0], "{\"processes\":4,\"threads\":4}"));
        assert_non_null(strstr(run.server.requests[2], "GET /v1/operations/9"));
}

static void test_scale_outcomes(void **state)
{
        static const struct {
                int status;
                const char *reply, *line;
                int exit_code;
                const char *part; /* of what is said */
        } cases[] = {
                { 200,
                  SCALE("9", "rolled-back", "4", "",
                        "{\"code\":\"failed\",\"detail\":\"exit code 3\"}"),
                  "r scale web -p 4", REEVE_EXIT_FAILED, "was rolled back: exit code 3" },
                { 200, SCALE("9", "failed", "4", "", "null"), "r scale web -p 4", REEVE_EXIT_FAILED,
                  "failed" },
                { 200, SCALE("9", "done", "4", "", "{\"code\":\"x\",\"detail\":\"one is slow\"}"),
                  "r scale web -p 4", REEVE_EXIT_PARTLY, "one is slow" },
                { 422, "{\"code\":\"over-limit\",\"detail\":\"At most 8.\"}", "r scale web -p 400",
                  REEVE_EXIT_REFUSED, "At most 8." },
                { 404, "{\"code\":\"unknown-pool\",\"detail\":\"No.\"}", "r scale x 1x1",
                  REEVE_EXIT_UNKNOWN, "No." },
                { 202, SCALE("9", "running", "4", "", "null"), "r scale web 4x4 --no-wait",
                  REEVE_EXIT_OK, "" },
                { 202, SCALE("9", "running", "4", "", "null"), "r scale web 4x4 --timeout 0",
                  REEVE_EXIT_TIMED_OUT, "it goes on" },
                { 503, "{\"code\":\"core-unreachable\",\"detail\":\"Gone.\"}", "r scale web 4x4",
                  REEVE_EXIT_UNREACHABLE, "Gone." },
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                AUTO_RUN run = { 0 };

                server_json(&run.server, cases[i].status, cases[i].reply);
                run_verb(&run, verb_scale, cases[i].line);
                assert_int_equal(run.exit_code, cases[i].exit_code);
                assert_non_null(strstr(run.err, cases[i].part));
        }
}

static void test_scale_stale(void **state)
{
        AUTO_RUN run = { 0 };

        server_json(&run.server, 412, "{\"code\":\"stale-generation\",\"detail\":\"Not 4.\"}");
        server_json(&run.server, 200, POOL("web", "running", "2"));
        run_verb(&run, verb_scale, "reevectl scale web 4x4 --if-generation 4");
        assert_int_equal(run.exit_code, REEVE_EXIT_REFUSED);
        assert_string_equal(run.err, "reevectl: Not 4.\n"
                                     "reevectl: web is at generation 5 with 2x4 now\n");
        assert_non_null(strstr(run.server.requests[0], "If-Match: \"4\""));
}

static void test_scale_several(void **state)
{
        AUTO_RUN run = { 0 };

        server_json(&run.server, 200, SCALE("9", "done", "4", "140", "null"));
        server_json(&run.server, 422, "{\"code\":\"over-limit\",\"detail\":\"At most 8.\"}");
        run_verb(&run, verb_scale, "reevectl scale web=4x4 db=9x1");
        assert_int_equal(run.exit_code, REEVE_EXIT_PARTLY);
        assert_non_null(strstr(run.server.requests[1], "/v1/pools/db/scale"));
        assert_non_null(strstr(run.server.requests[1], "{\"processes\":9,\"threads\":1}"));
}

/* As a word and as a count: reeved is asked for the number, and no other count may be that. */
static void test_scale_to_the_processors(void **state)
{
        static const char *const lines[] = { "reevectl scale web cpus",
                                             "reevectl scale web -p cpus" };

        for (size_t i = 0; i < 2; i++) {
                AUTO_RUN run = { 0 };

                server_json(&run.server, 200, "{\"cpus\":{\"online\":8,\"usable\":3}}");
                server_json(&run.server, 200, SCALE("9", "done", "3", "140", "null"));
                run_verb(&run, verb_scale, lines[i]);
                assert_int_equal(run.exit_code, REEVE_EXIT_OK);
                assert_non_null(strstr(run.server.requests[0], "GET /v1/ "));
                assert_non_null(strstr(run.server.requests[1], "PATCH /v1/pools/web/scale"));
                assert_non_null(strstr(run.server.requests[1], "{\"processes\":3}"));
        }
}

static void test_scale_to_no_processors(void **state)
{
        AUTO_RUN old = { 0 }, threads = { 0 };

        server_json(&old.server, 200, "{\"version\":\"0.0.9\"}");
        run_verb(&old, verb_scale, "reevectl scale web cpus");
        assert_int_equal(old.exit_code, REEVE_EXIT_FAILED);
        assert_non_null(strstr(old.err, "does not say how many processors"));
        server_json(&threads.server, 200, LIST(POOL("web", "running", "2")));
        run_verb(&threads, verb_scale, "reevectl scale web -t cpus");
        assert_int_equal(threads.exit_code, REEVE_EXIT_USAGE);
        assert_non_null(strstr(threads.err, "-p cpus"));
}

static void test_scale_dry_run(void **state)
{
        AUTO_RUN run = { 0 };

        server_json(&run.server, 200, SCALE("null", "done", "4", "", "null"));
        run_verb(&run, verb_scale, "reevectl scale web -p +2 --dry-run");
        assert_int_equal(run.exit_code, REEVE_EXIT_OK);
        assert_non_null(strstr(run.out, "plan for web: 2x4 -> 4x4, generation 6; keeps 101 102, "
                                        "starts 2, stops none\n"));
        assert_non_null(strstr(run.server.requests[0], "\"processes_delta\":2"));
        assert_non_null(strstr(run.server.requests[0], "\"dry_run\":true"));
}

static void test_scale_already(void **state)
{
        AUTO_RUN run = { 0 };

        server_json(&run.server, 200, SCALE("null", "done", "2", "", "null"));
        run_verb(&run, verb_scale, "reevectl scale web 2x4");
        assert_int_equal(run.exit_code, REEVE_EXIT_OK);
        assert_string_equal(run.out, "web is already 2x4\n");
}

static void test_start_already(void **state)
{
        AUTO_RUN run = { 0 };

        server_json(&run.server, 200, SCALE("null", "done", "2", "", "null"));
        run_verb(&run, verb_start, "reevectl start web");
        assert_int_equal(run.exit_code, REEVE_EXIT_OK);
        assert_string_equal(run.out, "web is already running\n");
        assert_non_null(strstr(run.server.requests[0], "POST /v1/pools/web/start "));
}

static void test_stop_targets(void **state)
{
        AUTO_RUN none = { 0 }, slot = { 0 }, all = { 0 }, both = { 0 };

        run_verb(&none, verb_stop, "reevectl stop");
        assert_int_equal(none.exit_code, REEVE_EXIT_USAGE);
        run_verb(&slot, verb_stop, "reevectl stop web/0");
        assert_int_equal(slot.exit_code, REEVE_EXIT_USAGE);
        assert_non_null(strstr(slot.err, "kill -s TERM web/0"));
        run_verb(&both, verb_stop, "reevectl stop --all web");
        assert_int_equal(both.exit_code, REEVE_EXIT_USAGE);
        server_json(&all.server, 200,
                    LIST(POOL("@api", "running", "1") "," POOL("web", "running", "2")));
        server_json(&all.server, 200, SCALE("8", "done", "2", "", "null"));
        run_verb(&all, verb_stop, "reevectl stop --all");
        assert_int_equal(all.exit_code, REEVE_EXIT_OK);
        assert_int_equal(all.server.request_count, 2); /* reeve's own pool is passed over */
        assert_non_null(strstr(all.server.requests[1], "POST /v1/pools/web/stop "));
}

static void test_kill(void **state)
{
        AUTO_RUN run = { 0 };

        server_json(&run.server, 200,
                    LIST(WORKER("web", "0", "101", "ready",
                                "true") "," WORKER("web", "1", "null", "backoff", "false")));
        server_json(&run.server, 200, "{}");
        run_verb(&run, verb_kill, "reevectl kill -s usr1 web");
        assert_int_equal(run.exit_code, REEVE_EXIT_OK);
        assert_string_equal(run.out, "web/0: sent SIGUSR1 to 101\n");
        assert_non_null(strstr(run.server.requests[1], "POST /v1/workers/101/signal "));
        assert_non_null(strstr(run.server.requests[1], "{\"signal\":\"SIGUSR1\"}"));
}

static void test_logs(void **state)
{
        AUTO_RUN run = { 0 };

        server_reply(&run.server, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\none\ntwo\n");
        run_verb(&run, verb_logs, "reevectl logs web/1 -n 5");
        assert_int_equal(run.exit_code, REEVE_EXIT_OK);
        assert_string_equal(run.out, "one\ntwo\n");
        assert_non_null(strstr(run.server.requests[0], "GET /v1/pools/web/logs?lines=5&slot=1 "));
}

static void test_logs_several(void **state)
{
        AUTO_RUN run = { 0 };

        server_reply(&run.server, "HTTP/1.1 200 OK\r\n\r\none\nhalf");
        server_reply(&run.server, "HTTP/1.1 200 OK\r\n\r\ntwo\n");
        run_verb(&run, verb_logs, "reevectl logs a b");
        assert_int_equal(run.exit_code, REEVE_EXIT_OK);
        assert_string_equal(run.out, "a: one\na: half\nb: two\n");
}

static void test_logs_full(void **state)
{
        Server server = { 0 };
        char program[] = "reevectl", verb[] = "logs", pool[] = "web";
        char *words[] = { program, verb, pool }, *err = NULL;
        Context context = { .out_fd = -1 };
        Options options;
        size_t size;

        server_reply(&server, "HTTP/1.1 200 OK\r\n\r\none\n");
        server_start(&server);
        assert_int_equal(options_parse(3, words, &options, NULL), 0);
        context.options = &options;
        context.out = fopen("/dev/full", "we");
        context.err = open_memstream(&err, &size);
        assert_int_equal(client_init(&context.client, server.path, NULL), 0);
        assert_int_equal(verb_logs(&context), REEVE_EXIT_FAILED);
        (void)fclose(context.out); /* what could not be written is still not written */
        (void)fclose(context.err);
        assert_non_null(strstr(err, "No space left"));
        free(err);
        context_done(&context);
        options_done(&options);
        server_stop(&server);
}

static const char one_event[] =
        "{\"id\":41,\"time\":\"2020-01-02T03:04:05.000001Z\",\"type\":\"worker.exited\","
        "\"pool\":\"web\",\"slot\":0,\"pid\":101,\"actor\":\"uid 0\",\"detail\":{\"code\":1}}";

static void test_events(void **state)
{
        AUTO_RUN run = { 0 }, json = { 0 };
        char page[512];

        (void)snprintf(page, sizeof(page), "{\"items\":[%s],\"next\":null}", one_event);
        server_json(&run.server, 200, page);
        run_verb(&run, verb_events, "reevectl events --since 40");
        assert_string_equal(run.out,
                            "2020-01-02 03:04:05  worker.exited    web/0        pid=101 code=1 "
                            "(by uid 0)\n");
        assert_non_null(strstr(run.server.requests[0], "/v1/events?limit=5000&since=40 "));
        server_json(&json.server, 200, page);
        run_verb(&json, verb_events, "reevectl events -o json");
        assert_int_equal(strchr(json.out, '\n') - json.out, (ptrdiff_t)strlen(json.out) - 1);
        assert_non_null(strstr(json.out, "\"id\":41"));
}

static void test_events_follow(void **state)
{
        AUTO_RUN run = { 0 };
        char reply[1024];

        (void)snprintf(reply, sizeof(reply),
                       "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n: heartbeat\n\n"
                       "event: reset\ndata: {}\n\nid: 1-41\nevent: worker.exited\ndata: %s\n\n",
                       one_event);
        server_reply(&run.server, reply);
        server_reply(&run.server, "HTTP/1.1 503 X\r\nContent-Length: 2\r\n\r\n{}");
        run_verb(&run, verb_events, "reevectl events -f --since 7");
        /* The script is over: nobody answers the tries to go on. */
        assert_int_equal(run.exit_code, REEVE_EXIT_UNREACHABLE);
        assert_non_null(strstr(run.out, "worker.exited"));
        assert_non_null(strstr(run.err, "some events are missing"));
        assert_non_null(strstr(run.server.requests[0], "GET /v1/events?since=7 "));
        assert_non_null(strstr(run.server.requests[1], "Last-Event-ID: 1-41\r\n"));
        assert_non_null(strstr(run.server.requests[0], "Accept: text/event-stream"));
}

static void test_wait(void **state)
{
        AUTO_RUN run = { 0 }, late = { 0 }, failed = { 0 };

        server_json(&run.server, 200, POOL("web", "starting", "0"));
        server_json(&run.server, 200, POOL("web", "running", "2"));
        run_verb(&run, verb_wait, "reevectl wait web --for=ready");
        assert_int_equal(run.exit_code, REEVE_EXIT_OK);
        server_json(&late.server, 200, POOL("web", "running", "2"));
        run_verb(&late, verb_wait, "reevectl wait web --for stopped --timeout 0");
        assert_int_equal(late.exit_code, REEVE_EXIT_TIMED_OUT);
        server_json(&failed.server, 200, POOL("web", "failed", "0"));
        run_verb(&failed, verb_wait, "reevectl wait web");
        assert_int_equal(failed.exit_code, REEVE_EXIT_FAILED);
}

static void test_show(void **state)
{
        AUTO_RUN run = { 0 };

        server_json(&run.server, 200, POOL("web", "running", "2"));
        run_verb(&run, verb_show, "reevectl show web");
        assert_int_equal(run.exit_code, REEVE_EXIT_OK);
        assert_non_null(strstr(run.out, "scale.limits.processes        1, 8\n"));
        assert_non_null(strstr(run.out, "rss_bytes                     10M\n"));
        assert_non_null(strstr(run.out, "memory_bytes                  -\n"));
}

static void test_reload(void **state)
{
        AUTO_RUN run = { 0 };

        server_json(&run.server, 200,
                    "{\"state\":\"done\",\"dry_run\":true,\"message\":\"web: restart\"}");
        run_verb(&run, verb_reload, "reevectl reload --dry-run");
        assert_string_equal(run.out, "web: restart\n");
        assert_non_null(strstr(run.server.requests[0], "{\"dry_run\":true}"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_status_well),
                cmocka_unit_test(test_status_unwell),
                cmocka_unit_test(test_status_json),
                cmocka_unit_test(test_status_unknown),
                cmocka_unit_test(test_ps),
                cmocka_unit_test(test_columns),
                cmocka_unit_test(test_scale),
                cmocka_unit_test(test_scale_outcomes),
                cmocka_unit_test(test_scale_stale),
                cmocka_unit_test(test_scale_several),
                cmocka_unit_test(test_scale_to_the_processors),
                cmocka_unit_test(test_scale_to_no_processors),
                cmocka_unit_test(test_scale_dry_run),
                cmocka_unit_test(test_start_already),
                cmocka_unit_test(test_scale_already),
                cmocka_unit_test(test_stop_targets),
                cmocka_unit_test(test_kill),
                cmocka_unit_test(test_logs),
                cmocka_unit_test(test_logs_several),
                cmocka_unit_test(test_logs_full),
                cmocka_unit_test(test_events),
                cmocka_unit_test(test_events_follow),
                cmocka_unit_test(test_wait),
                cmocka_unit_test(test_show),
                cmocka_unit_test(test_reload),
        };

        (void)setenv("TZ", "UTC", 1);
        tzset();
        return cmocka_run_group_tests(tests, NULL, NULL);
}
