/* status.c - reevectl status: is everything as it should be, and if not, what and why
 *
 * With nothing named: the daemon, its pools, and only those workers that are not well. Two
 * requests where all is well, three where not. */
#include <errno.h>
#include <inttypes.h>

#include "ctl/columns.h"
#include "ctl/outcome.h"
#include "ctl/pick.h"
#include "ctl/verbs.h"

/* ---- the daemon ---- */

static void daemon_line_tell(const Context *context, const json_t *daemon)
{
        AUTO_TEXT line = { 0 };
        const char *families =
                value_text(daemon, "families", value_text(daemon, "features.families", NULL));

        text_append(&line, "reeve ");
        value_write_text(&line, daemon, "version");
        text_append(&line, ", pid ");
        value_write_integer(&line, daemon, "pid");
        text_append(&line, ", up ");
        value_write_span(&line, daemon, "uptime_seconds");
        text_append(&line, "; sampler ");
        value_write_text(&line, daemon, "sampler");
        if (families)
                text_printf(&line, "; slots kept together by %s", families);
        if (value_at(daemon, "cpus.usable"))
                text_printf(&line, "; %" PRId64 " of %" PRId64 " CPUs",
                            value_integer(daemon, "cpus.usable", 0),
                            value_integer(daemon, "cpus.online", 0));
        fprintf(context->out, "%s\n", line.error ? "" : line.bytes);
}

/* Why threads are not looked at in the best way. */
static void sampler_tell(const Context *context, const json_t *daemon)
{
        const char *sampler = value_text(daemon, "sampler", ""),
                   *reason = value_text(daemon, "sampler_reason", "");

        if (*sampler && *reason && !text_equal(sampler, "bpf"))
                fprintf(context->out, "sampler %s: %s\n", sampler, reason);
}

static void warnings_tell(const Context *context, const json_t *object)
{
        const json_t *warnings = value_at(object, "warnings");

        for (size_t i = 0; i < json_array_size(warnings); i++) {
                const json_t *warning = json_array_get(warnings, i);
                const char *sentence = value_sentence(warning);
                const char *pool = value_text(warning, "pool", "");

                if (sentence)
                        fprintf(context->out, "warning: %s%s%s\n", pool, *pool ? ": " : "",
                                sentence);
        }
}

/* ---- workers that are not well ---- */

static int unwell_tell(const Context *context, const json_t *items, Error *reterr)
{
        AUTO_JSON *unwell = json_array();

        for (size_t i = 0; i < json_array_size(items); i++)
                if (!worker_is_well(json_array_get(items, i)))
                        (void)json_array_append(unwell, json_array_get(items, i));
        if (json_array_size(unwell) == 0)
                return 0;
        fputs("\nWorkers that are not well:\n", context->out);
        return render_table(context, unwell_columns, unwell_column_count, unwell, reterr);
}

/* ---- everything ---- */

static int overview_json(const Context *context, json_t *daemon, json_t *list, Error *reterr)
{
        if (json_object_set(daemon, "pools", json_object_get(list, "items")) < 0)
                return error_set(reterr, -ENOMEM, OUTCOME_FAILED, "out of memory");
        return render_json(context, daemon, reterr);
}

static int overview_tell(const Context *context, const json_t *daemon, const json_t *list,
                         bool is_well, Error *reterr)
{
        const json_t *pools = json_object_get(list, "items");
        AUTO_JSON *workers = NULL;
        int r;

        daemon_line_tell(context, daemon);
        sampler_tell(context, daemon);
        warnings_tell(context, daemon);
        if (json_array_size(pools) == 0) {
                fputs("\nNo pools: put NAME.pool files into pools.d and run reevectl reload\n",
                      context->out);
                return 0;
        }
        fputc('\n', context->out);
        r = render_table(context, pool_columns, pool_column_count, pools, reterr);
        if (r < 0 || is_well)
                return r;
        r = api_list(context, "/v1/workers", &workers, reterr);
        return r < 0 ? r : unwell_tell(context, json_object_get(workers, "items"), reterr);
}

static bool are_well(const json_t *pools)
{
        for (size_t i = 0; i < json_array_size(pools); i++)
                if (!pool_is_well(json_array_get(pools, i)))
                        return false;
        return true;
}

static int status_overview(const Context *context)
{
        AUTO_JSON *daemon = NULL;
        AUTO_JSON *list = NULL;
        bool is_well;
        Error error = { 0 };
        int r;

        r = api_get(context, "/v1/", &daemon, &error);
        if (r == 0)
                r = api_list(context, "/v1/pools", &list, &error);
        if (r < 0)
                return context_fail(context, &error);
        is_well = are_well(json_object_get(list, "items"));
        if (context_is_json(context))
                r = overview_json(context, daemon, list, &error);
        else if (context->options->format == FORMAT_NAME)
                r = render_list(context, pool_columns, pool_column_count, list, pool_write_name,
                                &error);
        else
                r = overview_tell(context, daemon, list, is_well, &error);
        if (r < 0)
                return context_fail(context, &error);
        return is_well ? REEVE_EXIT_OK : REEVE_EXIT_NOT_RUNNING;
}

/* ---- one thing ---- */

