/* sampler.c - see sampler.h
 *
 * The budget is kept by measuring what a round costs on our own CPU clock and, if it was more
 * than its share of the interval, waiting longer until the next. */
#include "engine/sampler.h"

#include <string.h>

#include "base/units.h"
#include "engine/live.h"
#include "engine/pool.h"
#include "engine/priority.h"
#include "engine/publish.h"
#include "engine/recycle.h"
#include "engine/report.h"
#include "engine/threads.h"
#include "sys/clock.h"

#define CPUS_INTERVAL_USEC (10 * USEC_PER_SEC)

static void sample_slot(Slot *slot, uint64_t now)
{
        ProcessSample sample;

        if (!pidref_is_set(&slot->process)
            || process_sample_take(slot->process.pid, now, &sample) < 0)
                return;
        /* Ours cannot be another process while it is not reaped; an adopted one can. */
        if (slot->process.start_ticks == 0)
                slot->process.start_ticks = sample.start_ticks;
        if (slot->process.start_ticks != sample.start_ticks)
                return;
        slot->cpu_ratio = slot->has_sample ? process_sample_cpu_ratio(&slot->sample, &sample) : -1;
        slot->sample = sample;
        slot->has_sample = true;
        recycle_sampled(slot);
        live_sample(slot);
        publish_slot(slot);
}

static uint64_t next_interval(const Engine *engine, uint64_t cost_usec)
{
        uint64_t wanted = engine->config->sample_interval_usec;
        double budget = engine->config->sample_budget_ratio;
        uint64_t afforded = budget > 0 ? (uint64_t)((double)cost_usec / budget) : 0;

        return MAX(wanted, afforded);
}

/* What is left of the budget for threads: the rest of a round costs as well. */
static uint64_t thread_budget(const Engine *engine)
{
        double budget = engine->config->sample_budget_ratio;

        return budget > 0 ? (uint64_t)((double)engine->config->sample_interval_usec * budget * 0.7)
                          : USEC_PER_SEC;
}

/* A container's quota can be changed while it runs. */
static void count_cpus(Engine *engine, uint64_t now)
{
        if (now < engine->cpus_usec + CPUS_INTERVAL_USEC)
                return;
        engine->cpus_usec = now;
        publish_cpus(engine);
}

static int on_sample(sd_event_source *source, uint64_t usec, void *userdata)
{
        Engine *engine = userdata;
        uint64_t before = clock_usec(CLOCK_THREAD_CPUTIME_ID), now = now_usec();
        int r;

        for (size_t i = 0; i < engine->pool_count; i++)
                for (size_t j = 0; j < engine->pools[i]->slot_count; j++)
                        sample_slot(engine->pools[i]->slots[j], now);
        threads_sample(engine, now, thread_budget(engine));
        count_cpus(engine, now);
        engine->sample_interval_usec =
                next_interval(engine, clock_usec(CLOCK_THREAD_CPUTIME_ID) - before);
        threads_tell_interval(engine);
        r = sd_event_source_set_time(source, now + engine->sample_interval_usec);
        return r < 0 ? r : sd_event_source_set_enabled(source, SD_EVENT_ONESHOT);
}

int sampler_open(Engine *engine)
{
        uint64_t interval = engine->config->sample_interval_usec;
        int r;

        if (interval == 0)
                return 0;
        engine->sample_interval_usec = interval;
        r = threads_open(engine);
        if (r < 0)
                return r;
        r = sd_event_add_time(engine->event, &engine->sample_source, CLOCK_MONOTONIC,
                              now_usec() + interval, interval / 20 + 1, on_sample, engine);
        return r < 0 ? r : sd_event_source_set_priority(engine->sample_source, PRIORITY_SAMPLE);
}

void sampler_hurry(Engine *engine)
{
        if (engine->sample_source)
                (void)sd_event_source_set_time(engine->sample_source, 0); /* else when it is due */
}

/* What was measured last is not what is now. */
static void forget_samples(Engine *engine)
{
        for (size_t i = 0; i < engine->pool_count; i++)
                for (size_t j = 0; j < engine->pools[i]->slot_count; j++) {
                        Slot *slot = engine->pools[i]->slots[j];

                        slot->has_sample = false;
                        slot->cpu_ratio = -1;
                        publish_slot(slot);
                }
}

/* Never later than it would have been: who reloads all the time must not put it off for ever. */
static int take_interval(Engine *engine, uint64_t interval)
{
        uint64_t due = 0;
        int r;

        if (!engine->sample_source)
                return sampler_open(engine);
        engine->sample_interval_usec = interval;
        threads_reset(engine);
        r = sd_event_source_get_time(engine->sample_source, &due);
        if (r >= 0)
                r = sd_event_source_set_time(engine->sample_source,
                                             MIN(due, now_usec() + interval));
        return r < 0 ? r : sd_event_source_set_enabled(engine->sample_source, SD_EVENT_ONESHOT);
}

void sampler_reset(Engine *engine)
{
        uint64_t interval = engine->config->sample_interval_usec;
        int r;

        if (interval == 0) {
                engine->sample_source = sd_event_source_disable_unref(engine->sample_source);
                threads_close(engine);
                forget_samples(engine);
                return;
        }
        r = take_interval(engine, interval);
        if (r < 0)
                report(LOG_ERR, "cannot arm the timer of the sampler: %s", strerror(-r));
}
