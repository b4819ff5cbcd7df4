/* test_lines.c - logical lines: what systemd's syntax makes of a text, and where it stood */
#include "support.h"

#include "config/lines.h"

static void lines_are(const char *text, const char *const *expected)
{
        TextFile file = { .path = (char *)"x", .text = (char *)text, .length = strlen(text) };
        LineReader reader = { .file = &file };
        AUTO_LINE line = { 0 };

        for (; *expected; expected++) {
                assert_int_equal(line_reader_next(&reader, &line), 1);
                assert_string_equal(line.text.bytes, *expected);
        }
        assert_int_equal(line_reader_next(&reader, &line), 0);
}

#define LINES_ARE(text, ...) lines_are(text, (const char *const[]){ __VA_ARGS__, NULL })

static void test_splitting(void **state)
{
        lines_are("", (const char *const[]){ NULL });
        lines_are("\n\n  \n# a\n ; b\n", (const char *const[]){ NULL });
        LINES_ARE("a\nb", "a", "b");
        LINES_ARE("a\r\nb\r\n", "a", "b");
        LINES_ARE("  a = b  \t\n", "a = b");
        LINES_ARE("\xEF\xBB\xBF[Pool]\n", "[Pool]");
        LINES_ARE("a=b ; c # d\n", "a=b ; c # d");
}

static void test_continuation(void **state)
{
        LINES_ARE("a=b\\\n  c\nd", "a=b c", "d");
        LINES_ARE("a=b \\\n# not this\n; nor this \\\n c\n", "a=b  c");
        LINES_ARE("a=b\\\\\nc", "a=b\\\\", "c");
        LINES_ARE("a=b\\\\\\\nc", "a=b\\\\ c");
        LINES_ARE("a=b\\\n\nc", "a=b", "c");
        LINES_ARE("a=b\\", "a=b");
        LINES_ARE("a=\\\r\nb\r\n", "a= b");
        LINES_ARE("# comment \\\na", "a");
}

static void place_is(const LogicalLine *line, size_t offset, unsigned number, unsigned column)
{
        unsigned got_line, got_column;

        logical_line_place(line, offset, &got_line, &got_column);
        assert_int_equal(got_line, number);
        assert_int_equal(got_column, column);
}

static void test_places(void **state)
{
        static const char text[] = "\n  k=\xC3\xA4x \\\n# c\n   yz\n";
        TextFile file = { .path = (char *)"x", .text = (char *)text, .length = strlen(text) };
        LineReader reader = { .file = &file };
        AUTO_LINE line = { 0 };

        assert_int_equal(line_reader_next(&reader, &line), 1);
        assert_string_equal(line.text.bytes, "k=\xC3\xA4x  yz");
        place_is(&line, 0, 2, 3); /* k, behind two blanks */
        place_is(&line, 2, 2, 5); /* the umlaut */
        place_is(&line, 4, 2, 6); /* x, after two bytes that are one character */
        place_is(&line, 7, 4, 4); /* y */
        place_is(&line, 8, 4, 5);
        place_is(&line, 99, 4, 6); /* past the end: the end */
}

static void test_long_line(void **state)
{
        size_t length = CONFIG_LINE_MAX + 1;
        AUTO_FREE char *text = malloc(length + 4);
        TextFile file = { .path = (char *)"x", .text = text };
        LineReader reader = { .file = &file };
        AUTO_LINE line = { 0 };

        memset(text, 'a', length);
        memcpy(text + length, "\nb\n", 4);
        file.length = strlen(text);
        assert_int_equal(line_reader_next(&reader, &line), 1);
        assert_true(line.is_too_long);
        assert_int_equal(line_reader_next(&reader, &line), 1);
        assert_false(line.is_too_long);
        assert_string_equal(line.text.bytes, "b");
}

static void check_is(const char *text, size_t length, int r, unsigned number, unsigned column)
{
        TextFile file = { .path = (char *)"x", .text = (char *)text, .length = length };
        AUTO_PROBLEMS problems = { 0 };

        assert_int_equal(line_reader_check(&file, NULL, &problems), r);
        assert_int_equal(problems.count, r < 0);
        if (r == 0)
                return;
        assert_int_equal(problems.items[0].line, number);
        assert_int_equal(problems.items[0].column, column);
}

static void test_bytes(void **state)
{
        check_is("a\tb\r\n\xE2\x82\xAC\n", 9, 0, 0, 0);
        check_is("ab\nc\0d", 6, -EINVAL, 2, 2);
        check_is("a\xFF", 2, -EINVAL, 1, 2);
        check_is("\xC3\xA4\xE2\x82", 4, -EINVAL, 1, 2);
        check_is("a\n\x1B[31m", 6, -EINVAL, 2, 1);
        check_is("a\rb", 3, -EINVAL, 1, 2);
        check_is("a\r", 2, -EINVAL, 1, 2);
        check_is("", 0, 0, 0, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_splitting), cmocka_unit_test(test_continuation),
                cmocka_unit_test(test_places),    cmocka_unit_test(test_long_line),
                cmocka_unit_test(test_bytes),
        };
        return cmocka_run_group_tests_name("config/lines", tests, NULL, NULL);
}
