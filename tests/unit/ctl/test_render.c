#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/columns.h"
#include "ctl/outcome.h"
#include "ctl/render.h"

static const char pools[] =
        "[{\"name\":\"web\",\"state\":\"degraded\",\"scale\":{\"processes\":4,\"threads\":8,"
        "\"greenlets\":100},\"processes\":{\"ready\":3,\"wanted\":4},\"cpu_ratio\":2.5,"
        "\"rss_bytes\":3221225472,\"restarts\":17,\"last_error\":\"slot 2: exit code 1 ten times "
        "in a row; it is started again in 30 s\"},"
        "{\"name\":\"größe\",\"state\":\"of a later version\"}]";

/* The table of pools as text. */
static char *table(unsigned width, bool has_colour, const Options *options)
{
        Context context = { .options = options, .width = width, .has_colour = has_colour };
        AUTO_JSON *items = json_loads(pools, 0, NULL);
        Error error = { 0 };
        char *text = NULL;
        size_t size;

        assert_non_null(items);
        context.out = open_memstream(&text, &size);
        assert_int_equal(render_table(&context, pool_columns, pool_column_count, items, &error), 0);
        (void)fclose(context.out);
        return text;
}

static void test_full_width(void **state)
{
        AUTO_FREE char *text = table(0, false, &(Options){ 0 });

        assert_string_equal(
                text,
                "POOL   STATE               GRID     READY   CPU   RSS  RESTARTS  DETAIL\n"
                "web    degraded            4x8x100    3/4  250%  3.0G        17  slot 2: exit "
                "code 1 ten times in a row; it is started again in 30 s\n"
                "größe  of a later version  -          -/-     -     -         -  -\n");
}

/* What is laid out by counting bytes is what libsmartcols makes of it: it is asked by a cell that is
 * not of ASCII, in a row that is left out of the comparison. */
static void compare_ways(const char *rows, const Options *options)
{
        Context context = { .options = options };
        AUTO_TEXT odd_rows = { 0 };
        Error error = { 0 };
        char *texts[2] = { NULL, NULL };
        char *last_line;

        text_printf(&odd_rows, "%.*s,{\"name\":\"\u00e9\"}]", (int)strlen(rows) - 1, rows);
        for (size_t i = 0; i < 2; i++) {
                AUTO_JSON *items = json_loads(i == 0 ? rows : odd_rows.bytes, 0, NULL);
                size_t size;

                assert_non_null(items);
                context.out = open_memstream(&texts[i], &size);
                assert_int_equal(
                        render_table(&context, pool_columns, pool_column_count, items, &error), 0);
                (void)fclose(context.out);
        }
        last_line = strstr(texts[1], "\u00e9");
        assert_non_null(last_line);
        *last_line = '\0';
        assert_string_equal(texts[0], texts[1]);
        free(texts[0]);
        free(texts[1]);
}

static void test_plain_is_as_any(void **state)
{
        static const char rows[] =
                "[{\"name\":\"web\",\"state\":\"degraded\",\"scale\":{\"processes\":4,"
                "\"threads\":8,\"greenlets\":100},\"processes\":{\"ready\":3,\"wanted\":4},"
                "\"cpu_ratio\":2.5,\"rss_bytes\":3221225472,\"restarts\":17,"
                "\"last_error\":\"slot 2 has failed\"},"
                "{\"name\":\"a-longer-name\",\"state\":\"\"},{\"name\":\"\"}]";

        compare_ways(rows, &(Options){ 0 });
        compare_ways(rows, &(Options){ .no_headers = true });
        compare_ways(rows, &(Options){ .format = FORMAT_WIDE });
        compare_ways(rows, &(Options){ .columns = "pool" });
        compare_ways(rows, &(Options){ .columns = "pool,restarts" });
}

static size_t longest_line(const char *text)
{
        size_t longest = 0;

        while (*text) {
                size_t length = strcspn(text, "\n"), columns = 0;

                for (size_t i = 0; i < length; i++)
                        columns += ((unsigned char)text[i] & 0xC0) != 0x80;
                longest = MAX(longest, columns);
                text += length + (text[length] == '\n');
        }
        return longest;
}

static void test_narrow(void **state)
{
        static const unsigned widths[] = { 120, 100, 80, 72 };

        for (size_t i = 0; i < COUNT_OF(widths); i++) {
                AUTO_FREE char *text = table(widths[i], false, &(Options){ 0 });

                assert_true(longest_line(text) <= widths[i]);
                assert_non_null(strstr(text, "degraded"));
                assert_non_null(strstr(text, "größe"));
        }
}

static void test_very_narrow(void **state)
{
        for (unsigned width = 20; width < 72; width += 5) {
                AUTO_FREE char *text = table(width, false, &(Options){ 0 });

                assert_non_null(strstr(text, "web")); /* something, and no crash */
        }
}

