/* lines.c - a worker with the SDK: answers each line that it gets over TCP with the same in capitals
 *
 *      cc -O2 -o lines lines.c $(pkg-config --cflags --libs reeve)
 *
 * Under reeve its threads follow `reevectl scale`, and what they do is seen; alone it runs as well:
 * ./lines 7787 */
#include <arpa/inet.h>
#include <ctype.h>
#include <fcntl.h>
#include <netinet/in.h>

#include <reeve/worker.h>

static volatile sig_atomic_t must_end;

static void on_term(int signal)
{
        (void)signal;
        must_end = 1;
}

static void answer(FILE *in, FILE *out)
{
        char line[4096];

        while (fgets(line, sizeof(line), in)) {
                char label[48];

                (void)snprintf(label, sizeof(label), "line of %zu bytes", strlen(line));
                reeve_label(label);
                reeve_wait_begin(REEVE_THREAD_IO);
                (void)usleep(10000); /* where a database would be asked */
                reeve_wait_end();
                for (char *p = line; *p; p++)
                        *p = (char)toupper((unsigned char)*p);
                if (fputs(line, out) < 0 || fflush(out) < 0)
                        return;
                reeve_work(1);
        }
}

/* One conversation is one task. */
static void serve(void *argument)
{
        int fd = (int)(intptr_t)argument;
        FILE *in = fdopen(fd, "r"), *out = fdopen(dup(fd), "w");

        if (in && out)
                answer(in, out);
        else
                reeve_fail();
        if (out)
                (void)fclose(out);
        if (in)
                (void)fclose(in);
}

static int listen_alone(const char *port)
{
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                       .sin_port = htons((uint16_t)(port ? atoi(port) : 0)) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0
            || listen(fd, 128) < 0)
                return -1;
        return fd;
}

int main(int argc, char **argv)
{
        struct sigaction term = { .sa_handler = on_term }; /* accept() returns with EINTR */
        int listener = reeve_listener(NULL);
        ReevePool *pool;

        if (listener < 0)
                listener = listen_alone(argc > 1 ? argv[1] : NULL);
        pool = listener < 0 ? NULL : reeve_pool_new(&(ReevePoolOptions){ .queue_capacity = 100 });
        if (!pool) {
                perror("lines");
                return EXIT_FAILURE;
        }
        (void)sigaction(SIGTERM, &term, NULL);
        /* Other processes listen on the same socket, and may be quicker. */
        (void)fcntl(listener, F_SETFL, O_NONBLOCK);
        (void)reeve_notify_ready();
        while (!must_end && !reeve_is_draining()) {
                struct pollfd wanted = { .fd = listener, .events = POLLIN };
                int fd = poll(&wanted, 1, 1000) == 1 ? accept(listener, NULL, NULL) : -1;

                if (fd >= 0 && reeve_submit(pool, serve, (void *)(intptr_t)fd) < 0)
                        (void)close(fd);
        }
        (void)reeve_notify_stopping();
        (void)close(listener);
        (void)reeve_pool_drain(pool, 5000);
        return EXIT_SUCCESS; /* what has not ended by now is cut off */
}
