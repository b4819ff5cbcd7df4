/* life.c - reevectl start, stop, restart, reset-failed: what is done to whole pools */
#include <errno.h>
#include <stdlib.h>

#include "ctl/operation.h"
#include "ctl/outcome.h"
#include "ctl/pick.h"
#include "ctl/stop_order.h"
#include "ctl/verbs.h"

static void pids_say(const Context *context, const Change *change, const char *field,
                     const char *label)
{
        AUTO_TEXT pids = { 0 };

        value_write_integers(&pids, change->scale, field);
        if (json_array_size(value_at(change->scale, field)) > 0 && !pids.error)
                fprintf(context->out, "%s %s", label, pids.bytes);
}

/* "web: started 101 102", or @already when there was nothing to do. */
static void life_tell(const Context *context, const Change *change, const char *done,
                      const char *already)
{
        if (text_equal(value_text(change->scale, "state", ""), "running")) {
                fprintf(context->out, "%s: %s accepted, operation %lld runs\n", change->pool,
                        change->action, (long long)value_integer(change->scale, "operation", 0));
                return;
        }
        if (change_is_nothing(change->scale)) {
                fprintf(context->out, "%s %s\n", change->pool, already);
                return;
        }
        fprintf(context->out, "%s %s", change->pool, done);
        pids_say(context, change, "started", "; started");
        pids_say(context, change, "stopped", "; stopped");
        fputc('\n', context->out);
}

static void start_tell(const Context *context, const Change *change)
{
        life_tell(context, change, "is running", "is already running");
}

static void stop_tell(const Context *context, const Change *change)
{
        life_tell(context, change, "is stopped", "is already stopped");
}

static void restart_tell(const Context *context, const Change *change)
{
        life_tell(context, change, "was restarted", "had nothing to restart");
}

static void reload_tell(const Context *context, const Change *change)
{
        life_tell(context, change, "was reloaded", "had nothing to reload");
}

static void rollback_tell(const Context *context, const Change *change)
{
        life_tell(context, change, "is what it was before", "is that already");
}

static void reset_tell(const Context *context, const Change *change)
{
        life_tell(context, change, "was reset and starts again", "is reset: no failure counts");
}

static json_t *life_body(const Options *options)
{
        json_t *body = json_object();

        if (options->is_rolling)
                (void)json_object_set_new(body, "rolling", json_true());
        if (options->is_dry_run)
                (void)json_object_set_new(body, "dry_run", json_true());
        return body;
}

static void reopen_tell(const Context *context, const Change *change)
{
        fprintf(context->out, "%s writes to its log files anew\n", change->pool);
}

static int life_run(const Context *context, const char *action, ChangeTold tell)
{
        const Options *options = context->options;
        AUTO_FREE Change *changes = NULL;
        char **names = NULL;
        Error error = { 0 };
        size_t count;
        int r, exit_code;

        r = pick_pools(context, options->words, options->word_count, &names, &error);
        if (r < 0)
                return context_fail(context, &error);
        if (text_equal(action, "stop"))
                stop_order(context, names);
        count = text_list_count(names);
        changes = calloc(MAX(count, (size_t)1), sizeof(Change));
        for (size_t i = 0; r == 0 && i < count; i++)
                r = changes ? change_init(&changes[i], names[i], "POST", action, life_body(options))
                            : -ENOMEM;
        if (r == 0) {
                exit_code = changes_run(context, changes, count,
                                        options->is_dry_run ? change_tell : tell);
        } else {
                (void)error_set(&error, r, OUTCOME_FAILED, "out of memory");
                exit_code = context_fail(context, &error);
        }
        for (size_t i = 0; changes && i < count; i++)
                change_done(&changes[i]);
        (void)text_list_free(names);
        return exit_code;
}

int verb_start(const Context *context)
{
        return life_run(context, "start", start_tell);
}

int verb_stop(const Context *context)
{
        return life_run(context, "stop", stop_tell);
}

int verb_restart(const Context *context)
{
        return life_run(context, "restart", restart_tell);
}

int pools_reload(const Context *context)
{
        return life_run(context, "reload", reload_tell);
}

int verb_rollback(const Context *context)
{
        return life_run(context, "rollback", rollback_tell);
}

int verb_reset_failed(const Context *context)
{
        return life_run(context, "reset-failed", reset_tell);
}

int life_reopen_logs(const Context *context)
{
        return life_run(context, "logs/reopen", reopen_tell);
}
