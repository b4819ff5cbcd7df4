/* kill.c - reevectl kill: a signal to workers */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "base/units.h"
#include "ctl/outcome.h"
#include "ctl/pick.h"
#include "ctl/render.h"
#include "ctl/signals.h"
#include "ctl/verbs.h"

static int signal_send(const Context *context, int64_t pid, const char *name, json_t **ret,
                       Error *reterr)
{
        AUTO_JSON *body = json_pack("{s:s}", "signal", name);
        AUTO_FREE char *text = body ? value_dump(body, JSON_COMPACT) : NULL;
        AUTO_TEXT path = { 0 };
        Request request = { .method = "POST", .body = text };
        int r;

        text_printf(&path, "/v1/workers/%" PRId64 "/signal", pid);
        if (!text || path.error)
                return error_set(reterr, -ENOMEM, OUTCOME_FAILED, "out of memory");
        request.path = path.bytes;
        r = api_call(context, &request, ret, reterr);
        return MIN(r, 0);
}

/* @replies: an array, to which what the API said is added */
static int worker_signal(const Context *context, const json_t *worker, const char *name,
                         json_t *replies)
{
        int64_t pid = value_integer(worker, "pid", 0);
        AUTO_JSON *reply = NULL;
        Error error = { 0 };

        if (signal_send(context, pid, name, &reply, &error) < 0)
                return context_fail(context, &error);
        (void)json_array_append(replies, reply); /* only -o json shows it */
        if (!context_is_json(context))
                fprintf(context->out, "%s/%" PRId64 ": sent %s to %" PRId64 "\n",
                        value_text(worker, "pool", ""), value_integer(worker, "slot", 0), name,
                        pid);
        return REEVE_EXIT_OK;
}

static int replies_print(const Context *context, json_t *replies, int exit_code)
{
        AUTO_JSON *list = json_pack("{s:O, s:n}", "items", replies, "next");
        Error error = { 0 };

        return render_json(context, list, &error) < 0 ? context_fail(context, &error) : exit_code;
}

/* Whether a pattern may mean this worker; reeve's own need to be named. */
static bool is_meant(const Context *context, const json_t *worker)
{
        return !context->options->is_all || !target_is_builtin(value_text(worker, "pool", ""));
}

int verb_kill(const Context *context)
{
        const Options *options = context->options;
        AUTO_JSON *list = NULL;
        AUTO_JSON *replies = json_array();
        const json_t *items;
        char name[SIGNAL_NAME_SIZE];
        Error error = { 0 };
        int exit_code = -1;

        if (options->is_all == (options->word_count > 0))
                return context_usage(context, "give workers (POOL, POOL/SLOT, PID) or --all");
        if (signal_name(options->signal ? options->signal : "TERM", name) < 0)
                return context_usage(context, "\"%s\" is no signal; write USR1, SIGUSR1 or 10",
                                     options->signal);
        if (pick_workers(context, options->words, options->word_count, NULL, &list, &error) < 0)
                return context_fail(context, &error);
        items = json_object_get(list, "items");
        for (size_t i = 0; i < json_array_size(items); i++) {
                const json_t *worker = json_array_get(items, i);

                if (value_integer(worker, "pid", 0) > 0 && is_meant(context, worker))
                        exit_code = outcome_merge(exit_code,
                                                  worker_signal(context, worker, name, replies));
        }
        if (exit_code >= 0 && context_is_json(context))
                return replies_print(context, replies, exit_code);
        if (exit_code >= 0)
                return exit_code;
        (void)error_set(&error, -ESRCH, OUTCOME_NOT_RUNNING, "none of them has a process now");
        return context_fail(context, &error);
}
