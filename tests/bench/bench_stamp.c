/* bench_stamp.c - a worker that says when it began: its PID and CLOCK_MONOTONIC go to a FIFO
 *
 * The time is taken by the worker itself, so that whoever measures a restart may be as slow as
 * Python. Then it pauses, like tests/workers/pause.c.
 *
 * Usage: bench-stamp FIFO */
#include <fcntl.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

typedef struct Stamp {
        uint64_t pid, nsec;
} Stamp;

int main(int argc, char **argv)
{
        struct timespec now;
        Stamp stamp = { .pid = (uint64_t)getpid() };
        int fd;

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        stamp.nsec = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
        fd = argc == 2 ? open(argv[1], O_WRONLY | O_CLOEXEC) : -1;
        if (fd < 0 || write(fd, &stamp, sizeof(stamp)) != (ssize_t)sizeof(stamp))
                return 1;
        (void)close(fd);
        for (;;)
                (void)pause();
}
