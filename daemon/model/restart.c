/* restart.c - see restart.h
 *
 * systemd.service(5) gives Restart= as a table of causes, and so does this file. Two causes are
 * ours: a process that could not be started at all stands with the timeouts, where systemd has
 * its "resources"; one whose end nobody saw (it was adopted, and ended on a kernel that does not
 * tell) may have failed, so whoever asked for restarts on failure gets one, and nobody is told
 * that it succeeded or crashed. */
#include "model/restart.h"

#include <signal.h>

#include "base/units.h"

typedef enum Cause {
        CAUSE_CLEAN,
        CAUSE_CODE,
        CAUSE_SIGNAL,
        CAUSE_FORCED, /* timeout, watchdog, out of memory, could not be started */
        CAUSE_UNKNOWN,
        CAUSE_COUNT,
} Cause;

/* clang-format off */
static const bool restart_table[][CAUSE_COUNT] = {
        /*                          clean  code   signal forced unknown */
        [RESTART_NO] =            { false, false, false, false, false },
        [RESTART_ON_SUCCESS] =    { true,  false, false, false, false },
        [RESTART_ON_FAILURE] =    { false, true,  true,  true,  true  },
        [RESTART_ON_ABNORMAL] =   { false, false, true,  true,  false },
        [RESTART_ON_ABORT] =      { false, false, true,  false, false },
        [RESTART_ALWAYS] =        { true,  true,  true,  true,  true  },
};
/* clang-format on */

static bool signal_is_clean(int number)
{
        return number == SIGHUP || number == SIGINT || number == SIGTERM || number == SIGPIPE;
}

/* A reason of reeve's own outweighs the status: SIGTERM after a start timeout is no clean end. */
static Cause exit_cause(const WorkerExit *exit)
{
        if (exit->reason == EXIT_REASON_UNKNOWN)
                return CAUSE_UNKNOWN;
        if (exit->reason != EXIT_REASON_NONE)
                return CAUSE_FORCED;
        switch (exit->kind) {
        case EXIT_CODE: return exit->value == 0 ? CAUSE_CLEAN : CAUSE_CODE;
        case EXIT_SIGNAL: return signal_is_clean(exit->value) ? CAUSE_CLEAN : CAUSE_SIGNAL;
        case EXIT_NONE:
        case EXIT_REASON: break;
        }
        return CAUSE_UNKNOWN;
}

bool exit_is_clean(const WorkerExit *exit)
{
        return exit_cause(exit) == CAUSE_CLEAN;
}

bool restart_is_wanted(RestartMode mode, const WorkerExit *exit)
{
        return restart_table[mode][exit_cause(exit)];
}

uint64_t restart_delay_usec(const PoolConfig *policy, unsigned failures_in_row, uint64_t random)
{
        uint64_t delay = policy->restart_usec;
        uint64_t most = MAX(policy->restart_usec, policy->restart_max_usec);

        for (unsigned i = 1; i < failures_in_row && delay > 0 && delay < most; i++)
                delay = delay > most / 2 ? most : delay * 2;
        return delay - random % (delay / 4 + 1);
}

bool start_limit_allows(Worker *worker, const PoolConfig *policy, uint64_t now_usec)
{
        uint64_t age = now_usec - worker->limit_window_start_usec;

        if (policy->start_limit_burst == 0 || policy->start_limit_interval_usec == 0)
                return true;
        if (worker->limit_starts == 0 || age >= policy->start_limit_interval_usec) {
                worker->limit_window_start_usec = now_usec;
                worker->limit_starts = 0;
        }
        if (worker->limit_starts >= policy->start_limit_burst)
                return false;
        worker->limit_starts++;
        return true;
}
