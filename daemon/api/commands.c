/* commands.c - requests that change something
 *
 * The body and the headers become a ControlCommand. Whether a change may be is decided by reeved
 * alone; here only what a request can mean is checked. */

#include <errno.h>
#include <signal.h>
#include <string.h>

#include "api/body.h"
#include "api/command.h"
#include "api/resources.h"
#include "api/scale_body.h"
#include "base/units.h"
#include "sys/clock.h"

/* ---- what the headers say ---- */

static int parse_generation(Call *call, ControlCommand *message, Refusal *refusal)
{
        const char *header = call->request->headers.if_match;
        char digits[24] = "";
        size_t length = header ? strlen(header) : 0;

        if (!header || text_equal(header, "*"))
                return 0;
        if (length > 2 && length < sizeof(digits) && header[0] == '"' && header[length - 1] == '"')
                memcpy(digits, header + 1, length - 2);
        if (units_parse_number(digits, UINT64_MAX, &message->generation) < 0)
                return refusal_set(refusal, REEVE_ERROR_BAD_REQUEST,
                                   "If-Match must be one ETag of the pool, like \"5\" with its "
                                   "quotes.");
        message->flags |= CONTROL_IF_GENERATION;
        return 0;
}

/* Return: 0 to go on; 1 if the request is answered already; -EINVAL with @refusal */
static int check_repetition(Call *call, const char *actor, uint64_t *ret_number, Refusal *refusal)
{
        const char *key = call->request->headers.idempotency_key;
        Reply reply = { 0 };
        int r;

        *ret_number = 0;
        if (!key)
                return 0;
        if (!*key || strlen(key) > IDEMPOTENCY_KEY_MAX)
                return refusal_set(refusal, REEVE_ERROR_BAD_REQUEST,
                                   "An Idempotency-Key has 1 to %d characters.",
                                   IDEMPOTENCY_KEY_MAX);
        r = idempotency_begin(&call->face->idempotency, actor, key, call->request, now_usec(),
                              ret_number, &reply);
        if (r < 0)
                return refusal_set(refusal, REEVE_ERROR_INTERNAL,
                                   "There is no memory for the key.");
        switch ((IdempotencyState)r) {
        case IDEMPOTENCY_NEW: return 0;
        case IDEMPOTENCY_RUNNING:
                return refusal_set(refusal, REEVE_ERROR_CONFLICT,
                                   "The first request with this key has no answer yet.");
        case IDEMPOTENCY_REPLAY:
                reply_header(&reply, "Idempotency-Replayed", "true");
                exchange_reply(call->exchange, &reply);
                return 1;
        case IDEMPOTENCY_DIFFERS:
                return refusal_set(refusal, REEVE_ERROR_INVALID,
                                   "This Idempotency-Key came with another request before.");
        case IDEMPOTENCY_FULL:
                return refusal_set(refusal, REEVE_ERROR_BUSY,
                                   "Too many requests with keys are under way.");
        }
        return 0;
}

/* ---- from bodies to messages ---- */

typedef int (*BodyReader)(Call *call, ControlCommand *message, Refusal *refusal);

static void command_run(Call *call, ControlCommand *message, BodyReader read)
{
        Refusal refusal = { 0 };
        uint64_t idempotency = 0;
        int r;

        message->role = call->identity.role;
        (void)access_actor(&call->identity, message->actor, sizeof(message->actor));
        r = read(call, message, &refusal);
        if (r >= 0)
                r = parse_generation(call, message, &refusal);
        if (r >= 0)
                r = check_repetition(call, message->actor, &idempotency, &refusal);
        if (r < 0)
                exchange_answer_refusal(call->exchange, &refusal);
        else if (r == 0)
                command_send(call, message, idempotency);
}

static int parse(Call *call, const BodyMember *members, size_t count, BodyValue *values,
                 Refusal *refusal)
{
        return body_parse(call->request->body, call->request->body_length, members, count, values,
                          refusal);
}

static void set_flag(ControlCommand *message, const BodyValue *value, uint32_t flag)
{
        if (value->is_given && value->boolean)
                message->flags |= flag;
}

