/* request.c - see request.h */
#include "ctl/request.h"

#include <errno.h>

#include "base/names.h"
#include "base/text.h"
#include "base/units.h"
#include "ctl/outcome.h"
#include "ctl/value.h"

enum { GRID_AXES = 3 };

int scale_grid_parse(const char *text, ScaleGrid *ret)
{
        unsigned counts[GRID_AXES] = { 0 };
        size_t count = 0;

        for (const char *part = text; part && count < GRID_AXES; count++) {
                const char *end = strchr(part, 'x');
                char number[16];
                uint64_t value;

                if (end ? end - part >= (ptrdiff_t)sizeof(number) : strlen(part) >= sizeof(number))
                        return -EINVAL;
                (void)text_copy(number, end ? (size_t)(end - part) + 1 : sizeof(number), part);
                if (units_parse_number(number, COUNT_CHANGE_MAX, &value) < 0)
                        return -EINVAL;
                counts[count] = (unsigned)value;
                part = end ? end + 1 : NULL;
                if (part && count == GRID_AXES - 1)
                        return -EINVAL; /* a fourth axis */
        }
        if (count < 2)
                return -EINVAL;
        *ret = (ScaleGrid){ .is_set = true,
                            .processes = counts[0],
                            .threads = counts[1],
                            .greenlets = counts[2],
                            .has_greenlets = count == GRID_AXES };
        return 0;
}

static int usage(Error *reterr, const char *sentence)
{
        return error_set(reterr, -EINVAL, OUTCOME_USAGE, "%s", sentence);
}

/* One thing at a time, except that counts of different axes go together. */
static int scale_check(const Options *options, const ScaleGrid *grid, Error *reterr)
{
        bool has_counts =
                options->processes.is_set || options->threads.is_set || options->greenlets.is_set;
        bool has_total = options->seen & OPTION_TOTAL;
        static const char *const modes[] = { "threads", "processes", "auto", "manual" };
        static const char *const states[] = { "auto", "manual" };
        bool is_state;
        unsigned asked = has_counts + grid->is_set + has_total + options->is_reset;

        if (options->threads.is_cpus || options->greenlets.is_cpus)
                return usage(reterr, "cpus is a number of processes: -p cpus");
        if (options->greenlets.is_relative)
                return usage(reterr, "--greenlets takes a count, not a change");
        if (options->mode && names_find(modes, COUNT_OF(modes), options->mode) < 0)
                return usage(reterr, "--mode is threads, processes, auto or manual");
        /* manual and auto are states and go with any change; the others are changes themselves. */
        is_state = options->mode && names_find(states, COUNT_OF(states), options->mode) >= 0;
        asked += options->mode && !is_state;
        if (asked == 0 && is_state)
                return 0;
        if (asked == 0)
                return usage(reterr,
                             "say how: 4x8, -p 4, -t 8, --total 32, --mode MODE or --reset");
        return asked == 1 ? 0
                          : usage(reterr, "ask for one change at a time: a grid, counts, "
                                          "--total, --mode or --reset");
}

static int count_put(json_t *body, const CountChange *count, const char *name, const char *delta)
{
        if (!count->is_set)
                return 0;
        return json_object_set_new(body, count->is_relative ? delta : name,
                                   json_integer(count->value));
}

static int grid_put(json_t *body, const ScaleGrid *grid)
{
        int r = 0;

        if (!grid->is_set)
                return 0;
        r |= json_object_set_new(body, "processes", json_integer(grid->processes));
        r |= json_object_set_new(body, "threads", json_integer(grid->threads));
        if (grid->has_greenlets)
                r |= json_object_set_new(body, "greenlets", json_integer(grid->greenlets));
        return r;
}

static int flag_put(json_t *body, const char *name, bool is_set)
{
        return is_set ? json_object_set_new(body, name, json_true()) : 0;
}

int scale_body(const Options *options, const ScaleGrid *grid, json_t **ret, Error *reterr)
{
        AUTO_JSON *body = json_object();
        int r = scale_check(options, grid, reterr);

        if (r < 0)
                return r;
        r |= grid_put(body, grid);
        r |= count_put(body, &options->processes, "processes", "processes_delta");
        r |= count_put(body, &options->threads, "threads", "threads_delta");
        r |= count_put(body, &options->greenlets, "greenlets", "greenlets");
        if (options->seen & OPTION_TOTAL)
                r |= json_object_set_new(body, "total", json_integer((json_int_t)options->total));
        if (options->mode)
                r |= json_object_set_new(body, "mode", json_string(options->mode));
        r |= flag_put(body, "reset", options->is_reset);
        r |= flag_put(body, "dry_run", options->is_dry_run);
        r |= flag_put(body, "runtime", options->is_runtime);
        if (!body || r < 0)
                return error_set(reterr, -ENOMEM, OUTCOME_FAILED, "out of memory");
        *ret = TAKE_PTR(body);
        return 0;
}
