/* grid.c - see grid.h
 *
 * Two ways lead to a grid. Counts that a person gives are taken as they are or refused, because
 * a silent correction would be a surprise. Counts that follow from something else (a conversion,
 * a total, limits that were made narrower) are brought within the limits, and it is told. */
#include "model/grid.h"

#include <errno.h>
#include <stdio.h>

#include "base/cleanup.h"

/* ---- text ---- */

/* Digits at *cursor, which moves behind them. */
static int take_count(const char **cursor, unsigned *ret)
{
        const char *at = *cursor;
        unsigned count = 0;

        if (*at < '0' || *at > '9')
                return -EINVAL;
        for (; *at >= '0' && *at <= '9'; at++) {
                count = count * 10 + (unsigned)(*at - '0');
                if (count > GRID_COUNT_MAX)
                        return -ERANGE;
        }
        *cursor = at;
        *ret = count;
        return 0;
}

static int take_axis(const char **cursor, unsigned *ret)
{
        if (**cursor != 'x')
                return -EINVAL;
        (*cursor)++;
        return take_count(cursor, ret);
}

int grid_parse(const char *text, Grid *ret)
{
        Grid grid = { 0 };
        int r;

        r = take_count(&text, &grid.processes);
        if (r < 0)
                return r;
        r = take_axis(&text, &grid.threads);
        if (r < 0)
                return r;
        if (*text)
                r = take_axis(&text, &grid.greenlets);
        if (r < 0)
                return r;
        if (*text)
                return -EINVAL;
        *ret = grid;
        return 0;
}

char *grid_format(char *buffer, size_t size, const Grid *grid)
{
        if (grid->greenlets > 0)
                (void)snprintf(buffer, size, "%ux%ux%u", grid->processes, grid->threads,
                               grid->greenlets);
        else
                (void)snprintf(buffer, size, "%ux%u", grid->processes, grid->threads);
        return buffer;
}

bool grid_equal(const Grid *a, const Grid *b)
{
        return a->processes == b->processes && a->threads == b->threads
               && a->greenlets == b->greenlets;
}

/* ---- an axis and its limits ---- */

typedef struct Axis {
        const char *name;              /* as in requests */
        const char *min_key, *max_key; /* as in the pool's file */
        unsigned min, max;
} Axis;

static Axis processes_axis(const GridLimits *limits)
{
        return (Axis){ .name = "processes",
                       .min_key = "ProcessesMin",
                       .max_key = "ProcessesMax",
                       .min = limits->processes_min,
                       .max = limits->processes_max };
}

static Axis threads_axis(const GridLimits *limits)
{
        return (Axis){ .name = "threads",
                       .min_key = "ThreadsMin",
                       .max_key = "ThreadsMax",
                       .min = limits->threads_min,
                       .max = limits->threads_max };
}

static void tell_cut(GridChange *change, const char *name, uint64_t from, uint64_t to,
                     const char *why)
{
        if (change->cut_count == GRID_CUTS_MAX)
                return;
        (void)snprintf(change->cuts[change->cut_count++], GRID_CUT_SIZE,
                       "%s %s from %llu to %llu (%s)", name, to < from ? "cut" : "raised",
                       (unsigned long long)from, (unsigned long long)to, why);
}

/* A derived count. */
static unsigned cut_to_limits(const Axis *axis, uint64_t count, GridChange *change)
{
        if (count > axis->max) {
                tell_cut(change, axis->name, count, axis->max, axis->max_key);
                return axis->max;
        }
        if (count < axis->min) {
                tell_cut(change, axis->name, count, axis->min, axis->min_key);
                return axis->min;
        }
        return (unsigned)count;
}

