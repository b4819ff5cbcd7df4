#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "spawn/listeners.h"
#include "sys/fd.h"

typedef struct Folder {
        char path[64], socket[128];
} Folder;

static int make_folder(void **state)
{
        static Folder folder;

        strcpy(folder.path, "/tmp/reeve-listen-XXXXXX");
        assert_non_null(mkdtemp(folder.path));
        (void)snprintf(folder.socket, sizeof(folder.socket), "%s/deep/er/sock", folder.path);
        *state = &folder;
        return 0;
}

static int remove_folder(void **state)
{
        Folder *folder = *state;
        char path[128];

        (void)unlink(folder->socket);
        (void)snprintf(path, sizeof(path), "%s/deep/er", folder->path);
        (void)rmdir(path);
        (void)snprintf(path, sizeof(path), "%s/deep", folder->path);
        (void)rmdir(path);
        return rmdir(folder->path);
}

static ListenAddress tcp(const char *host, uint16_t port)
{
        ListenAddress address = { .text = (char *)host, .type = SOCK_STREAM };

        if (strchr(host, ':')) {
                address.length = sizeof(address.address.ipv6);
                address.address.ipv6.sin6_family = AF_INET6;
                address.address.ipv6.sin6_port = htons(port);
                assert_int_equal(inet_pton(AF_INET6, host, &address.address.ipv6.sin6_addr), 1);
        } else {
                address.length = sizeof(address.address.ipv4);
                address.address.ipv4.sin_family = AF_INET;
                address.address.ipv4.sin_port = htons(port);
                assert_int_equal(inet_pton(AF_INET, host, &address.address.ipv4.sin_addr), 1);
        }
        return address;
}

static ListenAddress local(const char *path)
{
        ListenAddress address = { .text = (char *)path, .type = SOCK_STREAM };

        address.address.local.sun_family = AF_UNIX;
        (void)text_copy(address.address.local.sun_path, sizeof(address.address.local.sun_path),
                        path);
        address.length = sizeof(address.address.local);
        return address;
}

static uint16_t port_of(int fd)
{
        struct sockaddr_in address;
        socklen_t length = sizeof(address);

        assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
        return ntohs(address.sin_port);
}

/* A connection that the listener takes. */
static int reach(int listener)
{
        struct sockaddr_storage address;
        socklen_t length = sizeof(address);
        AUTO_CLOSE client = -1;

        assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
        client = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
        return connect(client, (struct sockaddr *)&address, length) < 0 ? -errno : 0;
}

static void test_shared(void **state)
{
        Folder *folder = *state;
        ListenAddress addresses[] = { tcp("127.0.0.1", 0), local(folder->socket) };
        PoolConfig config = { .name = "web", .listeners = addresses, .listener_count = 2 };
        Listeners listeners;
        SpawnFd handed[2];
        int slot_fds[2] = { -1, -1 };
        char expected[200];
        struct stat status;
        Error error = { 0 };

        assert_int_equal(listeners_open(&config, &listeners, &error), 0);
        (void)snprintf(expected, sizeof(expected), "127.0.0.1:%u %s",
                       port_of(listeners.shared[0].fd), folder->socket);
        assert_string_equal(listeners.bound, expected);
        assert_int_equal(stat(folder->socket, &status), 0);
        assert_int_equal(status.st_mode & 0777, 0666);
        assert_int_equal(listeners_for_slot(&listeners, &config, slot_fds, handed, &error), 0);
        for (int i = 0; i < 2; i++) {
                assert_int_equal(handed[i].fd, listeners.shared[i].fd);
                assert_string_equal(handed[i].name, "web");
                assert_int_equal(slot_fds[i], -1);
                assert_int_equal(reach(handed[i].fd), 0);
                assert_true(fcntl(handed[i].fd, F_GETFD) & FD_CLOEXEC);
                assert_false(fcntl(handed[i].fd, F_GETFL) & O_NONBLOCK);
        }
        listeners_done(&listeners);
        assert_int_equal(access(folder->socket, F_OK), -1);
        assert_int_equal(listeners.count, 0);
}

static int tcp_option(int fd, int option)
{
        int value = -1;
        socklen_t size = sizeof(value);

        assert_int_equal(getsockopt(fd, IPPROTO_TCP, option, &value, &size), 0);
        return value;
}

