/* health.c - see health.h
 *
 * A Health is one probe with its clock, owned by a slot or by a pool. Its one timer says when the
 * next probe begins, and while one runs, when it has taken too long. */
#include "engine/health.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/text.h"
#include "base/units.h"
#include "engine/aide.h"
#include "engine/alarm.h"
#include "engine/launch.h"
#include "engine/pause.h"
#include "engine/pool.h"
#include "engine/priority.h"
#include "engine/publish.h"
#include "engine/report.h"
#include "spawn/probe.h"

struct Health {
        Pool *pool;
        Slot *slot;         /* NULL: one for all of the pool */
        PoolConfig *config; /* that it was made from */
        bool is_active;     /* there is somebody to look after */
        Tally tally;
        ProbeTarget target; /* of a connection */
        bool has_target;
        Probe *probe; /* while one runs: this */
        Aide *aide;   /* or this */
        sd_event_source *timer, *io;
        uint64_t began_usec, probed_realtime_usec;
        char last_error[BOARD_HEALTH_ERROR_SIZE];
};

/* ---- whom it is about ---- */

static bool is_shared(const PoolConfig *config)
{
        return (config->probe == PROBE_HTTP || config->probe == PROBE_TCP)
               && !strstr(config->probe_target, "${");
}

static bool was_ready(const Slot *slot)
{
        return slot->worker.ready_usec != 0;
}

/* One that is to say READY=1 itself is left in peace until then. */
static bool is_looked_after(const Slot *slot)
{
        const PoolConfig *config = slot->definition->config;

        return slot_facts(slot)->is_probed && config->probe != PROBE_NONE
               && (was_ready(slot) || config->type != SERVICE_NOTIFY);
}

static unsigned count_looked_after(const Pool *pool)
{
        unsigned count = 0;

        for (size_t i = 0; i < pool->slot_count; i++)
                count += is_looked_after(pool->slots[i]);
        return count;
}

/* Nobody that it is about has been ready yet. */
static bool is_starting(const Health *health)
{
        if (health->slot)
                return !was_ready(health->slot);
        for (size_t i = 0; i < health->pool->slot_count; i++)
                if (is_looked_after(health->pool->slots[i]) && was_ready(health->pool->slots[i]))
                        return false;
        return true;
}

/* ---- the clock ---- */

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata);

static void arm(Health *health, uint64_t at_usec)
{
        int r = alarm_set(health->pool->engine->event, &health->timer, at_usec, PRIORITY_TIMER,
                          on_timer, health);

        if (r < 0)
                report(LOG_ERR, "%s: cannot arm the timer of a probe: %s", health->pool->subject,
                       strerror(-r));
}

static void hang_up(Health *health)
{
        health->io = sd_event_source_disable_unref(health->io);
        health->probe = probe_free(health->probe);
        health->aide = aide_free(health->aide);
}

static bool is_running(const Health *health)
{
        return health->probe || health->aide;
}

static uint64_t random_number(void)
{
        uint64_t number = 0;

        /* Only spreads probes: without entropy all begin together. */
        (void)getrandom(&number, sizeof(number), GRND_NONBLOCK);
        return number;
}

/* The first one of a life. Then they go on at equal distances, so they stay spread. */
static void arm_first(Health *health)
{
        uint64_t interval = health->config->probe_interval_usec;
        bool starts = is_starting(health);

        arm(health, now_usec()
                            + (starts ? tally_delay_usec(&health->tally, true, interval)
                                      : tally_spread_usec(interval, random_number())));
}

static void arm_next(Health *health, bool was_starting)
{
        uint64_t interval = health->config->probe_interval_usec, now = now_usec();
        uint64_t next =
                health->began_usec + tally_delay_usec(&health->tally, was_starting, interval);

        if (was_starting && health->tally.status == HEALTH_HEALTHY)
                next = now + tally_spread_usec(interval, random_number());
        arm(health, MAX(next, now));
}

/* ---- results ---- */

static void publish(const Health *health)
{
        if (health->slot) {
                publish_slot(health->slot);
                return;
        }
        for (size_t i = 0; i < health->pool->slot_count; i++)
                if (is_looked_after(health->pool->slots[i]))
                        publish_slot(health->pool->slots[i]);
}

/* Whether the event would do anything: a pool of a thousand is not woken for nothing. */
static bool concerns(const Slot *slot, WorkerEvent event)
{
        return is_looked_after(slot)
               && (event != WORKER_EVENT_PROBE_OK || !slot_facts(slot)->is_ready);
}

