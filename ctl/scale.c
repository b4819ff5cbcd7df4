/* scale.c - reevectl scale
 *
 *   scale POOL 4x8 | scale POOL cpus | scale POOL -p 4 -t +1 | scale POOL=4x8 POOL2=2x1 | scale --all --reset */
#include <errno.h>
#include <stdlib.h>

#include "ctl/api.h"
#include "ctl/operation.h"
#include "ctl/outcome.h"
#include "ctl/pick.h"
#include "ctl/request.h"
#include "ctl/verbs.h"

/* Split "web=4x8" into a pool's text and a grid; Return: 0, -EINVAL */
static int assignment_parse(const char *word, char *pool, size_t size, ScaleGrid *grid)
{
        const char *equals = strchr(word, '=');

        if (!equals || (size_t)(equals - word) >= size)
                return -EINVAL;
        (void)text_copy(pool, (size_t)(equals - word) + 1, word);
        return scale_grid_parse(equals + 1, grid);
}

typedef struct Changes {
        Change *items;
        size_t count;
} Changes;

static void changes_done(Changes *changes)
{
        for (size_t i = 0; i < changes->count; i++)
                change_done(&changes->items[i]);
        free(changes->items);
        *changes = (Changes){ 0 };
}

static int change_add(Changes *changes, const char *pool, const Options *options,
                      const ScaleGrid *grid, Error *reterr)
{
        Change *longer = realloc(changes->items, (changes->count + 1) * sizeof(Change));
        json_t *body = NULL;
        int r;

        if (!longer)
                return error_set(reterr, -ENOMEM, OUTCOME_FAILED, "out of memory");
        changes->items = longer;
        r = scale_body(options, grid, &body, reterr);
        if (r < 0)
                return r;
        r = change_init(&changes->items[changes->count++], pool, "PATCH", "scale", body);
        return r < 0 ? error_set(reterr, r, OUTCOME_FAILED, "out of memory") : 0;
}

/* The same change for all pools that @words mean. */
static int pools_add(const Context *context, Changes *changes, const char *const *words,
                     size_t count, const ScaleGrid *grid, Error *reterr)
{
        char **names = NULL;
        int r = pick_pools(context, words, count, &names, reterr);

        for (size_t i = 0; r == 0 && names[i]; i++)
                r = change_add(changes, names[i], context->options, grid, reterr);
        (void)text_list_free(names);
        return r;
}

static int assignments_add(const Context *context, Changes *changes, Error *reterr)
{
        const Options *options = context->options;

        for (size_t i = 0; i < options->word_count; i++) {
                char pool[TARGET_POOL_SIZE];
                const char *word = pool;
                ScaleGrid grid = { 0 };
                int r = assignment_parse(options->words[i], pool, sizeof(pool), &grid);

                if (r < 0)
                        return error_set(reterr, r, OUTCOME_USAGE,
                                         "\"%s\" is not POOL=PROCESSESxTHREADS, like web=4x8",
                                         options->words[i]);
                r = pools_add(context, changes, &word, 1, &grid, reterr);
                if (r < 0)
                        return r;
        }
        return 0;
}

static int changes_parse(const Context *context, Changes *changes, Error *reterr)
{
        const Options *options = context->options;
        size_t count = options->word_count;
        ScaleGrid grid = { 0 };

        if (count > 0 && strchr(options->words[0], '='))
                return assignments_add(context, changes, reterr);
        /* A grid is the last word; a pool may be called 4x8 too, but not alone. */
        if (count > (options->is_all ? 0 : 1)
            && scale_grid_parse(options->words[count - 1], &grid) == 0)
                count--;
        return pools_add(context, changes, options->words, count, &grid, reterr);
}

/* "scale POOL cpus" means what "-p cpus" does. */
static void take_word(Options *options)
{
        if (options->word_count <= (options->is_all ? 0 : 1)
            || !text_equal(options->words[options->word_count - 1], "cpus"))
                return;
        options->word_count--;
        options->processes.is_set = options->processes.is_cpus = true;
}

/* Processes become as many as the processors that reeved's workers can use. */
static int count_cpus(const Context *context, CountChange *count, Error *reterr)
{
        AUTO_JSON *daemon = NULL;
        int r = api_get(context, "/v1/", &daemon, reterr);

        if (r < 0)
                return r;
        *count = (CountChange){ .is_set = true, .value = value_integer(daemon, "cpus.usable", 0) };
        return count->value > 0 ? 0
                                : error_set(reterr, -ENODATA, OUTCOME_FAILED,
                                            "reeved does not say how many processors there are");
}

int verb_scale(const Context *context)
{
        CLEANUP(changes_done) Changes changes = { 0 };
        Options options = *context->options;
        Context own = *context;
        Error error = { 0 };
        int r = 0;

        own.options = &options;
        take_word(&options);
        if (options.processes.is_cpus)
                r = count_cpus(&own, &options.processes, &error);
        if (r < 0 || changes_parse(&own, &changes, &error) < 0)
                return context_fail(context, &error);
        return changes_run(&own, changes.items, changes.count, change_tell);
}
