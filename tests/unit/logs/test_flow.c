/* test_flow.c - logs/flow and logs/journal: output line by line, to the file and to a journal
 *
 * The journal is a socket of ours, which takes entries, takes none, or is not there. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "logs/journal.h"
#include "logs/pipe.h"
#include "logs_testing.h"
#include "sys/clock.h"
#include "sys/fd.h"

enum { LINES = 40 * 1000, ENTRY_MAX = 128 * 1024 };

static void reopen(Fixture *fixture)
{
        Error error = { 0 };

        fixture_close_capture(fixture);
        assert_int_equal(log_capture_new(&fixture->settings, &fixture->capture, &error), 0);
        log_capture_set_life(fixture->capture, 123, "abc-1");
}

static int move(Fixture *fixture)
{
        int all = 0, r;

        do {
                r = log_capture_move(fixture->capture);
                assert_true(r >= 0);
                all |= r;
        } while (r & LOG_MOVE_MORE);
        return all;
}

/* ---- the file ---- */

static void expect_file(const Fixture *fixture, const char *expected)
{
        AUTO_FREE char *text = fixture_read(fixture, 0, NULL);

        assert_non_null(text);
        assert_string_equal(text, expected);
}

static void test_half_a_line_waits(void **state)
{
        Fixture fixture;

        fixture_open(&fixture, UINT64_MAX, 3);
        fixture.settings.style.rate_interval_usec = 3600 * UINT64_C(1000000); /* looks at lines */
        fixture.settings.style.rate_burst = 1000;
        reopen(&fixture);
        fixture_write(&fixture, "one\ntw", 6);
        assert_int_equal(move(&fixture), 0);
        expect_file(&fixture, "one\n");
        fixture_write(&fixture, "o\n", 2);
        assert_int_equal(move(&fixture), 0);
        expect_file(&fixture, "one\ntwo\n");
        fixture_write(&fixture, "last words", 10);
        assert_int_equal(move(&fixture), 0);
        log_capture_end_life(fixture.capture);
        expect_file(&fixture, "one\ntwo\nlast words\n");
        fixture_done(&fixture);
}

static void test_half_a_line_survives_us(void **state)
{
        Fixture fixture;
        Error error = { 0 };
        int copy;

        fixture_open(&fixture, UINT64_MAX, 3);
        fixture.settings.style.stamp = STAMP_EPOCH;
        reopen(&fixture);
        fixture_write(&fixture, "one\ntw", 6);
        assert_int_equal(move(&fixture), 0);
        /* What a crash does: another one takes the pipe, and this one does nothing more. */
        copy = log_pipe_open_writer(log_capture_fd(fixture.capture), geteuid());
        assert_true(copy >= 0);
        assert_int_equal(fd_set_nonblocking(copy), 0);
        {
                LogCapture *other = NULL;

                assert_int_equal(log_capture_new_from(&fixture.settings, copy, &other, &error), 0);
                fixture_write(&fixture, "o\n", 2);
                assert_int_equal(log_capture_move(other), 0);
                other = log_capture_free(other);
        }
        {
                AUTO_FREE char *text = fixture_read(&fixture, 0, NULL);

                assert_non_null(strstr(text, " one\n"));
                assert_non_null(strstr(text, " two\n"));
        }
        fixture_done(&fixture);
}

static int write_many_lines(int fd)
{
        return write_numbered_lines(fd, 0, LINES);
}

/* Heads are cut off; what is left must be what was written. */
static size_t strip_heads(char *text, size_t length)
{
        char *from = text, *to = text, *end = text + length;

        while (from < end) {
                char *newline = memchr(from, '\n', (size_t)(end - from));
                char *blank = memchr(from, ' ', (size_t)(end - from));

                assert_non_null(newline);
                assert_true(blank && blank < newline);
                memmove(to, blank + 1, (size_t)(newline - blank));
                to += newline - blank;
                from = newline + 1;
        }
        return (size_t)(to - text);
}