static void test_colour(void **state)
{
        AUTO_FREE char *plain = table(100, false, &(Options){ 0 });
        AUTO_FREE char *coloured = table(100, true, &(Options){ 0 });

        assert_null(strchr(plain, '\033'));
        assert_non_null(strstr(coloured, "33mdegraded"));
        assert_string_equal(render_colour("failed"), "red");
        assert_null(render_colour("of a later version"));
}

static void test_wide(void **state)
{
        AUTO_FREE char *text = table(0, false, &(Options){ .format = FORMAT_WIDE });

        assert_non_null(strstr(text, "GENERATION"));
        assert_non_null(strstr(text, "DESCRIPTION"));
}

/* What is asked for is what is shown: no more for a table, all of it for programs. */
static void check_fields(const Options *options, const char *expected)
{
        Context context = { .options = options };
        AUTO_TEXT fields = { 0 };
        Error error = { 0 };

        assert_int_equal(
                render_fields(&context, worker_columns, worker_column_count, &fields, &error), 0);
        assert_string_equal(fields.bytes ? fields.bytes : "", expected);
}

static void test_fields(void **state)
{
        Context context = { .options = &(Options){ .columns = "pid,colour" } };
        AUTO_TEXT fields = { 0 };
        Error error = { 0 };

        check_fields(&(Options){ .columns = "slot,last-exit,log" }, "slot,last_exit,log");
        check_fields(&(Options){ 0 }, "pool,slot,pid,state,ready,uptime_seconds,cpu_ratio,"
                                      "rss_bytes,threads,restarts,last_exit");
        check_fields(&(Options){ .format = FORMAT_JSON }, "");
        check_fields(&(Options){ .format = FORMAT_NAME }, "");
        assert_true(render_fields(&context, worker_columns, worker_column_count, &fields, &error)
                    < 0);
        assert_string_equal(error.code, OUTCOME_USAGE);
        /* Where a column reads several members, all are asked for. */
        context.options = &(Options){ 0 };
        assert_int_equal(render_fields(&context, pool_columns, pool_column_count, &fields, &error),
                         0);
        assert_null(fields.bytes);
}

static void check_cell(void (*write)(Text *, const json_t *, const char *), const char *value,
                       const char *expected)
{
        AUTO_TEXT text = { 0 }, cell = { 0 };
        AUTO_JSON *object = NULL;

        text_printf(&text, "{\"v\":%s}", value);
        object = json_loads(text.bytes, 0, NULL);
        assert_non_null(object);
        write(&cell, object, "v");
        assert_string_equal(cell.bytes, expected);
}

static void test_cells(void **state)
{
        check_cell(value_write_integer, "7", "7");
        check_cell(value_write_integer, "null", "-");
        check_cell(value_write_integer, "\"7\"", "-");
        check_cell(value_write_text, "\"\"", "-");
        check_cell(value_write_cores, "0", "0%");
        check_cell(value_write_cores, "1.236", "124%");
        check_cell(value_write_cores, "-1", "-");
        check_cell(value_write_bytes, "1536", "1.5K");
        check_cell(value_write_bytes, "1e300", "-");
        check_cell(value_write_bytes, "null", "-");
        check_cell(value_write_span, "0.2", "0s");
        check_cell(value_write_span, "3725.9", "1h 2min");
        check_cell(value_write_span, "1e300", "-");
        check_cell(value_write_grid, "{\"processes\":2,\"threads\":4}", "2x4");
        check_cell(value_write_grid, "{\"processes\":2,\"threads\":4,\"greenlets\":9}", "2x4x9");
        check_cell(value_write_grid, "[]", "-");
        check_cell(value_write_exit, "null", "-");
        check_cell(value_write_exit, "{\"code\":0}", "code 0");
        check_cell(value_write_exit, "{\"signal\":\"SIGKILL\",\"reason\":\"stop-timeout\"}",
                   "SIGKILL (stop-timeout)");
        check_cell(value_write_exit, "{\"reason\":\"unknown\"}", "unknown");
        check_cell(value_write_integers, "[1,2]", "1 2");
        check_cell(value_write_integers, "[]", "none");
        check_cell(value_write_time, "\"2020-01-02T03:04:05.123Z\"", "2020-01-02 03:04:05");
        check_cell(value_write_time, "\"soon\"", "soon");
        check_cell(value_write_time, "\"2020-01-02T03:04:05+01:00\"", "2020-01-02T03:04:05+01:00");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_full_width), cmocka_unit_test(test_plain_is_as_any),
                cmocka_unit_test(test_narrow),     cmocka_unit_test(test_very_narrow),
                cmocka_unit_test(test_colour),     cmocka_unit_test(test_wide),
                cmocka_unit_test(test_fields),     cmocka_unit_test(test_cells),
        };

        (void)setlocale(LC_CTYPE, "C.UTF-8");
        (void)setenv("TZ", "UTC", 1);
        return cmocka_run_group_tests(tests, NULL, NULL);
}
