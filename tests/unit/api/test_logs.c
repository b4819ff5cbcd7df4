/* Reading the files of a slot backwards and across rotations, and turning bytes into lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "api/log_reader.h"
#include "api/log_text.h"
#include "base/cleanup.h"

static int file_of(const char *text)
{
        int fd = memfd_create("log", MFD_CLOEXEC);

        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
        return fd;
}

static void expect_read(LogReader *reader, const char *text)
{
        char buffer[256];
        size_t length = 0;
        ssize_t n;

        while ((n = log_reader_read(reader, buffer + length, 3)) > 0)
                length += (size_t)n;
        assert_int_equal(n, 0);
        buffer[length] = '\0';
        assert_string_equal(buffer, text);
        assert_false(log_reader_has_more(reader));
}

static void test_last_lines(void **state)
{
        static const struct {
                const char *newest, *older;
                uint64_t lines;
                const char *tail;
        } cases[] = {
                { "a\nb\nc\n", "", 2, "b\nc\n" },
                { "a\nb\nc", "", 2, "b\nc" },
                { "a\nb\n", "x\ny\n", 3, "y\na\nb\n" },
                { "a\nb\n", "x\ny\n", 2, "a\nb\n" },
                { "", "x\ny\n", 1, "y\n" },
                { "a\n", "x\ny\n", 9, "x\ny\na\n" },
                { "a\n", "x\n", 0, "" },
                { "a\n", "x\n", LOG_LINES_ALL, "x\na\n" },
                { "\n\n\n", "", 2, "\n\n" },
                { "\n", "\n", 2, "\n\n" },
                { "b\n", "a", 1, "ab\n" }, /* a line that goes on in the next file */
                { "", "", 5, "" },
        };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                int fds[] = { file_of(cases[i].newest), file_of(cases[i].older) };
                LogReader reader;

                log_reader_open(&reader, fds, 2, cases[i].lines);
                while (!log_reader_scan(&reader)) {
                }
                expect_read(&reader, cases[i].tail);
                log_reader_done(&reader);
        }
}

/* Two lines were asked for: not those, too, that a flood wrote since. */
static void test_ends_where_it_was_opened(void **state)
{
        static const uint64_t wishes[] = { 2, LOG_LINES_ALL };

        for (size_t i = 0; i < COUNT_OF(wishes); i++) {
                int fd = file_of("a\nb\n"), writer = dup(fd);
                LogReader reader;
                char more[8];

                log_reader_open(&reader, &fd, 1, wishes[i]);
                assert_int_equal(write(writer, "c\n", 2), 2);
                while (!log_reader_scan(&reader)) {
                }
                assert_int_equal(log_reader_read(&reader, more, sizeof(more)), 4);
                assert_int_equal(log_reader_read(&reader, more, sizeof(more)), 0);
                log_reader_follow(&reader);
                expect_read(&reader, "c\n");
                log_reader_done(&reader);
                (void)close(writer);
        }
}

static void test_search_goes_in_steps(void **state)
{
        const size_t size = 9 << 20;
        AUTO_FREE char *text = calloc(1, size + 1);
        LogReader reader;
        unsigned steps = 1;
        int fd;

        memset(text, 'x', size);
        text[1] = '\n';
        fd = file_of(text);
        log_reader_open(&reader, &fd, 1, 1);
        while (!log_reader_scan(&reader))
                steps++;
        assert_true(steps > 1 && steps < 10);
        assert_int_equal(reader.position, 2);
        log_reader_done(&reader);
}

static void test_no_files(void **state)
{
        LogReader reader;

        log_reader_open(&reader, NULL, 0, 5);
        assert_true(log_reader_scan(&reader));
        expect_read(&reader, "");
        log_reader_done(&reader);
}

