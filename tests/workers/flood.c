/* flood.c - usage: worker-flood LINES LENGTH [NEWLINES]
 *
 * Writes LINES lines of LENGTH bytes (newline included) as fast as the pipe takes them, each
 * beginning with its number, so that a test can tell a lost, doubled or cut line. LINES 0 never
 * ends. NEWLINES 0 leaves the newlines out: one endless line. Says READY=1 when all is written,
 * then waits for SIGTERM. */
#include "worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NUMBER_LENGTH = 10, LENGTH_MAX = 1 << 16 };

static void write_all(const char *bytes, size_t size)
{
        while (size > 0) {
                ssize_t n = write(STDOUT_FILENO, bytes, size);

                if (n < 0)
                        exit(EXIT_FAILURE);
                bytes += n;
                size -= (size_t)n;
        }
}

int main(int argc, char **argv)
{
        static char line[LENGTH_MAX];
        long lines = worker_number(argc, argv, 1, 1);
        size_t length = (size_t)worker_number(argc, argv, 2, 100);

        if (length <= NUMBER_LENGTH || length > sizeof(line))
                return EXIT_FAILURE;
        memset(line, '.', length);
        if (worker_number(argc, argv, 3, 1))
                line[length - 1] = '\n';
        for (long i = 0; lines == 0 || i < lines; i++) {
                char number[NUMBER_LENGTH + 1];

                (void)snprintf(number, sizeof(number), "%0*ld", NUMBER_LENGTH, i % 1000000000);
                memcpy(line, number, NUMBER_LENGTH);
                write_all(line, length);
        }
        worker_block_term();
        (void)worker_notify("READY=1"); /* Type=exec has no socket */
        worker_wait_for_term();
        return EXIT_SUCCESS;
}
