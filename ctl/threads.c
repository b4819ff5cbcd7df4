/* threads.c - reevectl threads: the threads of workers, and what each waits for */
#include <errno.h>
#include <inttypes.h>

#include "ctl/columns.h"
#include "ctl/outcome.h"
#include "ctl/pick.h"
#include "ctl/render.h"
#include "ctl/verbs.h"

static void write_age(Text *cell, const json_t *thread)
{
        const json_t *user = value_at(thread, "user_seconds"),
                     *system = value_at(thread, "system_seconds");

        if (json_is_number(user) && json_is_number(system))
                text_printf(cell, "%.2fs", json_number_value(user) + json_number_value(system));
        else
                text_append(cell, VALUE_UNKNOWN);
}

static void write_delay(Text *cell, const json_t *thread)
{
        const json_t *delay = value_at(thread, "run_delay_seconds");

        if (json_is_number(delay))
                text_printf(cell, "%.2fs", json_number_value(delay));
        else
                text_append(cell, VALUE_UNKNOWN);
}

FIELD_COLUMN(write_pool, text, "pool");
FIELD_COLUMN(write_slot, integer, "slot");
FIELD_COLUMN(write_pid, integer, "pid");
FIELD_COLUMN(write_tid, integer, "tid");
FIELD_COLUMN(write_thread_name, text, "name");
FIELD_COLUMN(write_state, text, "state");
FIELD_COLUMN(write_waiting, text, "waiting_on");
FIELD_COLUMN(write_channel, text, "wait_channel");
FIELD_COLUMN(write_ratio, cores, "cpu_ratio");
FIELD_COLUMN(write_cpu, integer, "cpu");
FIELD_COLUMN(write_voluntary, integer, "voluntary_switches");
FIELD_COLUMN(write_involuntary, integer, "involuntary_switches");
FIELD_COLUMN(write_minor, integer, "minor_faults");
FIELD_COLUMN(write_major, integer, "major_faults");
FIELD_COLUMN(write_task, text, "task");

static const Column thread_columns[] = {
        { "POOL", 0, write_pool, "pool" },
        { "SLOT", COLUMN_RIGHT, write_slot, "slot" },
        { "PID", COLUMN_RIGHT, write_pid, "pid" },
        { "TID", COLUMN_RIGHT, write_tid, "tid" },
        { "NAME", 0, write_thread_name, "name" },
        { "STATE", COLUMN_STATE, write_state, "state" },
        { "WAITS ON", 0, write_waiting, "waiting_on" },
        { "IN", 0, write_channel, "wait_channel" },
        { "CPU", COLUMN_RIGHT, write_ratio, "cpu_ratio" },
        { "TIME", COLUMN_RIGHT, write_age, "user_seconds,system_seconds" },
        { "DELAY", COLUMN_RIGHT, write_delay, "run_delay_seconds" },
        { "TASK", COLUMN_CUT, write_task, "task" },
        { "LAST CPU", COLUMN_WIDE | COLUMN_RIGHT, write_cpu, "cpu" },
        { "VOLUNTARY", COLUMN_WIDE | COLUMN_RIGHT, write_voluntary, "voluntary_switches" },
        { "INVOLUNTARY", COLUMN_WIDE | COLUMN_RIGHT, write_involuntary, "involuntary_switches" },
        { "MINOR", COLUMN_WIDE | COLUMN_RIGHT, write_minor, "minor_faults" },
        { "MAJOR", COLUMN_WIDE | COLUMN_RIGHT, write_major, "major_faults" },
};

static void thread_write_name(Text *cell, const json_t *thread)
{
        text_printf(cell, "%" PRId64 "/%" PRId64, value_integer(thread, "pid", 0),
                    value_integer(thread, "tid", 0));
}

/* A worker may end between the list and the question: then it has no threads. */
static int add_threads(const Context *context, int64_t pid, const char *fields, json_t *all,
                       Error *reterr)
{
        AUTO_TEXT path = { 0 };
        AUTO_JSON *list = NULL;
        int r;

        text_printf(&path, "/v1/workers/%" PRId64 "/threads", pid);
        if (fields && *fields)
                text_printf(&path, "?fields=%s", fields);
        if (path.error)
                return error_set(reterr, -ENOMEM, "no-memory", "out of memory");
        r = api_list(context, path.bytes, &list, reterr);
        if (r == -ENOENT)
                return 0;
        return r < 0 ? r : json_array_extend(all, json_object_get(list, "items"));
}

static int gather(const Context *context, const char *fields, json_t **ret, Error *reterr)
{
        const Options *options = context->options;
        AUTO_JSON *workers = NULL, *all = json_array();
        const json_t *items;
        int r = pick_workers(context, options->words, options->word_count, "pid", &workers, reterr);

        items = json_object_get(workers, "items");
        for (size_t i = 0; r >= 0 && i < json_array_size(items); i++) {
                int64_t pid = value_integer(json_array_get(items, i), "pid", 0);

                if (pid > 0)
                        r = add_threads(context, pid, fields, all, reterr);
        }
        if (r < 0)
                return r;
        *ret = json_pack("{s:O, s:n}", "items", all, "next");
        return *ret ? 0 : error_set(reterr, -ENOMEM, "no-memory", "out of memory");
}

/* An empty list has a reason. */
static void tell_sampler(const Context *context)
{
        AUTO_JSON *daemon = NULL;
        Error error = { 0 };

        if (api_get(context, "/v1/", &daemon, &error) == 0)
                fprintf(context->err, "There are no threads to be seen: sampler %s, %s\n",
                        value_text(daemon, "sampler", "?"),
                        value_text(daemon, "sampler_reason", "?"));
}

int verb_threads(const Context *context)
{
        AUTO_JSON *list = NULL;
        AUTO_TEXT fields = { 0 };
        Error error = { 0 };
        int r;

        r = render_fields(context, thread_columns, COUNT_OF(thread_columns), &fields, &error);
        if (r == 0)
                r = gather(context, fields.bytes, &list, &error);
        if (r == 0)
                r = render_list(context, thread_columns, COUNT_OF(thread_columns), list,
                                thread_write_name, &error);
        if (r < 0)
                return context_fail(context, &error);
        if (context->options->format < FORMAT_JSON
            && json_array_size(json_object_get(list, "items")) == 0)
                tell_sampler(context);
        return REEVE_EXIT_OK;
}
