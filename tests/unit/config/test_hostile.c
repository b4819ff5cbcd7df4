/* test_hostile.c - text that nobody wrote in good faith, and a great deal of it */
#include "support.h"

#define HEAD "[Pool]\nExecStart=/bin/true\n"

static Load load_bytes(const char *text, size_t length)
{
        TextFile file = { .path = (char *)"web.pool", .text = (char *)text, .length = length };
        Load load = { 0 };

        load.r = config_parse(&(ConfigInput){ &file, 1 }, &load.problems, &load.config);
        return load;
}

static void test_nul_bytes(void **state)
{
        AUTO_LOAD load = load_bytes(HEAD "Nice=1\0\n", sizeof(HEAD "Nice=1\0\n") - 1);

        assert_int_equal(load.r, -EINVAL);
        assert_problem(&load, "web.pool:3:7: error: the byte 0x00 is not text; files are UTF-8 "
                              "without control characters, and this one was not read further");
        assert_int_equal(load.problems.count, 1);
}

static void test_not_utf8(void **state)
{
        AUTO_LOAD load = load_pool("[Pool]\nDescription=caf\xE9\n");

        assert_int_equal(load.r, -EINVAL);
        assert_int_equal(load.problems.items[0].line, 2);
        assert_int_equal(load.problems.items[0].column, 16);
}

static void test_line_ends_of_others(void **state)
{
        AUTO_LOAD load = LOAD({ "web.pool", "\xEF\xBB\xBF[Pool]\r\nExecStart=/bin/true a \\\r\n"
                                            "  b\r\nUMask=077\r\n" });
        const PoolConfig *pool = load_first(&load);

        assert_string_equal(pool->command[2], "b");
        assert_null(pool->command[3]);
        assert_int_equal(pool->umask, 077);
}

/* inih would cut a line at 200 bytes, or at whatever it was built with. */
static void test_long_lines_are_whole_or_refused(void **state)
{
        AUTO_FREE char *text = calloc(1, CONFIG_LINE_MAX + 100);
        size_t head = strlen("[Pool]\nDescription=");
        AUTO_LOAD whole = { 0 };
        AUTO_LOAD refused = { 0 };

        strcpy(text, "[Pool]\nDescription=");
        memset(text + head, 'x', CONFIG_LINE_MAX - strlen("Description="));
        whole = load_pool(text);
        assert_int_equal(strlen(load_first(&whole)->description),
                         CONFIG_LINE_MAX - strlen("Description="));
        strcat(text, "x");
        refused = load_pool(text);
        assert_problem(&refused, "web.pool.d/a.conf:2:1: error: a line (with those it continues "
                                 "on) has at most 65536 bytes");
}

static char *repeated(const char *head, const char *line, size_t count)
{
        size_t length = strlen(line);
        char *text = malloc(strlen(head) + length * count + 1), *end = text;

        assert_non_null(text);
        end = stpcpy(end, head);
        for (size_t i = 0; i < count; i++)
                end = stpcpy(end, line);
        return text;
}

static void test_a_million_good_lines(void **state)
{
        AUTO_FREE char *text = repeated(HEAD, "Nice=1\n", 1000000);
        AUTO_LOAD load = LOAD({ "web.pool", text });

        assert_int_equal(load_first(&load)->nice, 1);
}

static void test_a_million_bad_lines(void **state)
{
        AUTO_FREE char *text = repeated(HEAD, "Banana=1\n", 1000000);
        AUTO_LOAD load = LOAD({ "web.pool", text });

        assert_int_equal(load.r, -EINVAL);
        assert_int_equal(load.problems.count, CONFIG_PROBLEMS_MAX);
        assert_true(load.problems.is_cut);
}

static void test_a_million_continued_lines(void **state)
{
        AUTO_FREE char *text = repeated(HEAD "Description=", "x\\\n", 1000000);
        AUTO_LOAD load = LOAD({ "web.pool", text });

        assert_int_equal(load.r, -EINVAL);
        assert_int_equal(load.problems.count, 1);
}

static void test_ten_megabytes_in_a_line(void **state)
{
        AUTO_FREE char *text = repeated(HEAD "Environment=", "A=b ", 2500000);
        AUTO_LOAD load = LOAD({ "web.pool", text });

        assert_int_equal(load.r, -EINVAL);
        assert_int_equal(load.problems.items[0].line, 3);
}

static void test_lists_have_limits(void **state)
{
        AUTO_FREE char *files = repeated(HEAD, "EnvironmentFile=/x\n", CONFIG_LIST_MAX + 1);
        AUTO_FREE char *words = repeated("[Pool]\nExecStart=/x", " a", CONFIG_LIST_MAX);
        AUTO_FREE char *sockets =
                repeated(HEAD "[Listen]\n", "ListenStream=127.0.0.1:0\n", CONFIG_LISTENERS_MAX + 1);
        AUTO_LOAD many_files = LOAD({ "web.pool", files });
        AUTO_LOAD many_words = LOAD({ "web.pool", words });
        AUTO_LOAD many_sockets = LOAD({ "web.pool", sockets });

        assert_int_equal(many_files.problems.count, 1);
        assert_int_equal(many_files.problems.items[0].line, CONFIG_LIST_MAX + 3);
        assert_int_equal(many_words.r, -EINVAL);
        assert_int_equal(many_sockets.problems.count, 1);
}

static void test_too_many_pools(void **state)
{
        static char paths[CONFIG_POOLS_MAX + 1][20];
        static Source sources[CONFIG_POOLS_MAX + 1];
        AUTO_LOAD load = { 0 };

        for (int i = 0; i <= CONFIG_POOLS_MAX; i++) {
                (void)snprintf(paths[i], sizeof(paths[i]), "p%d.pool", i);
                sources[i] = (Source){ .path = paths[i], .text = HEAD };
        }
        load = load_sources(sources, CONFIG_POOLS_MAX + 1);
        assert_int_equal(load.r, -EINVAL);
        assert_problem(&load, "p1024.pool: error: the pool p1024 is one too many: at most 1024 are "
                              "allowed");
}

/* A list full of warnings must not hide the error behind them. */
static void test_warnings_do_not_hide_errors(void **state)
{
        AUTO_FREE char *text = repeated(HEAD, "Environment=REEVE_POOL=x\n", 300);
        AUTO_FREE char *bad = repeated(text, "Banana=1\n", 1);
        AUTO_LOAD warned = LOAD({ "web.pool", text });
        AUTO_LOAD load = LOAD({ "web.pool", bad });

        assert_int_equal(warned.r, 0);
        assert_int_equal(load.r, -EINVAL);
        assert_int_equal(problem_list_errors(&load.problems), 1);
        assert_int_equal(load.problems.items[CONFIG_PROBLEMS_MAX - 1].kind, PROBLEM_ERROR);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_nul_bytes),
                cmocka_unit_test(test_not_utf8),
                cmocka_unit_test(test_line_ends_of_others),
                cmocka_unit_test(test_long_lines_are_whole_or_refused),
                cmocka_unit_test(test_a_million_good_lines),
                cmocka_unit_test(test_a_million_bad_lines),
                cmocka_unit_test(test_a_million_continued_lines),
                cmocka_unit_test(test_ten_megabytes_in_a_line),
                cmocka_unit_test(test_lists_have_limits),
                cmocka_unit_test(test_too_many_pools),
                cmocka_unit_test(test_warnings_do_not_hide_errors),
        };
        return cmocka_run_group_tests_name("config/hostile", tests, NULL, NULL);
}
