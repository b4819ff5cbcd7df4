#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/units.h"

static void test_spans(void **state)
{
        static const struct {
                const char *text;
                int r;
                uint64_t usec;
        } cases[] = {
                { "0", 0, 0 },
                { "5", 0, 5000000 },
                { "100ms", 0, 100000 },
                { "1min 30s", 0, 90000000 },
                { "1min30s", 0, 90000000 },
                { "1.5s", 0, 1500000 },
                { "2 h", 0, UINT64_C(7200000000) },
                { "infinity", 0, USEC_INFINITY },
                { "", -EINVAL, 0 },
                { "-1s", -EINVAL, 0 },
                { "1x", -EINVAL, 0 },
                { "s", -EINVAL, 0 },
                { "1.", -EINVAL, 0 },
                { "99999999999999999999s", -ERANGE, 0 },
                { "99999999999999999w", -ERANGE, 0 },
        };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                uint64_t usec = 0;

                assert_int_equal(units_parse_span(cases[i].text, &usec), cases[i].r);
                assert_int_equal(usec, cases[i].usec);
        }
}

static void test_sizes(void **state)
{
        static const struct {
                const char *text;
                int r;
                uint64_t bytes;
        } cases[] = {
                { "0", 0, 0 },
                { "50M", 0, 50 << 20 },
                { "1.5K", 0, 1536 },
                { "2g", 0, UINT64_C(2) << 30 },
                { "infinity", 0, SIZE_INFINITY },
                { "5MB", -EINVAL, 0 },
                { "M", -EINVAL, 0 },
                { "-1", -EINVAL, 0 },
                { "99999P", -ERANGE, 0 },
        };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                uint64_t bytes = 0;

                assert_int_equal(units_parse_size(cases[i].text, &bytes), cases[i].r);
                assert_int_equal(bytes, cases[i].bytes);
        }
}

static void test_numbers_and_booleans(void **state)
{
        uint64_t number = 0;
        bool value = false;

        assert_int_equal(units_parse_number("1024", 1024, &number), 0);
        assert_int_equal(number, 1024);
        assert_int_equal(units_parse_number("1025", 1024, &number), -ERANGE);
        assert_int_equal(units_parse_number("1.0", 10, &number), -EINVAL);
        assert_int_equal(units_parse_number("+1", 10, &number), -EINVAL);
        assert_int_equal(units_parse_boolean("Yes", &value), 0);
        assert_true(value);
        assert_int_equal(units_parse_boolean("0", &value), 0);
        assert_false(value);
        assert_int_equal(units_parse_boolean("maybe", &value), -EINVAL);
}

static void test_formats(void **state)
{
        char buffer[64];

        assert_string_equal(units_format_span(buffer, sizeof(buffer), 0), "0");
        assert_string_equal(units_format_span(buffer, sizeof(buffer), 90000000), "1min 30s");
        assert_string_equal(units_format_span(buffer, sizeof(buffer), 100000), "100ms");
        assert_string_equal(units_format_span(buffer, sizeof(buffer), 3600000005), "1h");
        assert_string_equal(units_format_size(buffer, sizeof(buffer), 1536), "1.5K");
        assert_string_equal(units_format_size(buffer, sizeof(buffer), 50 << 20), "50M");
        assert_string_equal(units_format_size(buffer, sizeof(buffer), 12), "12B");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_spans),
                cmocka_unit_test(test_sizes),
                cmocka_unit_test(test_numbers_and_booleans),
                cmocka_unit_test(test_formats),
        };
        return cmocka_run_group_tests_name("base/units", tests, NULL, NULL);
}
