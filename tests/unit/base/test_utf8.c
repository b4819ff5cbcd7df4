#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"

static void check(const char *in, const char *out)
{
        char buffer[128];

        assert_int_equal(utf8_sanitize(buffer, sizeof(buffer), in, strlen(in)), strlen(out));
        assert_string_equal(buffer, out);
        assert_true(utf8_is_valid(buffer, strlen(buffer)));
}

static void test_sanitize(void **state)
{
        check("plain \xC3\xA4 \xE2\x82\xAC \xF0\x9F\x98\x80\t",
              "plain \xC3\xA4 \xE2\x82\xAC \xF0\x9F\x98\x80\t");
        check("\x1b[31mred", "?[31mred");
        check("a\xC0\x80"
              "b",
              "a\xEF\xBF\xBD\xEF\xBF\xBD"
              "b");                                                    /* overlong NUL */
        check("\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"); /* surrogate */
        check("\xE2\x80\xAEgnp", "?gnp");                              /* right-to-left override */
        check("\xC2\x9B", "?");                                        /* C1: CSI */
        check("half \xE2\x82", "half \xEF\xBF\xBD\xEF\xBF\xBD");
}

static void test_cut_at_character(void **state)
{
        char buffer[4];

        assert_int_equal(utf8_sanitize(buffer, sizeof(buffer), "ab\xC3\xA4", 4), 2);
        assert_string_equal(buffer, "ab");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sanitize),
                cmocka_unit_test(test_cut_at_character),
        };
        return cmocka_run_group_tests_name("base/utf8", tests, NULL, NULL);
}
