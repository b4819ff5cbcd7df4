/* bench_http.c - how fast one path is answered over a unix socket with keep-alive
 *
 * Each of the connections has one request under way at a time. The floor is a bare loop of our
 * own that sends the very same bytes back: what the machine, the socket and this client cost.
 * Rounds alternate; a line has the requests per second and the latencies of one round.
 *
 * Usage: bench-http SOCKET PATH CONNECTIONS REQUESTS ROUNDS */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/units.h"
#include "sys/clock.h"
#include "sys/fd.h"

enum { CONNECTIONS_MAX = 64, ANSWER_MAX = 8 << 20 };

typedef struct Connection {
        int fd;
        uint64_t asked_usec;
        char *answer;
        size_t length;
} Connection;

typedef struct Bench {
        char request[512];
        uint64_t connections, requests, rounds;
        uint64_t *latencies_usec;
        size_t answered;
        Connection lines[CONNECTIONS_MAX];
} Bench;

static void die(const char *what)
{
        perror(what);
        exit(1);
}

static struct sockaddr_un address_of(const char *path)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        if (!text_copy(address.sun_path, sizeof(address.sun_path), path)) {
                errno = ENAMETOOLONG;
                die(path);
        }
        return address;
}

static int connect_to(const char *path)
{
        struct sockaddr_un address = address_of(path);
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                die(path);
        return fd;
}

static void send_all(int fd, const char *bytes, size_t length)
{
        while (length > 0) {
                ssize_t n = send(fd, bytes, length, MSG_NOSIGNAL);

                if (n <= 0)
                        die("send");
                bytes += n;
                length -= (size_t)n;
        }
}

/* ---- the client ---- */

static void ask(const Bench *bench, Connection *line)
{
        line->length = 0;
        line->asked_usec = now_usec();
        send_all(line->fd, bench->request, strlen(bench->request));
}

/* Content-Length or chunks: the two ways in which reeve-api ends an answer. */
static bool is_whole(const Connection *line)
{
        const char *body = memmem(line->answer, line->length, "\r\n\r\n", 4);
        const char *length = strcasestr(line->answer, "\r\nContent-Length: ");

        if (!body)
                return false;
        body += 4;
        if (length && length < body)
                return line->length - (size_t)(body - line->answer)
                       >= strtoul(length + strlen("\r\nContent-Length: "), NULL, 10);
        return line->length >= 5 && memcmp(line->answer + line->length - 5, "0\r\n\r\n", 5) == 0;
}

static void check_status(const Connection *line)
{
        if (text_after(line->answer, "HTTP/1.1 200 "))
                return;
        (void)fprintf(stderr, "bench-http: %.*s\n", 300, line->answer);
        exit(1);
}

/* Return: true once the answer is there */
static bool receive(Connection *line)
{
        ssize_t n = read(line->fd, line->answer + line->length, ANSWER_MAX - 1 - line->length);

        if (n <= 0)
                die("read");
        line->length += (size_t)n;
        line->answer[line->length] = '\0';
        if (!is_whole(line))
                return false;
        check_status(line);
        return true;
}

static void take_answers(Bench *bench, const struct pollfd *ready, size_t *asked)
{
        for (uint64_t i = 0; i < bench->connections; i++) {
                Connection *line = &bench->lines[i];

                if (!ready[i].revents || !receive(line))
                        continue;
                bench->latencies_usec[bench->answered++] = now_usec() - line->asked_usec;
                if (*asked < bench->requests) {
                        ask(bench, line);
                        (*asked)++;
                }
        }
}

static void open_lines(Bench *bench, const char *path)
{
        for (uint64_t i = 0; i < bench->connections; i++) {
                bench->lines[i].fd = connect_to(path);
                bench->lines[i].answer = malloc(ANSWER_MAX);
                if (!bench->lines[i].answer)
                        die("malloc");
        }
}

static void close_lines(Bench *bench)
{
        for (uint64_t i = 0; i < bench->connections; i++) {
                bench->lines[i].fd = fd_close(bench->lines[i].fd);
                free(bench->lines[i].answer);
        }
}

static int compare(const void *a, const void *b)
{
        uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

        return left < right ? -1 : left > right;
}

static void show(Bench *bench, const char *side, uint64_t began_usec)
{
        double seconds = (double)(now_usec() - began_usec) / (double)USEC_PER_SEC;
        const uint64_t *latencies = bench->latencies_usec;

        qsort(bench->latencies_usec, bench->answered, sizeof(uint64_t), compare);
        printf("%s per_second=%.0f median_usec=%llu p99_usec=%llu bytes=%zu\n", side,
               (double)bench->answered / seconds,
               (unsigned long long)latencies[bench->answered / 2],
               (unsigned long long)latencies[bench->answered * 99 / 100], bench->lines[0].length);
        (void)fflush(stdout);
}

