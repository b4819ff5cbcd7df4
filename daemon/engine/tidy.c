/* tidy.c - see tidy.h */
#include "engine/tidy.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/engine.h"
#include "engine/pool.h"
#include "engine/report.h"
#include "logs/tidy.h"
#include "spawn/spawn.h"
#include "sys/fd.h"

static bool is_wanted(const Pool *pool)
{
        return pool->log_directory_fd >= 0
               && (pool->config->log_packing != PACKING_NONE
                   || pool->config->log_max_disk_bytes != UINT64_MAX);
}

static int start(Pool *pool, Error *reterr)
{
        const EngineSettings *settings = &pool->engine->settings;
        char limit[24];
        char *words[] = { (char *)settings->pack_path,
                          (char *)(pool->config->log_packing != PACKING_NONE ? "1" : "0"), limit,
                          NULL };
        char *const environment[] = { NULL };
        const SpawnFd directory = { .fd = pool->log_directory_fd, .name = "logs" };
        AUTO_CLOSE steps_fd = memfd_create("reeve-pack", MFD_CLOEXEC);
        Spawned spawned = { .process = PIDREF_UNSET, .status_fd = -1 };
        SpawnSpec spec = { .subject = pool->subject,
                           .command = words,
                           .executable_fd = -1,
                           .environment = environment,
                           .output_fd = steps_fd,
                           .error_fd = -1,
                           .fds = &directory,
                           .fd_count = 1,
                           .cgroup_fd = -1 };
        int r;

        if (steps_fd < 0)
                return error_set(reterr, -errno, "spawn-failed", "%s: cannot start reeve-pack: %s",
                                 pool->subject, strerror(errno));
        (void)snprintf(limit, sizeof(limit), "%" PRIu64, pool->config->log_max_disk_bytes);
        r = spawn_process(&pool->engine->host, &spec, &spawned, reterr);
        if (r < 0)
                return r;
        pool->tidy.process = spawned.process;
        pool->tidy.steps_fd = TAKE_FD(steps_fd);
        (void)fd_close(spawned.status_fd);
        return 0;
}

/* Once: the reason is not likely to be another one at each rotation. */
static void tell_failure(Pool *pool, const char *reason)
{
        if (!pool->tidy.has_failed)
                report(LOG_WARNING, "%s: Compress= and MaxDisk= are not followed now: %s",
                       pool->subject, reason);
        pool->tidy.has_failed = true;
}

void tidy_ask(Pool *pool)
{
        Error error = { 0 };

        pool->tidy.is_due = pidref_is_set(&pool->tidy.process);
        if (pool->tidy.is_due || !is_wanted(pool))
                return;
        if (start(pool, &error) < 0)
                tell_failure(pool, error.message);
}

static void forget(Pool *pool)
{
        pidref_done(&pool->tidy.process);
        pool->tidy.steps_fd = fd_close(pool->tidy.steps_fd);
}

/* A run that proposed nothing that could be done is not repeated until there is news. */
static void take_steps(Pool *pool)
{
        TidyStep steps[TIDY_STEPS_MAX];
        ssize_t n = pread(pool->tidy.steps_fd, steps, sizeof(steps), 0);
        size_t count = n > 0 ? (size_t)n / sizeof(steps[0]) : 0;

        if (tidy_apply(pool->log_directory_fd, steps, count) > 0)
                pool->tidy.is_due = true;
}

static void ended(Pool *pool, const WorkerExit *exit)
{
        char reason[80];

        if (exit->kind == EXIT_CODE && exit->value == 0) {
                take_steps(pool);
                pool->tidy.has_failed = false;
        } else {
                (void)snprintf(reason, sizeof(reason), "reeve-pack ended with %s %d",
                               exit->kind == EXIT_CODE ? "exit code" : "signal", exit->value);
                tell_failure(pool, reason);
        }
        forget(pool);
        if (pool->tidy.is_due)
                tidy_ask(pool);
}

bool tidy_reaped(Engine *engine, pid_t pid, const WorkerExit *exit)
{
        for (size_t i = 0; i < engine->pool_count; i++)
                if (engine->pools[i]->tidy.process.pid == pid) {
                        ended(engine->pools[i], exit);
                        return true;
                }
        return false;
}

void tidy_end(Pool *pool)
{
        if (pidref_is_set(&pool->tidy.process))
                (void)pidref_signal(&pool->tidy.process, SIGKILL); /* it may have ended */
        forget(pool);
}