/* The last thing that is done: whoever is told may end the probe, or begin the next. */
static void tell(Health *health, WorkerEvent event)
{
        Pool *pool = health->pool;

        if (health->slot) {
                if (concerns(health->slot, event))
                        slot_event(health->slot, event, NULL);
                return;
        }
        if (event == WORKER_EVENT_PROBE_HUNG
            && (pool->grid.processes != 1 || count_looked_after(pool) != 1))
                return;
        for (size_t i = 0; i < pool->slot_count; i++)
                if (concerns(pool->slots[i], event))
                        slot_event(pool->slots[i], event, NULL);
}

static void finish(Health *health, const Error *error)
{
        bool was_starting = is_starting(health);
        WorkerEvent event;

        hang_up(health);
        health->probed_realtime_usec = now_realtime_usec();
        (void)text_copy(health->last_error, sizeof(health->last_error),
                        error ? error->message : "");
        event = tally_count(&health->tally, !error, was_starting, health->config->probe_failures);
        arm_next(health, was_starting);
        publish(health);
        if (event)
                tell(health, event);
}

static void start_again(Health *health)
{
        hang_up(health);
        arm(health, now_usec());
}

/* ---- one probe ---- */

static void step(Health *health, bool is_last)
{
        Error error = { 0 };
        char span[32];
        int r = probe_step(health->probe, &error);

        if (r == 0 && is_last)
                r = error_set(
                        &error, -ETIMEDOUT, "timeout", "no answer within %s",
                        units_format_span(span, sizeof(span), health->config->probe_timeout_usec));
        if (r != 0)
                finish(health, r > 0 ? NULL : &error);
        else if (sd_event_source_set_io_events(health->io, probe_events(health->probe)) < 0)
                start_again(health);
}

static int on_io(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        step(userdata, false);
        return 0;
}

static void on_command_end(void *userdata, const Error *error)
{
        Health *health = userdata;

        health->aide = NULL;
        if (error && text_equal(error->code, "paused"))
                start_again(health);
        else
                finish(health, error);
}

static int begin_command(Health *health, Error *reterr)
{
        const AideRequest request = { .name = "probe",
                                      .command = health->config->probe_command,
                                      .timeout_usec = health->config->probe_timeout_usec,
                                      .done = on_command_end,
                                      .userdata = health };

        return aide_start(health->slot, &request, &health->aide, reterr);
}

/* The address of a worker stays the same for its life. */
static int find_target(Health *health, Error *reterr)
{
        AUTO_FREE char *text = NULL;
        int r;

        if (health->has_target)
                return 0;
        if (health->slot)
                r = launch_expand(health->slot, health->config->probe_target, &text, reterr);
        else
                r = (text = strdup(health->config->probe_target)) ? 0 : -ENOMEM;
        if (r >= 0)
                r = probe_target_parse(health->config->probe, text, &health->target, reterr);
        health->has_target = r >= 0;
        return r;
}

static int begin_connection(Health *health, Error *reterr)
{
        int r = find_target(health, reterr);

        if (r >= 0)
                r = probe_start(&health->target, &health->probe, reterr);
        if (r < 0)
                return r;
        r = sd_event_add_io(health->pool->engine->event, &health->io, probe_fd(health->probe),
                            probe_events(health->probe), on_io, health);
        if (r >= 0)
                r = sd_event_source_set_priority(health->io, PRIORITY_NOTIFY);
        if (r >= 0)
                arm(health, health->began_usec + health->config->probe_timeout_usec);
        return r < 0 ? error_set(reterr, r, "probe-failed", "cannot watch the probe: %s",
                                 strerror(-r))
                     : 0;
}

static void begin(Health *health)
{
        Error error = { 0 };
        int r;

        health->began_usec = now_usec();
        r = health->config->probe == PROBE_EXEC ? begin_command(health, &error)
                                                : begin_connection(health, &error);
        if (r < 0)
                finish(health, &error);
}

static void deactivate(Health *health)
{
        if (!health->is_active)
                return;
        health->is_active = false;
        hang_up(health);
        if (health->timer)
                (void)sd_event_source_set_enabled(health->timer, SD_EVENT_OFF);
}

static int on_timer(sd_event_source *source, uint64_t usec, void *userdata)
{
        Health *health = userdata;

        if (!health->slot && count_looked_after(health->pool) == 0)
                deactivate(health); /* until somebody is there again */
        else if (!is_running(health))
                begin(health);
        else if (health->probe && pause_covers(usec))
                start_again(health);
        else if (health->probe)
                step(health, true); /* the answer may have come this moment */
        return 0;
}

/* ---- whom to look after ---- */