/* The kernel rounds the time up to its repetitions. */
static void test_options_of_sockets_that_are_open(void **state)
{
        ListenAddress address = tcp("127.0.0.1", 0);
        PoolConfig config = { .name = "web", .listeners = &address, .listener_count = 1 };
        Listeners listeners;
        Error error = { 0 };
        int fd;

        config.no_delay = true;
        assert_int_equal(listeners_open(&config, &listeners, &error), 0);
        fd = listeners.shared[0].fd;
        assert_int_not_equal(tcp_option(fd, TCP_NODELAY), 0);
        assert_int_equal(tcp_option(fd, TCP_DEFER_ACCEPT), 0);
        config.no_delay = false;
        config.defer_accept_usec = 2500000;
        listeners_tune(&listeners, &config);
        assert_int_equal(tcp_option(fd, TCP_NODELAY), 0);
        assert_true(tcp_option(fd, TCP_DEFER_ACCEPT) >= 3);
        config.defer_accept_usec = 0;
        listeners_tune(&listeners, &config);
        assert_int_equal(tcp_option(fd, TCP_DEFER_ACCEPT), 0);
        listeners_done(&listeners);
}

static void test_reuseport(void **state)
{
        Folder *folder = *state;
        ListenAddress addresses[] = { tcp("127.0.0.1", 0), local(folder->socket) };
        PoolConfig config = { .name = "web",
                              .listeners = addresses,
                              .listener_count = 2,
                              .listen_mode = LISTEN_REUSEPORT };
        int first[2] = { -1, -1 }, second[2] = { -1, -1 };
        Listeners listeners;
        SpawnFd one[2], two[2], again[2];
        Error error = { 0 };

        assert_int_equal(listeners_open(&config, &listeners, &error), 0);
        assert_int_equal(reach(listeners.shared[0].fd), -ECONNREFUSED); /* only reserved */
        assert_int_equal(listeners_for_slot(&listeners, &config, first, one, &error), 0);
        assert_int_equal(listeners_for_slot(&listeners, &config, second, two, &error), 0);
        assert_int_not_equal(one[0].fd, two[0].fd);
        assert_int_equal(port_of(one[0].fd), port_of(two[0].fd));
        assert_int_equal(reach(one[0].fd), 0);
        /* The next life of the slot gets the same one. */
        assert_int_equal(listeners_for_slot(&listeners, &config, first, again, &error), 0);
        assert_int_equal(again[0].fd, one[0].fd);
        assert_int_equal(one[1].fd, listeners.shared[1].fd); /* unix sockets are shared */
        assert_int_equal(first[1], -1);
        (void)fd_close(first[0]);
        (void)fd_close(second[0]);
        listeners_done(&listeners);
}

static void test_ipv6(void **state)
{
        ListenAddress address = tcp("::1", 0);
        PoolConfig config = { .name = "web", .listeners = &address, .listener_count = 1 };
        Listeners listeners;
        Error error = { 0 };
        int r = listeners_open(&config, &listeners, &error);

        if (r < 0) { /* a machine without IPv6 */
                assert_non_null(strstr(error.message, "pool web: cannot listen on ::1: "));
                return;
        }
        assert_non_null(text_after(listeners.bound, "[::1]:"));
        listeners_done(&listeners);
}

static void refused(ListenAddress address, int expected, const char *sentence)
{
        PoolConfig config = { .name = "web", .listeners = &address, .listener_count = 1 };
        Listeners listeners = { 0 };
        Error error = { 0 };

        assert_int_equal(listeners_open(&config, &listeners, &error), expected);
        assert_string_equal(error.code, "listen-failed");
        if (!strstr(error.message, sentence))
                fail_msg("%s", error.message);
        assert_null(listeners.shared);
}

static void test_address_in_use(void **state)
{
        ListenAddress address = tcp("127.0.0.1", 0);
        PoolConfig config = { .name = "web", .listeners = &address, .listener_count = 1 };
        Listeners listeners;
        Error error = { 0 };

        assert_int_equal(listeners_open(&config, &listeners, &error), 0);
        refused(tcp("127.0.0.1", port_of(listeners.shared[0].fd)), -EADDRINUSE,
                "pool web: cannot listen on 127.0.0.1: Address already in use. Another program "
                "listens there; change ListenStream= or stop it (ss -ltnp shows it)");
        listeners_done(&listeners);
        refused(tcp("192.0.2.1", 0), -EADDRNOTAVAIL, "No interface of this machine");
}

static void test_socket_file_that_is_used(void **state)
{
        Folder *folder = *state;
        ListenAddress address = local(folder->socket);
        PoolConfig config = { .name = "web", .listeners = &address, .listener_count = 1 };
        Listeners listeners, again;
        Error error = { 0 };

        assert_int_equal(listeners_open(&config, &listeners, &error), 0);
        refused(address, -EADDRINUSE, "(ss -lxp shows it)");
        assert_int_equal(reach(listeners.shared[0].fd), 0); /* it was left alone */
        /* Workers go on without us; when they too are gone the file is stale. */
        listeners_release(&listeners);
        assert_int_equal(access(folder->socket, F_OK), 0);
        assert_int_equal(listeners_open(&config, &again, &error), 0);
        assert_int_equal(reach(again.shared[0].fd), 0);
        listeners_done(&again);
}

