/* bench_load.c - load on a web server, and what its clients felt: lost requests, the longest silence
 *
 * So many connections to 127.0.0.1, each with one request under way; the next one at once, or after
 * PAUSE_USEC in which all of them rest: under real-time scheduling a load without a rest is itself
 * stopped by the kernel for 50 ms a second.
 * `kept` keeps a connection until the server says Connection: close; `new` makes one for each
 * request. A request is lost when its connection ends or is reset before its whole answer, when the
 * connection is refused, or when the answer is not 200. The gap is the longest time in which none of
 * the connections got an answer; the wait, the longest that one request took, connect() included.
 *
 * Each line read from the standard input ends a window, and its figures are printed; the end of the
 * input ends the program, as does SECONDS. What was lost is told on stderr, with its time.
 *
 * Usage: bench-load PORT CONNECTIONS kept|new SECONDS [PAUSE_USEC] */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"
#include "base/units.h"
#include "sys/clock.h"
#include "sys/fd.h"

/* REFUSED_USEC: a client that is refused tries again after it, so that it does not only burn time;
 * SILENCE_MSEC: after it we look whether our time is over. */
enum {
        CONNECTIONS_MAX = 64,
        ANSWER_MAX = 65536,
        REFUSED_USEC = 1000,
        SILENCE_MSEC = 200,
        LOST_SHOWN = 20
};

typedef struct Client {
        int fd;
        unsigned number, requests; /* requests: on this connection */
        uint64_t asked_usec;
        size_t length;
        char answer[ANSWER_MAX];
} Client;

typedef struct Window {
        uint64_t answers, lost, connects, gap_usec, wait_usec;
} Window;

static struct {
        struct sockaddr_in address;
        bool is_kept;
        char request[512];
        uint64_t began_usec, answered_usec; /* answered: the last answer to anybody */
        uint64_t lost;
        Window window;
        uint64_t count, pause_usec;
        Client clients[CONNECTIONS_MAX];
} load;

static void die(const char *what)
{
        perror(what);
        exit(1);
}

/* ---- one client ---- */

static void lose(Client *client, const char *how, int error)
{
        load.window.lost++;
        if (load.lost++ < LOST_SHOWN)
                (void)fprintf(stderr,
                              "%.3f s: request %u of a connection: %s%s%s, %zu bytes came\n",
                              (double)(now_usec() - load.began_usec) / (double)USEC_PER_SEC,
                              client->requests, how, error ? ": " : "",
                              error ? strerror(error) : "", client->length);
        client->fd = fd_close(client->fd);
}

/* Each client has an address of its own, so that ports in TIME_WAIT do not run out. */
static int connect_from(unsigned number)
{
        struct sockaddr_in from = { .sin_family = AF_INET,
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + number) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

        if (fd < 0 || setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) < 0
            || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) < 0
            || bind(fd, (struct sockaddr *)&from, sizeof(from)) < 0)
                die("socket");
        if (connect(fd, (struct sockaddr *)&load.address, sizeof(load.address)) == 0)
                return fd;
        on = errno;
        (void)close(fd);
        return -on;
}

static void ask(Client *client)
{
        size_t length = strlen(load.request);

        client->asked_usec = now_usec();
        client->length = 0;
        if (client->fd < 0) {
                client->requests = 0;
                client->fd = connect_from(client->number);
                if (client->fd < 0) {
                        lose(client, "connect", -client->fd);
                        (void)usleep(REFUSED_USEC);
                        return;
                }
                load.window.connects++;
        }
        client->requests++;
        if (send(client->fd, load.request, length, MSG_NOSIGNAL) != (ssize_t)length)
                lose(client, "send", errno);
}

/* The value of a header, NULL if it is not there. @end: where the body begins */
static const char *header(const Client *client, const char *end, const char *name)
{
        const char *found = strcasestr(client->answer, name);

        return found && found < end ? found + strlen(name) : NULL;
}

/* Return: length of the whole answer, 0: some is missing, SIZE_MAX: it goes on to the end */
static size_t whole_length(const Client *client)
{
        const char *body = strstr(client->answer, "\r\n\r\n");
        const char *length;

        if (!body)
                return 0;
        body += 4;
        length = header(client, body, "\r\ncontent-length: ");
        if (length)
                return (size_t)(body - client->answer) + strtoul(length, NULL, 10);
        if (!header(client, body, "\r\ntransfer-encoding: chunked"))
                return SIZE_MAX;
        return memcmp(client->answer + client->length - 5, "0\r\n\r\n", 5) == 0 ? client->length
                                                                                : 0;
}

