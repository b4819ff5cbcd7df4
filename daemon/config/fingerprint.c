/* fingerprint.c - a number for what a worker is started from
 *
 * Two configurations that pool_config_same_worker() calls the same have the same number; a state
 * file keeps it, so that a reeved that starts anew can tell whether the workers that it finds
 * were started from what is configured now. FNV-1a, 64 bits: it tells changes, not attackers. */
#include "config/config.h"

static uint64_t mix(uint64_t hash, const void *bytes, size_t length)
{
        const unsigned char *p = bytes;

        for (size_t i = 0; i < length; i++)
                hash = (hash ^ p[i]) * UINT64_C(1099511628211);
        return hash;
}

static uint64_t mix_number(uint64_t hash, uint64_t number)
{
        return mix(hash, &number, sizeof(number));
}

/* With its terminator, so that "ab" "c" is not "a" "bc"; an absent string is not an empty one. */
static uint64_t mix_text(uint64_t hash, const char *text)
{
        return text ? mix(hash, text, strlen(text) + 1) : mix_number(hash, UINT64_MAX);
}

static uint64_t mix_list(uint64_t hash, char *const *list)
{
        for (; list && *list; list++)
                hash = mix_text(hash, *list);
        return mix_number(hash, 0);
}

static uint64_t mix_limits(uint64_t hash, const PoolConfig *config)
{
        for (size_t i = 0; i < RESOURCE_COUNT; i++) {
                const ResourceLimit *limit = &config->limits[i];

                if (!limit->is_set)
                        continue;
                hash = mix_number(hash, i);
                hash = mix_number(mix_number(hash, limit->soft), limit->hard);
        }
        return hash;
}

static uint64_t mix_process(uint64_t hash, const PoolConfig *config)
{
        hash = mix_text(mix_text(hash, config->user), config->group);
        hash = mix_text(hash, config->directory);
        hash = mix_number(hash, config->umask);
        hash = mix_number(hash, config->no_new_privileges);
        if (config->has_nice)
                hash = mix_number(hash, (uint64_t)config->nice);
        if (config->has_oom_score_adjust)
                hash = mix_number(hash, (uint64_t)config->oom_score_adjust);
        if (config->has_affinity)
                hash = mix(hash, &config->affinity, sizeof(config->affinity));
        hash = mix_number(hash, config->type);
        hash = mix_number(hash, config->watchdog_usec);
        hash = mix_number(mix_number(hash, config->output.kind), config->error.kind);
        return mix_text(mix_text(hash, config->output.path), config->error.path);
}

uint64_t pool_config_fingerprint(const PoolConfig *config)
{
        uint64_t hash = UINT64_C(14695981039346656037);

        hash = mix_list(hash, config->command);
        hash = mix_list(hash, config->environment);
        hash = mix_list(hash, config->environment_files);
        hash = mix_limits(mix_process(hash, config), config);
        hash = mix_number(hash, config->listen_mode);
        for (size_t i = 0; i < config->listener_count; i++)
                hash = mix_text(hash, config->listeners[i].text);
        return hash;
}
