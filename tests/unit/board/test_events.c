/* The words of an event's detail: what goes in comes out, and always fits. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "board/events.h"
#include "board/layout.h"

static void check_next(const char **cursor, const char *key_expected, const char *value_expected)
{
        char key[32], value[BOARD_EVENT_DETAIL_SIZE];

        assert_int_equal(event_detail_next(cursor, key, sizeof(key), value, sizeof(value)), 1);
        assert_string_equal(key, key_expected);
        assert_string_equal(value, value_expected);
}

static void test_words_come_back(void **state)
{
        const char *hostile = "a b\tc\nd\\e=f \x1b[31m\x7f";
        char detail[BOARD_EVENT_DETAIL_SIZE] = "", key[32], value[64];
        const char *cursor = detail;

        assert_int_equal(event_detail_add(detail, sizeof(detail), "state", "failed"), 0);
        assert_int_equal(event_detail_add(detail, sizeof(detail), "why", hostile), 0);
        assert_int_equal(event_detail_add(detail, sizeof(detail), "empty", ""), 0);
        assert_int_equal(event_detail_add_number(detail, sizeof(detail), "code", -9), 0);
        assert_string_equal(detail, "state=failed why=a\\sb\\tc\\nd\\\\e=f\\s\\x1b[31m\\x7f "
                                    "empty= code=-9");
        check_next(&cursor, "state", "failed");
        check_next(&cursor, "why", hostile);
        check_next(&cursor, "empty", "");
        check_next(&cursor, "code", "-9");
        assert_int_equal(event_detail_next(&cursor, key, sizeof(key), value, sizeof(value)), 0);
}

static void test_invalid_utf8_is_replaced(void **state)
{
        char detail[64] = "";

        assert_int_equal(event_detail_add(detail, sizeof(detail), "n", "\xC3\xA4\xFF\xE2\x82"), 0);
        assert_string_equal(detail, "n=\xC3\xA4\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
}

static void test_long_values_are_cut(void **state)
{
        char detail[12] = "";

        assert_int_equal(event_detail_add(detail, sizeof(detail), "k", "12345678\xC3\xA4"), 1);
        assert_string_equal(detail, "k=12345678");
        assert_int_equal(event_detail_add(detail, sizeof(detail), "x", "1"), -ENOSPC);
        assert_string_equal(detail, "k=12345678");
        detail[0] = '\0';
        assert_int_equal(event_detail_add(detail, sizeof(detail), "k", "12345678 "), 1);
        assert_string_equal(detail, "k=12345678"); /* no half of an escape */
}

static void test_numbers_are_never_cut(void **state)
{
        char detail[12] = "a=1";

        assert_int_equal(event_detail_add_number(detail, sizeof(detail), "b", 123456), -ENOSPC);
        assert_string_equal(detail, "a=1");
        assert_int_equal(event_detail_add_number(detail, sizeof(detail), "b", 12345), 0);
        assert_string_equal(detail, "a=1 b=12345");
        detail[0] = '\0';
        assert_int_equal(event_detail_add_number(detail, sizeof(detail), "b", INT64_MIN), -ENOSPC);
        assert_string_equal(detail, "");
}

static void test_bad_keys_are_refused(void **state)
{
        char detail[32] = "";

        assert_int_equal(event_detail_add(detail, sizeof(detail), "", "1"), -EINVAL);
        assert_int_equal(event_detail_add(detail, sizeof(detail), "a b", "1"), -EINVAL);
        assert_int_equal(event_detail_add(detail, sizeof(detail), "a=", "1"), -EINVAL);
        assert_string_equal(detail, "");
}

static void test_broken_details_end(void **state)
{
        static const char *const broken[] = { "word",  "=x",     "Key=1",   "k=\\",
                                              "k=\\q", "k=\\x1", "k=\\xZZ", "a=1\nb=2\\" };
        char key[8], value[8];

        for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
                const char *cursor = broken[i];

                assert_int_equal(event_detail_next(&cursor, key, sizeof(key), value, sizeof(value)),
                                 -EBADMSG);
                assert_ptr_equal(cursor, broken[i]);
        }
}

static void test_small_buffers(void **state)
{
        const char *cursor = "longer_key=1";
        char key[8], value[4];

        assert_int_equal(event_detail_next(&cursor, key, sizeof(key), value, sizeof(value)),
                         -EBADMSG);
        cursor = "k=12\xC3\xA4 next=1";
        assert_int_equal(event_detail_next(&cursor, key, sizeof(key), value, sizeof(value)), 1);
        assert_string_equal(value, "12"); /* cut at a character's edge */
        assert_int_equal(event_detail_next(&cursor, key, sizeof(key), value, sizeof(value)), 1);
        assert_string_equal(key, "next");
}

/* Any bytes at any size: the detail stays terminated, valid and readable. */
static void test_random_values(void **state)
{
        srandom(1);
        for (unsigned round = 0; round < 20000; round++) {
                size_t size = 4 + (size_t)random() % 60, length = (size_t)random() % 40;
                char detail[64] = "", value[41], key[8], read[64];
                const char *cursor = detail;

                for (size_t i = 0; i < length; i++)
                        value[i] = (char)(1 + random() % 255);
                value[length] = '\0';
                assert_true(event_detail_add(detail, size, "k", value) >= 0);
                assert_true(strlen(detail) < size);
                assert_true(utf8_is_valid(detail, strlen(detail)));
                assert_int_equal(event_detail_next(&cursor, key, sizeof(key), read, sizeof(read)),
                                 1);
                assert_int_equal(event_detail_next(&cursor, key, sizeof(key), read, sizeof(read)),
                                 0);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_words_come_back),
                cmocka_unit_test(test_invalid_utf8_is_replaced),
                cmocka_unit_test(test_long_values_are_cut),
                cmocka_unit_test(test_numbers_are_never_cut),
                cmocka_unit_test(test_bad_keys_are_refused),
                cmocka_unit_test(test_broken_details_end),
                cmocka_unit_test(test_small_buffers),
                cmocka_unit_test(test_random_values),
        };
        return cmocka_run_group_tests_name("board/events", tests, NULL, NULL);
}