static bool stays_open(const Client *client)
{
        const char *body = strstr(client->answer, "\r\n\r\n");

        return load.is_kept && !header(client, body, "\r\nconnection: close")
               && (text_after(client->answer, "HTTP/1.1 ")
                   || header(client, body, "\r\nconnection: keep-alive"));
}

static uint64_t later(uint64_t a, uint64_t b)
{
        return a > b ? a : b;
}

static void take_answer(Client *client)
{
        uint64_t now = now_usec();

        if (!text_after(client->answer, "HTTP/1.1 200 ")
            && !text_after(client->answer, "HTTP/1.0 200 ")) {
                lose(client, "not 200", 0);
                return;
        }
        load.window.answers++;
        load.window.gap_usec = later(load.window.gap_usec, now - load.answered_usec);
        load.window.wait_usec = later(load.window.wait_usec, now - client->asked_usec);
        load.answered_usec = now;
        if (!stays_open(client))
                client->fd = fd_close(client->fd);
}

/* Return: true when the request is over, well or not */
static bool receive(Client *client)
{
        ssize_t n = recv(client->fd, client->answer + client->length,
                         ANSWER_MAX - 1 - client->length, 0);
        size_t whole;

        if (n > 0)
                client->length += (size_t)n;
        client->answer[client->length] = '\0';
        whole = whole_length(client);
        if (whole > 0 && (client->length >= whole || (n == 0 && whole == SIZE_MAX))) {
                take_answer(client);
                return true;
        }
        if (n <= 0)
                lose(client, n < 0 ? "receive" : "closed", n < 0 ? errno : 0);
        return n <= 0;
}

/* ---- all of them ---- */

static void show(void)
{
        const Window *window = &load.window;

        printf("answers=%llu lost=%llu connects=%llu gap_usec=%llu wait_usec=%llu\n",
               (unsigned long long)window->answers, (unsigned long long)window->lost,
               (unsigned long long)window->connects, (unsigned long long)window->gap_usec,
               (unsigned long long)window->wait_usec);
        (void)fflush(stdout);
        load.window = (Window){ 0 };
}

/* Return: false at the end of the input */
static bool on_input(void)
{
        char bytes[64];
        ssize_t n = read(STDIN_FILENO, bytes, sizeof(bytes));

        for (ssize_t i = 0; i < n; i++)
                if (bytes[i] == '\n')
                        show();
        return n > 0;
}

/* Everybody asks, and asks again when answered. Return: false at the end of the input */
static bool turn(void)
{
        struct pollfd ready[CONNECTIONS_MAX + 1] = { { .fd = STDIN_FILENO, .events = POLLIN } };
        int timeout_msec = SILENCE_MSEC;

        for (uint64_t i = 0; i < load.count; i++) {
                ready[i + 1] = (struct pollfd){ .fd = load.clients[i].fd, .events = POLLIN };
                if (load.clients[i].fd < 0)
                        timeout_msec = 0; /* it asks anew */
        }
        if (poll(ready, load.count + 1, timeout_msec) < 0)
                die("poll");
        for (uint64_t i = 0; i < load.count; i++) {
                Client *client = &load.clients[i];

                if (client->fd < 0 || (ready[i + 1].revents && receive(client)))
                        ask(client);
        }
        if (load.pause_usec)
                (void)usleep((useconds_t)load.pause_usec);
        return !ready[0].revents || on_input();
}

static void run(uint64_t seconds)
{
        load.began_usec = load.answered_usec = now_usec();
        for (uint64_t i = 0; i < load.count; i++) {
                load.clients[i].number = (unsigned)i;
                load.clients[i].fd = -1;
                ask(&load.clients[i]);
        }
        while (turn() && now_usec() - load.began_usec < seconds * USEC_PER_SEC)
                ;
        show();
}

int main(int argc, char **argv)
{
        uint64_t port = 0, seconds = 0;

        if (argc < 5 || argc > 6 || units_parse_number(argv[1], 65535, &port) < 0
            || units_parse_number(argv[2], CONNECTIONS_MAX, &load.count) < 0
            || units_parse_number(argv[4], 3600, &seconds) < 0
            || (argc > 5 && units_parse_number(argv[5], 10000, &load.pause_usec) < 0)) {
                (void)fprintf(stderr,
                              "Usage: bench-load PORT CONNECTIONS kept|new SECONDS [PAUSE_USEC]\n");
                return 2;
        }
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        load.is_kept = strcmp(argv[3], "kept") == 0;
        load.address = (struct sockaddr_in){ .sin_family = AF_INET,
                                             .sin_port = htons((uint16_t)port),
                                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        (void)snprintf(load.request, sizeof(load.request), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n",
                       load.is_kept ? "" : "Connection: close\r\n");
        run(seconds);
        return 0;
}
