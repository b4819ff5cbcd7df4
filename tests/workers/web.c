/* web.c - usage: worker-web [MSEC]
 *
 * A web server of reeve/worker.h on the socket that reeve passed: it answers each request with its
 * PID, the TID that answered, and how many this process has answered, as JSON; MSEC says for how
 * long each one sleeps first.
 *
 * One thread waits for all connections, and gives one to the pool whenever something came on it
 * (EPOLLONESHOT), so that clients who say nothing hold no threads. SIGTERM, which is also how
 * reeve drains it, loses nobody a request: it takes no further connections (they wait in the
 * shared socket for its siblings), answers what comes on the old ones with Connection: close, and
 * reads until the client has closed too: closing a socket with unread bytes would take the answer
 * back. A connection on which nothing comes for LEAVING_MSEC is closed. */
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include "reeve/worker.h"

enum { REQUEST_MAX = 4096, EVENTS_MAX = 64, LEAVING_MSEC = 2000 };

typedef struct Connection {
        int fd;
        bool is_over; /* the last answer is out, we wait for the client's close */
        size_t length;
        struct Connection *next, **place; /* in `connections`, for the end of the process */
        char bytes[REQUEST_MAX + 1];
} Connection;

static struct {
        int epoll, listener, signal_fd, woken;
        unsigned sleep_msec;
        ReevePool *pool;
        atomic_bool is_leaving;
        atomic_uint answers;
        pthread_mutex_t lock;
        Connection *connections;
        unsigned count;
} web = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void die(const char *what)
{
        perror(what);
        exit(EXIT_FAILURE);
}

/* ---- connections ---- */

static bool watch(Connection *connection, int how)
{
        struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP | EPOLLONESHOT,
                                     .data.ptr = connection };

        return epoll_ctl(web.epoll, how, connection->fd, &event) == 0;
}

static void connection_add(Connection *connection)
{
        (void)pthread_mutex_lock(&web.lock);
        connection->next = web.connections;
        connection->place = &web.connections;
        if (connection->next)
                connection->next->place = &connection->next;
        web.connections = connection;
        web.count++;
        (void)pthread_mutex_unlock(&web.lock);
}

static void connection_free(Connection *connection)
{
        (void)pthread_mutex_lock(&web.lock);
        *connection->place = connection->next;
        if (connection->next)
                connection->next->place = connection->place;
        (void)close(connection->fd);
        web.count--;
        if (web.count == 0 && atomic_load(&web.is_leaving))
                (void)eventfd_write(web.woken, 1);
        (void)pthread_mutex_unlock(&web.lock);
        free(connection);
}