/* A count that a person gave; relative ones start at what is there. */
static int take_asked(const Axis *axis, unsigned now, int64_t asked, bool is_relative,
                      unsigned *ret, Error *reterr)
{
        int64_t count;

        if (!is_relative)
                count = asked;
        else if (__builtin_add_overflow(asked, (int64_t)now, &count))
                count = asked; /* further out than any limit */
        if (count > (int64_t)axis->max)
                return error_set(reterr, -ERANGE, "over-limit",
                                 "%s=%lld is above %s=%u of this pool", axis->name,
                                 (long long)count, axis->max_key, axis->max);
        if (count < (int64_t)axis->min)
                return error_set(reterr, -ERANGE, "over-limit",
                                 "%s=%lld is below %s=%u of this pool", axis->name,
                                 (long long)count, axis->min_key, axis->min);
        *ret = (unsigned)count;
        return 0;
}

/* ---- the verbs ---- */

/* One axis of SCALE_SET: asked for, or left as it is if the limits still allow that. */
static int set_axis(const Axis *axis, unsigned now, bool has_count, int64_t asked, bool is_relative,
                    GridChange *change, unsigned *ret, Error *reterr)
{
        if (has_count)
                return take_asked(axis, now, asked, is_relative, ret, reterr);
        *ret = cut_to_limits(axis, now, change);
        return 0;
}

static int plan_set(const GridLimits *limits, const ScaleRequest *request, GridChange *change,
                    Error *reterr)
{
        const Axis processes = processes_axis(limits), threads = threads_axis(limits);
        const Axis greenlets = { .name = "greenlets",
                                 .min_key = "the least",
                                 .max_key = "the most",
                                 .max = GRID_COUNT_MAX };
        int r;

        if (!request->has_processes && !request->has_threads && !request->has_greenlets)
                return error_set(reterr, -EINVAL, "invalid",
                                 "nothing to change: give processes, threads or greenlets");
        r = set_axis(&processes, change->from.processes, request->has_processes, request->processes,
                     request->is_processes_relative, change, &change->to.processes, reterr);
        if (r < 0)
                return r;
        r = set_axis(&threads, change->from.threads, request->has_threads, request->threads,
                     request->is_threads_relative, change, &change->to.threads, reterr);
        if (r < 0)
                return r;
        return set_axis(&greenlets, change->from.greenlets, request->has_greenlets,
                        request->greenlets, false, change, &change->to.greenlets, reterr);
}

/* All of the product on @wide, the other axis as small as its limits allow. */
static int plan_convert(const Axis *wide, unsigned *ret_wide, const Axis *narrow,
                        unsigned *ret_narrow, GridChange *change, Error *reterr)
{
        uint64_t product = (uint64_t)change->from.processes * change->from.threads;

        if (product == 0)
                return error_set(reterr, -EINVAL, "invalid",
                                 "a pool of %u processes has nothing to convert: give counts",
                                 change->from.processes);
        *ret_narrow = MAX(cut_to_limits(narrow, 1, change), 1U);
        *ret_wide = cut_to_limits(wide, MAX(product / *ret_narrow, UINT64_C(1)), change);
        return 0;
}

/* How far the shape moved: the larger of the two ratios P:T over the smaller, from 1. */
static double shape_change(const Grid *from, uint64_t processes, uint64_t threads)
{
        double a = (double)processes * MAX(from->threads, 1U);
        double b = (double)threads * MAX(from->processes, 1U);

        return a > b ? a / b : b / a;
}

/* The most that does not exceed @total; among equals the shape nearest to that of @from. */
static bool nearest_grid(const Grid *from, const GridLimits *limits, uint64_t total, Grid *to)
{
        uint64_t best = 0;
        double best_change = 0;

        for (uint64_t threads = MAX(limits->threads_min, 1U); threads <= limits->threads_max;
             threads++) {
                uint64_t processes = MIN(total / threads, (uint64_t)limits->processes_max);
                double change = shape_change(from, processes, threads);

                if (processes < MAX(limits->processes_min, 1U))
                        break; /* more threads leave still less */
                if (processes * threads < best
                    || (processes * threads == best && change >= best_change))
                        continue;
                best = processes * threads;
                best_change = change;
                to->processes = (unsigned)processes;
                to->threads = (unsigned)threads;
        }
        return best > 0;
}

