/* crash.c - usage: worker-crash CODE [MILLISECONDS [FILE]]
 *
 * Ends with CODE after so long, or at once; a negative CODE is a signal that it raises. With FILE
 * it says READY=1 and lives on, until SIGTERM, once FILE exists: a worker that is mended. */
#include "worker.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
        long code = worker_number(argc, argv, 1, 1);
        long milliseconds = worker_number(argc, argv, 2, 0);
        struct timespec rest = { .tv_sec = milliseconds / 1000,
                                 .tv_nsec = milliseconds % 1000 * 1000000 };

        if (argc > 3 && access(argv[3], F_OK) == 0) {
                worker_block_term();
                (void)worker_notify("READY=1"); /* Type=exec has no socket */
                worker_wait_for_term();
                return EXIT_SUCCESS;
        }
        nanosleep(&rest, NULL);
        if (code < 0)
                raise((int)-code);
        return (int)code;
}
