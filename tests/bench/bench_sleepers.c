/* bench_sleepers.c - a process of many threads that wait, each third in another way
 *
 * Usage: bench-sleepers THREADS */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;
static int ends[2];

static void *sleep_for_ever(void *kind)
{
        char byte;

        switch ((long)kind) {
        case 0: (void)pthread_mutex_lock(&held); break;
        case 1: (void)!read(ends[0], &byte, 1); break;
        default: (void)poll(NULL, 0, -1); break;
        }
        return NULL;
}

int main(int argc, char **argv)
{
        long count = argc > 1 ? atol(argv[1]) : 1;
        pthread_attr_t small;
        pthread_t thread;

        if (pipe(ends) < 0 || pthread_attr_init(&small) != 0
            || pthread_attr_setstacksize(&small, 64 * 1024) != 0)
                return EXIT_FAILURE;
        (void)pthread_mutex_lock(&held);
        for (long i = 1; i < count; i++)
                if (pthread_create(&thread, &small, sleep_for_ever, (void *)(i % 3)) != 0) {
                        perror("bench-sleepers");
                        return EXIT_FAILURE;
                }
        for (;;)
                (void)pause();
}