static void test_stamped_lines_through_rotation(void **state)
{
        Fixture fixture;
        AUTO_FREE char *text = NULL;
        size_t length;
        unsigned files;

        fixture_open(&fixture, 256 * 1024, 1000);
        fixture.settings.style.stamp = STAMP_ISO;
        reopen(&fixture);
        fixture_run(&fixture, write_many_lines);
        fixture_close_capture(&fixture);
        text = fixture_read_all(&fixture, &length, &files);
        assert_true(files > 10);
        check_numbered_lines(text, strip_heads(text, length), LINES);
        fixture_done(&fixture);
}

/* The pipe fills while we look: what seemed half a line has its end by then. */
static void test_no_line_is_cut_in_a_flood(void **state)
{
        Fixture fixture;
        AUTO_FREE char *text = NULL;
        size_t length;
        unsigned files;

        fixture_open(&fixture, UINT64_MAX, 3);
        fixture.settings.style.stamp = STAMP_EPOCH;
        fixture.settings.style.format = LOG_FORMAT_JSON;
        reopen(&fixture);
        fixture_run(&fixture, write_many_lines);
        fixture_close_capture(&fixture);
        text = fixture_read_all(&fixture, &length, &files);
        assert_null(strstr(text, "partial"));
        fixture_done(&fixture);
}

static void test_age(void **state)
{
        Fixture fixture;

        fixture_open(&fixture, UINT64_MAX, 3);
        fixture.settings.max_age_usec = 1; /* whatever is there is too old */
        reopen(&fixture);
        for (unsigned i = 0; i < 3; i++) {
                fixture_write(&fixture, "line\n", 5);
                assert_int_equal(!!(move(&fixture) & LOG_MOVE_ROTATED), i > 0);
        }
        fixture.settings.style.stamp = STAMP_UTC;
        assert_int_equal(log_capture_set(fixture.capture, &fixture.settings), 0);
        fixture_write(&fixture, "line\n", 5);
        assert_true(move(&fixture) & LOG_MOVE_ROTATED);
        fixture_done(&fixture);
}

static void test_rate(void **state)
{
        Fixture fixture;

        fixture_open(&fixture, UINT64_MAX, 3);
        fixture.settings.style.rate_interval_usec = 3600 * UINT64_C(1000000);
        fixture.settings.style.rate_burst = 2;
        reopen(&fixture);
        fixture_write(&fixture, "1\n2\n3\n4\n", 8);
        (void)move(&fixture);
        expect_file(&fixture, "1\n2\n");
        assert_int_equal(log_capture_counters(fixture.capture).suppressed_lines, 2);
        fixture.settings.style.rate_burst = 10;
        assert_int_equal(log_capture_set(fixture.capture, &fixture.settings), 0);
        fixture_write(&fixture, "5\n", 2);
        (void)move(&fixture);
        expect_file(&fixture, "1\n2\n[reeve: 2 lines were suppressed here]\n5\n");
        fixture_done(&fixture);
}

/* The note alone leaves no room for it in any file: no number of rotations would bring some. */
static void test_a_line_as_long_as_a_file_after_a_gap(void **state)
{
        char line[LOG_MIN_BYTES + 1];
        Fixture fixture;

        memset(line, 'x', sizeof(line));
        line[LOG_MIN_BYTES - 1] = '\n';
        line[LOG_MIN_BYTES] = '\0';
        fixture_open(&fixture, LOG_MIN_BYTES, 3);
        fixture.settings.style.rate_interval_usec = 3600 * UINT64_C(1000000);
        fixture.settings.style.rate_burst = 1;
        reopen(&fixture);
        fixture_write(&fixture, "1\n2\n", 4);
        (void)move(&fixture);
        fixture.settings.style.rate_burst = 10;
        assert_int_equal(log_capture_set(fixture.capture, &fixture.settings), 0);
        fixture_write(&fixture, line, LOG_MIN_BYTES);
        (void)move(&fixture);
        expect_file(&fixture, line);
        {
                AUTO_FREE char *note = fixture_read(&fixture, 1, NULL);

                assert_string_equal(note, "[reeve: 1 lines were suppressed here]\n");
        }
        fixture_done(&fixture);
}

