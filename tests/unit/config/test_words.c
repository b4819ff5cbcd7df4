/* test_words.c - quotes and escapes as in unit files */
#include "support.h"

static void words_are(const char *value, const char *const *expected)
{
        AUTO_FREE char *text = NULL;
        const PoolConfig *pool;
        AUTO_LOAD load = { 0 };
        size_t i;

        assert_true(asprintf(&text, "[Pool]\nExecStart=/x %s\n", value) > 0);
        load = LOAD({ "web.pool", text });
        pool = load_first(&load);
        for (i = 0; expected[i]; i++)
                assert_string_equal(pool->command[i + 1], expected[i]);
        assert_null(pool->command[i + 1]);
}

#define WORDS_ARE(value, ...) words_are(value, (const char *const[]){ __VA_ARGS__, NULL })

static void test_quotes(void **state)
{
        WORDS_ARE("a  b\tc", "a", "b", "c");
        WORDS_ARE("\"a b\" 'c d'", "a b", "c d");
        WORDS_ARE("'\"' \"'\"", "\"", "'");
        WORDS_ARE("\"\" ''", "", "");
        WORDS_ARE("a\"b c\"d", "ab cd");
        WORDS_ARE("--x=${REEVE_SLOT} $HOME $$", "--x=${REEVE_SLOT}", "$HOME", "$$");
        WORDS_ARE("100% %i", "100%", "%i");
}

static void test_escapes(void **state)
{
        WORDS_ARE("\\x41\\102\\u00e4\\U0001F600", "AB\xC3\xA4\xF0\x9F\x98\x80");
        WORDS_ARE("'a\\tb' \"c\\nd\" \\s \\\\", "a\tb", "c\nd", " ", "\\");
        WORDS_ARE("\"\\\"\" '\\''", "\"", "'");
        WORDS_ARE("a \\; b ';' a;b", "a", ";", "b", ";", "a;b");
        WORDS_ARE("a\\ b", "a b");
}

static void test_odd_escape_is_kept_with_a_warning(void **state)
{
        AUTO_LOAD load = LOAD({ "web.pool", "[Pool]\nExecStart=/x s/\\./y/\n" });

        assert_string_equal(load_first(&load)->command[1], "s/\\./y/");
        assert_int_equal(load.problems.items[0].kind, PROBLEM_WARNING);
        assert_int_equal(load.problems.items[0].column, 16);
}

static void refused_at(const char *value, unsigned column)
{
        AUTO_FREE char *text = NULL;
        AUTO_LOAD load = { 0 };

        assert_true(asprintf(&text, "[Pool]\nExecStart=%s\n", value) > 0);
        load = LOAD({ "web.pool", text });
        assert_int_equal(load.r, -EINVAL);
        assert_int_equal(load.problems.items[0].line, 2);
        assert_int_equal(load.problems.items[0].column, column);
}

static void test_refused(void **state)
{
        refused_at("/x 'open", 14);
        refused_at("/x a \"open b", 16);
        refused_at("/x a\\x00", 15);
        refused_at("/x \\000", 14);
        refused_at("/x \\ud800", 14);
        refused_at("/x \\777", 14);
        refused_at("/x a ; /y b", 16);
        refused_at("x", 11);
        refused_at("-/x", 11);
        refused_at("\"\"", 11);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_quotes),
                cmocka_unit_test(test_escapes),
                cmocka_unit_test(test_odd_escape_is_kept_with_a_warning),
                cmocka_unit_test(test_refused),
        };
        return cmocka_run_group_tests_name("config/words", tests, NULL, NULL);
}
