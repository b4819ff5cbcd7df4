#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "sys/fd.h"
#include "sys/memfd.h"
#include "sys/packet.h"

static void test_bytes_and_descriptors(void **state)
{
        int ends[2], received[PACKET_FDS_MAX];
        size_t count = 9;
        char buffer[16];
        struct stat sent, got;

        assert_int_equal(packet_pair(ends), 0);
        assert_int_equal(packet_receive(ends[0], buffer, sizeof(buffer), received, &count, NULL),
                         -EAGAIN);
        assert_int_equal(packet_send(ends[1], "hello", 5, ends, 2), 0);
        assert_int_equal(packet_receive(ends[0], buffer, sizeof(buffer), received, &count, NULL),
                         5);
        assert_memory_equal(buffer, "hello", 5);
        assert_int_equal(count, 2);
        assert_true(fcntl(received[0], F_GETFD) & FD_CLOEXEC);
        assert_int_equal(fstat(ends[1], &sent), 0);
        assert_int_equal(fstat(received[1], &got), 0);
        assert_int_equal(sent.st_ino, got.st_ino);
        (void)fd_close(received[0]);
        (void)fd_close(received[1]);
        (void)fd_close(ends[1]);
        assert_int_equal(packet_receive(ends[0], buffer, sizeof(buffer), received, &count, NULL),
                         0);
        (void)fd_close(ends[0]);
}

static void test_what_does_not_fit(void **state)
{
        int ends[2], received[PACKET_FDS_MAX], next;
        size_t count = 9;
        char buffer[4];

        assert_int_equal(packet_pair(ends), 0);
        next = dup(ends[0]);
        (void)fd_close(next);
        assert_int_equal(packet_send(ends[1], "hello", 5, ends, 1), 0);
        assert_int_equal(packet_receive(ends[0], buffer, sizeof(buffer), received, &count, NULL),
                         -EMSGSIZE);
        assert_int_equal(count, 0);
        assert_int_equal(dup(ends[0]), next); /* what came along was closed */
        (void)fd_close(next);
        assert_int_equal(packet_send(ends[1], "", 0, ends, PACKET_FDS_MAX + 1), -E2BIG);
        (void)fd_close(ends[0]);
        assert_int_equal(packet_send(ends[1], "x", 1, NULL, 0), -EPIPE);
        (void)fd_close(ends[1]);
}

/* Without SO_PASSCRED the kernel fills the room for credentials with descriptors as well. */
static void test_more_descriptors_than_fit(void **state)
{
        union {
                struct cmsghdr header;
                char bytes[CMSG_SPACE(sizeof(int) * 72)];
        } control = { 0 };
        char byte = 'x';
        struct iovec part = { &byte, 1 };
        struct msghdr message = { .msg_iov = &part,
                                  .msg_iovlen = 1,
                                  .msg_control = control.bytes,
                                  .msg_controllen = sizeof(control.bytes) };
        int pair[2], many[72], fds[PACKET_FDS_MAX], highest;
        size_t count = 1;

        assert_int_equal(packet_pair(pair), 0);
        for (size_t i = 0; i < 72; i++)
                many[i] = pair[0];
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(sizeof(many));
        memcpy(CMSG_DATA(&control.header), many, sizeof(many));
        assert_int_equal(sendmsg(pair[0], &message, 0), 1);
        highest = dup(pair[0]);
        assert_int_equal(close(highest), 0);
        assert_int_equal(packet_receive(pair[1], &byte, 1, fds, &count, NULL), -EMSGSIZE);
        assert_int_equal(count, 0);
        /* All that came along was closed again: the next number is the one it was. */
        assert_int_equal(dup(pair[0]), highest);
        (void)close(highest);
        (void)close(pair[0]);
        (void)close(pair[1]);
}

static void test_memfd_for_readers(void **state)
{
        void *memory;
        const void *view;
        size_t size;
        struct stat status;
        AUTO_CLOSE fd = memfd_new("test", 8192, &memory);
        AUTO_CLOSE reader = memfd_reopen_read_only(fd);

        assert_true(fd >= 0 && reader >= 0);
        assert_int_equal(fstat(fd, &status), 0);
        assert_int_equal(status.st_mode & 0777, 0400);
        assert_int_equal(ftruncate(fd, 4096), -1);
        assert_int_equal(errno, EPERM);
        assert_int_equal(write(reader, "x", 1), -1);
        memcpy(memory, "here", 5);
        assert_int_equal(memfd_map_read_only(reader, &view, &size), 0);
        assert_int_equal(size, 8192);
        assert_string_equal(view, "here");
        assert_int_equal(munmap((void *)view, size), 0);
        assert_int_equal(munmap(memory, 8192), 0);
}

static void test_memfd_that_could_shrink_is_refused(void **state)
{
        AUTO_CLOSE fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        const void *view;
        size_t size;

        assert_int_equal(ftruncate(fd, 4096), 0);
        assert_int_equal(memfd_map_read_only(fd, &view, &size), -EBADMSG);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_bytes_and_descriptors),
                cmocka_unit_test(test_what_does_not_fit),
                cmocka_unit_test(test_more_descriptors_than_fit),
                cmocka_unit_test(test_memfd_for_readers),
                cmocka_unit_test(test_memfd_that_could_shrink_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
