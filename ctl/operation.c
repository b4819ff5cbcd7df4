/* operation.c - see operation.h
 *
 * The request itself asks the server to hold its answer for a second (Prefer: wait), which is
 * enough for most changes. Longer ones are polled: reading costs the core nothing, and between
 * two looks Ctrl-C and the deadline are heard. */
#include "ctl/operation.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/units.h"
#include "ctl/interrupt.h"
#include "ctl/outcome.h"
#include "ctl/render.h"
#include "sys/clock.h"

enum { FIRST_WAIT_SEC = 1, POLL_MSEC = 100, PATIENCE_SEC = 5 };

static uint64_t timeout_usec(const Options *options)
{
        return options->seen & OPTION_TIMEOUT ? options->timeout_usec
                                              : OPERATION_TIMEOUT_SEC * USEC_PER_SEC;
}

static uint64_t deadline_after(uint64_t span_usec)
{
        uint64_t now = now_usec();

        return span_usec > USEC_INFINITY - now ? USEC_INFINITY : now + span_usec;
}

static const char *scale_state(const json_t *scale)
{
        return value_text(scale, "state", "");
}

static void progress_show(const Context *context, const char *pool, const json_t *scale,
                          uint64_t began_usec)
{
        int64_t done = value_integer(scale, "steps_done", -1);
        AUTO_TEXT line = { 0 };

        if (!context->has_progress)
                return;
        text_printf(&line, "%s: ", pool);
        value_write_grid(&line, scale, "from");
        text_append(&line, " -> ");
        value_write_grid(&line, scale, "to");
        if (done >= 0)
                text_printf(&line, ", step %" PRId64 " of %" PRId64, done,
                            value_integer(scale, "steps_total", done));
        if (value_text(scale, "phase", NULL))
                text_printf(&line, ", %s", value_text(scale, "phase", NULL));
        if (!line.error)
                fprintf(context->err, "\r\033[K%s, %" PRIu64 " s", line.bytes,
                        (now_usec() - began_usec) / USEC_PER_SEC);
        (void)fflush(context->err);
}

static void progress_clear(const Context *context)
{
        if (context->has_progress)
                fputs("\r\033[K", context->err);
        (void)fflush(context->err);
}

static int interrupted(const char *pool, Error *reterr)
{
        return error_set(reterr, -EINTR, OUTCOME_INTERRUPTED,
                         "no longer waiting; the change of %s goes on. See reevectl status %s",
                         pool, pool);
}

static int timed_out(const char *pool, const json_t *scale, Error *reterr)
{
        return error_set(reterr, -ETIMEDOUT, OUTCOME_TIMED_OUT,
                         "%s is still being changed (operation %" PRId64
                         "); it goes on. See reevectl status %s",
                         pool, value_integer(scale, "operation", 0), pool);
}

/* A reeved that was started anew counts its operations anew: a number that it does not know, or
 * that is somebody else's by now, says nothing about what became of the change. */
static bool is_same_operation(const json_t *fresh, const json_t *scale)
{
        static const char *const fields[] = { "pool", "kind", "actor" };

        for (size_t i = 0; i < COUNT_OF(fields); i++)
                if (value_at(scale, fields[i]) /* a reload begins with less of it */
                    && !text_equal(value_text(fresh, fields[i], ""),
                                   value_text(scale, fields[i], "")))
                        return false;
        return true;
}

static int operation_lost(const char *pool, Error *reterr)
{
        return error_set(reterr, -EIO, OUTCOME_FAILED,
                         "%s: reeved was started anew during the change, so its outcome is not "
                         "known. See reevectl status %s",
                         pool, pool);
}

static int operation_look(const Context *context, const char *pool, json_t **scale, Error *reterr)
{
        AUTO_TEXT path = { 0 };
        json_t *fresh = NULL;
        Error error = { 0 };
        int r;

        text_printf(&path, "/v1/operations/%" PRId64, value_integer(*scale, "operation", 0));
        if (path.error)
                return error_set(reterr, path.error, OUTCOME_FAILED, "out of memory");
        r = api_get(context, path.bytes, &fresh, &error);
        if (r < 0) {
                if (text_equal(error.code, REEVE_ERROR_UNKNOWN_OPERATION))
                        return operation_lost(pool, reterr);
                *reterr = error;
                return r;
        }
        if (!is_same_operation(fresh, *scale)) {
                json_decref(fresh);
                return operation_lost(pool, reterr);
        }
        json_decref(*scale);
        *scale = fresh;
        return 0;
}

