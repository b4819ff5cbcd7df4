/* Files that were put aside: their names, which go beyond a limit, and steps that come late. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "logs/file.h"
#include "logs/tidy.h"
#include "logs_testing.h"
#include "sys/fd.h"

static void test_names_go_both_ways(void **state)
{
        static const LogNumber numbers[] = { { 0, 0, false }, { 7, 1, false }, { 12, 999, true } };

        for (size_t i = 0; i < COUNT_OF(numbers); i++) {
                LogName name = log_name(numbers[i].slot, numbers[i].number, numbers[i].is_packed);
                LogNumber number;

                assert_true(log_name_parse(name.text, &number));
                assert_int_equal(number.slot, numbers[i].slot);
                assert_int_equal(number.number, numbers[i].number);
                assert_int_equal(number.is_packed, numbers[i].is_packed);
        }
}

static void test_other_names_are_left_alone(void **state)
{
        static const char *const others[] = {
                "",        "log",        "0.log.new",        "0.log.gz", "00.log",
                "0.log.0", "0.log.1.xz", "0.log.01",         "+1.log",   "0.log.1.gz.gz",
                " 1.log",  "77.packing", "99999999999.log.1"
        };
        LogNumber number;

        for (size_t i = 0; i < COUNT_OF(others); i++)
                assert_false(log_name_parse(others[i], &number));
        assert_true(log_name_is_packing(log_name_of_packing(UINT64_MAX).text));
        assert_false(log_name_is_packing(".packing"));
        assert_false(log_name_is_packing("0.log"));
}

/* Given as slot, number, bytes, time; the inode is the index + 1. */
static size_t plan(const unsigned rows[][4], size_t count, uint64_t limit, size_t max,
                   TidyStep *ret)
{
        TidyFile files[8] = { 0 };

        for (size_t i = 0; i < count; i++)
                files[i] = (TidyFile){ .name = { rows[i][0], rows[i][1], false },
                                       .bytes = rows[i][2],
                                       .plain_bytes = rows[i][2],
                                       .written_usec = rows[i][3],
                                       .inode = i + 1 };
        return tidy_plan_removals(files, count, limit, ret, max);
}

static void test_the_oldest_go_first(void **state)
{
        static const unsigned rows[][4] = {
                { 0, 0, 50, 1 }, /* the oldest, but it is being written */
                { 0, 1, 10, 8 }, { 0, 2, 10, 5 }, { 1, 1, 10, 6 }, { 1, 2, 10, 6 },
        };
        TidyStep steps[8];

        assert_int_equal(plan(rows, COUNT_OF(rows), 90, 8, steps), 0);
        assert_int_equal(plan(rows, COUNT_OF(rows), 89, 8, steps), 1);
        assert_int_equal(plan(rows, COUNT_OF(rows), 65, 8, steps), 3);
        assert_int_equal(steps[0].inode, 3);
        assert_int_equal(steps[1].inode, 5); /* of the same time the higher number */
        assert_int_equal(steps[2].inode, 4);
        assert_int_equal(plan(rows, COUNT_OF(rows), 0, 8, steps), 4);
        assert_int_equal(plan(rows, COUNT_OF(rows), 0, 2, steps), 2);
        assert_int_equal(plan(rows, 0, 0, 8, steps), 0);
}

