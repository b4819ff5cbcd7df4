/* builtin.c - see builtin.h */
#include "engine/builtin.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"

static const PoolConfig defaults = {
        .references = 1,
        .type = SERVICE_NOTIFY,
        .umask = 0077,
        .no_new_privileges = true,
        .worker_limits = GROUP_LIMITS_NONE,
        .pool_limits = GROUP_LIMITS_NONE,
        .restart = RESTART_ALWAYS,
        .restart_usec = 50 * USEC_PER_MSEC,
        .restart_max_usec = USEC_PER_SEC,
        .stable_usec = 10 * USEC_PER_SEC,
        .timeout_start_usec = 30 * USEC_PER_SEC,
        .timeout_stop_usec = 5 * USEC_PER_SEC,
        .kill_signal = SIGTERM,
        .processes = 1,
        .threads = 1,
        .processes_min = 1,
        .processes_max = 1,
        .threads_min = 1,
        .threads_max = 1,
        .thread_control = THREADS_FIXED,
        .max_surge = { .value = 1 },
        .memory_budget_bytes = UINT64_MAX,
        .log_max_bytes = 10 << 20,
        .log_max_files = 2,
};

PoolConfig *builtin_config(const char *name, const char *description, const char *command,
                           const char *user)
{
        AUTO(PoolConfig) *config = malloc(sizeof(PoolConfig));

        if (!config)
                return NULL;
        *config = defaults;
        config->name = strdup(name);
        config->description = strdup(description);
        config->user = user ? strdup(user) : NULL;
        if (!config->name || !config->description || (user && !config->user)
            || text_list_add(&config->command, command) < 0)
                return NULL;
        return TAKE_PTR(config);
}
