#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "base/units.h"
#include "ctl/options.h"
#include "ctl/outcome.h"
#include "ctl/request.h"
#include "ctl/signals.h"
#include "ctl/target.h"
#include "ctl/value.h"

enum { WORDS_MAX = 16 };

/* Parse the words of @line, which are separated by single blanks. */
static int parse(char *line, Options *ret, Error *reterr)
{
        char *words[WORDS_MAX + 1] = { NULL };
        int count = 0;

        for (char *word = strtok(line, " "); word && count < WORDS_MAX; word = strtok(NULL, " "))
                words[count++] = word;
        return options_parse(count, words, ret, reterr);
}

static void test_options(void **state)
{
        char line[] = "reevectl -H /x status -ojson --watch=500ms web --no-headers -- -db";
        Options options;
        Error error = { 0 };

        assert_int_equal(parse(line, &options, &error), 0);
        assert_string_equal(options.verb, "status");
        assert_string_equal(options.host, "/x");
        assert_int_equal(options.format, FORMAT_JSON);
        assert_int_equal(options.watch_usec, 500 * USEC_PER_MSEC);
        assert_true(options.no_headers);
        assert_int_equal(options.word_count, 2);
        assert_string_equal(options.words[0], "web");
        assert_string_equal(options.words[1], "-db");
        options_done(&options);
}

static void test_counts(void **state)
{
        char line[] = "reevectl scale web -p -1 -t +2 --timeout 1min -n all -fn5 --if-generation=6";
        Options options;
        Error error = { 0 };

        assert_int_equal(parse(line, &options, &error), 0);
        assert_true(options.processes.is_set && options.processes.is_relative);
        assert_int_equal(options.processes.value, -1);
        assert_int_equal(options.threads.value, 2);
        assert_int_equal(options.timeout_usec, 60 * USEC_PER_SEC);
        assert_true(options.is_follow);
        assert_int_equal(options.lines, 5);
        assert_int_equal(options.generation, 6);
        options_done(&options);
}

static void test_bad_lines(void **state)
{
        static const struct {
                const char *line, *part; /* of the sentence */
        } cases[] = {
                { "reevectl --watc", "--watch" },
                { "reevectl --xyzzy-foo", "reevectl help" },
                { "reevectl -o", "needs a value" },
                { "reevectl -o yaml", "json" },
                { "reevectl --dry-run=yes", "no value" },
                { "reevectl -p x", "processes" },
                { "reevectl -p 70000", "processes" },
                { "reevectl -Z", "-Z" },
                { "reevectl --timeout soon", "timeout" },
                { "reevectl -p --", "processes" },
        };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                AUTO_FREE char *line = strdup(cases[i].line);
                Options options;
                Error error = { 0 };

                assert_int_equal(parse(line, &options, &error), -EINVAL);
                assert_string_equal(error.code, OUTCOME_USAGE);
                assert_non_null(strstr(error.message, cases[i].part));
        }
}

static void test_no_arguments(void **state)
{
        char *none[] = { NULL };
        Options options;
        Error error = { 0 };

        assert_int_equal(options_parse(0, none, &options, &error), 0);
        assert_null(options.verb);
        options_done(&options);
}

static void test_foreign_option(void **state)
{
        char line[] = "reevectl status --rolling";
        Options options;
        Error error = { 0 };

        assert_int_equal(parse(line, &options, &error), 0);
        assert_int_equal(options_check(&options, OPTION_ROLLING, &error), 0);
        assert_int_equal(options_check(&options, OPTION_OUTPUT, &error), -EINVAL);
        assert_non_null(strstr(error.message, "status has no option --rolling"));
        options_done(&options);
}

