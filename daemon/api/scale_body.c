/* scale_body.c - see scale_body.h
 *
 * Three ways to ask, which exclude each other: counts (absolute or relative, per axis), a
 * conversion or total that keeps the concurrency, and the way back to the file. `mode` as a state
 * (manual, auto) may come with any of them or alone. */
#include "api/scale_body.h"

#include <stdio.h>

#include "api/body.h"
#include "config/config.h"
#include "model/grid.h"

enum {
        PROCESSES,
        THREADS,
        GREENLETS,
        PROCESSES_DELTA,
        THREADS_DELTA,
        TOTAL,
        MODE,
        RESET,
        DRY_RUN,
        RUNTIME,
        MEMBER_COUNT
};

#define TOTAL_MAX ((int64_t)GRID_COUNT_MAX * GRID_COUNT_MAX)

static const BodyMember members[MEMBER_COUNT] = {
        [PROCESSES] = { "processes", BODY_INTEGER, 0, GRID_COUNT_MAX },
        [THREADS] = { "threads", BODY_INTEGER, 0, GRID_COUNT_MAX },
        [GREENLETS] = { "greenlets", BODY_INTEGER, 0, GRID_COUNT_MAX },
        [PROCESSES_DELTA] = { "processes_delta", BODY_INTEGER, -GRID_COUNT_MAX, GRID_COUNT_MAX },
        [THREADS_DELTA] = { "threads_delta", BODY_INTEGER, -GRID_COUNT_MAX, GRID_COUNT_MAX },
        [TOTAL] = { "total", BODY_INTEGER, 0, TOTAL_MAX },
        [MODE] = { "mode", BODY_WORD, 0, 0 },
        [RESET] = { "reset", BODY_BOOLEAN, 0, 0 },
        [DRY_RUN] = { "dry_run", BODY_BOOLEAN, 0, 0 },
        [RUNTIME] = { "runtime", BODY_BOOLEAN, 0, 0 },
};

static int refuse_member(Refusal *refusal, unsigned member, const char *sentence)
{
        char pointer[REFUSAL_POINTER_SIZE];

        (void)snprintf(pointer, sizeof(pointer), "/%s", members[member].name);
        refusal_point(refusal, pointer, "%s", sentence);
        return refusal_set(refusal, REEVE_ERROR_INVALID, "%s: %s", pointer, sentence);
}

static int take_count(const BodyValue *values, unsigned member, unsigned delta, uint32_t has,
                      uint32_t relative, ControlCommand *message, int64_t *ret, Refusal *refusal)
{
        const BodyValue *count = &values[member], *change = &values[delta];

        if (count->is_given && change->is_given)
                return refuse_member(refusal, delta,
                                     "The count is given already; it cannot be changed as well.");
        if (count->is_given || change->is_given)
                message->flags |= has;
        if (change->is_given)
                message->flags |= relative;
        *ret = change->is_given ? change->integer : count->integer;
        return 0;
}

static int take_counts(const BodyValue *values, ControlCommand *message, Refusal *refusal)
{
        int r = take_count(values, PROCESSES, PROCESSES_DELTA, CONTROL_HAS_PROCESSES,
                           CONTROL_RELATIVE_PROCESSES, message, &message->processes, refusal);

        if (r >= 0)
                r = take_count(values, THREADS, THREADS_DELTA, CONTROL_HAS_THREADS,
                               CONTROL_RELATIVE_THREADS, message, &message->threads, refusal);
        if (r >= 0 && values[GREENLETS].is_given) {
                message->flags |= CONTROL_HAS_GREENLETS;
                message->greenlets = values[GREENLETS].integer;
        }
        return r;
}

/* Return: 1 if `mode` asks for a conversion; 0; -EINVAL with @refusal */
static int take_mode(const BodyValue *mode, ControlCommand *message, Refusal *refusal)
{
        int state = mode->is_given ? scale_mode_from_name(mode->word) : 0;

        if (!mode->is_given)
                return 0;
        if (state >= 0) {
                message->flags |= CONTROL_HAS_MODE;
                message->mode = (uint32_t)state;
                return 0;
        }
        if (text_equal(mode->word, "processes"))
                message->scale_verb = SCALE_TO_PROCESSES;
        else if (text_equal(mode->word, "threads"))
                message->scale_verb = SCALE_TO_THREADS;
        else
                return refuse_member(refusal, MODE,
                                     "This must be manual, auto, processes or threads.");
        return 1;
}

static int choose_verb(const BodyValue *values, ControlCommand *message, Refusal *refusal)
{
        const uint32_t counts = CONTROL_HAS_PROCESSES | CONTROL_HAS_THREADS | CONTROL_HAS_GREENLETS;
        bool has_counts = message->flags & counts, is_reset = values[RESET].boolean;
        int conversion = take_mode(&values[MODE], message, refusal);

        if (conversion < 0)
                return conversion;
        if (has_counts + conversion + values[TOTAL].is_given + is_reset > 1)
                return refusal_set(refusal, REEVE_ERROR_INVALID,
                                   "Counts, a conversion by mode, total and reset exclude each "
                                   "other: give one of them.");
        if (has_counts + conversion + values[TOTAL].is_given + is_reset == 0
            && !(message->flags & CONTROL_HAS_MODE))
                return refusal_set(refusal, REEVE_ERROR_INVALID,
                                   "Say what to change: processes, threads, mode, total or reset.");
        if (is_reset)
                message->scale_verb = SCALE_RESET;
        else if (values[TOTAL].is_given)
                message->scale_verb = SCALE_TOTAL;
        else if (!conversion)
                message->scale_verb = SCALE_SET;
        message->total = (uint64_t)values[TOTAL].integer;
        return 0;
}

int scale_body_read(Call *call, ControlCommand *message, Refusal *refusal)
{
        BodyValue values[MEMBER_COUNT];
        int r = body_parse(call->request->body, call->request->body_length, members, MEMBER_COUNT,
                           values, refusal);

        if (r >= 0)
                r = take_counts(values, message, refusal);
        if (r >= 0)
                r = choose_verb(values, message, refusal);
        if (r < 0)
                return r;
        if (values[DRY_RUN].boolean)
                message->flags |= CONTROL_DRY_RUN;
        if (values[RUNTIME].boolean)
                message->flags |= CONTROL_RUNTIME;
        return 0;
}
