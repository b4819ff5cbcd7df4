/* sdk.c - usage: worker-sdk FIFO
 *
 * A worker of reeve/worker.h. It says READY=1, then does what it reads from the FIFO, a byte each:
 * 't' queues a task that is done at once, 'b' one that waits until an 'r' is read, 'x' one that ends its
 * thread without a word. SIGTERM ends it. */
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "reeve/worker.h"

static int gate[2];

static void quick(void *argument)
{
        (void)argument;
}

static void blocked(void *argument)
{
        char byte;

        (void)argument;
        reeve_label("waits at the gate");
        if (read(gate[0], &byte, 1) != 1)
                reeve_fail();
}

static void vanish(void *argument)
{
        (void)argument;
        (void)syscall(SYS_exit, 0); /* of this thread alone */
}

static void obey(ReevePool *pool, char command)
{
        if (command == 't')
                (void)reeve_submit(pool, quick, NULL);
        else if (command == 'b')
                (void)reeve_submit(pool, blocked, NULL);
        else if (command == 'x')
                (void)reeve_submit(pool, vanish, NULL);
        else if (command == 'r' && write(gate[1], "", 1) != 1)
                abort();
}

int main(int argc, char **argv)
{
        ReevePool *pool;
        char command;
        int fifo;

        if (argc != 2 || pipe2(gate, O_CLOEXEC) < 0)
                return EXIT_FAILURE;
        fifo = open(argv[1], O_RDWR | O_CLOEXEC); /* never at its end */
        pool = reeve_pool_new(NULL);
        if (fifo < 0 || !pool || reeve_notify_ready() < 0)
                return EXIT_FAILURE;
        while (read(fifo, &command, 1) == 1)
                obey(pool, command);
        return EXIT_FAILURE;
}