static void pool_command(Call *call, ControlVerb verb, BodyReader read)
{
        const PoolView *pool = call_pool(call);
        ControlCommand message = { .verb = verb };

        if (!pool)
                return;
        (void)text_copy(message.pool, sizeof(message.pool), pool->row.name);
        command_run(call, &message, read);
}

static int read_nothing(Call *call, ControlCommand *message, Refusal *refusal)
{
        static const BodyMember members[] = { { "dry_run", BODY_BOOLEAN, 0, 0 } };
        BodyValue values[COUNT_OF(members)];
        int r = parse(call, members, COUNT_OF(members), values, refusal);

        if (r < 0)
                return r;
        set_flag(message, &values[0], CONTROL_DRY_RUN);
        return 0;
}

static int read_restart(Call *call, ControlCommand *message, Refusal *refusal)
{
        static const BodyMember members[] = {
                { "rolling", BODY_BOOLEAN, 0, 0 },
                { "dry_run", BODY_BOOLEAN, 0, 0 },
        };
        BodyValue values[COUNT_OF(members)];
        int r = parse(call, members, COUNT_OF(members), values, refusal);

        if (r < 0)
                return r;
        set_flag(message, &values[0], CONTROL_ROLLING);
        set_flag(message, &values[1], CONTROL_DRY_RUN);
        return 0;
}

void commands_start(Call *call)
{
        pool_command(call, CONTROL_START, read_nothing);
}

void commands_stop(Call *call)
{
        pool_command(call, CONTROL_STOP, read_nothing);
}

void commands_restart(Call *call)
{
        pool_command(call, CONTROL_RESTART, read_restart);
}

void commands_reload_pool(Call *call)
{
        pool_command(call, CONTROL_RELOAD_POOL, read_restart);
}

void commands_rollback(Call *call)
{
        pool_command(call, CONTROL_ROLLBACK, read_nothing);
}

void commands_reset_failed(Call *call)
{
        pool_command(call, CONTROL_RESET_FAILED, read_nothing);
}

void commands_reopen_logs(Call *call)
{
        pool_command(call, CONTROL_REOPEN_LOGS, read_nothing);
}

void commands_reload(Call *call)
{
        ControlCommand message = { .verb = CONTROL_RELOAD };

        command_run(call, &message, read_nothing);
}

void commands_scale(Call *call)
{
        pool_command(call, CONTROL_SCALE, scale_body_read);
}

/* ---- signals ---- */

/* What an operator may send by hand. STOP and KILL are among them: the state tables know both. */
static const int allowed_signals[] = { SIGHUP,   SIGINT,  SIGTERM, SIGQUIT, SIGUSR1, SIGUSR2,
                                       SIGWINCH, SIGCONT, SIGSTOP, SIGKILL, SIGABRT };

static int read_signal(Call *call, ControlCommand *message, Refusal *refusal)
{
        static const BodyMember members[] = { { "signal", BODY_WORD, 0, 0 } };
        BodyValue value;
        const char *name;
        int r = parse(call, members, COUNT_OF(members), &value, refusal);

        if (r < 0)
                return r;
        name = text_after(value.word, "SIG");
        if (!name)
                name = value.word;
        for (size_t i = 0; value.is_given && i < COUNT_OF(allowed_signals); i++)
                if (text_equal(sigabbrev_np(allowed_signals[i]), name)) {
                        message->signal = allowed_signals[i];
                        return 0;
                }
        refusal_point(refusal, "/signal",
                      "This must be one of SIGHUP, SIGINT, SIGTERM, SIGQUIT, SIGUSR1, SIGUSR2, "
                      "SIGWINCH, SIGCONT, SIGSTOP, SIGKILL, SIGABRT.");
        return refusal_set(refusal, REEVE_ERROR_INVALID,
                           value.is_given ? "This signal is not among those that may be sent."
                                          : "The body must name a signal.");
}

void commands_signal(Call *call)
{
        ControlCommand message = { .verb = CONTROL_SIGNAL };
        ptrdiff_t index = call_worker(call);
        const BoardWorker *row;

        if (index < 0)
                return;
        row = call->face->snapshot.workers[index];
        message.pid = row->pid;
        message.start_ticks = row->start_ticks;
        (void)text_copy(message.pool, sizeof(message.pool),
                        snapshot_pool_of(&call->face->snapshot, (size_t)index)->row.name);
        command_run(call, &message, read_signal);
}
