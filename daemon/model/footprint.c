/* footprint.c - see footprint.h */
#include "model/footprint.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/units.h"

static int by_private(const void *a, const void *b)
{
        uint64_t x = ((const MemoryUse *)a)->private_bytes;
        uint64_t y = ((const MemoryUse *)b)->private_bytes;

        return (x > y) - (x < y);
}

Footprint footprint_of(MemoryUse *uses, size_t count, unsigned threads)
{
        Footprint footprint = { .workers = (unsigned)count, .threads = threads };

        if (count == 0)
                return footprint;
        qsort(uses, count, sizeof(*uses), by_private);
        footprint.private_bytes = uses[count / 2].private_bytes;
        for (size_t i = 0; i < count; i++)
                footprint.shared_bytes = MAX(footprint.shared_bytes, uses[i].shared_bytes);
        return footprint;
}

/* Counts are some ten thousands at most and sizes those of memory: no product overflows that a
 * kernel could report; a sum that did would only refuse. */
static uint64_t times(uint64_t count, uint64_t bytes)
{
        uint64_t product;

        return __builtin_mul_overflow(count, bytes, &product) ? UINT64_MAX / 4 : product;
}

FootprintPlan footprint_plan(const Footprint *footprint, const FootprintChange *change)
{
        unsigned threads = MAX(change->to.threads, footprint->threads) - footprint->threads;
        uint64_t growth = times(threads, FOOTPRINT_THREAD_BYTES);
        uint64_t worker = footprint->private_bytes + growth;
        unsigned stay = MIN(change->alive, change->to.processes);
        unsigned begin = change->to.processes - stay + change->stand_ins;
        FootprintPlan plan = { 0 };

        if (footprint->workers == 0)
                return plan;
        plan.worker_bytes = worker;
        if (change->alive > 0)
                plan.now_bytes =
                        times(change->alive, footprint->private_bytes) + footprint->shared_bytes;
        if (change->to.processes > 0)
                plan.expected_bytes = times(change->to.processes, worker) + footprint->shared_bytes;
        plan.more_bytes = times(begin, worker) + times(stay, growth);
        if (change->alive == 0 && begin > 0)
                plan.more_bytes += footprint->shared_bytes;
        return plan;
}

/* ---- refusals ---- */

typedef struct Words {
        char grid[48], worker[24], wanted[24], had[24], measured[64];
} Words;

static Words words_of(const Footprint *footprint, const FootprintPlan *plan, const Grid *to,
                      uint64_t wanted, uint64_t had)
{
        Words words;

        (void)grid_format(words.grid, sizeof(words.grid), to);
        (void)units_format_size(words.worker, sizeof(words.worker), plan->worker_bytes);
        (void)units_format_size(words.wanted, sizeof(words.wanted), wanted);
        (void)units_format_size(words.had, sizeof(words.had), had);
        (void)snprintf(words.measured, sizeof(words.measured), "measured on %u %s",
                       footprint->workers, footprint->workers == 1 ? "worker" : "workers");
        return words;
}

static int refuse_budget(const char *subject, const Footprint *footprint, const FootprintPlan *plan,
                         const Grid *to, uint64_t budget, Error *reterr)
{
        const Words words = words_of(footprint, plan, to, plan->expected_bytes, budget);
        uint64_t left = budget - MIN(budget, footprint->shared_bytes);

        return error_set(reterr, -ERANGE, "over-limit",
                         "%s: %s would take %s of memory (%u workers of %s, %s) and MemoryBudget= "
                         "allows %s, enough for %llu such workers. Ask for fewer, or raise it.",
                         subject, words.grid, words.wanted, to->processes, words.worker,
                         words.measured, words.had,
                         (unsigned long long)(left / MAX(plan->worker_bytes, UINT64_C(1))));
}

static int refuse_room(const char *subject, const Footprint *footprint, const FootprintPlan *plan,
                       const Grid *to, uint64_t available, const char *group, Error *reterr)
{
        const Words words = words_of(footprint, plan, to, plan->more_bytes, available);

        return error_set(reterr, -ENOSPC, "no-room",
                         "%s: the change to %s needs %s of memory beside what is there (%s for a "
                         "worker, %s) and %s can be had%s%s. Ask for fewer workers, go in smaller "
                         "steps, or free some.",
                         subject, words.grid, words.wanted, words.worker, words.measured, words.had,
                         group[0] ? " by the limit of " : " on this machine", group);
}

int footprint_check(const char *subject, const Footprint *footprint, const FootprintPlan *plan,
                    const Grid *to, uint64_t budget_bytes, uint64_t available_bytes,
                    const char *group, Error *reterr)
{
        if (plan->expected_bytes > MAX(plan->now_bytes, budget_bytes))
                return refuse_budget(subject, footprint, plan, to, budget_bytes, reterr);
        if (plan->more_bytes > available_bytes)
                return refuse_room(subject, footprint, plan, to, available_bytes, group, reterr);
        return 0;
}