static void test_rotations(void **state)
{
        int old = file_of("a\n"), middle = file_of("b\n"), new = file_of("c\n");
        int first[] = { dup(old) }, then[] = { dup(new), dup(middle), dup(old) };
        LogReader reader;

        log_reader_open(&reader, first, 1, LOG_LINES_ALL);
        expect_read(&reader, "a\n");
        assert_int_equal(write(old, "A\n", 2), 2);
        assert_true(log_reader_has_more(&reader));
        log_reader_reopen(&reader, then, 3);
        assert_true(log_reader_has_more(&reader));
        expect_read(&reader, "A\nb\nc\n");
        first[0] = dup(middle); /* ours is gone: what there is, from the beginning */
        log_reader_reopen(&reader, first, 1);
        expect_read(&reader, "b\n");
        log_reader_done(&reader);
        (void)close(old);
        (void)close(middle);
        (void)close(new);
}

/* As reeve-pack does it. @inode: of the original */
static int packed_file_of(const char *text, size_t length, uint64_t inode)
{
        int fd = memfd_create("packed", MFD_CLOEXEC);
        uLong size = compressBound(length) + 64;
        AUTO_FREE unsigned char *bytes = malloc(size);
        char comment[40];
        gz_header header = { .comment = (Bytef *)comment, .os = 3 };
        z_stream stream = { .next_in = (Bytef *)(uintptr_t)text,
                            .avail_in = (uInt)length,
                            .next_out = bytes,
                            .avail_out = (uInt)size };

        (void)snprintf(comment, sizeof(comment), "reeve:%" PRIu64, inode);
        assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, 0), Z_OK);
        assert_int_equal(deflateSetHeader(&stream, &header), Z_OK);
        assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
        assert_int_equal(write(fd, bytes, stream.total_out), stream.total_out);
        assert_int_equal(deflateEnd(&stream), Z_OK);
        return fd;
}

static uint64_t inode_of(int fd)
{
        struct stat status;

        assert_int_equal(fstat(fd, &status), 0);
        return status.st_ino;
}

static void test_last_lines_of_packed_files(void **state)
{
        static const struct {
                const char *newest, *older, *oldest;
                uint64_t lines;
                const char *tail;
        } cases[] = {
                { "c\n", "a\nb\n", "x\n", 1, "c\n" },
                { "c\n", "a\nb\n", "x\n", 2, "b\nc\n" },
                { "c\n", "a\nb\n", "x\n", 3, "a\nb\nc\n" },
                { "c\n", "a\nb\n", "x\n", 4, "x\na\nb\nc\n" },
                { "c\n", "a\nb\n", "x\n", 9, "x\na\nb\nc\n" },
                { "", "a\nb\n", "x\n", 1, "b\n" },
                { "", "a\nb\n", "x\n", 3, "x\na\nb\n" },
                { "", "b", "x\na", 1, "ab" }, /* one line in two files */
                { "c\n", "", "x\n", 2, "x\nc\n" },
                { "c\n", "\n\n", "x\n", 2, "\nc\n" },
                { "c\n", "a\n", "x\n", LOG_LINES_ALL, "x\na\nc\n" },
        };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                int fds[] = { file_of(cases[i].newest),
                              packed_file_of(cases[i].older, strlen(cases[i].older), 2),
                              packed_file_of(cases[i].oldest, strlen(cases[i].oldest), 1) };
                LogReader reader;

                log_reader_open(&reader, fds, 3, cases[i].lines);
                while (!log_reader_scan(&reader)) {
                }
                expect_read(&reader, cases[i].tail);
                log_reader_done(&reader);
        }
}

/* The newest was removed by somebody; only what was put aside is there. */
static void test_no_lines_of_a_packed_file(void **state)
{
        int fd = packed_file_of("a\n", 2, 1);
        LogReader reader;

        log_reader_open(&reader, &fd, 1, 0);
        assert_true(log_reader_scan(&reader));
        expect_read(&reader, "");
        log_reader_done(&reader);
}

/* The file that is read is put aside and compressed, then the next one. */
static void test_compressed_while_it_is_read(void **state)
{
        int old = file_of("a\nb\n"), new = file_of("c\n");
        int first[] = { dup(old) },
            then[] = { dup(new), packed_file_of("a\nb\n", 4, inode_of(old)) };
        int packed = packed_file_of("c\n", 2, inode_of(new)), newest = file_of("d\n");
        int last[] = { newest, dup(packed), dup(then[1]) };
        LogReader reader;
        char two[2];

        log_reader_open(&reader, first, 1, LOG_LINES_ALL);
        assert_int_equal(log_reader_read(&reader, two, 2), 2);
        log_reader_reopen(&reader, then, 2);
        expect_read(&reader, "b\nc\n");
        log_reader_reopen(&reader, last, 3);
        expect_read(&reader, "d\n");
        log_reader_done(&reader);
        (void)close(old);
        (void)close(new);
        (void)close(packed);
}

