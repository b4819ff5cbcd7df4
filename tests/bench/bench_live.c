/* bench_live.c - a worker of reeve/worker.h whose threads say when they get something to do
 *
 * Usage: bench-live STAMPS COMMANDS
 *
 * It does what it reads from the FIFO COMMANDS, a byte each: 't' queues a task that writes PID and
 * CLOCK_MONOTONIC to the FIFO STAMPS and keeps its thread until an 'r' is read; 'm' does the first
 * half without a task, so that whoever reads it knows that the bytes before were obeyed. */
#include <fcntl.h>

#include "reeve/worker.h"

typedef struct Stamp {
        uint64_t pid, nsec;
} Stamp;

static int gate[2], stamps;

static void stamp_now(void)
{
        struct timespec now;
        Stamp stamp = { .pid = (uint64_t)getpid() };

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        stamp.nsec = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
        if (write(stamps, &stamp, sizeof(stamp)) != (ssize_t)sizeof(stamp))
                abort();
}

static void occupy(void *argument)
{
        char byte;

        (void)argument;
        stamp_now();
        if (read(gate[0], &byte, 1) != 1)
                reeve_fail();
}

static void obey(ReevePool *pool, char command)
{
        if (command == 't')
                (void)reeve_submit(pool, occupy, NULL);
        else if (command == 'm')
                stamp_now();
        else if (command == 'r' && write(gate[1], "", 1) != 1)
                abort();
}

int main(int argc, char **argv)
{
        ReevePool *pool;
        char command;
        int commands;

        if (argc != 3 || pipe2(gate, O_CLOEXEC) < 0)
                return EXIT_FAILURE;
        stamps = open(argv[1], O_WRONLY | O_CLOEXEC);
        commands = open(argv[2], O_RDWR | O_CLOEXEC); /* never at its end */
        pool = reeve_pool_new(NULL);
        if (stamps < 0 || commands < 0 || !pool)
                return EXIT_FAILURE;
        (void)reeve_notify_ready(); /* on the bare side there is nobody to tell */
        while (read(commands, &command, 1) == 1)
                obey(pool, command);
        return EXIT_FAILURE;
}