/* One look at the operation; that reeve cannot be reached is forgiven for a while, since
 * reeve-api may just be replaced and the change goes on in reeved.
 * @seen_usec: when it was last seen, updated */
static int operation_peek(const Context *context, const char *pool, json_t **scale,
                          uint64_t *seen_usec, Error *reterr)
{
        Error error = { 0 };
        int r = operation_look(context, pool, scale, &error);

        if (r == 0)
                *seen_usec = now_usec();
        if (r == -EINTR)
                return interrupted(pool, reterr);
        if (r < 0 && outcome_exit(error.code) == REEVE_EXIT_UNREACHABLE
            && now_usec() < *seen_usec + PATIENCE_SEC * USEC_PER_SEC)
                return 0;
        if (r < 0)
                *reterr = error;
        return r;
}

static int operation_wait(const Context *context, const char *pool, uint64_t deadline_usec,
                          json_t **scale, Error *reterr)
{
        uint64_t began = now_usec(), seen = began;
        int r = 0;

        while (r == 0 && text_equal(scale_state(*scale), "running")) {
                progress_show(context, pool, *scale, began);
                r = interrupt_poll(-1, 0, -1,
                                   MIN(now_usec() + POLL_MSEC * USEC_PER_MSEC, deadline_usec));
                if (r == -EINTR)
                        r = interrupted(pool, reterr);
                else if (now_usec() >= deadline_usec)
                        r = timed_out(pool, *scale, reterr);
                else
                        r = operation_peek(context, pool, scale, &seen, reterr);
        }
        progress_clear(context);
        return r;
}

static int operation_judge(const char *pool, const json_t *scale, Error *reterr)
{
        const char *state = scale_state(scale);
        const json_t *error = value_at(scale, "error");
        const char *why = value_text(error, "detail", value_sentence(error));

        if (text_equal(state, "done") && error)
                return error_set(reterr, -EIO, OUTCOME_PARTLY, "%s: the change is partly done: %s",
                                 pool, why ? why : "see reevectl events");
        if (!text_equal(state, "failed") && !text_equal(state, "rolled-back"))
                return 0;
        return error_set(reterr, -EIO, OUTCOME_FAILED, "%s: the change %s: %s", pool,
                         text_equal(state, "failed") ? "failed" : "was rolled back",
                         why ? why : "see reevectl events");
}

/* ---- one change ---- */

int change_init(Change *change, const char *pool, const char *method, const char *action,
                json_t *body)
{
        *change =
                (Change){ .pool = strdup(pool), .method = method, .action = action, .body = body };
        return change->pool && body ? 0 : -ENOMEM;
}

void change_done(Change *change)
{
        free(change->pool);
        json_decref(change->body);
        json_decref(change->scale);
        *change = (Change){ 0 };
}

static bool is_waiting(const Options *options)
{
        return !options->is_no_wait && !options->is_dry_run;
}

/* @wait_sec: how long the server may hold the answer for the change's end, 0: not at all */
static int change_ask(const Context *context, Change *change, unsigned wait_sec, Error *reterr)
{
        const Options *options = context->options;
        AUTO_FREE char *body = value_dump(change->body, JSON_COMPACT);
        AUTO_TEXT path = { 0 };
        Request request = { .method = change->method,
                            .body = body,
                            .has_generation = options->seen & OPTION_GENERATION,
                            .generation = options->generation,
                            .wait_sec = wait_sec };
        int r;

        text_append(&path, "/v1/pools/");
        api_path(&path, change->pool);
        text_printf(&path, "/%s", change->action);
        if (!body || path.error)
                return error_set(reterr, -ENOMEM, OUTCOME_FAILED, "out of memory");
        request.path = path.bytes;
        r = api_call(context, &request, &change->scale, reterr);
        return r == -EINTR ? interrupted(change->pool, reterr) : MIN(r, 0);
}