/* A pipe may be full of very little: sixteen pieces that do not share a page. */
static void test_full_pipe_of_half_a_line(void **state)
{
        Fixture fixture;
        AUTO_CLOSE fd = -1;
        unsigned written = 0;

        fixture_open(&fixture, UINT64_MAX, 3);
        fixture.settings.style.stamp = STAMP_EPOCH;
        reopen(&fixture);
        fd = log_capture_open_writer(fixture.capture, geteuid());
        assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK | O_DIRECT), 0);
        while (write(fd, "x", 1) == 1)
                written++;
        assert_true(written < 1000);
        (void)move(&fixture);
        assert_int_equal(log_pipe_waiting(log_capture_fd(fixture.capture)), 0);
        fixture_done(&fixture);
}

/* ---- the journal ---- */

typedef struct Journal {
        char path[96];
        int fd;
} Journal;

static void journal_open(Journal *journal)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        journal->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_true(journal->fd >= 0);
        (void)unlink(journal->path);
        (void)strcpy(address.sun_path, journal->path);
        assert_int_equal(bind(journal->fd, (struct sockaddr *)&address, sizeof(address)), 0);
}

static void fixture_open_journal(Fixture *fixture, Journal *journal)
{
        fixture_open(fixture, UINT64_MAX, 3);
        (void)snprintf(journal->path, sizeof(journal->path), "%s/journal", fixture->directory);
        fixture->settings.to_journal = true;
        fixture->settings.journal_socket = journal->path;
        journal_open(journal);
        reopen(fixture);
}

/* Return: whether there was one; @entry is terminated */
static bool journal_read(const Journal *journal, char *entry)
{
        ssize_t n = recv(journal->fd, entry, ENTRY_MAX, 0);

        if (n < 0)
                return false;
        entry[n] = '\0';
        return true;
}

static void test_entry(void **state)
{
        static char entry[ENTRY_MAX + 1];
        Fixture fixture;
        Journal journal;

        fixture_open_journal(&fixture, &journal);
        fixture_write(&fixture, "hello\n<3>bad\nhal", 16);
        assert_int_equal(move(&fixture), 0);
        assert_true(journal_read(&journal, entry));
        assert_string_equal(entry, "SYSLOG_FACILITY=3\nSYSLOG_IDENTIFIER=web\nREEVE_POOL=web\n"
                                   "REEVE_SLOT=3\nREEVE_INSTANCE=abc-1\nREEVE_STREAM=both\n"
                                   "REEVE_PID=123\nPRIORITY=6\nMESSAGE=hello\n");
        assert_true(journal_read(&journal, entry));
        assert_non_null(strstr(entry, "PRIORITY=3\nMESSAGE=bad\n"));
        assert_false(journal_read(&journal, entry));
        log_capture_end_life(fixture.capture);
        assert_true(journal_read(&journal, entry));
        assert_non_null(strstr(entry, "PRIORITY=6\nMESSAGE=hal\n"));
        assert_null(fixture_read(&fixture, 0, NULL)); /* no file was needed */
        (void)fd_close(journal.fd);
        fixture_done(&fixture);
}

static void test_overlong_entry(void **state)
{
        static char line[LINE_PIECE_MAX + 100], entry[ENTRY_MAX + 1];
        Fixture fixture;
        Journal journal;

        fixture_open_journal(&fixture, &journal);
        memset(line, 'x', sizeof(line));
        line[sizeof(line) - 1] = '\n';
        fixture_write(&fixture, line, sizeof(line));
        assert_int_equal(move(&fixture), 0);
        assert_true(journal_read(&journal, entry));
        assert_non_null(strstr(entry, "REEVE_PARTIAL=1\n"));
        assert_true(journal_read(&journal, entry));
        assert_null(strstr(entry, "REEVE_PARTIAL=1\n"));
        (void)fd_close(journal.fd);
        fixture_done(&fixture);
}