static void test_targets(void **state)
{
        static const struct {
                const char *text;
                int kind; /* 0: refused */
                const char *pool;
                unsigned slot;
                int pid;
                bool is_pattern, is_any_slot;
        } cases[] = {
                { "web", TARGET_POOL, "web", 0, 0, false, false },
                { "@api", TARGET_POOL, "@api", 0, 0, false, false },
                { "web*", TARGET_POOL, "web*", 0, 0, true, false },
                { "web/3", TARGET_SLOT, "web", 3, 0, false, false },
                { "web:3", TARGET_SLOT, "web", 3, 0, false, false },
                { "w?b/*", TARGET_SLOT, "w?b", 0, 0, true, true },
                { "4711", TARGET_PID, "4711", 0, 4711, false, false },
                { "0", TARGET_POOL, "0", 0, 0, false, false },
                { "99999999999", TARGET_POOL, "99999999999", 0, 0, false, false },
                { "", 0 },
                { "/", 0 },
                { "web/", 0 },
                { "web/x", 0 },
                { "web/-1", 0 },
                { "Web", 0 },
                { "a b", 0 },
                { "../etc", 0 },
                { "@", 0 },
                { "w%62", 0 },
                { "web/1/2", 0 },
                { "web\n", 0 },
        };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                Target target = { 0 };
                Error error = { 0 };
                int r = target_parse(cases[i].text, &target, &error);

                assert_int_equal(r, cases[i].kind ? 0 : -EINVAL);
                if (!cases[i].kind) {
                        assert_string_equal(error.code, OUTCOME_USAGE);
                        continue;
                }
                assert_int_equal(target.kind, cases[i].kind);
                assert_string_equal(target.pool, cases[i].pool);
                assert_int_equal(target.slot, cases[i].slot);
                assert_int_equal(target.pid, cases[i].pid);
                assert_int_equal(target.is_pattern, cases[i].is_pattern);
                assert_int_equal(target.is_any_slot, cases[i].is_any_slot);
        }
}

static bool means(const char *text, const char *pool, unsigned slot, int pid)
{
        Target target;

        assert_int_equal(target_parse(text, &target, NULL), 0);
        return target_has_worker(&target, pool, slot, pid);
}

static void test_target_workers(void **state)
{
        assert_true(means("web", "web", 3, 10));
        assert_true(means("web/3", "web", 3, 10));
        assert_false(means("web/3", "web", 4, 10));
        assert_true(means("w*/*", "web", 4, 10));
        assert_true(means("10", "web", 4, 10));
        assert_false(means("10", "10", 4, 11));
        assert_true(means("@api", "@api", 0, 10));
        assert_false(means("*", "@api", 0, 10)); /* patterns never mean reeve's own */
}

static void test_grids(void **state)
{
        static const char *const bad[] = {
                "",     "4",    "x",       "4x",   "x4",   "4x8x2x1", "4xx8",
                "+4x8", "4x8x", "4x99999", "a4x8", "4x8 ", "4X8",     "12345678901234567890x1"
        };
        ScaleGrid grid;

        assert_int_equal(scale_grid_parse("4x8", &grid), 0);
        assert_int_equal(grid.processes, 4);
        assert_int_equal(grid.threads, 8);
        assert_false(grid.has_greenlets);
        assert_int_equal(scale_grid_parse("0x1x100", &grid), 0);
        assert_int_equal(grid.greenlets, 100);
        for (size_t i = 0; i < COUNT_OF(bad); i++)
                assert_int_equal(scale_grid_parse(bad[i], &grid), -EINVAL);
}

/* @expected: the body in sorted keys, NULL: refused */
static void check_body(const char *words, const char *grid_text, const char *expected)
{
        AUTO_FREE char *line = strdup(words);
        AUTO_FREE char *dump = NULL;
        AUTO_JSON *body = NULL;
        ScaleGrid grid = { 0 };
        Options options;
        Error error = { 0 };
        int r;

        assert_int_equal(parse(line, &options, &error), 0);
        if (grid_text)
                assert_int_equal(scale_grid_parse(grid_text, &grid), 0);
        r = scale_body(&options, &grid, &body, &error);
        options_done(&options);
        assert_int_equal(r, expected ? 0 : -EINVAL);
        if (!expected) {
                assert_string_equal(error.code, OUTCOME_USAGE);
                return;
        }
        dump = json_dumps(body, JSON_COMPACT | JSON_SORT_KEYS);
        assert_string_equal(dump, expected);
}