static void test_file_that_is_no_socket(void **state)
{
        Folder *folder = *state;
        char path[128];
        AUTO_CLOSE fd = -1;

        (void)snprintf(path, sizeof(path), "%s/file", folder->path);
        fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        refused(local(path), -EEXIST, "There is a file which is no socket");
        assert_int_equal(unlink(path), 0);
        refused(local("/proc/none/sock"), -ENOENT, "cannot listen on /proc/none/sock");
}

/* When the second fails, the first is given back. */
static void test_all_or_nothing(void **state)
{
        Folder *folder = *state;
        ListenAddress addresses[] = { local(folder->socket), tcp("192.0.2.1", 0) };
        PoolConfig config = { .name = "web", .listeners = addresses, .listener_count = 2 };
        Listeners listeners = { 0 };
        Error error = { 0 };
        int next = dup(0);

        (void)close(next);
        assert_int_equal(listeners_open(&config, &listeners, &error), -EADDRNOTAVAIL);
        assert_int_equal(access(folder->socket, F_OK), -1);
        assert_int_equal(dup(0), next);
        (void)close(next);
}

/* A worker that was given the sockets, while we forgot them. */
static pid_t start_holder(const Listeners *listeners)
{
        int fds[8], ready[2];
        char byte;
        pid_t pid;

        assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
        if (dup3(ready[1], 30, O_CLOEXEC) != 30) /* out of the way of dup2 below */
                fail();
        (void)close(ready[1]);
        ready[1] = 30;
        for (size_t i = 0; i < listeners->count; i++)
                fds[i] = fcntl(listeners->shared[i].fd, F_DUPFD_CLOEXEC, 20);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                for (size_t i = 0; i < listeners->count; i++)
                        if (dup2(fds[i], 3 + (int)i) < 0)
                                _exit(1);
                if (write(ready[1], "", 1) != 1)
                        _exit(1);
                for (;;)
                        (void)pause();
        }
        assert_int_equal(read(ready[0], &byte, 1), 1);
        (void)close(ready[0]);
        (void)close(ready[1]);
        for (size_t i = 0; i < listeners->count; i++)
                (void)close(fds[i]);
        return pid;
}

static void test_taken_back_from_a_worker(void **state)
{
        Folder *folder = *state;
        ListenAddress addresses[] = { tcp("127.0.0.1", 0), local(folder->socket) };
        ListenAddress other[] = { tcp("127.0.0.2", 0), local(folder->socket) };
        PoolConfig config = { .name = "web", .listeners = addresses, .listener_count = 2 };
        PoolConfig changed = { .name = "web", .listeners = other, .listener_count = 2 };
        PoolConfig reuseport = { .name = "web", .listen_mode = LISTEN_REUSEPORT };
        Listeners listeners, back = { 0 };
        AUTO_FREE char *bound = NULL;
        AUTO_CLOSE pidfd = -1;
        Error error = { 0 };
        pid_t pid;

        assert_int_equal(listeners_open(&config, &listeners, &error), 0);
        bound = strdup(listeners.bound);
        pid = start_holder(&listeners);
        pidfd = pidfd_open(pid, 0);
        listeners_release(&listeners);
        assert_int_equal(listeners_adopt(&config, pidfd, &back), 0);
        assert_string_equal(back.bound, bound);
        assert_int_equal(back.count, 2);
        assert_string_equal(back.shared[1].name, "web");
        for (int i = 0; i < 2; i++) {
                assert_int_equal(reach(back.shared[i].fd), 0);
                assert_true(fcntl(back.shared[i].fd, F_GETFD) & FD_CLOEXEC);
        }
        listeners_release(&back);
        assert_int_equal(listeners_adopt(&changed, pidfd, &back), -EBADF);
        assert_int_equal(listeners_adopt(&reuseport, pidfd, &back), -EOPNOTSUPP);
        assert_int_equal(access(folder->socket, F_OK), 0); /* it still serves */
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        assert_true(listeners_adopt(&config, pidfd, &back) < 0);
        assert_null(back.shared);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
        const struct CMUnitTest tests[] = {
                IN_A_FOLDER(test_shared),
                IN_A_FOLDER(test_reuseport),
                cmocka_unit_test(test_options_of_sockets_that_are_open),
                cmocka_unit_test(test_ipv6),
                cmocka_unit_test(test_address_in_use),
                IN_A_FOLDER(test_socket_file_that_is_used),
                IN_A_FOLDER(test_file_that_is_no_socket),
                IN_A_FOLDER(test_all_or_nothing),
                IN_A_FOLDER(test_taken_back_from_a_worker),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
