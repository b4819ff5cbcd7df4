/* reload.c - reevectl reload: what the files say, applied; or pools that read their own anew
 *
 * Without a pool the reply has the plan, worker by worker, and the operations that were begun; they
 * are waited for like any other change. */
#include <errno.h>
#include <stdlib.h>

#include "ctl/columns.h"
#include "ctl/operation.h"
#include "ctl/outcome.h"
#include "ctl/render.h"
#include "ctl/verbs.h"

FIELD_COLUMN(write_pool, text, "pool");
FIELD_COLUMN(write_slot, integer, "slot");
FIELD_COLUMN(write_pid, integer, "pid");
FIELD_COLUMN(write_action, text, "action");
FIELD_COLUMN(write_reason, text, "reason");

static const Column plan_columns[] = {
        { "POOL", 0, write_pool },
        { "SLOT", COLUMN_RIGHT, write_slot },
        { "PID", COLUMN_RIGHT, write_pid },
        { "ACTION", 0, write_action },
        { "REASON", COLUMN_CUT, write_reason },
};

/* A dry run shows all; when it is done, what stays is a number. */
static int plan_tell(const Context *context, const json_t *reply, Error *reterr)
{
        const json_t *plan = value_at(reply, "plan");
        AUTO_JSON *rows = json_array();
        size_t kept = 0;
        int r;

        for (size_t i = 0; i < json_array_size(plan); i++) {
                json_t *row = json_array_get(plan, i);
                bool is_kept = text_equal(value_text(row, "action", ""), "keep");

                kept += is_kept;
                if (!is_kept || context->options->is_dry_run)
                        (void)json_array_append(rows, row);
        }
        r = render_table(context, plan_columns, COUNT_OF(plan_columns), rows, reterr);
        if (r >= 0 && !context->options->is_dry_run && kept > 0 && json_array_size(rows) > 0)
                fprintf(context->out, "%zu more stay as they are\n", kept);
        return r;
}

static void reload_tell(const Context *context, const json_t *reply)
{
        const char *message = value_text(reply, "message", "");

        if (*message)
                fprintf(context->out, "%s\n", message);
        else
                fprintf(context->out, "%s\n",
                        context->options->is_dry_run ? "nothing would change"
                                                     : "reloaded, nothing differs");
}

static void pool_tell(const Context *context, const Change *change)
{
        bool is_running = text_equal(value_text(change->scale, "state", ""), "running");

        fprintf(context->out, "%s: %s\n", change->pool, is_running ? "is being changed" : "done");
}

static Change *changes_of(const json_t *operations, size_t count)
{
        Change *changes = calloc(count + 1, sizeof(Change));

        for (size_t i = 0; changes && i < count; i++) {
                json_t *item = json_array_get(operations, i);

                changes[i].pool = strdup(value_text(item, "pool", ""));
                changes[i].action = "reload";
                changes[i].scale =
                        json_pack("{s:I, s:s, s:s}", "operation",
                                  (json_int_t)value_integer(item, "operation", 0), "state",
                                  "running", "pool", value_text(item, "pool", ""));
        }
        return changes;
}

/* The operations of the reply become what came of them. */
static void operations_replace(json_t *reply, const Change *changes, size_t count)
{
        json_t *operations = json_array();

        for (size_t i = 0; i < count; i++)
                (void)json_array_append(operations, changes[i].scale);
        (void)json_object_set_new(reply, "operations", operations);
}

static int operations_follow(const Context *context, json_t *reply)
{
        const json_t *operations = value_at(reply, "operations");
        size_t count = json_array_size(operations);
        Change *changes = changes_of(operations, count);
        int exit_code =
                changes ? changes_follow(context, changes, count, pool_tell) : REEVE_EXIT_FAILED;

        if (changes)
                operations_replace(reply, changes, count);
        for (size_t i = 0; changes && i < count; i++)
                change_done(&changes[i]);
        free(changes);
        return exit_code;
}

static int configuration_reload(const Context *context)
{
        Request request = { .method = "POST",
                            .path = "/v1/reload",
                            .body = context->options->is_dry_run ? "{\"dry_run\":true}" : "{}" };
        AUTO_JSON *reply = NULL;
        Error error = { 0 };
        int r = api_call(context, &request, &reply, &error), exit_code = REEVE_EXIT_OK;

        if (r >= 0 && !context_is_json(context)) {
                r = plan_tell(context, reply, &error);
                reload_tell(context, reply);
        }
        if (r >= 0)
                exit_code = operations_follow(context, reply);
        if (r >= 0 && context_is_json(context))
                r = render_json(context, reply, &error);
        return r < 0 ? context_fail(context, &error) : exit_code;
}

int verb_reload(const Context *context)
{
        if (context->options->word_count > 0 || context->options->is_all)
                return pools_reload(context);
        return configuration_reload(context);
}
