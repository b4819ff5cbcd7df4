/* listeners.c - see listeners.h */
#include "spawn/listeners.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/text.h"
#include "base/units.h"
#include "sys/fd.h"
#include "sys/files.h"

/* net.core.somaxconn of current kernels; a lower one cuts it. */
enum { BACKLOG = 4096 };

/* Where the sockets lie in a worker: SD_LISTEN_FDS_START of sd_listen_fds(3). */
enum { LISTEN_FDS_START = 3, LISTEN_SEARCH_MAX = 256 };

/* The kernel counts in repetitions of its SYN-ACK, which last no longer than this. */
enum { DEFER_SEC_MAX = 3600 };

static void close_all(Listeners *listeners)
{
        for (size_t i = 0; i < listeners->count; i++)
                (void)fd_close(listeners->shared[i].fd);
        free(listeners->shared);
        free(listeners->name);
        free(listeners->bound);
        *listeners = (Listeners){ 0 };
}

static bool is_local(const ListenAddress *address)
{
        return address->address.any.sa_family == AF_UNIX;
}

/* Path of a socket in the file system, NULL for abstract names and TCP. */
static const char *socket_path(const ListenAddress *address)
{
        const char *path = address->address.local.sun_path;

        return is_local(address) && address->length > offsetof(struct sockaddr_un, sun_path)
                               && path[0]
                       ? path
                       : NULL;
}

static const char *advice(int r, const ListenAddress *address)
{
        switch (-r) {
        case EADDRINUSE:
                return is_local(address)
                               ? "Another program listens there; change ListenStream= or stop it "
                                 "(ss -lxp shows it)"
                               : "Another program listens there; change ListenStream= or stop it "
                                 "(ss -ltnp shows it)";
        case EACCES:
        case EPERM:
                return is_local(address) ? "reeved must be allowed to write to that folder"
                                         : "Ports below 1024 need root or CAP_NET_BIND_SERVICE; "
                                           "choose a higher one";
        case EADDRNOTAVAIL:
                return "No interface of this machine has that address (ip address shows them)";
        case EEXIST: return "There is a file which is no socket; remove it or change ListenStream=";
        case EMFILE:
        case ENFILE: return "Raise LimitNOFILE= of reeved";
        }
        return "Change ListenStream=";
}

static int explain(const char *pool, const char *text, const ListenAddress *address, int r,
                   Error *reterr)
{
        return error_set(reterr, r, "listen-failed", "pool %s: cannot listen on %s: %s. %s", pool,
                         text, r == -EEXIST ? "File exists" : strerror(-r), advice(r, address));
}

/* Return: 1 if the path is free now, 0 if somebody listens, negative errno */
static int remove_stale(const ListenAddress *address)
{
        AUTO_CLOSE fd = -1;
        struct stat status;

        if (lstat(socket_path(address), &status) < 0)
                return errno == ENOENT ? 1 : -errno;
        if (!S_ISSOCK(status.st_mode))
                return -EEXIST;
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0)
                return -errno;
        if (connect(fd, &address->address.any, address->length) == 0 || errno != ECONNREFUSED)
                return 0;
        return unlink(socket_path(address)) < 0 ? -errno : 1;
}

static int bind_local(int fd, const ListenAddress *address)
{
        const char *path = socket_path(address);
        int r = bind(fd, &address->address.any, address->length) < 0 ? -errno : 0;

        if (r == -EADDRINUSE && path) {
                int free_now = remove_stale(address);

                if (free_now <= 0)
                        return free_now < 0 ? free_now : r;
                r = bind(fd, &address->address.any, address->length) < 0 ? -errno : 0;
        }
        /* As SocketMode= of systemd is by default: the folder decides who gets there. */
        if (r == 0 && path && chmod(path, 0666) < 0)
                return -errno;
        return r;
}

static int make_parent(const ListenAddress *address)
{
        const char *path = socket_path(address), *slash = path ? strrchr(path, '/') : NULL;
        AUTO_FREE char *parent = NULL;

        if (!slash || slash == path)
                return 0;
        parent = strndup(path, (size_t)(slash - path));
        return parent ? directory_make(parent, 0755) : -ENOMEM;
}

static int set_options(int fd, const ListenAddress *address, bool is_reuseport)
{
        int on = 1;

        if (is_local(address))
                return 0;
        /* Without it a port stays taken for a minute after its connections have ended. */
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0
            || (is_reuseport && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) < 0))
                return -errno;
        return 0;
}