static void test_a_broken_packed_file(void **state)
{
        int fds[] = { file_of("c\n"), packed_file_of("a\nb\n", 4, 1) };
        LogReader reader;

        assert_int_equal(ftruncate(fds[1], 18), 0);
        log_reader_open(&reader, fds, 2, 2);
        while (!log_reader_scan(&reader)) {
        }
        expect_read(&reader, "c\n");
        log_reader_done(&reader);
}

/* ---- text ---- */

static void add(LogLine *line, const LogStyle *style, const char *bytes, Text *text)
{
        assert_int_equal(log_text_add(line, style, bytes, strlen(bytes), text), 0);
}

static void expect_text(Text *text, const char *wanted)
{
        assert_string_equal(text->bytes ? text->bytes : "", wanted);
        text_done(text);
}

static void test_plain_text(void **state)
{
        const LogStyle style = { LOG_TEXT, false };
        LogLine line = { .slot = 3 };
        Text text = { 0 };

        add(&line, &style, "a\x1B\nb\xC3", &text);
        expect_text(&text, "a?\n");
        (void)log_text_flush(&line, &style, false, &text);
        expect_text(&text, "b"); /* half a character waits for its other half */
        add(&line, &style, "\xA4 c\n", &text);
        expect_text(&text, "\xC3\xA4 c\n");
        add(&line, &style, "x\xE2\x82", &text);
        (void)log_text_flush(&line, &style, true, &text);
        expect_text(&text, "x\xEF\xBF\xBD\xEF\xBF\xBD");
        log_line_done(&line);
}

static void test_text_of_several(void **state)
{
        const LogStyle style = { LOG_TEXT, true };
        LogLine one = { .slot = 0 }, two = { .slot = 12 };
        Text text = { 0 };

        add(&one, &style, "he", &text);
        (void)log_text_flush(&one, &style, false, &text);
        add(&two, &style, "x\n\ny", &text);
        add(&one, &style, "llo\n", &text);
        (void)log_text_flush(&two, &style, true, &text);
        expect_text(&text, "12 | x\n12 | \n0 | hello\n12 | y\n");
        log_line_done(&one);
        log_line_done(&two);
}

static void test_events_of_long_lines(void **state)
{
        const LogStyle style = { LOG_EVENTS, false };
        LogLine line = { .slot = 1 };
        AUTO_FREE char *bytes = malloc(LOG_PIECE_MAX + 2);
        Text text = { 0 };

        memset(bytes, 'x', LOG_PIECE_MAX + 1);
        bytes[LOG_PIECE_MAX + 1] = '\n';
        assert_int_equal(log_text_add(&line, &style, bytes, LOG_PIECE_MAX + 2, &text), 0);
        assert_non_null(strstr(text.bytes, "x\",\"partial\":true}\n\ndata: {\"slot\":1,\"line\":"
                                           "\"x\",\"partial\":true}\n\n"));
        text_done(&text);
        add(&line, &style, "b\n", &text);
        expect_text(&text, "data: {\"slot\":1,\"line\":\"b\"}\n\n");
        log_line_done(&line);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_last_lines),
                cmocka_unit_test(test_ends_where_it_was_opened),
                cmocka_unit_test(test_search_goes_in_steps),
                cmocka_unit_test(test_no_files),
                cmocka_unit_test(test_rotations),
                cmocka_unit_test(test_last_lines_of_packed_files),
                cmocka_unit_test(test_no_lines_of_a_packed_file),
                cmocka_unit_test(test_compressed_while_it_is_read),
                cmocka_unit_test(test_a_broken_packed_file),
                cmocka_unit_test(test_plain_text),
                cmocka_unit_test(test_text_of_several),
                cmocka_unit_test(test_events_of_long_lines),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
