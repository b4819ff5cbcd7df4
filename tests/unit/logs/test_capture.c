/* What a worker writes is in its files: once, in order, and cut only between lines. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "logs_testing.h"
#include "sys/fd.h"

enum { LINES = 160 * 1000, KEEP_ALL = 1000 };

static void expect_file(const Fixture *fixture, unsigned number, const char *expected)
{
        AUTO_FREE char *text = fixture_read(fixture, number, NULL);

        if (!expected) {
                assert_null(text);
                return;
        }
        assert_non_null(text);
        assert_string_equal(text, expected);
}

static void test_output_is_in_the_file(void **state)
{
        Fixture fixture;

        fixture_open(&fixture, UINT64_MAX, 5);
        assert_int_equal(log_capture_move(fixture.capture), 0);
        expect_file(&fixture, 0, NULL); /* who says nothing costs no file */
        fixture_write(&fixture, "hello\nwor", 9);
        assert_false(fixture_move(&fixture));
        expect_file(&fixture, 0, "hello\nwor");
        fixture_write(&fixture, "ld\n", 3);
        assert_false(fixture_move(&fixture));
        expect_file(&fixture, 0, "hello\nworld\n");
        assert_int_equal(log_capture_counters(fixture.capture).captured_bytes, 12);
        assert_int_equal(log_capture_counters(fixture.capture).dropped_bytes, 0);
        assert_int_equal(log_capture_move(fixture.capture), 0); /* nothing waits */
        fixture_done(&fixture);
}

static int write_many_lines(int fd)
{
        return write_numbered_lines(fd, 0, LINES);
}

static int write_some_lines(int fd)
{
        return write_numbered_lines(fd, 0, LINES / 32);
}

/* 20 MB through files of 1 MB. */
static void test_rotation_splits_no_line(void **state)
{
        enum { LIMIT = 1024 * 1024 };
        Fixture fixture;
        size_t length;
        unsigned files;
        AUTO_FREE char *text = NULL;

        fixture_open(&fixture, LIMIT, KEEP_ALL);
        fixture_run(&fixture, write_many_lines);
        text = fixture_read_all(&fixture, &length, &files);
        check_numbered_lines(text, length, LINES);
        assert_int_equal(log_capture_counters(fixture.capture).captured_bytes, length);
        assert_true(length > 20 * 1000 * 1000);
        /* Files end in the last 64 kB before the limit, never behind it. */
        assert_true(files >= length / LIMIT && files <= length / (LIMIT - 65536) + 1);
        for (unsigned number = 0; number < files; number++) {
                free(fixture_read(&fixture, number, &length));
                assert_true(length <= LIMIT);
                assert_true(number == 0 || length >= LIMIT - 65536 - 5008);
        }
        fixture_done(&fixture);
}

/* The same where the whole file is hardly longer than a line. */
static void test_tiny_files_split_no_line(void **state)
{
        enum { LIMIT = 16 * 1024 };
        Fixture fixture;
        size_t length;
        unsigned files;
        AUTO_FREE char *text = NULL;

        fixture_open(&fixture, LIMIT, KEEP_ALL);
        fixture_run(&fixture, write_some_lines);
        text = fixture_read_all(&fixture, &length, &files);
        check_numbered_lines(text, length, LINES / 32);
        fixture_done(&fixture);
}

static int write_letters(int fd)
{
        char piece[3001];

        for (unsigned i = 0; i < 1000; i++) {
                memset(piece, 'a' + (int)(i % 26), sizeof(piece));
                if (write(fd, piece, sizeof(piece)) != (ssize_t)sizeof(piece))
                        return 1;
        }
        return write(fd, "\nnext\n", 6) == 6 ? 0 : 1;
}

