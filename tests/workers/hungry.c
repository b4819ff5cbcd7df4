/* hungry.c - takes what it is told to: "memory MB", "cpu", "tasks"; then waits
 *
 * hungry memory 100   writes to so many megabytes
 * hungry cpu          turns without end
 * hungry tasks        keeps trying to have 300 children, whatever becomes of them */
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void eat_memory(size_t megabytes)
{
        char *memory = malloc(megabytes << 20);

        if (!memory)
                exit(3);
        for (size_t i = 0; i < megabytes << 20; i += 4096)
                *(volatile char *)&memory[i] = 1;
}

static void fork_all(void)
{
        for (int count = 0; count < 300;) {
                pid_t pid = fork();

                if (pid == 0)
                        return;
                if (pid > 0)
                        count++;
                else
                        (void)sched_yield(); /* until there is room */
        }
}

int main(int argc, char **argv)
{
        const char *what = argc > 1 ? argv[1] : "";

        if (strcmp(what, "memory") == 0)
                eat_memory((size_t)atoi(argc > 2 ? argv[2] : "1"));
        else if (strcmp(what, "tasks") == 0)
                fork_all();
        else if (strcmp(what, "cpu") == 0)
                for (;;)
                        __asm__ volatile("");
        for (;;)
                (void)pause();
}
