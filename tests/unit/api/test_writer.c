#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "api/writer.h"

static void expect(Writer *writer, const char *text)
{
        AUTO_FREE char *written = NULL;
        size_t length;

        assert_int_equal(writer_take(writer, &written, &length), 0);
        assert_string_equal(written, text);
        assert_int_equal(length, strlen(text));
}

static void test_values(void **state)
{
        Writer writer = { 0 };

        writer_open_object(&writer, NULL);
        writer_number(&writer, "n", UINT64_MAX);
        writer_integer(&writer, "i", INT64_MIN);
        writer_number(&writer, "z", 0);
        writer_ratio(&writer, "r", 1.23456);
        writer_ratio(&writer, "nan", NAN);
        writer_ratio(&writer, "minus", -1);
        writer_seconds(&writer, "s", 1500001);
        writer_bool(&writer, "b", true);
        writer_open_list(&writer, "l");
        writer_null(&writer, NULL);
        writer_open_object(&writer, NULL);
        writer_close_object(&writer);
        writer_close_list(&writer);
        writer_time(&writer, "t", 1700000000000001);
        writer_time(&writer, "never", 0);
        writer_close_object(&writer);
        expect(&writer, "{\"n\":18446744073709551615,\"i\":-9223372036854775808,\"z\":0,"
                        "\"r\":1.2346,\"nan\":null,\"minus\":null,\"s\":1.500001,\"b\":true,"
                        "\"l\":[null,{}],\"t\":\"2023-11-14T22:13:20.000001Z\",\"never\":null}");
}

static void test_strings(void **state)
{
        Writer writer = { 0 };

        writer_open_list(&writer, NULL);
        writer_string(&writer, NULL, "plain");
        writer_string(&writer, NULL, "\"\\/\t");
        writer_string(&writer, NULL, "\x01\n\x7F");
        writer_string(&writer, NULL, "\xC3\xA4\xFF");
        writer_string(&writer, NULL, "");
        writer_string(&writer, NULL, NULL);
        writer_bytes(&writer, NULL, "a\0b", 3);
        writer_close_list(&writer);
        expect(&writer, "[\"plain\",\"\\\"\\\\/\\t\",\"???\",\"\xC3\xA4\xEF\xBF\xBD\",\"\",null,"
                        "\"a?b\"]");
}

static void write_two(Writer *writer)
{
        for (unsigned i = 0; i < 2; i++) {
                writer_open_object(writer, NULL);
                writer_number(writer, "a", i);
                writer_open_object(writer, "b");
                writer_number(writer, "a", 7);
                writer_because(writer, "c", "why");
                writer_close_object(writer);
                writer_unavailable(writer);
                writer_close_object(writer);
        }
}

static void test_fields(void **state)
{
        FieldSet fields;
        Writer writer = { .fields = &fields, .field_depth = 2 };

        assert_int_equal(field_set_parse(&fields, "a,zz"), 0);
        writer_open_list(&writer, NULL);
        write_two(&writer);
        writer_close_list(&writer);
        expect(&writer, "[{\"a\":0,\"unavailable\":{}},{\"a\":1,\"unavailable\":{}}]");
        assert_int_equal(field_set_unknown(&fields), 1);
        assert_int_equal(field_set_parse(&fields, "b"), 0);
        writer = (Writer){ .fields = &fields, .field_depth = 2 };
        writer_open_list(&writer, NULL);
        write_two(&writer);
        writer_close_list(&writer);
        /* members of members are not filtered; their reasons are asked for by their own name */
        expect(&writer, "[{\"b\":{\"a\":7,\"c\":null},\"unavailable\":{}},"
                        "{\"b\":{\"a\":7,\"c\":null},\"unavailable\":{}}]");
        assert_int_equal(field_set_unknown(&fields), -1);
        assert_int_equal(field_set_parse(&fields, "a,a"), 0); /* twice is no mistake */
        writer = (Writer){ .fields = &fields, .field_depth = 2 };
        writer_open_list(&writer, NULL);
        write_two(&writer);
        assert_int_equal(field_set_unknown(&fields), -1);
        writer_done(&writer);
}

static void test_bad_fields(void **state)
{
        static const char *const cases[] = {
                "",   ",",    "a,",
                ",a", "a,,b", "a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a",
        };
        FieldSet fields;

        for (size_t i = 0; i < COUNT_OF(cases); i++)
                assert_int_equal(field_set_parse(&fields, cases[i]), -EINVAL);
}

static void test_reasons(void **state)
{
        Writer writer = { 0 };

        writer_open_object(&writer, NULL);
        writer_because(&writer, "a", "it is \"gone\"");
        writer_reason(&writer, "b.c", "x");
        writer_unavailable(&writer);
        writer_close_object(&writer);
        expect(&writer,
               "{\"a\":null,\"unavailable\":{\"a\":\"it is \\\"gone\\\"\",\"b.c\":\"x\"}}");
        for (unsigned i = 0; i < 100; i++) /* more than fit are left out */
                writer_reason(&writer, "k", "x");
        writer_done(&writer);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_values),  cmocka_unit_test(test_strings),
                cmocka_unit_test(test_fields),  cmocka_unit_test(test_bad_fields),
                cmocka_unit_test(test_reasons),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