/* 3 MB without a newline: split at the limit, since it cannot be otherwise, and complete. */
static void test_endless_line_is_split_at_the_limit(void **state)
{
        enum { LIMIT = 256 * 1024, LENGTH = 3001 * 1000 + 6 };
        Fixture fixture;
        size_t length, total = 0;
        unsigned number = 0;

        fixture_open(&fixture, LIMIT, KEEP_ALL);
        fixture_run(&fixture, write_letters);
        for (;; number++) {
                AUTO_FREE char *part = fixture_read(&fixture, number, &length);

                if (!part)
                        break;
                assert_true(length <= LIMIT);
                total += length;
                for (size_t i = 0; number > 0 && i < length; i++) {
                        size_t position = LENGTH - total + i;

                        assert_int_equal(part[i], 'a' + (int)(position / 3001 % 26));
                }
        }
        assert_int_equal(total, LENGTH);
        assert_int_equal(number, LENGTH / LIMIT + 1);
        fixture_done(&fixture);
}

static int write_noise(int fd)
{
        unsigned char piece[4096];

        for (unsigned round = 0; round < 256; round++) {
                for (size_t i = 0; i < sizeof(piece); i++)
                        piece[i] = (unsigned char)(i * 31 + round);
                if (write(fd, piece, sizeof(piece)) != (ssize_t)sizeof(piece))
                        return 1;
        }
        return 0;
}

static void test_bytes_are_not_touched(void **state)
{
        Fixture fixture;
        size_t length;
        unsigned files;
        AUTO_FREE char *text = NULL;

        fixture_open(&fixture, 100 * 1000, KEEP_ALL);
        fixture_run(&fixture, write_noise);
        text = fixture_read_all(&fixture, &length, &files);
        assert_int_equal(length, 256 * 4096);
        for (size_t i = 0; i < length; i++)
                assert_int_equal((unsigned char)text[i], (unsigned char)(i % 4096 * 31 + i / 4096));
        assert_true(files > 10);
        fixture_done(&fixture);
}

/* ---- where a file ends ---- */

/* An unfinished line at the end of a file begins the next one, and the pipe is left empty, or
 * the loop would wake for it without end. */
static void test_unfinished_line_begins_the_next_file(void **state)
{
        char lines[3001];
        Fixture fixture;

        memset(lines, 'x', sizeof(lines));
        lines[sizeof(lines) - 2] = '\n';
        lines[sizeof(lines) - 1] = '\0';
        fixture_open(&fixture, LOG_MIN_BYTES, 3);
        fixture_write(&fixture, lines, strlen(lines));
        assert_false(fixture_move(&fixture));
        fixture_write(&fixture, "a prompt: ", 10);
        assert_false(fixture_move(&fixture));
        expect_file(&fixture, 1, lines);
        expect_file(&fixture, 0, "a prompt: ");
        fixture_write(&fixture, "yes\n", 4);
        assert_false(fixture_move(&fixture));
        expect_file(&fixture, 0, "a prompt: yes\n");
        fixture_done(&fixture);
}

static void fill_file(Fixture *fixture, char letter)
{
        char line[LOG_MIN_BYTES];

        memset(line, letter, sizeof(line));
        line[sizeof(line) - 1] = '\n';
        fixture_write(fixture, line, sizeof(line));
        assert_false(fixture_move(fixture));
}

static void expect_letter(const Fixture *fixture, unsigned number, char letter)
{
        size_t length;
        AUTO_FREE char *text = fixture_read(fixture, number, &length);

        if (letter == '\0') {
                assert_null(text);
                return;
        }
        assert_non_null(text);
        assert_int_equal(length, LOG_MIN_BYTES);
        assert_int_equal(text[0], letter);
}

/* A line that fills its file exactly: the next one begins a new file. */
static void test_oldest_files_go(void **state)
{
        Fixture fixture;
        uint64_t file;

        fixture_open(&fixture, LOG_MIN_BYTES, 2);
        fill_file(&fixture, 'a');
        file = log_capture_counters(fixture.capture).file;
        for (char letter = 'b'; letter <= 'e'; letter++) {
                fill_file(&fixture, letter);
                assert_true(log_capture_counters(fixture.capture).file > file);
                file = log_capture_counters(fixture.capture).file;
        }
        expect_letter(&fixture, 0, 'e');
        expect_letter(&fixture, 1, 'd');
        expect_letter(&fixture, 2, 'c');
        expect_letter(&fixture, 3, '\0');
        fixture_done(&fixture);
}

