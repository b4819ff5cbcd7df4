/* reload.c - see reload.h */
#include "engine/reload.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "engine/change.h"
#include "engine/launch.h"
#include "engine/limits.h"
#include "engine/pace.h"
#include "engine/pool.h"
#include "engine/publish.h"
#include "engine/reload_plan.h"
#include "engine/report.h"
#include "engine/sampler.h"

/* ---- what cannot be honoured ---- */

static void warn_identity(Engine *engine, const PoolConfig *config)
{
        if (config->user)
                publish_warning(engine, config->name,
                                "User=%s needs a reeved that runs as root; workers run as uid %u.",
                                config->user, (unsigned)getuid());
        if (config->group)
                publish_warning(engine, config->name,
                                "Group=%s needs a reeved that runs as root; workers run as gid %u.",
                                config->group, (unsigned)getgid());
        if (launch_lacks_right_for_nice(engine, config))
                publish_warning(engine, config->name,
                                "Nice=%d needs a reeved that runs as root; it is left as it is.",
                                config->nice);
        if (launch_lacks_right_for_oom(engine, config))
                publish_warning(engine, config->name,
                                "OOMScoreAdjust=%d needs a reeved that runs as root; it is left as "
                                "it is.",
                                config->oom_score_adjust);
}

static void warn_later(Engine *engine, const PoolConfig *config, bool is_set, const char *what)
{
        if (is_set)
                publish_warning(engine, config->name, "%s has no effect in this version.", what);
}

static void warn_probe(Engine *engine, const PoolConfig *config)
{
        if (config->processes > 1 && !strstr(config->probe_target, "${"))
                publish_warning(engine, config->name,
                                "The probe of [Health] has one address for all workers: it makes "
                                "them ready or unready together and replaces none. Put "
                                "${REEVE_SLOT} into it to give each its own.");
}

void reload_warn(Engine *engine, const PoolConfig *config)
{
        if (engine->settings.is_user_mode)
                warn_identity(engine, config);
        limits_warn(engine, config);
        if (config->probe == PROBE_HTTP || config->probe == PROBE_TCP)
                warn_probe(engine, config);
        if (config->max_memory_bytes != UINT64_MAX && engine->config->sample_interval_usec == 0)
                publish_warning(engine, config->name,
                                "MaxMemory= needs sampling, which SampleIntervalSec=0 turns off.");
        warn_later(engine, config, config->mode == SCALE_AUTO, "Mode=auto");
        warn_later(engine, config, config->throughput != NULL, "Throughput=");
}

/* ---- reloading ---- */

static int take_pool(Engine *engine, PoolConfig *config, const char *actor, Error *reterr)
{
        const ChangeRequest request = { .actor = actor };
        ChangeOutcome outcome = { 0 };
        Pool *pool = engine_find_pool(engine, config->name);
        AUTO(Pool) *fresh = NULL;
        int r;

        publish_clear_warnings(engine, config->name);
        reload_warn(engine, config);
        if (pool && !pool->is_leaving)
                return change_config(pool, config, &request, reterr);
        if (pool)
                return error_set(reterr, -EBUSY, "conflict",
                                 "pool %s is still leaving; reload again when it is gone.",
                                 config->name);
        r = pool_new(engine, config, false, &fresh, reterr);
        if (r < 0)
                return r;
        pool = fresh;
        if (engine_add_pool(engine, pool) < 0)
                return error_set(reterr, -ENOMEM, "no-memory", "pool %s: out of memory",
                                 config->name);
        fresh = NULL;
        return change_start(pool, &request, &outcome, reterr);
}

static void leave(Engine *engine, Pool *pool, const char *actor)
{
        const ChangeRequest request = { .actor = actor };
        ChangeOutcome outcome = { 0 };

        report(LOG_NOTICE, "%s: its file is gone: draining it", pool->subject);
        pool->is_leaving = true;
        (void)change_stop(pool, &request, &outcome, NULL);
        engine_touch(engine, pool);
}

static int apply(Engine *engine, const Config *config, const char *actor, Error *reterr)
{
        Error first = { 0 };
        int r = 0;

        for (size_t i = 0; i < engine->pool_count; i++) {
                Pool *pool = engine->pools[i];

                if (!pool->is_builtin && !pool->is_leaving && !config_find(config, pool->name))
                        leave(engine, pool, actor);
        }
        for (size_t i = 0; i < config->pool_count; i++) {
                Error error = { 0 };

                /* One pool that cannot be taken is no reason to leave the others behind. */
                if (take_pool(engine, config->pools[i], actor, &error) < 0 && r == 0) {
                        first = error;
                        r = -ECANCELED;
                }
        }
        if (r < 0)
                *reterr = first;
        return r;
}

static int problem_error(const ProblemList *problems, Error *reterr)
{
        for (size_t i = 0; i < problems->count; i++)
                if (problems->items[i].kind == PROBLEM_ERROR) {
                        AUTO_FREE char *sentence = problem_format(&problems->items[i]);

                        return error_set(reterr, -EINVAL, "invalid",
                                         "%s. Nothing was changed; `reevectl check` shows all.",
                                         sentence ? sentence : "The configuration is broken");
                }
        return error_set(reterr, -EINVAL, "invalid", "The configuration cannot be read.");
}

static int read_files(Engine *engine, Config **ret, Error *reterr)
{
        ProblemList problems = { 0 };
        int r;

        if (!engine->hooks.read_config)
                return error_set(reterr, -EOPNOTSUPP, "not-supported", "Nothing to reload.");
        r = engine->hooks.read_config(engine->hooks.userdata, &problems, ret);
        if (r < 0)
                r = problem_error(&problems, reterr);
        problem_list_done(&problems);
        return r;
}

/* What of reeve.conf is in force at once. */
static void follow_settings(Engine *engine, Config *config_take)
{
        config_free(engine->config);
        engine->config = config_take;
        report_init(engine->config->log_level);
        pace_reset(engine);
        sampler_reset(engine);
}

static void tell(Engine *engine, const char *actor, const ReloadResult *result)
{
        const char *summary = result->summary.length ? result->summary.bytes : "nothing differs";

        report(LOG_NOTICE, "configuration reloaded: %s", summary);
        publish_event(engine, EVENT_DAEMON_RELOADED, NULL, NULL, actor, "changes", summary, NULL);
}

void reload_result_done(ReloadResult *result)
{
        text_done(&result->summary);
        text_done(&result->plan);
}

int reload_apply(Engine *engine, const char *actor, bool is_dry_run, ReloadResult *ret,
                 Error *reterr)
{
        uint64_t last = engine->operations;
        Config *config = NULL;
        int r = read_files(engine, &config, reterr);

        if (r < 0)
                return r;
        reload_plan_describe(engine, config, &ret->summary);
        reload_plan_write(engine, config, &ret->plan);
        if (is_dry_run) {
                config_free(config);
                return 0;
        }
        /* First: who comes after whom is looked up there as pools are started. */
        follow_settings(engine, config);
        r = apply(engine, config, actor, reterr);
        reload_plan_operations(engine, last, &ret->plan);
        tell(engine, actor, ret);
        return r;
}
