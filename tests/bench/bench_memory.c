/* bench_memory.c - the cost of one spawn beside the memory of the process that spawns
 *
 * Usage: bench-memory [ROUNDS [MB]]
 *
 * spawn_process() as reeved uses it, and fork() with exec for comparison, from this process as it
 * is and again with MB of touched memory (300). Medians of the calls. The two are not mixed: a fork
 * leaves every page write-protected, and what comes after it pays for that. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "spawn/spawn.h"
#include "sys/clock.h"

enum { ROUNDS_DEFAULT = 200, MEGABYTES_DEFAULT = 300, ROUNDS_MAX = 10000 };

static char program[] = "/bin/true";
static char *command[] = { program, NULL };
static char *environment[] = { NULL };

static int compare(const void *a, const void *b)
{
        uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

        return x < y ? -1 : x > y;
}

static uint64_t median(uint64_t *values, size_t count)
{
        qsort(values, count, sizeof(*values), compare);
        return values[count / 2];
}

static uint64_t spawn_once(SpawnHost *host)
{
        const SpawnSpec spec = { .subject = "bench",
                                 .command = command,
                                 .executable_fd = -1,
                                 .environment = environment,
                                 .output_fd = -1,
                                 .error_fd = -1,
                                 .cgroup_fd = -1 };
        uint64_t before = now_usec(), took;
        Spawned spawned;
        Error error;

        if (spawn_process(host, &spec, &spawned, &error) < 0) {
                fprintf(stderr, "%s\n", error.message);
                exit(EXIT_FAILURE);
        }
        took = now_usec() - before;
        (void)waitid(P_PID, (id_t)spawned.process.pid, NULL, WEXITED);
        pidref_done(&spawned.process);
        return took;
}

static uint64_t fork_once(void)
{
        uint64_t before = now_usec(), took;
        pid_t pid = fork();

        if (pid == 0) {
                execve(program, command, environment);
                _exit(127);
        }
        took = now_usec() - before;
        (void)waitid(P_PID, (id_t)pid, NULL, WEXITED);
        return took;
}

static void measure(SpawnHost *host, size_t rounds, uint64_t *ret_spawn, uint64_t *ret_fork)
{
        uint64_t spawned[ROUNDS_MAX], forked[ROUNDS_MAX];

        for (size_t i = 0; i < rounds; i++)
                spawned[i] = spawn_once(host);
        for (size_t i = 0; i < rounds; i++)
                forked[i] = fork_once();
        *ret_spawn = median(spawned, rounds);
        *ret_fork = median(forked, rounds);
}

int main(int argc, char **argv)
{
        size_t rounds = argc > 1 ? strtoul(argv[1], NULL, 10) : ROUNDS_DEFAULT;
        size_t megabytes = argc > 2 ? strtoul(argv[2], NULL, 10) : MEGABYTES_DEFAULT;
        SpawnHost host = SPAWN_HOST_UNSET;
        uint64_t small_spawn, small_fork, large_spawn, large_fork;
        void *ballast;
        Error error;

        if (rounds == 0 || rounds > ROUNDS_MAX || spawn_host_init(&host, program, &error) < 0)
                return EXIT_FAILURE;
        measure(&host, rounds, &small_spawn, &small_fork);
        ballast = mmap(NULL, megabytes << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                       -1, 0);
        if (ballast == MAP_FAILED)
                return EXIT_FAILURE;
        (void)madvise(ballast, megabytes << 20, MADV_NOHUGEPAGE);
        memset(ballast, 1, megabytes << 20);
        measure(&host, rounds, &large_spawn, &large_fork);
        printf("spawn_process: %llu us small, %llu us with %zu MB: x %.2f (asked: independent)\n",
               (unsigned long long)small_spawn, (unsigned long long)large_spawn, megabytes,
               (double)large_spawn / (double)small_spawn);
        printf("fork and exec: %llu us small, %llu us with %zu MB: x %.2f\n",
               (unsigned long long)small_fork, (unsigned long long)large_fork, megabytes,
               (double)large_fork / (double)small_fork);
        spawn_host_done(&host);
        return EXIT_SUCCESS;
}