static void run_round(Bench *bench, const char *side, const char *path)
{
        struct pollfd ready[CONNECTIONS_MAX];
        uint64_t began_usec;
        size_t asked = 0;

        open_lines(bench, path);
        bench->answered = 0;
        began_usec = now_usec();
        for (uint64_t i = 0; i < bench->connections; i++, asked++) {
                ready[i] = (struct pollfd){ .fd = bench->lines[i].fd, .events = POLLIN };
                ask(bench, &bench->lines[i]);
        }
        while (bench->answered < bench->requests) {
                if (poll(ready, bench->connections, -1) < 0)
                        die("poll");
                take_answers(bench, ready, &asked);
        }
        show(bench, side, began_usec);
        close_lines(bench);
}

/* ---- the floor ---- */

static void answer_one(struct pollfd *client, const char *answer, size_t length)
{
        char request[1024];
        ssize_t n = read(client->fd, request, sizeof(request));

        /* The client sends small requests whole, one at a time. */
        if (n > 0)
                send_all(client->fd, answer, length);
        else
                client->fd = fd_close(client->fd);
}

static void serve(int listener, const char *answer, size_t length)
{
        struct pollfd ready[CONNECTIONS_MAX + 1] = { { .fd = listener, .events = POLLIN } };
        size_t count = 1;

        for (;;) {
                if (poll(ready, count, -1) < 0)
                        die("poll");
                for (size_t i = 1; i < count; i++)
                        if (ready[i].revents)
                                answer_one(&ready[i], answer, length);
                while (count > 1 && ready[count - 1].fd < 0)
                        count--;
                if (ready[0].revents && count <= CONNECTIONS_MAX)
                        ready[count++] = (struct pollfd){ .fd = accept(listener, NULL, NULL),
                                                          .events = POLLIN };
        }
}

static pid_t start_floor(const char *path, const char *answer, size_t length)
{
        struct sockaddr_un address = address_of(path);
        AUTO_CLOSE listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        pid_t pid;

        if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) < 0
            || listen(listener, CONNECTIONS_MAX) < 0)
                die(path);
        pid = fork();
        if (pid < 0)
                die("fork");
        if (pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                serve(listener, answer, length);
        }
        return pid;
}

/* What the real one answers, to be sent back by the floor. */
static size_t fetch(Bench *bench, const char *path, char *answer)
{
        Connection line = { .fd = connect_to(path), .answer = answer };

        ask(bench, &line);
        while (!receive(&line))
                ;
        (void)fd_close(line.fd);
        return line.length;
}

static void run(Bench *bench, const char *path)
{
        AUTO_FREE char *answer = malloc(ANSWER_MAX);
        char folder[] = "/tmp/reeve-bench-XXXXXX", floor_path[64];
        size_t length;
        pid_t floor_pid;

        if (!answer || !mkdtemp(folder))
                die("mkdtemp");
        (void)snprintf(floor_path, sizeof(floor_path), "%s/floor.sock", folder);
        length = fetch(bench, path, answer);
        floor_pid = start_floor(floor_path, answer, length);
        for (uint64_t i = 0; i < bench->rounds; i++) {
                run_round(bench, "floor", floor_path);
                run_round(bench, "reeve", path);
        }
        (void)kill(floor_pid, SIGKILL);
        (void)waitpid(floor_pid, NULL, 0);
        (void)unlink(floor_path);
        (void)rmdir(folder);
}

int main(int argc, char **argv)
{
        Bench bench = { 0 };

        if (argc != 6 || units_parse_number(argv[3], CONNECTIONS_MAX, &bench.connections) < 0
            || units_parse_number(argv[4], 10000000, &bench.requests) < 0
            || units_parse_number(argv[5], 1000, &bench.rounds) < 0 || bench.connections == 0
            || bench.requests < bench.connections) {
                (void)fprintf(stderr,
                              "Usage: bench-http SOCKET PATH CONNECTIONS REQUESTS ROUNDS\n");
                return 2;
        }
        (void)snprintf(bench.request, sizeof(bench.request),
                       "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", argv[2]);
        bench.latencies_usec = calloc(bench.requests, sizeof(uint64_t));
        if (!bench.latencies_usec)
                die("calloc");
        run(&bench, argv[1]);
        free(bench.latencies_usec);
        return 0;
}
