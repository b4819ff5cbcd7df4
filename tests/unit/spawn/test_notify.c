#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "spawn/notify.h"
#include "sys/fd.h"
#include "sys/packet.h"

static int parse(const char *text, NotifyMessage *ret)
{
        return notify_parse(text, strlen(text), ret);
}

static void test_known_lines(void **state)
{
        NotifyMessage message;

        assert_int_equal(parse("READY=1\nSTATUS=Serving \xF0\x9F\x90\x8D\nMAINPID=4711", &message),
                         0);
        assert_true(message.is_ready && message.has_status && message.has_main_pid);
        assert_string_equal(message.status, "Serving \xF0\x9F\x90\x8D");
        assert_int_equal(message.main_pid, 4711);
        assert_false(message.is_stopping || message.is_reloading || message.has_extend);
        assert_int_equal(parse("STOPPING=1\nRELOADING=1\nMONOTONIC_USEC=5\n", &message), 0);
        assert_true(message.is_stopping && message.is_reloading);
        assert_int_equal(parse("WATCHDOG=1", &message), 0);
        assert_true(message.is_watchdog && !message.is_watchdog_trigger);
        assert_int_equal(parse("WATCHDOG=trigger", &message), 0);
        assert_true(message.is_watchdog_trigger && !message.is_watchdog);
        assert_int_equal(parse("X_REEVE_TASKS_DONE=12", &message), 0);
        assert_true(message.has_tasks);
        assert_int_equal(message.tasks_done, 12);
        assert_int_equal(parse("EXTEND_TIMEOUT_USEC=5000000", &message), 0);
        assert_int_equal(message.extend_usec, 5000000);
        assert_int_equal(parse("STATUS=", &message), 0);
        assert_true(message.has_status);
        assert_string_equal(message.status, "");
        assert_int_equal(notify_parse("READY=1", sizeof("READY=1"), &message), 0);
}

static void test_what_is_not_for_us(void **state)
{
        NotifyMessage message, empty = { 0 };

        assert_int_equal(parse("BARRIER=1", &message), 0);
        assert_int_equal(parse("FDSTORE=1\nFDNAME=x\nX_MINE=2\nready=1\n\n no key", &message), 0);
        assert_memory_equal(&message, &empty, sizeof(message));
        assert_int_equal(parse("READY=0\nREADY=11\nXREADY=1\nWATCHDOG=2", &message), 0);
        assert_memory_equal(&message, &empty, sizeof(message));
}

static void test_t31_garbage_is_refused(void **state)
{
        static const char *const bad[] = {
                "MAINPID=0",
                "MAINPID=1",
                "MAINPID=-5",
                "MAINPID=",
                "MAINPID=12x",
                "MAINPID= 12",
                "MAINPID=99999999999",
                "MAINPID=0x10",
                "READY=1\nMAINPID=1",
                "X_REEVE_TASKS_DONE=",
                "X_REEVE_TASKS_DONE=-1",
                "EXTEND_TIMEOUT_USEC=",
                "EXTEND_TIMEOUT_USEC=-1",
                "EXTEND_TIMEOUT_USEC=5s",
        };
        NotifyMessage message;
        char big[5000];

        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
                assert_int_equal(parse(bad[i], &message), -EBADMSG);
        assert_int_equal(notify_parse("", 0, &message), -EBADMSG);
        assert_int_equal(notify_parse("\0", 1, &message), -EBADMSG);
        assert_int_equal(notify_parse("READY=1\0X", 9, &message), -EBADMSG);
        memset(big, 'A', sizeof(big));
        assert_int_equal(notify_parse(big, sizeof(big), &message), -EBADMSG);
        assert_int_equal(notify_parse(big, 4096, &message), 0);
}

static void test_status_is_fit_to_show(void **state)
{
        NotifyMessage message;
        char text[600] = "STATUS=";

        assert_int_equal(parse("STATUS=a\x1b[2Jb\xff\xe2\x80\xae", &message), 0);
        assert_string_equal(message.status, "a?[2Jb\xEF\xBF\xBD?");
        for (size_t i = 7; i + 2 < sizeof(text); i += 2)
                memcpy(text + i, "\xC3\xA4", 3);
        assert_int_equal(parse(text, &message), 0);
        assert_true(strlen(message.status) < sizeof(message.status));
        assert_true(utf8_is_valid(message.status, strlen(message.status)));
}

/* Any bytes at all: an answer, and nothing worse. */
static void test_random_bytes(void **state)
{
        static const char *const pieces[] = { "READY=1", "MAINPID=", "STATUS=",  "\n", "=",
                                              "\xff",    "12345",    "WATCHDOG", "\t", "" };
        unsigned random = 1;

        for (int round = 0; round < 20000; round++) {
                NotifyMessage message;
                char text[256] = "";
                size_t length = 0;

                for (int i = 0; i < 12; i++) {
                        random = random * 1103515245 + 12345;
                        length += (size_t)snprintf(text + length, sizeof(text) - length, "%s",
                                                   pieces[random >> 16 & 7]);
                }
                if (notify_parse(text, length, &message) == 0 && message.has_main_pid)
                        assert_true(message.main_pid > 1);
        }
}

/* ---- the socket ---- */

typedef struct Wire {
        char folder[64], path[96];
        int fd, sender;
} Wire;

static int open_wire(void **state)
{
        static Wire wire;
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        Error error;

        strcpy(wire.folder, "/tmp/reeve-notify-XXXXXX");
        assert_non_null(mkdtemp(wire.folder));
        (void)snprintf(wire.path, sizeof(wire.path), "%s/notify", wire.folder);
        wire.fd = notify_listen(wire.path, &error);
        assert_true(wire.fd >= 0);
        strcpy(address.sun_path, wire.path);
        wire.sender = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(wire.sender, (struct sockaddr *)&address, sizeof(address)), 0);
        *state = &wire;
        return 0;
}