static void test_bodies(void **state)
{
        check_body("r scale", "4x8", "{\"processes\":4,\"threads\":8}");
        check_body("r scale", "2x4x100", "{\"greenlets\":100,\"processes\":2,\"threads\":4}");
        check_body("r scale -p 4 -t 8", NULL, "{\"processes\":4,\"threads\":8}");
        check_body("r scale -p +1", NULL, "{\"processes_delta\":1}");
        check_body("r scale -p -1 -t +2", NULL, "{\"processes_delta\":-1,\"threads_delta\":2}");
        check_body("r scale -p 0 --runtime", NULL, "{\"processes\":0,\"runtime\":true}");
        check_body("r scale --total 32 --dry-run", NULL, "{\"dry_run\":true,\"total\":32}");
        check_body("r scale --mode processes", NULL, "{\"mode\":\"processes\"}");
        check_body("r scale --mode manual", "4x8",
                   "{\"mode\":\"manual\",\"processes\":4,\"threads\":8}");
        check_body("r scale --reset", NULL, "{\"reset\":true}");
        check_body("r scale", NULL, NULL);
        check_body("r scale --runtime", NULL, NULL);
        check_body("r scale --mode fast", NULL, NULL);
        check_body("r scale --reset --total 3", NULL, NULL);
        check_body("r scale -p 3", "4x8", NULL);
        check_body("r scale -g +3", NULL, NULL);
        check_body("r scale --mode threads --total 4", NULL, NULL);
}

static void test_signals(void **state)
{
        char name[SIGNAL_NAME_SIZE];

        assert_int_equal(signal_name("usr1", name), 0);
        assert_string_equal(name, "SIGUSR1");
        assert_int_equal(signal_name("SIGTERM", name), 0);
        assert_string_equal(name, "SIGTERM");
        assert_int_equal(signal_name("9", name), 0);
        assert_string_equal(name, "SIGKILL");
        assert_int_equal(signal_name("0", name), -EINVAL);
        assert_int_equal(signal_name("", name), -EINVAL);
        assert_int_equal(signal_name("SIG", name), -EINVAL);
        assert_int_equal(signal_name("USR3", name), -EINVAL);
        assert_int_equal(signal_name("4096", name), -EINVAL);
}

static void test_outcomes(void **state)
{
        assert_int_equal(outcome_exit(REEVE_ERROR_UNKNOWN_POOL), REEVE_EXIT_UNKNOWN);
        assert_int_equal(outcome_exit(REEVE_ERROR_OVER_LIMIT), REEVE_EXIT_REFUSED);
        assert_int_equal(outcome_exit(REEVE_ERROR_STALE_GENERATION), REEVE_EXIT_REFUSED);
        assert_int_equal(outcome_exit(REEVE_ERROR_CORE_UNREACHABLE), REEVE_EXIT_UNREACHABLE);
        assert_int_equal(outcome_exit(OUTCOME_TIMED_OUT), REEVE_EXIT_TIMED_OUT);
        assert_int_equal(outcome_exit("of a later version"), REEVE_EXIT_FAILED);
        assert_int_equal(outcome_exit(NULL), REEVE_EXIT_FAILED);
        assert_string_equal(outcome_code(NULL, 403), REEVE_ERROR_FORBIDDEN);
        assert_string_equal(outcome_code("of-a-later-version", 404), REEVE_ERROR_NOT_FOUND);
        assert_string_equal(outcome_code("over-limit", 422), REEVE_ERROR_OVER_LIMIT);
        assert_int_equal(outcome_merge(-1, 7), 7);
        assert_int_equal(outcome_merge(0, 0), 0);
        assert_int_equal(outcome_merge(0, 7), REEVE_EXIT_PARTLY);
        assert_int_equal(outcome_merge(4, 7), 4);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_options),        cmocka_unit_test(test_counts),
                cmocka_unit_test(test_bad_lines),      cmocka_unit_test(test_no_arguments),
                cmocka_unit_test(test_foreign_option), cmocka_unit_test(test_targets),
                cmocka_unit_test(test_target_workers), cmocka_unit_test(test_grids),
                cmocka_unit_test(test_bodies),         cmocka_unit_test(test_signals),
                cmocka_unit_test(test_outcomes),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
