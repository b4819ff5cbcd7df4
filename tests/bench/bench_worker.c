/* bench_worker.c - what telemetry costs a task of about 1 us in a pool of worker.h
 *
 * Usage: bench-worker [ROUNDS [TASKS]]
 *
 * The same program is built with and without telemetry (REEVE_WITHOUT_TELEMETRY); this one calls
 * both in turn, each with memory as reeved makes it, and prints the CPU time of one task: of the
 * whole process, the thread that submits included. The tasks are queued before the clock starts
 * to count, so that no thread ever waits. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reeve/worker.h"
#include "sample/telemetry.h"

enum { ROUNDS_DEFAULT = 21, TASKS_DEFAULT = 200000, ROUNDS_MAX = 1000 };

/* About 1 us of arithmetic, in a register: a loop through memory takes once or twice the time,
 * as the processor's store buffer likes it. */
static void spin(void *argument)
{
        uint64_t value = (uintptr_t)argument | 1;

        for (unsigned i = 0; i < 600; i++) {
                value *= 6364136223846793005u;
                __asm__ volatile("" : "+r"(value));
        }
}

static uint64_t cpu_nsec(void)
{
        struct timespec used;

        (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
        return (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
}

/* One thread, one long queue. Return: ns of CPU for one task */
static double run(unsigned tasks)
{
        ReevePoolOptions options = { .threads = 1, .queue_capacity = tasks };
        ReevePool *pool = reeve_pool_new(&options);
        uint64_t began, used;

        if (!pool)
                return -1;
        began = cpu_nsec();
        for (unsigned i = 0; i < tasks; i++)
                (void)reeve_submit(pool, spin, pool);
        (void)reeve_pool_drain(pool, -1);
        used = cpu_nsec() - began;
        (void)reeve_pool_free(pool);
        return (double)used / tasks;
}

#ifndef BENCH_OTHER

static int compare(const void *a, const void *b)
{
        double x = *(const double *)a, y = *(const double *)b;

        return x < y ? -1 : x > y;
}

static double call(const char *program, unsigned tasks)
{
        char line[512];
        double result = -1;
        FILE *output;

        (void)snprintf(line, sizeof(line), "'%s' --once %u", program, tasks);
        output = popen(line, "r");
        if (!output || fscanf(output, "%lf", &result) != 1)
                result = -1;
        if (output)
                (void)pclose(output);
        return result;
}

static int measure(const char *self, unsigned rounds, unsigned tasks)
{
        static double seen[ROUNDS_MAX], unseen[ROUNDS_MAX];
        char other[400];

        (void)snprintf(other, sizeof(other), "%s-unseen", self);
        for (unsigned i = 0; i < rounds; i++) {
                seen[i] = call(self, tasks);
                unseen[i] = call(other, tasks);
                if (seen[i] < 0 || unseen[i] < 0)
                        return 1;
        }
        qsort(seen, rounds, sizeof(double), compare);
        qsort(unseen, rounds, sizeof(double), compare);
        printf("one task, CPU, median of %u rounds of %u: %.0f ns without telemetry, %.0f ns "
               "with: %.3f x\n",
               rounds, tasks, unseen[rounds / 2], seen[rounds / 2],
               seen[rounds / 2] / unseen[rounds / 2]);
        return 0;
}

#endif

static int once(unsigned tasks)
{
        Telemetry telemetry = TELEMETRY_UNSET;
        char number[16];

        if (telemetry_new(16, &telemetry) < 0)
                return 1;
        (void)snprintf(number, sizeof(number), "%d", telemetry.fd);
        (void)setenv("REEVE_TELEMETRY_FD", number, 1);
        printf("%f\n", run(tasks));
        telemetry_done(&telemetry);
        return 0;
}

int main(int argc, char **argv)
{
        if (argc > 2 && strcmp(argv[1], "--once") == 0)
                return once((unsigned)atoi(argv[2]));
#ifdef BENCH_OTHER
        return 2;
#else
        unsigned rounds = argc > 1 ? (unsigned)atoi(argv[1]) : ROUNDS_DEFAULT;
        unsigned tasks = argc > 2 ? (unsigned)atoi(argv[2]) : TASKS_DEFAULT;

        if (rounds < 1 || rounds > ROUNDS_MAX || tasks < 1)
                return 2;
        return measure(argv[0], rounds, tasks);
#endif
}
