/* logs_testing.c - see logs_testing.h */
#include "logs_testing.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/text.h"
#include "logs/pipe.h"
#include "sys/fd.h"
#include "sys/files.h"

enum { SLOT = 3, FILE_MAX = 256 * 1024 * 1024 };

void fixture_open_in(Fixture *fixture, const char *directory, uint64_t max_bytes,
                     unsigned max_files)
{
        Error error = { 0 };

        *fixture = (Fixture){ 0 };
        assert_true(text_copy(fixture->directory, sizeof(fixture->directory), directory));
        fixture->directory_fd = log_directory_open(directory, "web", &error);
        assert_true(fixture->directory_fd >= 0);
        fixture->settings = (LogSettings){ .directory_fd = fixture->directory_fd,
                                           .subject = "pool web",
                                           .pool = "web",
                                           .stream = "both",
                                           .slot = SLOT,
                                           .max_bytes = max_bytes,
                                           .max_files = max_files,
                                           .reader_group = (gid_t)-1 };
        assert_int_equal(log_capture_new(&fixture->settings, &fixture->capture, &error), 0);
}

void fixture_open(Fixture *fixture, uint64_t max_bytes, unsigned max_files)
{
        char directory[] = "/tmp/reeve-logs-XXXXXX";

        assert_non_null(mkdtemp(directory));
        fixture_open_in(fixture, directory, max_bytes, max_files);
}

void fixture_done(Fixture *fixture)
{
        char command[128];

        fixture_close_capture(fixture);
        (void)fd_close(fixture->directory_fd);
        (void)snprintf(command, sizeof(command), "rm -rf '%s'", fixture->directory);
        assert_int_equal(system(command), 0);
}

void fixture_close_capture(Fixture *fixture)
{
        fixture->capture = log_capture_free(fixture->capture);
}

void fixture_write(Fixture *fixture, const void *bytes, size_t length)
{
        AUTO_CLOSE fd = log_capture_open_writer(fixture->capture, geteuid());

        assert_true(fd >= 0);
        assert_int_equal(write(fd, bytes, length), length);
}

bool fixture_move(Fixture *fixture)
{
        bool changed = false;
        int r;

        do {
                r = log_capture_move(fixture->capture);
                assert_true(r >= 0);
                changed |= (r & LOG_MOVE_CHANGED) != 0;
        } while (log_pipe_waiting(log_capture_fd(fixture->capture)) > 0);
        return changed;
}

void fixture_pump(Fixture *fixture, pid_t pid)
{
        AUTO_CLOSE pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
        struct pollfd polls[2] = { { .fd = log_capture_fd(fixture->capture), .events = POLLIN },
                                   { .fd = pidfd, .events = POLLIN } };
        int status;

        assert_true(pidfd >= 0);
        while (!polls[1].revents) {
                assert_true(poll(polls, 2, -1) > 0);
                assert_true(log_capture_move(fixture->capture) >= 0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        (void)fixture_move(fixture);
}

void fixture_run(Fixture *fixture, int (*work)(int fd))
{
        AUTO_CLOSE fd = log_capture_open_writer(fixture->capture, geteuid());
        pid_t pid = fork();

        assert_true(fd >= 0 && pid >= 0);
        if (pid == 0)
                _exit(work(fd));
        fixture_pump(fixture, pid);
}

char *fixture_read(const Fixture *fixture, unsigned number, size_t *ret_length)
{
        char name[32], *text = NULL;
        int r;

        if (number == 0)
                (void)snprintf(name, sizeof(name), "%u.log", SLOT);
        else
                (void)snprintf(name, sizeof(name), "%u.log.%u", SLOT, number);
        r = file_read(fixture->directory_fd, name, FILE_MAX, &text, ret_length);
        assert_true(r == 0 || r == -ENOENT);
        return text;
}

char *fixture_read_all(const Fixture *fixture, size_t *ret_length, unsigned *ret_files)
{
        unsigned files = 0;
        char *part, *text;
        Text all = { 0 };
        size_t length;

        while ((part = fixture_read(fixture, files, NULL))) {
                free(part);
                files++;
        }
        for (unsigned number = files; number-- > 0;) {
                part = fixture_read(fixture, number, &length);
                assert_non_null(part);
                if (number > 0)
                        assert_int_equal(part[length - 1], '\n');
                text_append_bytes(&all, part, length);
                free(part);
        }
        *ret_length = all.length;
        *ret_files = files;
        assert_int_equal(text_take(&all, &text), 0);
        return text;
}

/* Lengths that fall on all sides of pages, with some longer than one. */
static unsigned padding_of(unsigned number)
{
        return number % 97 == 0 ? 5000 : number * 7 % 180;
}

int write_numbered_lines(int fd, unsigned first, unsigned count)
{
        FILE *stream = fdopen(dup(fd), "w");

        for (unsigned number = first; stream && number < first + count; number++)
                if (fprintf(stream, "%u %0*u\n", number, (int)padding_of(number) + 1, 7) < 0)
                        return 1;
        return stream && fclose(stream) == 0 ? 0 : 1;
}

void check_numbered_lines(const char *text, size_t length, unsigned count)
{
        const char *p = text, *end = text + length;

        for (unsigned number = 0; number < count; number++) {
                const char *newline = memchr(p, '\n', (size_t)(end - p));
                char expected[32];
                int head = snprintf(expected, sizeof(expected), "%u ", number);

                assert_non_null(newline);
                assert_memory_equal(p, expected, head);
                assert_int_equal(newline - p, head + (int)padding_of(number) + 1);
                assert_int_equal(strspn(p + head, "0"), padding_of(number));
                p = newline + 1;
        }
        assert_ptr_equal(p, end);
}