/* Blocking, as programs get theirs from systemd. Return: descriptor, negative errno */
static int open_one(const ListenAddress *address, bool is_reuseport, bool listens)
{
        AUTO_CLOSE fd = socket(address->address.any.sa_family, address->type | SOCK_CLOEXEC, 0);
        int r;

        if (fd < 0)
                return -errno;
        r = set_options(fd, address, is_reuseport);
        if (r == 0)
                r = make_parent(address);
        if (r == 0 && is_local(address))
                r = bind_local(fd, address);
        else if (r == 0 && bind(fd, &address->address.any, address->length) < 0)
                r = -errno;
        if (r == 0 && listens && listen(fd, BACKLOG) < 0)
                r = -errno;
        return r < 0 ? r : TAKE_FD(fd);
}

/* Connections inherit the first from their listener. Both may be set at any time, and only hasten or
 * defer: a kernel that refuses one is no reason not to listen. */
static void tune(int fd, const PoolConfig *config)
{
        int no_delay = config->no_delay;
        uint64_t defer_sec = (config->defer_accept_usec + USEC_PER_SEC - 1) / USEC_PER_SEC;
        int defer = (int)MIN(defer_sec, (uint64_t)DEFER_SEC_MAX);
        int domain = AF_UNIX;
        socklen_t size = sizeof(domain);

        if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) < 0 || domain == AF_UNIX)
                return;
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &no_delay, sizeof(no_delay));
        (void)setsockopt(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, &defer, sizeof(defer));
}

void listeners_tune(const Listeners *listeners, const PoolConfig *config)
{
        for (size_t i = 0; i < listeners->count; i++)
                tune(listeners->shared[i].fd, config);
}

/* The address as bound: port 0 has become a real one. */
static int read_bound(int fd, ListenAddress *ret)
{
        ret->length = sizeof(ret->address);
        return getsockname(fd, &ret->address.any, &ret->length) < 0 ? -errno : 0;
}

static void append_address(Text *text, const ListenAddress *address)
{
        char host[INET6_ADDRSTRLEN] = "";
        const struct sockaddr_un *local = &address->address.local;

        switch (address->address.any.sa_family) {
        case AF_INET:
                (void)inet_ntop(AF_INET, &address->address.ipv4.sin_addr, host, sizeof(host));
                text_printf(text, "%s:%u", host, ntohs(address->address.ipv4.sin_port));
                break;
        case AF_INET6:
                (void)inet_ntop(AF_INET6, &address->address.ipv6.sin6_addr, host, sizeof(host));
                text_printf(text, "[%s]:%u", host, ntohs(address->address.ipv6.sin6_port));
                break;
        case AF_UNIX:
                if (socket_path(address))
                        text_append(text, local->sun_path);
                else if (address->length > offsetof(struct sockaddr_un, sun_path))
                        text_printf(
                                text, "@%.*s",
                                (int)(address->length - offsetof(struct sockaddr_un, sun_path) - 1),
                                local->sun_path + 1);
                break;
        }
}

static bool gets_own(const Listeners *listeners, const ListenAddress *address)
{
        /* Unix sockets know no reuseport: they are shared in any case. */
        return listeners->mode == LISTEN_REUSEPORT && !is_local(address);
}

static int describe(Listeners *listeners)
{
        AUTO_TEXT text = { 0 };

        for (size_t i = 0; i < listeners->count; i++) {
                ListenAddress bound = { 0 };
                int r = read_bound(listeners->shared[i].fd, &bound);

                if (r < 0)
                        return r;
                if (i > 0)
                        text_append(&text, " ");
                append_address(&text, &bound);
        }
        return text_take(&text, &listeners->bound);
}

int listeners_open(const PoolConfig *config, Listeners *ret, Error *reterr)
{
        Listeners listeners CLEANUP(listeners_done) = { .mode = config->listen_mode };
        int r;

        listeners.shared = calloc(config->listener_count + 1, sizeof(SpawnFd));
        listeners.name = strdup(config->name);
        if (!listeners.shared || !listeners.name)
                return error_set(reterr, -ENOMEM, "listen-failed",
                                 "pool %s: cannot listen: out of memory", config->name);
        for (size_t i = 0; i < config->listener_count; i++) {
                const ListenAddress *address = &config->listeners[i];
                bool is_own = gets_own(&listeners, address);
                int fd = open_one(address, is_own, !is_own);

                if (fd < 0)
                        return explain(config->name, address->text, address, fd, reterr);
                listeners.shared[listeners.count++] = (SpawnFd){ .fd = fd, .name = listeners.name };
        }
        r = describe(&listeners);
        if (r < 0)
                return error_set(reterr, r, "listen-failed", "pool %s: cannot listen: %s",
                                 config->name, strerror(-r));
        listeners_tune(&listeners, config);
        *ret = listeners;
        listeners = (Listeners){ 0 };
        return 0;
}

static bool is_same_port(in_port_t asked, in_port_t bound)
{
        return asked == 0 || asked == bound; /* 0 became some port: take it as it is */
}

