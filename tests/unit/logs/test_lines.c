/* test_lines.c - logs/lines: taking output apart and dressing it */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "logs/lines.h"
#include "logs_testing.h"

#define MOMENT (UINT64_C(1700000000) * 1000000 + 42)

static LineWriter writer_of(LogStamp stamp, LogFormat format)
{
        const LineStyle style = { .stamp = stamp,
                                  .format = format,
                                  .pool = "web",
                                  .stream = "stderr",
                                  .slot = 7,
                                  .pid = 123 };
        LineWriter writer = { 0 };

        line_writer_set(&writer, &style);
        return writer;
}

/* All of @text through the writer, its rest as a line. Return: malloc'd */
static char *dress(LineWriter *writer, const char *text, size_t length)
{
        char *out = malloc(length * 7 + 100 * LINE_OUT_MAX);
        size_t used = 0, taken = 0;
        LinePiece piece;

        assert_non_null(out);
        while (line_next(text + taken, length - taken, REST_ENDS, &piece)) {
                used += line_writer_put(writer, &piece, MOMENT, out + used);
                taken += piece.taken;
        }
        assert_int_equal(taken, length);
        out[used] = '\0';
        return out;
}

static void expect(LogStamp stamp, LogFormat format, const char *text, const char *expected)
{
        LineWriter writer = writer_of(stamp, format);
        AUTO_FREE char *dressed = dress(&writer, text, strlen(text));

        assert_string_equal(dressed, expected);
}

static void test_stamps(void **state)
{
        assert_int_equal(setenv("TZ", "Asia/Kolkata", 1), 0);
        tzset();
        expect(STAMP_NONE, LOG_FORMAT_TEXT, "a\n\nb", "a\n\nb\n");
        expect(STAMP_UTC, LOG_FORMAT_TEXT, "a\n\n",
               "2023-11-14T22:13:20.000042Z a\n2023-11-14T22:13:20.000042Z \n");
        expect(STAMP_ISO, LOG_FORMAT_TEXT, "a\n", "2023-11-15T03:43:20.000042+05:30 a\n");
        expect(STAMP_EPOCH, LOG_FORMAT_TEXT, "a\n", "1700000000.000042 a\n");
        assert_int_equal(unsetenv("TZ"), 0);
        tzset();
}

static void test_json(void **state)
{
        expect(STAMP_UTC, LOG_FORMAT_JSON, "say \"a\\b\"\t\x1b[31m \xC3\xA4 \xC3\n",
               "{\"time\":\"2023-11-14T22:13:20.000042Z\",\"pool\":\"web\",\"slot\":7,\"pid\":123,"
               "\"stream\":\"stderr\",\"line\":\"say \\\"a\\\\b\\\"\\t\\u001b[31m \xC3\xA4 "
               "\xEF\xBF\xBD\"}\n");
        expect(STAMP_EPOCH, LOG_FORMAT_JSON, "", ""); /* nothing is nothing */
        expect(STAMP_EPOCH, LOG_FORMAT_JSON, "\n",
               "{\"time\":1700000000.000042,\"pool\":\"web\",\"slot\":7,\"pid\":123,"
               "\"stream\":\"stderr\",\"line\":\"\"}\n");
}

/* Seconds that change between lines, to both sides. */
static void test_each_moment_has_its_head(void **state)
{
        LineWriter writer = writer_of(STAMP_EPOCH, LOG_FORMAT_TEXT);
        const LinePiece piece = { "x", 1, 2, true };
        char *out = malloc(LINE_OUT_MAX);
        static const char *const expected[] = { "5.000001 x\n", "5.000002 x\n", "6.000000 x\n",
                                                "4.999999 x\n" };
        static const uint64_t moments[] = { 5000001, 5000002, 6000000, 4999999 };

        assert_non_null(out);
        for (size_t i = 0; i < COUNT_OF(moments); i++) {
                size_t length = line_writer_put(&writer, &piece, moments[i], out);

                assert_int_equal(length, strlen(expected[i]));
                assert_memory_equal(out, expected[i], length);
        }
        free(out);
}

static void test_rest(void **state)
{
        LinePiece piece;

        assert_false(line_next("", 0, REST_ENDS, &piece));
        assert_false(line_next("half", 4, REST_WAITS, &piece));
        assert_true(line_next("half", 4, REST_GOES, &piece));
        assert_false(piece.has_end);
        assert_true(line_next("half", 4, REST_ENDS, &piece));
        assert_true(piece.has_end);
        assert_int_equal(piece.taken, 4);
        assert_true(line_next("one\ntwo", 7, REST_WAITS, &piece));
        assert_int_equal(piece.length, 3);
        assert_int_equal(piece.taken, 4);
}

/* Text keeps an overlong line one line; JSON has an object for each piece. */
static void test_overlong_line(void **state)
{
        enum { LENGTH = 3 * LINE_PIECE_MAX + 5 };
        AUTO_FREE char *line = malloc(LENGTH + 1);
        LineWriter text = writer_of(STAMP_EPOCH, LOG_FORMAT_TEXT);
        LineWriter json = writer_of(STAMP_EPOCH, LOG_FORMAT_JSON);

        assert_non_null(line);
        memset(line, '\x01', LENGTH); /* six bytes each in JSON */
        line[LENGTH] = '\n';
        {
                AUTO_FREE char *dressed = dress(&text, line, LENGTH + 1);

                assert_int_equal(strlen(dressed), strlen("1700000000.000042 ") + LENGTH + 1);
        }
        {
                AUTO_FREE char *dressed = dress(&json, line, LENGTH + 1);
                unsigned objects = 0;

                for (char *p = dressed; (p = strstr(p, ",\"partial\":true}\n")); p++)
                        objects++;
                assert_int_equal(objects, 4);
        }
}

static void test_no_character_is_cut(void **state)
{
        enum { LENGTH = LINE_PIECE_MAX + 100 };

        for (unsigned shift = 0; shift < 4; shift++) {
                AUTO_FREE char *line = malloc(LENGTH);
                LinePiece piece;

                assert_non_null(line);
                memset(line, 'x', shift);
                for (size_t i = shift; i + 4 <= LENGTH; i += 4)
                        memcpy(line + i, "\xF0\x9F\x8E\x89", 4);
                assert_true(line_next(line, LENGTH - 8, REST_WAITS, &piece));
                assert_false(piece.has_end);
                assert_true(piece.length > LINE_PIECE_MAX - 4);
                assert_true(utf8_is_valid(piece.bytes, piece.length));
        }
}

static void test_priority(void **state)
{
        static const struct {
                const char *line;
                int priority;
                const char *text;
        } cases[] = { { "plain", 6, "plain" }, { "<3>bad", 3, "bad" },  { "<7>", 7, "" },
                      { "<8>x", 6, "<8>x" },   { "<33>x", 6, "<33>x" }, { "<3", 6, "<3" } };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                LinePiece piece = { cases[i].line, strlen(cases[i].line), 0, true };

                assert_int_equal(line_priority(&piece, 6), cases[i].priority);
                assert_int_equal(piece.length, strlen(cases[i].text));
                assert_memory_equal(piece.bytes, cases[i].text, piece.length);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_stamps),
                cmocka_unit_test(test_json),
                cmocka_unit_test(test_each_moment_has_its_head),
                cmocka_unit_test(test_rest),
                cmocka_unit_test(test_overlong_line),
                cmocka_unit_test(test_no_character_is_cut),
                cmocka_unit_test(test_priority),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
