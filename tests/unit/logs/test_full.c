/* A disk that is full, on a small tmpfs where this process may mount one, and everywhere by a
 * limit of file size: the worker goes on, and the log says how much is missing. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "logs/pipe.h"
#include "logs_testing.h"
#include "sys/fd.h"

enum { DISK_SIZE = 256 * 1024, LINE_SIZE = 100 };

/* One way to be full. */
typedef struct Disk {
        bool is_tmpfs;
        char directory[64];
        const char *reason; /* as the mark gives it */
} Disk;

static void set_file_limit(rlim_t size)
{
        struct rlimit limit;

        assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
        limit.rlim_cur = size == RLIM_INFINITY ? limit.rlim_max : size;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

/* Mounts are made in a namespace of our own: nobody else sees them, and they go with us. */
static bool mount_small(const char *directory)
{
        static bool has_namespace;

        if (!has_namespace && unshare(CLONE_NEWNS) < 0)
                return false;
        has_namespace = true;
        return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0
               && mount("reeve-test", directory, "tmpfs", 0, "size=256k") == 0;
}

static void disk_make_full(Disk *disk)
{
        char path[128], block[4096] = { 0 };
        AUTO_CLOSE fd = -1;

        if (!disk->is_tmpfs) {
                set_file_limit(DISK_SIZE);
                return;
        }
        /* One quarter is left for the log. */
        (void)snprintf(path, sizeof(path), "%s/filler", disk->directory);
        fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        for (unsigned i = 0; i < DISK_SIZE * 3 / 4 / sizeof(block); i++)
                assert_int_equal(write(fd, block, sizeof(block)), sizeof(block));
}

static void disk_make_room(Disk *disk)
{
        char path[128];

        if (!disk->is_tmpfs) {
                set_file_limit(RLIM_INFINITY);
                return;
        }
        (void)snprintf(path, sizeof(path), "%s/filler", disk->directory);
        assert_int_equal(unlink(path), 0);
}

static void disk_open(Disk *disk, bool wants_tmpfs)
{
        char directory[] = "/tmp/reeve-full-XXXXXX";

        assert_non_null(mkdtemp(directory));
        *disk = (Disk){ .is_tmpfs = wants_tmpfs && mount_small(directory) };
        disk->reason = strerror(disk->is_tmpfs ? ENOSPC : EFBIG);
        memcpy(disk->directory, directory, sizeof(directory));
}

static void disk_done(Disk *disk, Fixture *fixture)
{
        set_file_limit(RLIM_INFINITY);
        fixture_close_capture(fixture);
        fixture->directory_fd = fd_close(fixture->directory_fd);
        if (disk->is_tmpfs)
                assert_int_equal(umount2(disk->directory, MNT_DETACH), 0);
        fixture_done(fixture);
}

static void write_line(Fixture *fixture, unsigned number)
{
        char line[LINE_SIZE + 1];

        (void)snprintf(line, sizeof(line), "%010u %088u\n", number, 0);
        fixture_write(fixture, line, LINE_SIZE);
}

/* Lines until the disk is full. Return: how many were written */
static unsigned write_until_full(Fixture *fixture)
{
        unsigned number = 0;

        while (!log_capture_counters(fixture->capture).is_dropping) {
                bool changed;

                assert_true(number < 10 * DISK_SIZE / LINE_SIZE);
                write_line(fixture, number++);
                changed = fixture_move(fixture);
                assert_int_equal(changed, log_capture_counters(fixture->capture).is_dropping);
        }
        return number;
}

/* Whole lines from 0 up, perhaps the part of one, the mark on a line of its own, line @next. */
static void check_gap(const Fixture *fixture, const Disk *disk, unsigned next)
{
        uint64_t dropped = log_capture_counters(fixture->capture).dropped_bytes;
        AUTO_FREE char *text = fixture_read(fixture, 0, NULL);
        char mark[128], line[16], *found;
        unsigned number = 0;

        (void)snprintf(mark, sizeof(mark), "\n[reeve: %llu bytes were dropped here: %s]\n",
                       (unsigned long long)dropped, disk->reason);
        found = strstr(text, mark);
        assert_non_null(found);
        for (char *p = text; p < found; p += LINE_SIZE, number++) {
                (void)snprintf(line, sizeof(line), "%010u ", number);
                assert_memory_equal(p, line, found - p < 11 ? (size_t)(found - p) : 11);
        }
        (void)snprintf(line, sizeof(line), "%010u ", next);
        assert_memory_equal(found + strlen(mark), line, 11);
        assert_int_equal(strlen(found + strlen(mark)), LINE_SIZE);
        /* Every byte is in the file or counted. */
        assert_int_equal(log_capture_counters(fixture->capture).captured_bytes + dropped,
                         (uint64_t)(next + 1) * LINE_SIZE);
}

static void check_drop_and_mark(bool wants_tmpfs)
{
        Fixture fixture;
        Disk disk;
        unsigned number;

        disk_open(&disk, wants_tmpfs);
        fixture_open_in(&fixture, disk.directory, UINT64_MAX, 3);
        disk_make_full(&disk);
        number = write_until_full(&fixture);
        for (unsigned i = 0; i < 100; i++) {
                write_line(&fixture, number++);
                assert_false(fixture_move(&fixture)); /* told once */
                assert_int_equal(log_pipe_waiting(log_capture_fd(fixture.capture)), 0);
        }
        assert_true(log_capture_counters(fixture.capture).is_dropping);
        disk_make_room(&disk);
        write_line(&fixture, number);
        assert_true(fixture_move(&fixture));
        assert_false(log_capture_counters(fixture.capture).is_dropping);
        check_gap(&fixture, &disk, number);
        disk_done(&disk, &fixture);
}

static void test_full_tmpfs(void **state)
{
        check_drop_and_mark(true);
}

static void test_file_size_limit(void **state)
{
        check_drop_and_mark(false);
}

/* Room for a part of the mark only: it is left out, not cut. */
static void test_mark_is_whole_or_not_there(void **state)
{
        AUTO_FREE char *text = NULL;
        Fixture fixture;
        Disk disk;
        size_t length, length_after;

        disk_open(&disk, false);
        fixture_open_in(&fixture, disk.directory, UINT64_MAX, 3);
        disk_make_full(&disk);
        write_line(&fixture, write_until_full(&fixture));
        free(fixture_read(&fixture, 0, &length));
        set_file_limit(length + 10);
        assert_false(fixture_move(&fixture));
        text = fixture_read(&fixture, 0, &length_after);
        assert_int_equal(length_after, length);
        assert_null(strstr(text, "reeve"));
        disk_done(&disk, &fixture);
}

static int write_two_megabytes(int fd)
{
        return write_numbered_lines(fd, 0, 20 * 1000);
}

/* A worker that writes much more than there is room for comes to its end all the same. */
static void test_worker_never_blocks(void **state)
{
        Fixture fixture;
        Disk disk;
        LogCounters counters;

        disk_open(&disk, true);
        fixture_open_in(&fixture, disk.directory, UINT64_MAX, 3);
        disk_make_full(&disk);
        fixture_run(&fixture, write_two_megabytes);
        counters = log_capture_counters(fixture.capture);
        assert_true(counters.is_dropping);
        assert_true(counters.captured_bytes > 0 && counters.captured_bytes <= DISK_SIZE);
        assert_true(counters.captured_bytes + counters.dropped_bytes > 2 * 1000 * 1000);
        disk_done(&disk, &fixture);
}

/* The mark that no output follows is written at the end. */
static void test_last_gap_is_marked_at_the_end(void **state)
{
        AUTO_FREE char *text = NULL;
        Fixture fixture;
        Disk disk;

        disk_open(&disk, true);
        fixture_open_in(&fixture, disk.directory, UINT64_MAX, 3);
        disk_make_full(&disk);
        (void)write_until_full(&fixture);
        disk_make_room(&disk);
        fixture_close_capture(&fixture);
        text = fixture_read(&fixture, 0, NULL);
        assert_non_null(strstr(text, " bytes were dropped here: "));
        assert_int_equal(text[strlen(text) - 2], ']');
        disk_done(&disk, &fixture);
}

/* When the disk fills where a file ends, the old files stay what they are however often the
 * rotation is tried, and it happens once there is room. */
static void test_rotation_on_a_full_disk(void **state)
{
        enum { LIMIT = 60 * 1024 };
        Fixture fixture;
        Disk disk;
        unsigned number = 0;
        uint64_t file;

        disk_open(&disk, true);
        fixture_open_in(&fixture, disk.directory, LIMIT, 5);
        while (number < LIMIT / LINE_SIZE) {
                write_line(&fixture, number++);
                assert_false(fixture_move(&fixture));
        }
        file = log_capture_counters(fixture.capture).file;
        disk_make_full(&disk);
        for (unsigned i = 0; i < 300; i++) {
                write_line(&fixture, number++);
                (void)fixture_move(&fixture);
        }
        if (disk.is_tmpfs) {
                assert_true(log_capture_counters(fixture.capture).is_dropping);
                disk_make_room(&disk);
        }
        write_line(&fixture, number);
        (void)fixture_move(&fixture);
        assert_false(log_capture_counters(fixture.capture).is_dropping);
        assert_true(log_capture_counters(fixture.capture).file > file);
        {
                size_t length;
                AUTO_FREE char *oldest = fixture_read(&fixture, 1, &length);
                AUTO_FREE char *older = fixture_read(&fixture, 2, NULL);

                assert_non_null(oldest);
                assert_true(length <= LIMIT && length > LIMIT - 2 * LINE_SIZE);
                assert_null(older);
        }
        disk_done(&disk, &fixture);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_full_tmpfs),
                cmocka_unit_test(test_file_size_limit),
                cmocka_unit_test(test_mark_is_whole_or_not_there),
                cmocka_unit_test(test_worker_never_blocks),
                cmocka_unit_test(test_last_gap_is_marked_at_the_end),
                cmocka_unit_test(test_rotation_on_a_full_disk),
        };

        (void)signal(SIGXFSZ, SIG_IGN); /* as the daemon does */
        return cmocka_run_group_tests_name("logs/full", tests, NULL, NULL);
}
