/* stack.c - reevectl stack: where threads are, registers and calls, read without stopping them longer
 * than it takes to copy */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>

#include "base/units.h"
#include "ctl/outcome.h"
#include "ctl/pick.h"
#include "ctl/render.h"
#include "ctl/verbs.h"

/* PID, or PID/TID; @ret_tid: 0: all of its threads. Return: 0, -EINVAL */
static int parse_word(const char *word, uint64_t *ret_pid, uint64_t *ret_tid, Error *reterr)
{
        size_t length = strcspn(word, "/");
        char digits[16] = "";
        int r = -EINVAL;

        *ret_tid = 0;
        if (length < sizeof(digits)) {
                memcpy(digits, word, length);
                r = units_parse_number(digits, INT_MAX, ret_pid);
        }
        if (r >= 0 && word[length])
                r = units_parse_number(word + length + 1, INT_MAX, ret_tid);
        return r < 0 ? error_set(reterr, -EINVAL, OUTCOME_USAGE,
                                 "\"%.100s\" is no process or thread; write PID or PID/TID; "
                                 "`reevectl threads` lists them",
                                 word)
                     : 0;
}

static int get_stack(const Context *context, uint64_t pid, uint64_t tid, json_t *all, Error *reterr)
{
        AUTO_TEXT path = { 0 };
        AUTO_JSON *stack = NULL;
        int r;

        text_printf(&path, "/v1/workers/%" PRIu64 "/threads/%" PRIu64 "/stack", pid, tid);
        if (path.error)
                return error_set(reterr, path.error, OUTCOME_FAILED, "out of memory");
        r = api_get(context, path.bytes, &stack, reterr);
        return r < 0 ? r : json_array_append(all, stack);
}

static int get_stacks(const Context *context, const char *word, json_t *all, Error *reterr)
{
        AUTO_TEXT path = { 0 };
        AUTO_JSON *list = NULL;
        const json_t *threads;
        uint64_t pid, tid;
        int r = parse_word(word, &pid, &tid, reterr);

        if (r < 0 || tid > 0)
                return r < 0 ? r : get_stack(context, pid, tid, all, reterr);
        text_printf(&path, "/v1/workers/%" PRIu64 "/threads?fields=tid", pid);
        if (path.error)
                return error_set(reterr, path.error, OUTCOME_FAILED, "out of memory");
        r = api_list(context, path.bytes, &list, reterr);
        threads = json_object_get(list, "items");
        /* Where threads are not sampled the first one is known all the same: it has the PID. */
        if (r >= 0 && json_array_size(threads) == 0)
                return get_stack(context, pid, pid, all, reterr);
        for (size_t i = 0; r >= 0 && i < json_array_size(threads); i++) {
                int64_t found = value_integer(json_array_get(threads, i), "tid", 0);

                r = get_stack(context, pid, (uint64_t)found, all, reterr);
        }
        return r;
}

/* ---- for people ---- */

static void tell_frame(const Context *context, size_t number, const json_t *frame)
{
        int64_t line = value_integer(frame, "line", 0);

        fprintf(context->out, "  #%-2zu %s  %s", number, value_text(frame, "address", "?"),
                value_text(frame, "symbol", "?"));
        if (value_at(frame, "offset"))
                fprintf(context->out, "+%" PRId64, value_integer(frame, "offset", 0));
        if (line > 0)
                fprintf(context->out, "  %s:%" PRId64, value_text(frame, "file", "?"), line);
        else
                fprintf(context->out, "  %s", value_text(frame, "module", ""));
        (void)putc('\n', context->out);
}

/* A list, or the reason why there is none. */
static void tell_list(const Context *context, const json_t *stack, const char *name,
                      void (*tell)(const Context *context, size_t number, const json_t *item))
{
        const json_t *list = value_at(stack, name), *reasons = value_at(stack, "unavailable");

        fprintf(context->out, " %s%s%s\n", name, list ? "" : ": ",
                list ? "" : value_text(reasons, name, "it cannot be had"));
        for (size_t i = 0; i < json_array_size(list); i++)
                tell(context, i, json_array_get(list, i));
}

static void tell_kernel_frame(const Context *context, size_t number, const json_t *frame)
{
        fprintf(context->out, "  #%-2zu %s\n", number, json_string_value(frame));
}

static void tell_stack(const Context *context, const json_t *stack)
{
        fprintf(context->out, "%" PRId64 "/%" PRId64 " %s", value_integer(stack, "pid", 0),
                value_integer(stack, "tid", 0), value_text(stack, "name", "?"));
        if (value_at(stack, "wait_channel"))
                fprintf(context->out, "  in %s", value_text(stack, "wait_channel", ""));
        if (value_at(stack, "stopped_microseconds"))
                fprintf(context->out, "  stood still for %" PRId64 " us",
                        value_integer(stack, "stopped_microseconds", 0));
        (void)putc('\n', context->out);
        tell_list(context, stack, "user_stack", tell_frame);
        tell_list(context, stack, "kernel_stack", tell_kernel_frame);
}

int verb_stack(const Context *context)
{
        AUTO_JSON *all = json_array(), *list = NULL;
        Error error = { 0 };
        int exit_code = -1;

        for (size_t i = 0; i < context->options->word_count; i++) {
                int r = get_stacks(context, context->options->words[i], all, &error);

                exit_code = outcome_merge(exit_code,
                                          r < 0 ? context_fail(context, &error) : REEVE_EXIT_OK);
        }
        if (context_is_json(context)) {
                list = json_pack("{s:O, s:n}", "items", all, "next");
                if (!list || render_json(context, list, &error) < 0)
                        return context_fail(context, &error);
        } else {
                for (size_t i = 0; i < json_array_size(all); i++)
                        tell_stack(context, json_array_get(all, i));
        }
        return MAX(exit_code, REEVE_EXIT_OK);
}