static void tell_total(const GridLimits *limits, uint64_t total, GridChange *change)
{
        uint64_t product = (uint64_t)change->to.processes * change->to.threads;
        char why[sizeof("ProcessesMax=4294967295, ThreadsMax=4294967295")];

        if (product == total)
                return;
        if (product < total)
                (void)snprintf(why, sizeof(why), "ProcessesMax=%u, ThreadsMax=%u",
                               limits->processes_max, limits->threads_max);
        else
                (void)snprintf(why, sizeof(why), "ProcessesMin=%u, ThreadsMin=%u",
                               limits->processes_min, limits->threads_min);
        tell_cut(change, "total", total, product, why);
}

/* With the threads as they are only processes come and go, and no worker that stays is touched.
 * Only where that cannot meet the total do both axes move. */
static void plan_total(const GridLimits *limits, uint64_t total, GridChange *change)
{
        const Axis threads = threads_axis(limits);
        unsigned kept = MAX(change->from.threads, 1U);

        if (total % kept == 0 && total / kept >= limits->processes_min
            && total / kept <= limits->processes_max && kept >= threads.min
            && kept <= threads.max) {
                change->to.threads = kept;
                change->to.processes = (unsigned)(total / kept);
                return;
        }
        if (!nearest_grid(&change->from, limits, total, &change->to)) {
                change->to.processes = limits->processes_min;
                change->to.threads = limits->threads_min;
        }
        tell_total(limits, total, change);
}

static void plan_reset(const Grid *original, const GridLimits *limits, GridChange *change)
{
        const Axis processes = processes_axis(limits), threads = threads_axis(limits);

        change->to.processes = cut_to_limits(&processes, original->processes, change);
        change->to.threads = cut_to_limits(&threads, original->threads, change);
        change->to.greenlets = original->greenlets;
}

static int plan_verb(const Grid *original, const GridLimits *limits, const ScaleRequest *request,
                     GridChange *change, Error *reterr)
{
        const Axis processes = processes_axis(limits), threads = threads_axis(limits);

        switch (request->verb) {
        case SCALE_SET: return plan_set(limits, request, change, reterr);
        case SCALE_TO_PROCESSES:
                return plan_convert(&processes, &change->to.processes, &threads,
                                    &change->to.threads, change, reterr);
        case SCALE_TO_THREADS:
                return plan_convert(&threads, &change->to.threads, &processes,
                                    &change->to.processes, change, reterr);
        case SCALE_TOTAL: plan_total(limits, request->total, change); return 0;
        case SCALE_RESET: plan_reset(original, limits, change); return 0;
        }
        return error_set(reterr, -EINVAL, "invalid", "unknown kind of scale request");
}

int grid_change_plan(const Grid *now, const Grid *original, const GridLimits *limits,
                     const ScaleRequest *request, GridChange *ret, Error *reterr)
{
        GridChange change = { .from = *now, .to = *now };
        int r;

        if (request->verb != SCALE_SET
            && (request->has_processes || request->has_threads || request->has_greenlets))
                return error_set(reterr, -EINVAL, "invalid",
                                 "counts cannot be given together with a conversion, a total or "
                                 "a reset: ask for one of them");
        r = plan_verb(original, limits, request, &change, reterr);
        if (r < 0)
                return r;
        *ret = change;
        return 0;
}

static unsigned clamp(unsigned value, unsigned least, unsigned most)
{
        return value < least ? least : MIN(value, most);
}

Grid grid_clamp(const Grid *grid, const GridLimits *limits)
{
        return (Grid){
                .processes = clamp(grid->processes, limits->processes_min, limits->processes_max),
                .threads = clamp(grid->threads, limits->threads_min, limits->threads_max),
                .greenlets = grid->greenlets,
        };
}