/* No journald: lines go to the file, are counted, and go to the journal again once it is there. */
static void test_t51_journal_is_absent_and_comes_back(void **state)
{
        static char entry[ENTRY_MAX + 1];
        Fixture fixture;
        Journal journal;
        LogCounters counters;
        uint64_t end;

        fixture_open_journal(&fixture, &journal);
        (void)fd_close(journal.fd); /* its socket stays: connection refused */
        fixture_write(&fixture, "one\n", 4);
        assert_int_equal(move(&fixture), LOG_MOVE_CHANGED);
        assert_int_equal(unlink(journal.path), 0);
        fixture_write(&fixture, "two\n", 4);
        assert_int_equal(move(&fixture), 0);
        counters = log_capture_counters(fixture.capture);
        assert_true(counters.is_fallback);
        assert_int_equal(counters.fallback_lines, 2);
        {
                AUTO_FREE char *text = fixture_read(&fixture, 0, NULL);

                assert_non_null(strstr(text, " one\n"));
                assert_non_null(strstr(text, " two\n"));
        }
        journal_open(&journal);
        /* It is tried again after a second; each line is in one place or the other. */
        end = now_usec() + 30 * UINT64_C(1000000);
        for (unsigned sent = 0; !journal_read(&journal, entry); sent++) {
                assert_true(now_usec() < end);
                fixture_write(&fixture, "three\n", 6);
                (void)move(&fixture);
                (void)poll(&(struct pollfd){ .fd = journal.fd, .events = POLLIN }, 1, 1);
        }
        assert_non_null(strstr(entry, "MESSAGE=three\n"));
        assert_false(log_capture_counters(fixture.capture).is_fallback);
        (void)fd_close(journal.fd);
        fixture_done(&fixture);
}

/* A journald that does not read: patience for a moment, then the file; nothing is lost. */
static void test_t51_journal_stands_still(void **state)
{
        enum { MANY = 2000 };
        static char entry[ENTRY_MAX + 1];
        Fixture fixture;
        Journal journal;
        unsigned entries = 0;
        LogCounters counters;

        fixture_open_journal(&fixture, &journal);
        for (unsigned i = 0; i < MANY; i++)
                fixture_write(&fixture, "line\n", 5);
        while (log_pipe_waiting(log_capture_fd(fixture.capture)) > 0)
                assert_true(log_capture_move(fixture.capture) >= 0);
        counters = log_capture_counters(fixture.capture);
        assert_true(counters.is_fallback);
        while (journal_read(&journal, entry))
                entries++;
        assert_true(entries > 0);
        assert_int_equal(entries + counters.fallback_lines, MANY);
        (void)fd_close(journal.fd);
        fixture_done(&fixture);
}

/* Both streams of a slot may come to the same file. */
static void test_two_streams_share_a_file(void **state)
{
        Fixture fixture;
        LogCapture *second = NULL;
        LogSettings settings;
        AUTO_CLOSE fd = -1;
        AUTO_FREE char *text = NULL;

        fixture_open(&fixture, UINT64_MAX, 3);
        settings = fixture.settings;
        settings.to_journal = true;
        settings.journal_socket = "/nonexistent/journal";
        settings.stream = "stderr";
        settings.beside = fixture.capture;
        assert_int_equal(log_capture_new(&settings, &second, NULL), 0);
        fd = log_capture_open_writer(second, geteuid());
        fixture_write(&fixture, "out, unfinish", 13);
        (void)move(&fixture);
        assert_int_equal(write(fd, "err\n", 4), 4);
        assert_true(log_capture_move(second) >= 0);
        fixture_write(&fixture, "ed\n", 3);
        (void)move(&fixture);
        text = fixture_read(&fixture, 0, NULL);
        assert_non_null(strstr(text, "out, unfinish\n"));
        assert_non_null(strstr(text, " err\ned\n"));
        second = log_capture_free(second);
        fixture_done(&fixture);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_half_a_line_waits),
                cmocka_unit_test(test_half_a_line_survives_us),
                cmocka_unit_test(test_stamped_lines_through_rotation),
                cmocka_unit_test(test_no_line_is_cut_in_a_flood),
                cmocka_unit_test(test_age),
                cmocka_unit_test(test_rate),
                cmocka_unit_test(test_a_line_as_long_as_a_file_after_a_gap),
                cmocka_unit_test(test_full_pipe_of_half_a_line),
                cmocka_unit_test(test_entry),
                cmocka_unit_test(test_overlong_entry),
                cmocka_unit_test(test_t51_journal_is_absent_and_comes_back),
                cmocka_unit_test(test_t51_journal_stands_still),
                cmocka_unit_test(test_two_streams_share_a_file),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
