#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "api/http/target.h"
#include "base/cleanup.h"

static Target target;

static unsigned parse(const char *raw)
{
        target_done(&target);
        assert_int_equal(target_parse(&target, raw, strlen(raw)), 0);
        return target.bad_status;
}

static int done(void **state)
{
        target_done(&target);
        return 0;
}

static void test_segments(void **state)
{
        assert_int_equal(parse("/"), 0);
        assert_int_equal(target.segment_count, 0);
        assert_int_equal(parse("/v1/"), 0);
        assert_int_equal(target.segment_count, 1);
        assert_int_equal(parse("/v1/pools/@api/logs"), 0);
        assert_int_equal(target.segment_count, 4);
        assert_string_equal(target.segments[2], "@api");
        assert_int_equal(parse("/1/2/3/4/5/6/7/8"), 0);
}

static void test_bad_paths(void **state)
{
        static const struct {
                const char *raw;
                unsigned status;
        } cases[] = {
                { "", 400 },          { "*", 400 },     { "http://localhost/", 400 },
                { "/a%41", 400 },     { "/a b", 400 },  { "/a\x01", 400 },
                { "/\xC3\xA4", 400 }, { "/a;b", 400 },  { "//", 404 },
                { "/a/", 404 },       { "/v1//", 404 }, { "/1/2/3/4/5/6/7/8/9", 404 },
                { "/a#b", 400 },      { "/a\\b", 400 },
        };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                assert_int_equal(parse(cases[i].raw), cases[i].status);
                assert_non_null(target.bad);
                assert_int_equal(target.segment_count, 0);
        }
}

static void test_lengths(void **state)
{
        char raw[TARGET_LENGTH_MAX + 2] = "/";

        memset(raw + 1, 'a', TARGET_SEGMENT_LENGTH_MAX);
        assert_int_equal(parse(raw), 0);
        raw[TARGET_SEGMENT_LENGTH_MAX + 1] = 'a';
        assert_int_equal(parse(raw), 404);
        memset(raw + 1, 'a', TARGET_LENGTH_MAX);
        assert_int_equal(parse(raw), 414);
        memset(raw, 0, sizeof(raw));
        strcpy(raw, "/a?b=");
        memset(raw + 5, 'c', TARGET_QUERY_LENGTH_MAX - 2);
        assert_int_equal(parse(raw), 0);
        raw[TARGET_QUERY_LENGTH_MAX + 3] = 'c';
        assert_int_equal(parse(raw), 414);
        target_done(&target);
        assert_int_equal(target_parse(&target, "/a\0b", 4), 0);
        assert_int_equal(target.bad_status, 400);
}

static void test_query(void **state)
{
        assert_int_equal(parse("/a?x=1&&y=a%20b+c%2F&follow&z=a=b"), 0);
        assert_string_equal(target_parameter(&target, "x"), "1");
        assert_string_equal(target_parameter(&target, "y"), "a b c/");
        assert_string_equal(target_parameter(&target, "follow"), "");
        assert_string_equal(target_parameter(&target, "z"), "a=b");
        assert_null(target_parameter(&target, "w"));
        assert_int_equal(parse("/a?"), 0);
}

static void test_bad_queries(void **state)
{
        static const char *const cases[] = {
                "/a?x=%",
                "/a?x=%4",
                "/a?x=%zz",
                "/a?x=%00",
                "/a?x=%0a",
                "/a?x=%7f",
                "/a?x=%ff",
                "/a?x=%c3%28",
                "/a?=1",
                "/a?X=1",
                "/a?x%41=1",
                "/a?x=1&x=2",
                "/a?a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q",
                "/a?abcdefghijklmnopqrstuvwxyzabcdefg=1",
        };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                assert_int_equal(parse(cases[i]), 400);
                assert_int_equal(target.parameter_count, 0);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_segments),    cmocka_unit_test(test_bad_paths),
                cmocka_unit_test(test_lengths),     cmocka_unit_test(test_query),
                cmocka_unit_test(test_bad_queries),
        };

        return cmocka_run_group_tests(tests, NULL, done);
}
