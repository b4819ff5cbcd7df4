/* show.c - reevectl show: everything the API knows of one pool or worker
 *
 * Fields are shown under their names in the API, nested ones by their path, so that what comes
 * later shows by itself; only bytes and seconds are made readable. */
#include <errno.h>
#include <inttypes.h>

#include "ctl/outcome.h"
#include "ctl/pick.h"
#include "ctl/render.h"
#include "ctl/verbs.h"

enum { SHOW_DEPTH_MAX = 8, SHOW_NAME_WIDTH = 28 };

static bool ends_with(const char *text, const char *end)
{
        size_t length = strlen(text), end_length = strlen(end);

        return length >= end_length && text_equal(text + length - end_length, end);
}

static void scalar_write(Text *cell, const char *key, const json_t *value)
{
        AUTO_JSON *holder = json_pack("{s:O}", "v", value);

        if (json_is_string(value))
                value_write_text(cell, holder, "v");
        else if (json_is_number(value) && ends_with(key, "_bytes"))
                value_write_bytes(cell, holder, "v");
        else if (json_is_number(value) && ends_with(key, "_seconds"))
                value_write_span(cell, holder, "v");
        else if (json_is_integer(value))
                value_write_integer(cell, holder, "v");
        else if (json_is_real(value))
                text_printf(cell, "%g", json_real_value(value));
        else
                text_append(cell, json_is_null(value)   ? VALUE_UNKNOWN
                                  : json_is_true(value) ? "yes"
                                                        : "no");
}

static bool is_scalar(const json_t *value)
{
        return !json_is_object(value) && !json_is_array(value);
}

static void array_write(Text *cell, const char *key, const json_t *array)
{
        if (json_array_size(array) == 0)
                text_append(cell, "none");
        for (size_t i = 0; i < json_array_size(array); i++) {
                const json_t *item = json_array_get(array, i);
                AUTO_FREE char *dump = NULL;

                text_append(cell, i ? ", " : "");
                if (is_scalar(item)) {
                        scalar_write(cell, key, item);
                        continue;
                }
                dump = value_dump(item, JSON_COMPACT);
                text_append(cell, dump ? dump : VALUE_UNKNOWN);
        }
}

/* Why a value cannot be had stands beside it, not in a list of its own. */
static void reason_write(Text *cell, const json_t *reasons, const char *path)
{
        const char *reason = json_string_value(json_object_get(reasons, path));

        if (reason)
                text_printf(cell, " (%s)", reason);
}

static void object_show(const Context *context, const char *prefix, const json_t *object,
                        const json_t *reasons, unsigned depth)
{
        const char *key;
        json_t *value;

        json_object_foreach((json_t *)object, key, value)
        {
                AUTO_TEXT path = { 0 }, cell = { 0 };

                text_printf(&path, "%s%s%s", prefix, *prefix ? "." : "", key);
                if (path.error)
                        return;
                if (value == reasons)
                        continue;
                if (json_is_object(value) && depth < SHOW_DEPTH_MAX) {
                        object_show(context, path.bytes, value, reasons, depth + 1);
                        continue;
                }
                if (json_is_array(value))
                        array_write(&cell, key, value);
                else
                        scalar_write(&cell, key, value);
                reason_write(&cell, reasons, path.bytes);
                fprintf(context->out, "%-*s  %s\n", SHOW_NAME_WIDTH, path.bytes,
                        cell.bytes ? cell.bytes : "");
        }
}

static int worker_get(const Context *context, const char *word, json_t **ret, Error *reterr)
{
        AUTO_JSON *list = NULL;
        AUTO_TEXT path = { 0 };
        int64_t pid;
        int r;

        r = pick_workers(context, &word, 1, NULL, &list, reterr);
        if (r < 0)
                return r;
        if (json_array_size(json_object_get(list, "items")) > 1)
                return error_set(reterr, -EINVAL, OUTCOME_USAGE,
                                 "%s means several workers; show one of them", word);
        pid = value_integer(json_array_get(json_object_get(list, "items"), 0), "pid", 0);
        if (pid == 0) {
                /* A slot at rest has no process and so no control block: its row is all. */
                *ret = json_incref(json_array_get(json_object_get(list, "items"), 0));
                return 0;
        }
        text_printf(&path, "/v1/workers/%" PRId64, pid);
        return path.error ? error_set(reterr, path.error, OUTCOME_FAILED, "out of memory")
                          : api_get(context, path.bytes, ret, reterr);
}

static int thing_get(const Context *context, const char *word, json_t **ret, Error *reterr)
{
        Target target;
        Error first = { 0 };
        int r = target_parse(word, &target, reterr);

        if (r < 0)
                return r;
        if (target.kind == TARGET_POOL && !target.is_pattern)
                return api_pool(context, word, ret, reterr);
        r = worker_get(context, word, ret, &first);
        if (r == -ENOENT && target.kind == TARGET_PID && api_pool(context, word, ret, NULL) == 0)
                return 0;
        if (r < 0)
                *reterr = first;
        return r;
}

int verb_show(const Context *context)
{
        int exit_code = -1;

        for (size_t i = 0; i < context->options->word_count; i++) {
                AUTO_JSON *thing = NULL;
                Error error = { 0 };
                int r = thing_get(context, context->options->words[i], &thing, &error);

                if (r == 0 && context_is_json(context))
                        r = render_json(context, thing, &error);
                else if (r == 0) {
                        fputs(i ? "\n" : "", context->out);
                        object_show(context, "", thing, json_object_get(thing, "unavailable"), 0);
                }
                exit_code = outcome_merge(exit_code,
                                          r < 0 ? context_fail(context, &error) : REEVE_EXIT_OK);
        }
        return MAX(exit_code, REEVE_EXIT_OK);
}