static int change_finish(const Context *context, Change *change, uint64_t deadline_usec,
                         Error *reterr)
{
        int r = 0;

        if (is_waiting(context->options))
                r = operation_wait(context, change->pool, deadline_usec, &change->scale, reterr);
        return r < 0 ? r : operation_judge(change->pool, change->scale, reterr);
}

bool change_is_nothing(const json_t *scale)
{
        return text_equal(scale_state(scale), "done") && !value_at(scale, "operation");
}

static void pids_tell(Text *line, const json_t *scale, const char *field, const char *before)
{
        text_printf(line, "%s%s ", before, field);
        value_write_integers(line, scale, field);
}

static void sentences_tell(const Context *context, const json_t *array, const char *label)
{
        for (size_t i = 0; i < json_array_size(array); i++)
                if (value_sentence(json_array_get(array, i)))
                        fprintf(context->out, "  %s: %s\n", label,
                                value_sentence(json_array_get(array, i)));
}

static void grids_tell(Text *line, const json_t *scale)
{
        value_write_grid(line, scale, "from");
        text_append(line, " -> ");
        value_write_grid(line, scale, "to");
        if (value_integer(scale, "generation", 0) > 0)
                text_printf(line, ", generation %" PRId64, value_integer(scale, "generation", 0));
}

/* What would be started has no PIDs yet, so it is counted. */
static void plan_tell(Text *line, const json_t *scale)
{
        int64_t kept = (int64_t)json_array_size(value_at(scale, "kept"));
        int64_t wanted = value_integer(scale, "to.processes", 0);

        text_append(line, "; keeps ");
        value_write_integers(line, scale, "kept");
        text_printf(line, ", starts %" PRId64 ", stops ", MAX(wanted - kept, (int64_t)0));
        value_write_integers(line, scale, "stopped");
}

static void memory_tell(const Context *context, const json_t *scale)
{
        AUTO_TEXT line = { 0 };

        if (!value_at(scale, "memory"))
                return;
        value_write_bytes(&line, scale, "memory.now_bytes");
        text_append(&line, " -> ");
        value_write_bytes(&line, scale, "memory.expected_bytes");
        text_append(&line, " expected, ");
        value_write_bytes(&line, scale, "memory.worker_bytes");
        text_printf(&line, " for a worker (measured on %" PRId64 ")",
                    value_integer(scale, "memory.workers_measured", 0));
        if (value_at(scale, "memory.budget_bytes")) {
                text_append(&line, ", of a budget of ");
                value_write_bytes(&line, scale, "memory.budget_bytes");
        }
        if (value_integer(scale, "memory.more_bytes", 0) > 0) {
                text_append(&line, "; ");
                value_write_bytes(&line, scale, "memory.more_bytes");
                text_append(&line, " more at its height");
        }
        if (value_at(scale, "memory.available_bytes")) {
                text_append(&line, " of ");
                value_write_bytes(&line, scale, "memory.available_bytes");
                text_append(&line, " that can be had");
        }
        if (!line.error)
                fprintf(context->out, "  memory: %s\n", line.bytes);
}

static void outcome_tell(Text *line, const json_t *scale)
{
        int64_t operation = value_integer(scale, "operation", 0);

        if (operation > 0 && text_equal(scale_state(scale), "running"))
                text_printf(line, ", operation %" PRId64 " runs", operation);
        pids_tell(line, scale, "kept", "; ");
        pids_tell(line, scale, "started", ", ");
        pids_tell(line, scale, "stopped", ", ");
}

void change_tell(const Context *context, const Change *change)
{
        bool is_dry_run = context->options->is_dry_run;
        AUTO_TEXT line = { 0 };

        if (!is_dry_run && change_is_nothing(change->scale)) {
                value_write_grid(&line, change->scale, "to");
                fprintf(context->out, "%s is already %s\n", change->pool,
                        line.error ? "as wanted" : line.bytes);
                return;
        }
        text_printf(&line, "%s%s: ", is_dry_run ? "plan for " : "", change->pool);
        grids_tell(&line, change->scale);
        if (is_dry_run)
                plan_tell(&line, change->scale);
        else
                outcome_tell(&line, change->scale);
        fprintf(context->out, "%s\n", line.error ? "out of memory" : line.bytes);
        sentences_tell(context, value_at(change->scale, "cut"), "cut");
        if (!is_dry_run)
                return; /* its steps are done */
        sentences_tell(context, value_at(change->scale, "steps"), "step");
        memory_tell(context, change->scale);
}