static void test_no_rotated_files_are_kept(void **state)
{
        Fixture fixture;

        fixture_open(&fixture, LOG_MIN_BYTES, 0);
        fill_file(&fixture, 'a');
        fill_file(&fixture, 'b');
        expect_letter(&fixture, 0, 'b');
        expect_letter(&fixture, 1, '\0');
        fixture_done(&fixture);
}

static void set_limits(Fixture *fixture, uint64_t max_bytes, unsigned max_files)
{
        fixture->settings.max_bytes = max_bytes;
        fixture->settings.max_files = max_files;
        assert_int_equal(log_capture_set(fixture->capture, &fixture->settings), 0);
}

static void test_limits_change(void **state)
{
        Fixture fixture;

        fixture_open(&fixture, LOG_MIN_BYTES, 5);
        for (char letter = 'a'; letter <= 'f'; letter++)
                fill_file(&fixture, letter);
        expect_letter(&fixture, 5, 'a');
        set_limits(&fixture, LOG_MIN_BYTES, 2);
        fill_file(&fixture, 'g');
        expect_letter(&fixture, 2, 'e');
        expect_letter(&fixture, 3, '\0');
        expect_letter(&fixture, 5, '\0');
        set_limits(&fixture, UINT64_MAX, UINT_MAX);
        fixture_write(&fixture, "more\n", 5);
        assert_false(fixture_move(&fixture));
        expect_letter(&fixture, 1, 'f');
        set_limits(&fixture, 1, UINT_MAX); /* counts as the least allowed */
        fill_file(&fixture, 'h');
        expect_letter(&fixture, 0, 'h');
        expect_letter(&fixture, 2, 'f');
        fixture_done(&fixture);
}

/* A file that is missing from the row is not made up for by shifting all others. */
static void test_gap_in_the_row_is_filled_first(void **state)
{
        Fixture fixture;

        fixture_open(&fixture, LOG_MIN_BYTES, 3);
        for (char letter = 'a'; letter <= 'd'; letter++)
                fill_file(&fixture, letter);
        assert_int_equal(unlinkat(fixture.directory_fd, "3.log.2", 0), 0);
        fill_file(&fixture, 'e');
        expect_letter(&fixture, 1, 'd');
        expect_letter(&fixture, 2, 'c');
        expect_letter(&fixture, 3, 'a');
        fixture_done(&fixture);
}

/* ---- what others do to the files ---- */

static void test_truncated_file_goes_on_at_its_end(void **state)
{
        Fixture fixture;

        fixture_open(&fixture, UINT64_MAX, 3);
        fixture_write(&fixture, "before\n", 7);
        assert_false(fixture_move(&fixture));
        {
                AUTO_CLOSE fd = openat(fixture.directory_fd, "3.log", O_WRONLY | O_TRUNC);

                assert_true(fd >= 0);
        }
        fixture_write(&fixture, "after\n", 6);
        assert_false(fixture_move(&fixture));
        expect_file(&fixture, 0, "after\n");
        fixture_done(&fixture);
}

static void test_removed_file_is_made_anew(void **state)
{
        Fixture fixture;
        uint64_t file;

        fixture_open(&fixture, UINT64_MAX, 3);
        fixture_write(&fixture, "before\n", 7);
        assert_false(fixture_move(&fixture));
        file = log_capture_counters(fixture.capture).file;
        assert_int_equal(unlinkat(fixture.directory_fd, "3.log", 0), 0);
        fixture_write(&fixture, "after\n", 6);
        assert_false(fixture_move(&fixture));
        expect_file(&fixture, 0, "after\n");
        assert_int_not_equal(log_capture_counters(fixture.capture).file, file);
        fixture_done(&fixture);
}

static void test_existing_file_is_continued(void **state)
{
        Fixture fixture;
        Error error = { 0 };

        fixture_open(&fixture, UINT64_MAX, 3);
        fixture_write(&fixture, "one\ntw", 6);
        fixture_close_capture(&fixture); /* writes what is still in the pipe */
        expect_file(&fixture, 0, "one\ntw");
        assert_int_equal(log_capture_new(&fixture.settings, &fixture.capture, &error), 0);
        fixture_write(&fixture, "o\n", 2);
        fixture_close_capture(&fixture);
        expect_file(&fixture, 0, "one\ntwo\n");
        fixture_done(&fixture);
}