static bool is_same_address(const ListenAddress *asked, const ListenAddress *bound)
{
        const struct sockaddr_in *ipv4 = &asked->address.ipv4;
        const struct sockaddr_in6 *ipv6 = &asked->address.ipv6;

        if (asked->address.any.sa_family != bound->address.any.sa_family)
                return false;
        switch (asked->address.any.sa_family) {
        case AF_INET:
                return is_same_port(ipv4->sin_port, bound->address.ipv4.sin_port)
                       && ipv4->sin_addr.s_addr == bound->address.ipv4.sin_addr.s_addr;
        case AF_INET6:
                return is_same_port(ipv6->sin6_port, bound->address.ipv6.sin6_port)
                       && memcmp(&ipv6->sin6_addr, &bound->address.ipv6.sin6_addr,
                                 sizeof(ipv6->sin6_addr))
                                  == 0;
        }
        if (socket_path(asked) || socket_path(bound))
                return text_equal(socket_path(asked), socket_path(bound));
        return asked->length == bound->length
               && memcmp(&asked->address, &bound->address, asked->length) == 0;
}

/* Whether what a worker holds there is the listening socket that the configuration asks for. */
static bool is_listener_for(int fd, const ListenAddress *address)
{
        ListenAddress bound = { 0 };
        int is_listening = 0;
        socklen_t size = sizeof(is_listening);

        return getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &size) == 0 && is_listening
               && read_bound(fd, &bound) == 0 && is_same_address(address, &bound);
}

/* Return: our own descriptor of the socket that the worker has as @number, if it is the one that is
 * looked for; else negative errno */
static int take_from(int pidfd, int number, const ListenAddress *address)
{
        AUTO_CLOSE fd = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);

        if (fd < 0)
                return -errno;
        return is_listener_for(fd, address) ? TAKE_FD(fd) : -EBADF;
}

/* It was given to the worker at a known place; some programs (gunicorn) move it elsewhere. */
static int find_in(int pidfd, int likely, const ListenAddress *address)
{
        int fd = take_from(pidfd, likely, address);

        for (int number = LISTEN_FDS_START; fd < 0 && number < LISTEN_SEARCH_MAX; number++) {
                fd = take_from(pidfd, number, address);
                if (fd == -EPERM || fd == -ESRCH)
                        return fd;
        }
        return fd;
}

int listeners_adopt(const PoolConfig *config, int pidfd, Listeners *ret)
{
        Listeners listeners CLEANUP(listeners_release) = { .mode = config->listen_mode };
        int r;

        /* Each worker has its own; one that is bound anew joins their group. */
        if (config->listen_mode == LISTEN_REUSEPORT)
                return -EOPNOTSUPP;
        listeners.shared = calloc(config->listener_count + 1, sizeof(SpawnFd));
        listeners.name = strdup(config->name);
        if (!listeners.shared || !listeners.name)
                return -ENOMEM;
        for (size_t i = 0; i < config->listener_count; i++) {
                int fd = find_in(pidfd, LISTEN_FDS_START + (int)i, &config->listeners[i]);

                if (fd < 0)
                        return fd;
                listeners.shared[listeners.count++] = (SpawnFd){ .fd = fd, .name = listeners.name };
        }
        r = describe(&listeners);
        if (r < 0)
                return r;
        listeners_tune(&listeners, config);
        *ret = listeners;
        listeners = (Listeners){ 0 };
        return 0;
}

void listeners_done(Listeners *listeners)
{
        for (size_t i = 0; i < listeners->count; i++) {
                ListenAddress bound = { 0 };

                if (read_bound(listeners->shared[i].fd, &bound) == 0 && socket_path(&bound))
                        (void)unlink(socket_path(&bound)); /* may be gone already */
        }
        close_all(listeners);
}

void listeners_release(Listeners *listeners)
{
        close_all(listeners);
}

int listeners_for_slot(const Listeners *listeners, const PoolConfig *config, int *slot_fds,
                       SpawnFd *ret, Error *reterr)
{
        for (size_t i = 0; i < listeners->count; i++) {
                ListenAddress address = { .type = SOCK_STREAM };
                int r = read_bound(listeners->shared[i].fd, &address);

                ret[i] = listeners->shared[i];
                if (r < 0)
                        return explain(config->name, listeners->bound, &address, r, reterr);
                if (!gets_own(listeners, &address))
                        continue;
                if (slot_fds[i] < 0) {
                        slot_fds[i] = open_one(&address, true, true);
                        if (slot_fds[i] < 0)
                                return explain(config->name, listeners->bound, &address,
                                               slot_fds[i], reterr);
                }
                tune(slot_fds[i], config);
                ret[i].fd = slot_fds[i];
        }
        return 0;
}
