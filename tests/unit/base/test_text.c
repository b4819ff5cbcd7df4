#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/text.h"

static void test_copy_cuts_at_characters(void **state)
{
        char buffer[5];

        assert_true(text_copy(buffer, sizeof(buffer), "abcd"));
        assert_false(text_copy(buffer, sizeof(buffer), "abc\xC3\xA4"));
        assert_string_equal(buffer, "abc");
}

static void test_names(void **state)
{
        char longest[65];

        assert_true(text_is_name("web"));
        assert_true(text_is_name("0a_b.c-d"));
        assert_false(text_is_name(""));
        assert_false(text_is_name("-rf"));
        assert_false(text_is_name(".."));
        assert_false(text_is_name("Web"));
        assert_false(text_is_name("a/b"));
        memset(longest, 'a', sizeof(longest));
        longest[63] = '\0';
        assert_true(text_is_name(longest));
        longest[63] = 'a';
        longest[64] = '\0';
        assert_false(text_is_name(longest));
}

static void test_matches(void **state)
{
        assert_true(text_matches("*", ""));
        assert_true(text_matches("we?", "web"));
        assert_true(text_matches("w*b*1", "web-b2-1"));
        assert_false(text_matches("w*b", "web1"));
        assert_false(text_matches("?", ""));
}

static void test_distance(void **state)
{
        assert_int_equal(text_distance("Restart", "restart"), 0);
        assert_int_equal(text_distance("RestarSec", "RestartSec"), 1);
        assert_int_equal(text_distance("", "abc"), 3);
}

static void test_builder(void **state)
{
        AUTO_TEXT text = { 0 };
        AUTO_FREE char *string = NULL;

        text_append(&text, "a");
        for (int i = 0; i < 100; i++)
                text_printf(&text, "%d,", i);
        assert_int_equal(text_take(&text, &string), 0);
        assert_int_equal(strlen(string), 1 + 10 * 2 + 90 * 3);
        assert_null(text.bytes);
}

/* Formatted once where there is room, twice where not: nobody shall see which. */
static void test_printf_at_the_edge(void **state)
{
        for (int filled = 0; filled < 130; filled++)
                for (int more = 0; more < 130; more += 13) {
                        AUTO_TEXT text = { 0 };
                        char expected[300];

                        text_printf(&text, "%*s", filled, "");
                        text_printf(&text, "%0*d|", more, 7);
                        (void)snprintf(expected, sizeof(expected), "%*s%0*d|", filled, "", more, 7);
                        assert_string_equal(text.bytes, expected);
                        assert_int_equal(text.length, strlen(expected));
                }
}

static void test_lists(void **state)
{
        char **list = NULL, **copy;

        assert_int_equal(text_list_count(list), 0);
        assert_int_equal(text_list_add(&list, "one"), 0);
        assert_int_equal(text_list_add(&list, "two"), 0);
        copy = text_list_copy(list);
        assert_int_equal(text_list_count(copy), 2);
        assert_string_equal(copy[1], "two");
        copy = text_list_free(copy);
        assert_null(text_list_free(list));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_copy_cuts_at_characters),
                cmocka_unit_test(test_names),
                cmocka_unit_test(test_matches),
                cmocka_unit_test(test_distance),
                cmocka_unit_test(test_builder),
                cmocka_unit_test(test_printf_at_the_edge),
                cmocka_unit_test(test_lists),
        };
        return cmocka_run_group_tests_name("base/text", tests, NULL, NULL);
}