/* Nothing is written into what is not ours, and the worker does not wait for it to go away. */
static void test_anything_but_a_file_is_refused(void **state)
{
        Fixture fixture;

        fixture_open(&fixture, UINT64_MAX, 3);
        assert_int_equal(mkfifoat(fixture.directory_fd, "3.log", 0600), 0);
        fixture_write(&fixture, "one\n", 4);
        assert_true(fixture_move(&fixture));
        assert_true(log_capture_counters(fixture.capture).is_dropping);
        assert_int_equal(unlinkat(fixture.directory_fd, "3.log", 0), 0);
        assert_int_equal(symlinkat("/dev/null", fixture.directory_fd, "3.log"), 0);
        fixture_write(&fixture, "two\n", 4);
        assert_false(fixture_move(&fixture));
        assert_int_equal(log_capture_counters(fixture.capture).dropped_bytes, 8);
        assert_int_equal(unlinkat(fixture.directory_fd, "3.log", 0), 0);
        fixture_write(&fixture, "three\n", 6);
        assert_true(fixture_move(&fixture));
        expect_file(&fixture, 0, "[reeve: 8 bytes were dropped here: Invalid argument]\nthree\n");
        fixture_done(&fixture);
}

/* ---- folder, descriptors, rights ---- */

static void test_folder_names_are_checked(void **state)
{
        static const char *const bad[] = { "", ".", "..", "../x", "a/b" };
        Error error = { 0 };

        for (size_t i = 0; i < COUNT_OF(bad); i++)
                assert_int_equal(log_directory_open("/tmp", bad[i], &error), -EINVAL);
        assert_int_equal(log_directory_open("/dev/null/logs", "web", &error), -ENOTDIR);
        assert_string_equal(error.message,
                            "Cannot make the log folder /dev/null/logs/web: Not a directory");
}

static void test_modes(void **state)
{
        mode_t kept = umask(0);
        Fixture fixture;
        struct stat status;

        fixture_open(&fixture, LOG_MIN_BYTES, 3);
        umask(kept);
        assert_int_equal(fstat(fixture.directory_fd, &status), 0);
        assert_int_equal(status.st_mode & 07777, 0750);
        fill_file(&fixture, 'a');
        fill_file(&fixture, 'b');
        assert_int_equal(fstatat(fixture.directory_fd, "3.log.1", &status, 0), 0);
        assert_int_equal(status.st_mode & 07777, 0640);
        assert_int_equal(fstatat(fixture.directory_fd, "3.log", &status, 0), 0);
        assert_int_equal(status.st_mode & 07777, 0640);
        fixture_done(&fixture);
}

/* A group of ours other than the first, if there is one, or any at all for root. */
static gid_t other_group(void)
{
        gid_t groups[NGROUPS_MAX];
        int count = getgroups(NGROUPS_MAX, groups);

        for (int i = 0; i < count; i++)
                if (groups[i] != getegid())
                        return groups[i];
        return geteuid() == 0 ? 4711 : getegid();
}

static void test_group_may_read(void **state)
{
        Fixture fixture;
        struct stat status;
        gid_t group = other_group();
        Error error = { 0 };

        fixture_open(&fixture, UINT64_MAX, 3);
        fixture.settings.reader_group = group;
        fixture_close_capture(&fixture);
        assert_int_equal(log_capture_new(&fixture.settings, &fixture.capture, &error), 0);
        fixture_write(&fixture, "one\n", 4);
        assert_false(fixture_move(&fixture));
        assert_int_equal(fstatat(fixture.directory_fd, "3.log", &status, 0), 0);
        assert_int_equal(status.st_gid, group);
        assert_int_equal(fstat(fixture.directory_fd, &status), 0);
        assert_int_equal(status.st_gid, group);
        fixture_done(&fixture);
}

static unsigned count_fds(void)
{
        DIR *directory = opendir("/proc/self/fd");
        unsigned count = 0;

        assert_non_null(directory);
        while (readdir(directory))
                count++;
        (void)closedir(directory);
        return count;
}