static Health *health_free(Health *health)
{
        if (!health)
                return NULL;
        hang_up(health);
        sd_event_source_disable_unref(health->timer);
        probe_target_done(&health->target);
        pool_config_unref(health->config);
        free(health);
        return NULL;
}

static Health *health_new(Pool *pool, Slot *slot, PoolConfig *config)
{
        Health *health = calloc(1, sizeof(Health));

        if (!health) {
                report(LOG_ERR, "%s: no memory for a probe", pool->subject);
                return NULL;
        }
        health->pool = pool;
        health->slot = slot;
        health->config = pool_config_ref(config);
        tally_init(&health->tally);
        return health;
}

static void activate(Health *health)
{
        health->is_active = true;
        health->last_error[0] = '\0';
        health->probed_realtime_usec = 0;
        tally_init(&health->tally);
        probe_target_done(&health->target);
        health->has_target = false;
        arm_first(health);
}

/* Return: the one of the slot or of its pool; NULL if it needs none, or without memory */
static Health *take(Slot *slot)
{
        PoolConfig *config = slot->definition->config;
        bool shares = is_shared(config);
        Health **place = shares ? &slot->pool->health : &slot->health;

        if (shares)
                config = slot->pool->config;
        if (*place && (*place)->config != config)
                *place = health_free(*place);
        if (!*place && is_shared(config) == shares && is_looked_after(slot))
                *place = health_new(slot->pool, shares ? NULL : slot, config);
        return *place;
}

/* A worker that waits for the word of a probe which is no more would wait for ever. */
static void release(Slot *slot)
{
        const WorkerFacts *facts = slot_facts(slot);

        if (facts->is_probed && !facts->is_ready
            && (was_ready(slot) || slot->definition->config->type != SERVICE_NOTIFY))
                slot_event(slot, WORKER_EVENT_PROBE_OK, NULL);
}

void health_follow(Slot *slot)
{
        const PoolConfig *config = slot->definition->config;
        Health *health;

        if (slot->dump && !slot->worker.is_dumping)
                slot->dump = aide_free(slot->dump);
        if (slot->health && (config->probe == PROBE_NONE || is_shared(config)))
                slot->health = health_free(slot->health);
        if (config->probe == PROBE_NONE) {
                release(slot);
                return;
        }
        health = take(slot);
        if (!health)
                return;
        if (!is_looked_after(slot)) {
                if (health->slot)
                        deactivate(health);
        } else if (!health->is_active) {
                activate(health);
        } else if (!health->slot && !was_ready(slot) && !is_running(health)) {
                /* One more that waits to be ready. */
                arm(health, now_usec()
                                    + tally_delay_usec(&health->tally, true,
                                                       health->config->probe_interval_usec));
        }
}

void health_follow_pool(Pool *pool)
{
        if (pool->health && pool->health->config != pool->config)
                pool->health = health_free(pool->health);
        for (size_t i = 0; i < pool->slot_count; i++)
                health_follow(pool->slots[i]);
}

void health_forget(Slot *slot)
{
        slot->dump = aide_free(slot->dump);
        slot->health = health_free(slot->health);
}

void health_forget_pool(Pool *pool)
{
        pool->health = health_free(pool->health);
}

HealthNews health_news(const Slot *slot)
{
        const Health *health = slot->health ? slot->health : slot->pool->health;
        const PoolConfig *config = slot->definition->config;
        HealthNews news = { .kind = config->probe,
                            .is_shared = is_shared(config),
                            .status = HEALTH_UNKNOWN,
                            .last_error = "" };

        if (!health || config->probe == PROBE_NONE)
                return news;
        news.status = health->tally.status;
        news.failures = health->tally.failures;
        news.probed_realtime_usec = health->probed_realtime_usec;
        news.last_error = health->last_error;
        return news;
}

/* ---- the dump ---- */

static void on_dumped(void *userdata, const Error *error)
{
        Slot *slot = userdata;

        slot->dump = NULL;
        if (error)
                report(LOG_WARNING, "%s: worker %u: ExecDump= failed: %s", slot->pool->subject,
                       slot->number, error->message);
        slot_event(slot, WORKER_EVENT_DUMPED, NULL);
}

void health_dump(Slot *slot)
{
        const PoolConfig *config = slot->definition->config;
        const AideRequest request = { .name = "dump",
                                      .command = config->dump_command,
                                      .timeout_usec = config->dump_timeout_usec,
                                      .is_logged = true,
                                      .done = on_dumped,
                                      .userdata = slot };
        Error error = { 0 };

        if (aide_start(slot, &request, &slot->dump, &error) < 0)
                on_dumped(slot, &error);
}