/* ---- several ---- */

static void state_tell(const Context *context, const Change *change)
{
        AUTO_JSON *pool = NULL;
        AUTO_TEXT grid = { 0 };

        if (api_pool(context, change->pool, &pool, NULL) < 0)
                return; /* the refusal itself was told already */
        value_write_grid(&grid, pool, "scale");
        if (!grid.error)
                fprintf(context->err, "reevectl: %s is at generation %" PRId64 " with %s now\n",
                        change->pool, value_integer(pool, "generation", 0), grid.bytes);
}

static int change_failed(const Context *context, const Change *change, const Error *error)
{
        int exit_code = context_fail(context, error);

        if (text_equal(error->code, REEVE_ERROR_STALE_GENERATION))
                state_tell(context, change);
        return exit_code;
}

static int changes_print_json(const Context *context, const Change *changes, size_t count)
{
        AUTO_JSON *items = json_array();
        AUTO_JSON *list = NULL;
        Error error = { 0 };
        int r = items ? 0 : -1;

        for (size_t i = 0; r == 0 && i < count; i++)
                if (changes[i].scale)
                        r = json_array_append(items, changes[i].scale);
        if (r == 0 && count == 1 && json_array_size(items) == 0)
                return REEVE_EXIT_OK; /* refused: that was told, there is nothing to print */
        list = count == 1 ? json_incref(json_array_get(items, 0))
                          : json_pack("{s:O, s:n}", "items", items, "next");
        return render_json(context, list, &error) < 0 ? context_fail(context, &error)
                                                      : REEVE_EXIT_OK;
}

/* Return: the exit code of those that were refused, negative: none was */
static int changes_ask(const Context *context, Change *changes, size_t count, unsigned wait_sec)
{
        int exit_code = -1;

        for (size_t i = 0; i < count; i++) {
                Error error = { 0 };

                if (change_ask(context, &changes[i], wait_sec, &error) < 0)
                        exit_code = outcome_merge(exit_code,
                                                  change_failed(context, &changes[i], &error));
        }
        return exit_code;
}

static int changes_finish(const Context *context, Change *changes, size_t count,
                          uint64_t deadline_usec, ChangeTold tell, int exit_code)
{
        for (size_t i = 0; i < count; i++) {
                Error error = { 0 };
                int next = REEVE_EXIT_OK;

                if (!changes[i].scale)
                        continue; /* refused */
                if (change_finish(context, &changes[i], deadline_usec, &error) < 0)
                        next = change_failed(context, &changes[i], &error);
                else if (!context_is_json(context))
                        tell(context, &changes[i]);
                exit_code = outcome_merge(exit_code, next);
        }
        return exit_code;
}

int changes_run(const Context *context, Change *changes, size_t count, ChangeTold tell)
{
        uint64_t deadline = deadline_after(timeout_usec(context->options));
        bool is_held = count == 1 && is_waiting(context->options)
                       && deadline > now_usec() + FIRST_WAIT_SEC * USEC_PER_SEC;
        int exit_code;

        if (is_waiting(context->options))
                (void)interrupt_arm(); /* without it Ctrl-C just ends us, as elsewhere */
        exit_code = changes_ask(context, changes, count, is_held ? FIRST_WAIT_SEC : 0);
        exit_code = changes_finish(context, changes, count, deadline, tell, exit_code);
        if (context_is_json(context)
            && changes_print_json(context, changes, count) != REEVE_EXIT_OK)
                return REEVE_EXIT_FAILED;
        return MAX(exit_code, REEVE_EXIT_OK);
}

int changes_follow(const Context *context, Change *changes, size_t count, ChangeTold tell)
{
        uint64_t deadline = deadline_after(timeout_usec(context->options));
        int exit_code;

        if (is_waiting(context->options))
                (void)interrupt_arm(); /* as above */
        exit_code = changes_finish(context, changes, count, deadline, tell, -1);
        return MAX(exit_code, REEVE_EXIT_OK);
}