static void test_two_descriptors_a_slot(void **state)
{
        Fixture fixture;
        LogCapture *second = NULL;
        unsigned before;

        fixture_open(&fixture, UINT64_MAX, 3);
        fixture.settings.slot = 4;
        before = count_fds();
        assert_int_equal(log_capture_new(&fixture.settings, &second, NULL), 0);
        assert_int_equal(count_fds(), before + 1); /* its file comes with its first byte */
        second = log_capture_free(second);
        assert_int_equal(count_fds(), before);
        fixture_done(&fixture);
}

/* Wherever the descriptors run out, nothing is leaked. */
static void test_no_descriptors_left(void **state)
{
        Fixture fixture;
        struct rlimit limit, low;
        unsigned before;
        int r = -EMFILE;

        fixture_open(&fixture, UINT64_MAX, 3);
        fixture_close_capture(&fixture);
        before = count_fds();
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
        low = limit;
        for (low.rlim_cur = 3; r == -EMFILE; low.rlim_cur++) {
                Error error = { 0 };

                assert_true(low.rlim_cur < limit.rlim_cur);
                assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
                r = log_capture_new(&fixture.settings, &fixture.capture, &error);
                assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
                if (r < 0) {
                        assert_int_equal(r, -EMFILE);
                        assert_string_equal(error.code, "log-failed");
                        assert_int_equal(count_fds(), before);
                }
        }
        assert_int_equal(r, 0);
        fixture_done(&fixture);
}

static void test_files_are_opened_newest_first(void **state)
{
        Fixture fixture;
        int fds[8];
        char first;

        fixture_open(&fixture, LOG_MIN_BYTES, 3);
        for (char letter = 'a'; letter <= 'd'; letter++)
                fill_file(&fixture, letter);
        assert_int_equal(log_open_files(fixture.directory_fd, 3, fds, COUNT_OF(fds)), 4);
        for (unsigned i = 0; i < 4; i++) {
                assert_int_equal(read(fds[i], &first, 1), 1);
                assert_int_equal(first, 'd' - (int)i);
                assert_int_equal(write(fds[i], "x", 1), -1);
                (void)fd_close(fds[i]);
        }
        assert_int_equal(log_open_files(fixture.directory_fd, 3, fds, 2), 2);
        (void)fd_close(fds[0]);
        (void)fd_close(fds[1]);
        assert_int_equal(log_open_files(fixture.directory_fd, 9, fds, COUNT_OF(fds)), 0);
        assert_int_equal(unlinkat(fixture.directory_fd, "3.log", 0), 0);
        assert_int_equal(log_open_files(fixture.directory_fd, 3, fds, 1), 1);
        assert_int_equal(read(fds[0], &first, 1), 1);
        assert_int_equal(first, 'c');
        (void)fd_close(fds[0]);
        assert_int_equal(log_open_files(-1, 3, fds, 1), -EBADF);
        fixture_done(&fixture);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_output_is_in_the_file),
                cmocka_unit_test(test_rotation_splits_no_line),
                cmocka_unit_test(test_tiny_files_split_no_line),
                cmocka_unit_test(test_endless_line_is_split_at_the_limit),
                cmocka_unit_test(test_bytes_are_not_touched),
                cmocka_unit_test(test_unfinished_line_begins_the_next_file),
                cmocka_unit_test(test_oldest_files_go),
                cmocka_unit_test(test_no_rotated_files_are_kept),
                cmocka_unit_test(test_limits_change),
                cmocka_unit_test(test_gap_in_the_row_is_filled_first),
                cmocka_unit_test(test_truncated_file_goes_on_at_its_end),
                cmocka_unit_test(test_removed_file_is_made_anew),
                cmocka_unit_test(test_existing_file_is_continued),
                cmocka_unit_test(test_anything_but_a_file_is_refused),
                cmocka_unit_test(test_folder_names_are_checked),
                cmocka_unit_test(test_modes),
                cmocka_unit_test(test_group_may_read),
                cmocka_unit_test(test_two_descriptors_a_slot),
                cmocka_unit_test(test_no_descriptors_left),
                cmocka_unit_test(test_files_are_opened_newest_first),
        };
        return cmocka_run_group_tests_name("logs/capture", tests, NULL, NULL);
}