static void put(const Fixture *fixture, const char *name, const char *text)
{
        AUTO_CLOSE fd = openat(fixture->directory_fd, name, O_WRONLY | O_CREAT | O_EXCL, 0600);

        assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

static TidyStep step_of(const Fixture *fixture, TidyKind kind, const char *name)
{
        TidyStep step = { .kind = kind };
        struct stat status;
        LogNumber number;

        assert_true(log_name_parse(name, &number));
        assert_int_equal(fstatat(fixture->directory_fd, name, &status, 0), 0);
        step.slot = number.slot;
        step.number = number.number;
        step.inode = status.st_ino;
        step.bytes = (uint64_t)status.st_size;
        return step;
}

static bool exists(const Fixture *fixture, const char *name)
{
        return faccessat(fixture->directory_fd, name, F_OK, 0) == 0;
}

static void rotate(const Fixture *fixture, unsigned max_files)
{
        LogFile *file = log_file_new(fixture->directory_fd, 3, (gid_t)-1);

        file->max_files = max_files;
        assert_int_equal(log_file_refresh(file), 0);
        assert_int_equal(log_file_rotate(file), 0);
        assert_null(log_file_unref(file));
}

/* The steps were made for 3.log.1 and 3.log.2; then came a rotation. */
static void test_a_rotation_meanwhile(void **state)
{
        Fixture fixture;
        TidyStep steps[2];

        fixture_open(&fixture, LOG_MIN_BYTES, 9);
        put(&fixture, "3.log.1", "newer");
        put(&fixture, "3.log.2", "old");
        steps[0] = step_of(&fixture, TIDY_REPLACE, "3.log.1");
        steps[1] = step_of(&fixture, TIDY_REMOVE, "3.log.2");
        put(&fixture, log_name_of_packing(steps[0].inode).text, "packed");
        rotate(&fixture, 9);
        assert_int_equal(tidy_apply(fixture.directory_fd, steps, 2), 2);
        assert_true(exists(&fixture, "3.log.1"));
        assert_true(exists(&fixture, "3.log.2.gz"));
        assert_false(exists(&fixture, "3.log.2"));
        assert_false(exists(&fixture, "3.log.3"));
        assert_int_equal(tidy_apply(fixture.directory_fd, steps, 2), 0);
        assert_true(exists(&fixture, "3.log.2.gz"));
        fixture_done(&fixture);
}

/* Somebody wrote to it, or removed it: what was compressed is not what is there. */
static void test_another_file_is_left_alone(void **state)
{
        Fixture fixture;
        TidyStep step;

        fixture_open(&fixture, LOG_MIN_BYTES, 9);
        put(&fixture, "3.log.1", "text");
        step = step_of(&fixture, TIDY_REPLACE, "3.log.1");
        step.bytes++;
        put(&fixture, log_name_of_packing(step.inode).text, "packed");
        assert_int_equal(tidy_apply(fixture.directory_fd, &step, 1), 0);
        assert_true(exists(&fixture, "3.log.1"));
        assert_false(exists(&fixture, "3.log.1.gz"));
        assert_false(exists(&fixture, log_name_of_packing(step.inode).text));
        fixture_done(&fixture);
}

static void test_rotation_counts_packed_files(void **state)
{
        Fixture fixture;
        int fds[4];

        fixture_open(&fixture, LOG_MIN_BYTES, 2);
        put(&fixture, "3.log.1", "plain");
        put(&fixture, "3.log.2.gz", "packed");
        rotate(&fixture, 2);
        /* The plain one took the number of the packed one, which was the last. */
        assert_true(exists(&fixture, "3.log.2"));
        assert_false(exists(&fixture, "3.log.2.gz"));
        assert_int_equal(unlinkat(fixture.directory_fd, "3.log.2", 0), 0);
        put(&fixture, "3.log.2.gz", "packed");
        rotate(&fixture, 3);
        assert_true(exists(&fixture, "3.log.3.gz"));
        assert_int_equal(log_open_files(fixture.directory_fd, 3, fds, COUNT_OF(fds)), 4);
        for (size_t i = 0; i < COUNT_OF(fds); i++)
                (void)fd_close(fds[i]);
        rotate(&fixture, 1); /* fewer are kept now */
        assert_false(exists(&fixture, "3.log.2"));
        assert_false(exists(&fixture, "3.log.3.gz"));
        fixture_done(&fixture);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_names_go_both_ways),
                cmocka_unit_test(test_other_names_are_left_alone),
                cmocka_unit_test(test_the_oldest_go_first),
                cmocka_unit_test(test_a_rotation_meanwhile),
                cmocka_unit_test(test_another_file_is_left_alone),
                cmocka_unit_test(test_rotation_counts_packed_files),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