static void on_listener(void)
{
        int fd = accept4(web.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC), on = 1;
        Connection *connection;

        if (fd < 0)
                return; /* a sibling was faster */
        (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        connection = calloc(1, sizeof(*connection));
        if (!connection)
                die("calloc");
        connection->fd = fd;
        connection_add(connection);
        if (!watch(connection, EPOLL_CTL_ADD))
                connection_free(connection);
}

/* ---- requests, by the threads of the pool ---- */

/* Return: length of the first request, its body included; 0: it is not whole yet */
static size_t whole_request(const Connection *connection)
{
        const char *end = strstr(connection->bytes, "\r\n\r\n");
        const char *length = strcasestr(connection->bytes, "\r\ncontent-length:");
        size_t wanted;

        if (!end)
                return 0;
        wanted = (size_t)(end + 4 - connection->bytes);
        if (length && length < end)
                wanted += strtoul(length + strlen("\r\ncontent-length:"), NULL, 10);
        return wanted <= connection->length ? wanted : 0;
}

static bool client_closes(const char *request)
{
        const char *end = strstr(request, "\r\n\r\n");
        const char *said = strcasestr(request, "\r\nconnection: close");

        return said && said < end;
}

static bool answer(const Connection *connection, bool is_last)
{
        char text[512], body[128];
        int length, n;

        if (web.sleep_msec)
                (void)poll(NULL, 0, (int)web.sleep_msec);
        length = snprintf(body, sizeof(body), "{\"pid\":%ld,\"tid\":%ld,\"answers\":%u}\n",
                          (long)getpid(), (long)syscall(SYS_gettid),
                          atomic_fetch_add(&web.answers, 1) + 1);
        n = snprintf(text, sizeof(text),
                     "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
                     "%s\r\n%s",
                     length, is_last ? "Connection: close\r\n" : "", body);
        reeve_work(1);
        return send(connection->fd, text, (size_t)n, MSG_NOSIGNAL) == n;
}

/* Return: false: the connection is to be closed */
static bool answer_all(Connection *connection)
{
        size_t taken;

        while (!connection->is_over && (taken = whole_request(connection)) > 0) {
                bool is_last = atomic_load(&web.is_leaving) || client_closes(connection->bytes);

                if (!answer(connection, is_last))
                        return false;
                connection->length -= taken;
                memmove(connection->bytes, connection->bytes + taken, connection->length + 1);
                if (is_last) {
                        connection->is_over = true;
                        (void)shutdown(connection->fd, SHUT_WR);
                }
        }
        return connection->length < REQUEST_MAX || connection->is_over;
}

/* Return: bytes, 0: nothing more now, -1: the client is gone */
static ssize_t receive(Connection *connection)
{
        char *room = connection->bytes + connection->length;
        ssize_t n;

        if (connection->is_over)
                room = connection->bytes; /* whatever it is */
        n = recv(connection->fd, room, (size_t)(connection->bytes + REQUEST_MAX - room), 0);
        if (n < 0 && errno == EAGAIN)
                return 0;
        if (n <= 0)
                return -1;
        if (!connection->is_over) {
                connection->length += (size_t)n;
                connection->bytes[connection->length] = 0;
        }
        return n;
}

static void serve(void *argument)
{
        Connection *connection = argument;
        ssize_t n;

        while ((n = receive(connection)) > 0)
                if (!answer_all(connection))
                        n = -1;
        if (n < 0 || !watch(connection, EPOLL_CTL_MOD))
                connection_free(connection);
}

/* ---- the loop ---- */

static void on_signal(void)
{
        if (atomic_exchange(&web.is_leaving, true))
                return;
        (void)reeve_notify_stopping();
        (void)epoll_ctl(web.epoll, EPOLL_CTL_DEL, web.listener, NULL);
        (void)epoll_ctl(web.epoll, EPOLL_CTL_DEL, web.signal_fd, NULL);
}

static void on_event(const struct epoll_event *event)
{
        if (event->data.ptr == &web.listener)
                on_listener();
        else if (event->data.ptr == &web.signal_fd)
                on_signal();
        else if (event->data.ptr != &web.woken)
                (void)reeve_submit(web.pool, serve, event->data.ptr);
}

static unsigned connection_count(void)
{
        unsigned count;

        (void)pthread_mutex_lock(&web.lock);
        count = web.count;
        (void)pthread_mutex_unlock(&web.lock);
        return count;
}

/* Return: false: nothing came for so long */
static bool turn(int timeout_msec)
{
        struct epoll_event events[EVENTS_MAX];
        int n = epoll_wait(web.epoll, events, EVENTS_MAX, timeout_msec);

        for (int i = 0; i < n; i++)
                on_event(&events[i]);
        return n != 0;
}

static int add_source(int fd, void *name, uint32_t flags)
{
        struct epoll_event event = { .events = EPOLLIN | flags, .data.ptr = name };

        if (fd < 0 || epoll_ctl(web.epoll, EPOLL_CTL_ADD, fd, &event) < 0)
                die("epoll");
        return fd;
}

static void open_all(void)
{
        sigset_t signals;

        (void)sigemptyset(&signals);
        (void)sigaddset(&signals, SIGTERM);
        (void)sigprocmask(SIG_BLOCK, &signals, NULL);
        web.epoll = epoll_create1(EPOLL_CLOEXEC);
        web.listener = reeve_listener(NULL);
        if (web.listener < 0 || fcntl(web.listener, F_SETFL, O_NONBLOCK) < 0)
                die("no listener");
        /* One sibling is woken for each connection, not all. */
        (void)add_source(web.listener, &web.listener, EPOLLEXCLUSIVE);
        web.signal_fd = add_source(signalfd(-1, &signals, SFD_CLOEXEC), &web.signal_fd, 0);
        web.woken = add_source(eventfd(0, EFD_CLOEXEC), &web.woken, 0);
}

int main(int argc, char **argv)
{
        web.sleep_msec = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
        open_all();
        web.pool = reeve_pool_new(NULL);
        if (!web.pool || reeve_notify_ready() < 0)
                die("start");
        while (!atomic_load(&web.is_leaving))
                (void)turn(-1);
        while (connection_count() > 0 && turn(LEAVING_MSEC))
                ;
        return EXIT_SUCCESS;
}