static int close_wire(void **state)
{
        Wire *wire = *state;

        (void)fd_close(wire->fd);
        (void)fd_close(wire->sender);
        (void)unlink(wire->path);
        return rmdir(wire->folder);
}

static void test_sender_is_known(void **state)
{
        Wire *wire = *state;
        NotifyMessage message;
        struct stat status;

        assert_int_equal(stat(wire->path, &status), 0);
        assert_int_equal(status.st_mode & 0777, 0666);
        assert_int_equal(notify_receive(wire->fd, &message), 0);
        assert_int_equal(packet_send(wire->sender, "READY=1", 7, NULL, 0), 0);
        assert_int_equal(notify_receive(wire->fd, &message), 1);
        assert_true(message.is_ready);
        assert_int_equal(message.sender, getpid());
        assert_int_equal(notify_receive(wire->fd, &message), 0);
}

static void test_descriptors_are_closed(void **state)
{
        Wire *wire = *state;
        NotifyMessage message;
        int barrier[2], fds[PACKET_FDS_MAX], next = dup(0);
        char byte;

        (void)close(next);
        assert_int_equal(pipe2(barrier, O_CLOEXEC), 0);
        assert_int_equal(packet_send(wire->sender, "BARRIER=1", 9, &barrier[1], 1), 0);
        (void)close(barrier[1]);
        assert_int_equal(notify_receive(wire->fd, &message), 1);
        assert_int_equal(read(barrier[0], &byte, 1), 0); /* what the sender waits for */
        (void)close(barrier[0]);

        for (int i = 0; i < PACKET_FDS_MAX; i++)
                fds[i] = wire->sender;
        assert_int_equal(packet_send(wire->sender, "MAINPID=0", 9, fds, PACKET_FDS_MAX), 0);
        assert_int_equal(notify_receive(wire->fd, &message), -EBADMSG);
        assert_int_equal(dup(0), next);
        (void)close(next);
}

/* More than the buffer for them takes: the kernel drops the rest, none stays open. */
static void test_t31_many_descriptors(void **state)
{
        enum { MANY = 253 };
        Wire *wire = *state;
        NotifyMessage message;
        char control[CMSG_SPACE(sizeof(int) * MANY)] __attribute__((aligned(8))) = { 0 };
        struct iovec part = { .iov_base = "READY=1", .iov_len = 7 };
        struct msghdr header = { .msg_iov = &part,
                                 .msg_iovlen = 1,
                                 .msg_control = control,
                                 .msg_controllen = sizeof(control) };
        struct cmsghdr *rights = CMSG_FIRSTHDR(&header);
        int next = dup(0), fds[MANY];

        (void)close(next);
        for (int i = 0; i < MANY; i++)
                fds[i] = 0;
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof(fds));
        memcpy(CMSG_DATA(rights), fds, sizeof(fds));
        assert_int_equal(sendmsg(wire->sender, &header, 0), 7);
        (void)notify_receive(wire->fd, &message);
        assert_int_equal(dup(0), next);
        (void)close(next);
}

static void test_too_long_and_empty(void **state)
{
        Wire *wire = *state;
        NotifyMessage message;
        char big[8192];

        memset(big, 'A', sizeof(big));
        assert_int_equal(packet_send(wire->sender, big, sizeof(big), NULL, 0), 0);
        assert_int_equal(packet_send(wire->sender, "", 0, NULL, 0), 0);
        assert_int_equal(packet_send(wire->sender, "READY=1", 7, NULL, 0), 0);
        assert_int_equal(notify_receive(wire->fd, &message), -EBADMSG);
        assert_int_equal(notify_receive(wire->fd, &message), -EBADMSG);
        assert_int_equal(notify_receive(wire->fd, &message), 1);
}

static void test_old_socket_is_replaced_but_no_file(void **state)
{
        Wire *wire = *state;
        char path[128];
        Error error = { 0 };
        AUTO_CLOSE again = notify_listen(wire->path, &error);
        AUTO_CLOSE file = -1;

        assert_true(again >= 0);
        (void)snprintf(path, sizeof(path), "%s/file", wire->folder);
        file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        assert_true(file >= 0);
        assert_int_equal(notify_listen(path, &error), -EADDRINUSE);
        assert_non_null(strstr(error.message, path));
        assert_int_equal(access(path, F_OK), 0);
        assert_int_equal(unlink(path), 0);
}

static void test_path_too_long(void **state)
{
        char path[200];
        Error error = { 0 };

        memset(path, 'x', sizeof(path));
        path[0] = '/';
        path[sizeof(path) - 1] = '\0';
        assert_int_equal(notify_listen(path, &error), -ENAMETOOLONG);
        assert_non_null(strstr(error.message, "--runtime"));
}

#define ON_THE_WIRE(test) cmocka_unit_test_setup_teardown(test, open_wire, close_wire)

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_known_lines),
                cmocka_unit_test(test_what_is_not_for_us),
                cmocka_unit_test(test_t31_garbage_is_refused),
                cmocka_unit_test(test_status_is_fit_to_show),
                cmocka_unit_test(test_random_bytes),
                ON_THE_WIRE(test_sender_is_known),
                ON_THE_WIRE(test_descriptors_are_closed),
                ON_THE_WIRE(test_t31_many_descriptors),
                ON_THE_WIRE(test_too_long_and_empty),
                ON_THE_WIRE(test_old_socket_is_replaced_but_no_file),
                cmocka_unit_test(test_path_too_long),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