static void limits_tell(const Context *context, const json_t *pool)
{
        const json_t *processes = value_at(pool, "scale.limits.processes");
        const json_t *threads = value_at(pool, "scale.limits.threads");
        AUTO_TEXT line = { 0 };

        value_write_grid(&line, pool, "scale");
        text_append(&line, ", mode ");
        value_write_text(&line, pool, "scale.mode");
        if (json_array_size(processes) == 2 && json_array_size(threads) == 2)
                text_printf(&line,
                            "; limits %" PRId64 "-%" PRId64 " processes, %" PRId64 "-%" PRId64
                            " threads",
                            (int64_t)json_integer_value(json_array_get(processes, 0)),
                            (int64_t)json_integer_value(json_array_get(processes, 1)),
                            (int64_t)json_integer_value(json_array_get(threads, 0)),
                            (int64_t)json_integer_value(json_array_get(threads, 1)));
        if (value_is(pool, "scale.overridden"))
                text_append(&line, "; scaled away from its file");
        fprintf(context->out, "     grid: %s, generation %" PRId64 "\n",
                line.error ? "" : line.bytes, value_integer(pool, "generation", 0));
}

static void waiting_tell(const Context *context, const json_t *pool)
{
        AUTO_TEXT line = { 0 };

        if (value_write_waiting(&line, pool) && !line.error)
                fprintf(context->out, "     now: %s\n", line.bytes);
}

static void pool_tell(const Context *context, const json_t *pool)
{
        const char *description = value_text(pool, "description", "");
        const char *last_error = value_text(pool, "last_error", "");
        AUTO_TEXT use = { 0 };

        fprintf(context->out, "%s%s%s\n", value_text(pool, "name", ""), *description ? " - " : "",
                description);
        fprintf(context->out, "    state: %s, %" PRId64 " of %" PRId64 " ready\n",
                value_text(pool, "state", VALUE_UNKNOWN), value_integer(pool, "processes.ready", 0),
                value_integer(pool, "processes.wanted", 0));
        limits_tell(context, pool);
        value_write_cores(&use, pool, "cpu_ratio");
        text_append(&use, " CPU, ");
        value_write_bytes(&use, pool, "rss_bytes");
        text_append(&use, " resident, ");
        value_write_integer(&use, pool, "restarts");
        fprintf(context->out, "      use: %s restarts\n", use.error ? "" : use.bytes);
        waiting_tell(context, pool);
        if (*last_error)
                fprintf(context->out, "      why: %s\n", last_error);
        warnings_tell(context, pool);
}

static int pool_status(const Context *context, const char *name, json_t *pool, bool *ret_is_well,
                       Error *reterr)
{
        AUTO_JSON *workers = NULL;
        json_t *items;
        int r = pick_workers(context, &name, 1, NULL, &workers, reterr);

        if (r < 0)
                return r;
        *ret_is_well = pool_is_well(pool);
        items = json_object_get(workers, "items");
        if (context_is_json(context)) {
                if (json_object_set(pool, "workers", items) < 0)
                        return error_set(reterr, -ENOMEM, OUTCOME_FAILED, "out of memory");
                return render_json(context, pool, reterr);
        }
        if (context->options->format == FORMAT_NAME)
                return render_list(context, worker_columns, worker_column_count, workers,
                                   worker_write_name, reterr);
        pool_tell(context, pool);
        if (json_array_size(items) > 0)
                fputc('\n', context->out);
        return render_table(context, worker_columns, worker_column_count, items, reterr);
}

static int workers_status(const Context *context, const char *word, bool *ret_is_well,
                          Error *reterr)
{
        AUTO_JSON *list = NULL;
        const json_t *items;
        int r = pick_workers(context, &word, 1, NULL, &list, reterr);

        if (r < 0)
                return r;
        items = json_object_get(list, "items");
        *ret_is_well = true;
        for (size_t i = 0; i < json_array_size(items); i++)
                *ret_is_well &= value_is(json_array_get(items, i), "ready");
        return render_list(context, worker_columns, worker_column_count, list, worker_write_name,
                           reterr);
}

static int word_status(const Context *context, const char *word, bool *ret_is_well, Error *reterr)
{
        AUTO_JSON *pool = NULL;
        Target target;
        int r = target_parse(word, &target, reterr);

        if (r < 0)
                return r;
        if (target.kind == TARGET_PID || target.kind == TARGET_SLOT || target.is_pattern)
                return workers_status(context, word, ret_is_well, reterr);
        r = api_pool(context, target.pool, &pool, reterr);
        return r < 0 ? r : pool_status(context, target.pool, pool, ret_is_well, reterr);
}

int verb_status(const Context *context)
{
        const Options *options = context->options;
        bool is_all_well = true;
        int failure = REEVE_EXIT_OK;

        if (options->word_count == 0)
                return status_overview(context);
        for (size_t i = 0; i < options->word_count; i++) {
                bool is_well = false;
                Error error = { 0 };

                if (i > 0 && !context_is_json(context))
                        fputc('\n', context->out);
                if (word_status(context, options->words[i], &is_well, &error) < 0)
                        failure = context_fail(context, &error);
                is_all_well &= is_well;
        }
        if (failure != REEVE_EXIT_OK)
                return failure;
        return is_all_well ? REEVE_EXIT_OK : REEVE_EXIT_NOT_RUNNING;
}
