/* validate.c - one pool: keys against keys
 *
 * A drop-in that `reevectl scale` left may have become too large for a limit that was lowered
 * since. It is cut then, with a warning: what the daemon wrote must not keep it from starting. */
#include "config/validate.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void draft_tell(const DraftSet *set, const Draft *draft, Place place, ProblemKind kind,
                const char *format, ...)
{
        const TextFile *file = place.file ? place.file : draft->file;
        char message[PROBLEM_MESSAGE_SIZE];
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(message, sizeof(message), format, arguments);
        va_end(arguments);
        (void)problem_add(set->problems, kind, file ? file->path : NULL, place.line, place.column,
                          draft->pool, "%s", message);
}

static bool is_written(const Draft *draft, const char *name)
{
        return draft_place(draft, name).line != 0;
}

/* A limit and a start value that do not fit together, told at the one that somebody wrote. */
static void tell_order(const DraftSet *set, const Draft *draft, const char *smaller, unsigned low,
                       const char *larger, unsigned high)
{
        const char *at = is_written(draft, smaller) ? smaller : larger;

        draft_tell(set, draft, draft_place(draft, at), PROBLEM_ERROR,
                   "%s=%u%s is above %s=%u%s; change one of them", smaller, low,
                   is_written(draft, smaller) ? "" : " (the default)", larger, high,
                   is_written(draft, larger) ? "" : " (the default)");
}

typedef struct Axis {
        const char *name, *min_name, *max_name;
        unsigned *value;
        unsigned min, max;
} Axis;

static void axis_cut(const DraftSet *set, const Draft *draft, const Axis *axis)
{
        unsigned raised = MAX(*axis->value, axis->min);
        unsigned cut = MIN(raised, axis->max);

        if (cut == *axis->value)
                return;
        draft_tell(set, draft, draft_place(draft, axis->name), PROBLEM_WARNING,
                   "%s=%u was set by reevectl and lies outside of %s=%u and %s=%u; %u is used",
                   axis->name, *axis->value, axis->min_name, axis->min, axis->max_name, axis->max,
                   cut);
        *axis->value = cut;
}

static void axis_validate(const DraftSet *set, const Draft *draft, const Axis *axis)
{
        Place place = draft_place(draft, axis->name);

        if (axis->min > axis->max)
                tell_order(set, draft, axis->min_name, axis->min, axis->max_name, axis->max);
        else if (place.file && place.file->is_control)
                axis_cut(set, draft, axis);
        else if (*axis->value < axis->min)
                tell_order(set, draft, axis->min_name, axis->min, axis->name, *axis->value);
        else if (*axis->value > axis->max)
                tell_order(set, draft, axis->name, *axis->value, axis->max_name, axis->max);
}

static void scale_validate(const DraftSet *set, const Draft *draft)
{
        PoolConfig *pool = draft->target;
        const Axis processes = { "Processes",      "ProcessesMin",      "ProcessesMax",
                                 &pool->processes, pool->processes_min, pool->processes_max };
        const Axis threads = { "Threads",      "ThreadsMin",      "ThreadsMax",
                               &pool->threads, pool->threads_min, pool->threads_max };

        axis_validate(set, draft, &processes);
        axis_validate(set, draft, &threads);
        if (pool->max_surge.value == 0 && pool->max_unavailable.value == 0)
                draft_tell(set, draft, draft_place(draft, "MaxSurge"), PROBLEM_ERROR,
                           "MaxSurge= and MaxUnavailable= are both 0, so no worker could ever be "
                           "replaced; raise one of them");
}

static void command_validate(const DraftSet *set, const Draft *draft)
{
        const PoolConfig *pool = draft->target;

        if (!pool->command && !is_written(draft, "ExecStart"))
                draft_tell(set, draft, (Place){ 0 }, PROBLEM_ERROR,
                           "ExecStart= is missing; name the program in [Pool], such as "
                           "ExecStart=/usr/bin/NAME");
        if (pool->reload_command && pool->reload_signal)
                draft_tell(set, draft, draft_place(draft, "ReloadSignal"), PROBLEM_ERROR,
                           "ExecReload= and ReloadSignal= exclude one another; remove one");
}

static void restart_validate(const DraftSet *set, const Draft *draft)
{
        PoolConfig *pool = draft->target;

        if (pool->restart_max_usec >= pool->restart_usec)
                return;
        if (is_written(draft, "RestartMaxDelaySec"))
                draft_tell(set, draft, draft_place(draft, "RestartMaxDelaySec"), PROBLEM_ERROR,
                           "RestartMaxDelaySec= is shorter than RestartSec=; make it at least as "
                           "long");
        else
                pool->restart_max_usec = pool->restart_usec;
}

/* Without a span to count in there is nothing to count, as in systemd. */
static void start_limit_settle(PoolConfig *pool)
{
        if (pool->start_limit_interval_usec == 0)
                pool->start_limit_burst = 0;
}

static void health_validate(const DraftSet *set, const Draft *draft)
{
        static const char *const keys[] = { "IntervalSec", "TimeoutSec", "Failures" };
        const PoolConfig *pool = draft->target;

        for (size_t i = 0; pool->probe == PROBE_NONE && i < COUNT_OF(keys); i++)
                if (is_written(draft, keys[i]))
                        draft_tell(set, draft, draft_place(draft, keys[i]), PROBLEM_WARNING,
                                   "%s= has no effect without Http=, Tcp= or Exec=", keys[i]);
        if (pool->watchdog_usec && pool->type != SERVICE_NOTIFY)
                draft_tell(set, draft, draft_place(draft, "WatchdogSec"), PROBLEM_WARNING,
                           "WatchdogSec= expects WATCHDOG=1 from the workers; is Type=notify "
                           "meant?");
}

static bool list_mentions(char *const *list, const char *word)
{
        for (; list && *list; list++)
                if (strstr(*list, word))
                        return true;
        return false;
}

static void thread_control_settle(const Draft *draft)
{
        PoolConfig *pool = draft->target;
        bool is_used = list_mentions(pool->command, "REEVE_THREADS")
                       || list_mentions(pool->environment, "REEVE_THREADS");

        if (!is_written(draft, "ThreadControl"))
                pool->thread_control = is_used ? THREADS_REPLACE : THREADS_FIXED;
}

static int error_output_settle(const Draft *draft)
{
        PoolConfig *pool = draft->target;
        char *path = NULL;

        if (is_written(draft, "StandardError"))
                return 0;
        if (pool->output.path) {
                path = strdup(pool->output.path);
                if (!path)
                        return -ENOMEM;
        }
        free(pool->error.path);
        pool->error = (Output){ .kind = pool->output.kind, .path = path };
        return 0;
}

int pool_validate(const DraftSet *set, Draft *draft)
{
        command_validate(set, draft);
        scale_validate(set, draft);
        restart_validate(set, draft);
        health_validate(set, draft);
        start_limit_settle(draft->target);
        thread_control_settle(draft);
        return error_output_settle(draft);
}
