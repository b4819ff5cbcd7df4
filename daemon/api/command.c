/* command.c - see command.h */
#include "api/command.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/reload_plan.h"
#include "api/resources.h"
#include "base/units.h"
#include "sys/clock.h"

enum { WAIT_MAX_SEC = 600 };

struct Command {
        Command *next, *previous;
        Face *face;
        Exchange *exchange; /* NULL: nobody waits for the reply any more */
        ControlCommand message;
        bool is_redacted;
        uint64_t idempotency; /* number of its row, 0: none */
        uint64_t wait_usec;   /* how long to wait for the end, 0: not at all */
        uint64_t operation;   /* that is waited for; 0: reeved has not answered yet */
        uint64_t deadline_usec;
};

static Command *command_free(Command *command)
{
        if (command->next)
                command->next->previous = command->previous;
        if (command->previous)
                command->previous->next = command->next;
        else
                command->face->commands = command->next;
        free(command);
        return NULL;
}

/* ---- answers ---- */

static void command_answer(Command *command, Reply *reply)
{
        /* A reply that says "not now" is no outcome: the next try may have one. */
        idempotency_settle(&command->face->idempotency, command->idempotency,
                           reply->status < 500 ? reply : NULL);
        if (command->exchange)
                exchange_reply(command->exchange, reply);
        reply_done(reply);
        (void)command_free(command);
}

static void command_refuse(Command *command, Refusal *refusal)
{
        Reply reply;

        (void)refusal_to_reply(refusal, &reply); /* without memory the status says it alone */
        refusal_done(refusal);
        command_answer(command, &reply);
}

static void command_answer_writer(Command *command, unsigned status, uint64_t operation,
                                  Writer *writer)
{
        Reply reply = { .status = status, .content_type = JSON_TYPE };

        if (writer_take(writer, &reply.body, &reply.length) < 0)
                reply = (Reply){ .status = 500 };
        if (operation)
                reply_header(&reply, "Location", "/v1/operations/%" PRIu64, operation);
        command_answer(command, &reply);
}

static void command_answer_operation(Command *command, unsigned status, const BoardOperation *row)
{
        AUTO_WRITER writer = { 0 };

        writer_open_object(&writer, NULL);
        operation_write(&writer, row);
        writer_close_object(&writer);
        command_answer_writer(command, status, row->is_dry_run ? 0 : row->id, &writer);
}

/* Nothing was left to do: an operation that ended before it began. */
static void command_answer_nothing(Command *command, const ControlReply *reply)
{
        static const char *const kinds[] = {
                [CONTROL_SCALE] = "scale",
                [CONTROL_START] = "start",
                [CONTROL_STOP] = "stop",
                [CONTROL_RESTART] = "restart",
                [CONTROL_RELOAD_POOL] = "reload",
                [CONTROL_ROLLBACK] = "rollback",
                [CONTROL_RESET_FAILED] = "reset-failed",
                [CONTROL_REOPEN_LOGS] = "reopen-logs",
        };
        const PoolView *pool;
        BoardOperation row = { .state = OPERATION_DONE, .generation = reply->generation };

        (void)text_copy(row.pool, sizeof(row.pool), command->message.pool);
        (void)text_copy(row.actor, sizeof(row.actor), command->message.actor);
        (void)text_copy(row.kind, sizeof(row.kind), kinds[command->message.verb]);
        pool = face_find_pool(command->face, command->message.pool);
        if (pool) {
                row.from_processes = row.to_processes = pool->row.processes;
                row.from_threads = row.to_threads = pool->row.threads;
                row.from_greenlets = row.to_greenlets = pool->row.greenlets;
        }
        command_answer_operation(command, 200, &row);
}

static void command_answer_signal(Command *command)
{
        const ControlCommand *message = &command->message;
        char name[SIGNAL_NAME_SIZE];
        AUTO_WRITER writer = { 0 };

        writer_open_object(&writer, NULL);
        writer_string(&writer, "state", "done");
        writer_integer(&writer, "pid", message->pid);
        writer_string(&writer, "pool", message->pool);
        writer_string(&writer, "signal", signal_name(name, message->signal));
        writer_close_object(&writer);
        command_answer_writer(command, 200, 0, &writer);
}

static void command_answer_reload(Command *command, const ControlReply *reply, int plan_fd)
{
        AUTO_WRITER writer = { 0 };

        writer_open_object(&writer, NULL);
        writer_bool(&writer, "dry_run", command->message.flags & CONTROL_DRY_RUN);
        writer_bytes(&writer, "message", reply->message,
                     strnlen(reply->message, sizeof(reply->message)));
        reload_plan_show(&writer, reply->has_plan ? plan_fd : -1);
        writer_close_object(&writer);
        command_answer_writer(command, reply->outcome == OUTCOME_DONE ? 200 : 202, 0, &writer);
}

/* ---- refusals of reeved ---- */

static void point_at_count(Refusal *refusal, const ControlCommand *message, uint32_t has,
                           uint32_t relative, int64_t count, uint32_t now, uint32_t min,
                           uint32_t max, const char *name)
{
        char pointer[32];

        if (!(message->flags & has))
                return;
        if (message->flags & relative)
                count += now;
        if (count >= min && count <= max)
                return;
        (void)snprintf(pointer, sizeof(pointer), "/%s%s", name,
                       message->flags & relative ? "_delta" : "");
        refusal_point(refusal, pointer, "The limits are %u to %u.", min, max);
}

static void point_at_limits(Refusal *refusal, const ControlCommand *message, const BoardPool *row)
{
        point_at_count(refusal, message, CONTROL_HAS_PROCESSES, CONTROL_RELATIVE_PROCESSES,
                       message->processes, row->processes, row->processes_min, row->processes_max,
                       "processes");
        point_at_count(refusal, message, CONTROL_HAS_THREADS, CONTROL_RELATIVE_THREADS,
                       message->threads, row->threads, row->threads_min, row->threads_max,
                       "threads");
}

static void add_current(Refusal *refusal, Command *command, const PoolView *pool)
{
        const char *text;
        size_t length;

        if (pool_text(command->face, pool, command->is_redacted, &text, &length) < 0)
                return; /* the code says what matters */
        refusal->current = strndup(text, length);
        refusal->current_length = refusal->current ? length : 0;
}

static void command_refused(Command *command, const ControlReply *reply)
{
        const PoolView *pool = face_find_pool(command->face, command->message.pool);
        char code[sizeof(reply->code)], message[sizeof(reply->message)];
        Refusal refusal = { 0 };

        memcpy(code, reply->code, sizeof(code));
        memcpy(message, reply->message, sizeof(message));
        code[sizeof(code) - 1] = message[sizeof(message) - 1] = '\0';
        (void)refusal_set(&refusal, code[0] ? code : REEVE_ERROR_INTERNAL, "%s", message);
        if (pool && text_equal(code, REEVE_ERROR_OVER_LIMIT))
                point_at_limits(&refusal, &command->message, &pool->row);
        if (pool && text_equal(code, REEVE_ERROR_STALE_GENERATION))
                add_current(&refusal, command, pool);
        command_refuse(command, &refusal);
}

/* ---- the reply ---- */

static void command_wait(Command *command, const BoardOperation *row)
{
        command->operation = row->id;
        command->deadline_usec = now_usec() + command->wait_usec;
        face_tick_on(command->face);
}

static void command_done(Command *command, const ControlReply *reply, int plan_fd)
{
        if (command->message.verb == CONTROL_SIGNAL)
                command_answer_signal(command);
        else if (command->message.verb == CONTROL_RELOAD)
                command_answer_reload(command, reply, plan_fd);
        else if (!reply->has_operation)
                command_answer_nothing(command, reply);
        else if (reply->outcome == OUTCOME_ACCEPTED && command->wait_usec > 0 && command->exchange)
                command_wait(command, &reply->operation);
        else
                command_answer_operation(command, reply->outcome == OUTCOME_ACCEPTED ? 202 : 200,
                                         &reply->operation);
}

static void on_reply(void *userdata, const ControlReply *reply, int plan_fd)
{
        Command *command = userdata;
        Refusal refusal = { 0 };

        if (reply && (reply->outcome == OUTCOME_ACCEPTED || reply->outcome == OUTCOME_DONE)) {
                command_done(command, reply, plan_fd);
        } else if (reply) {
                command_refused(command, reply);
        } else {
                (void)refusal_set(&refusal, REEVE_ERROR_CORE_UNREACHABLE,
                                  "reeved has not answered in time; the change may still happen.");
                command_refuse(command, &refusal);
        }
}

/* Return: whether it goes on waiting */
static bool command_look(Command *command, uint64_t now)
{
        BoardOperation row;
        Refusal refusal = { 0 };
        int r = board_view_operation(link_board(command->face->link), command->operation, &row);

        if (r == 0) {
                (void)refusal_set(&refusal, REEVE_ERROR_UNKNOWN_OPERATION,
                                  "The operation is no longer among those that are kept.");
                command_refuse(command, &refusal);
                return false;
        }
        if (r < 0 || (row.state == OPERATION_RUNNING && now < command->deadline_usec))
                return true;
        command_answer_operation(command, row.state == OPERATION_RUNNING ? 202 : 200, &row);
        return false;
}

bool commands_look(Face *face)
{
        uint64_t now = now_usec();
        bool goes_on = false;

        for (Command *command = face->commands, *next; command; command = next) {
                next = command->next;
                if (command->operation)
                        goes_on |= command_look(command, now);
        }
        return goes_on;
}

void commands_forget(Face *face)
{
        while (face->commands)
                (void)command_free(face->commands);
}

static void on_gone(void *userdata)
{
        Command *command = userdata;

        command->exchange = NULL;
        if (!command->operation)
                return; /* its outcome is still wanted for who asks again */
        idempotency_settle(&command->face->idempotency, command->idempotency, NULL);
        (void)command_free(command);
}

/* ---- sending ---- */

/* Prefer: wait=30 (RFC 7240) among other wishes; one that cannot be read is not honoured. */
static uint64_t wait_usec(const char *prefer)
{
        uint64_t seconds = 0;

        for (const char *p = prefer; p && *p; p += strcspn(p, ",;")) {
                p += strspn(p, ",; \t");
                if (strncasecmp(p, "wait=", 5) != 0)
                        continue;
                for (p += 5; *p >= '0' && *p <= '9'; p++)
                        seconds = MIN(seconds * 10 + (uint64_t)(*p - '0'), (uint64_t)WAIT_MAX_SEC);
                return seconds * USEC_PER_SEC;
        }
        return 0;
}

static Command *command_new(Call *call, const ControlCommand *message, uint64_t idempotency)
{
        Command *command = calloc(1, sizeof(*command));

        if (!command)
                return NULL;
        command->face = call->face;
        command->exchange = call->exchange;
        command->message = *message;
        command->is_redacted = call_is_redacted(call);
        command->idempotency = idempotency;
        command->wait_usec = wait_usec(call->request->headers.prefer);
        command->next = call->face->commands;
        if (command->next)
                command->next->previous = command;
        call->face->commands = command;
        return command;
}

void command_send(Call *call, const ControlCommand *message, uint64_t idempotency)
{
        bool is_admin = call->identity.role == ROLE_ADMIN && call->request->peer->is_unix;
        Command *command = command_new(call, message, idempotency);
        Refusal refusal = { 0 };
        int r;

        if (!command) {
                idempotency_settle(&call->face->idempotency, idempotency, NULL);
                call_refuse(call, REEVE_ERROR_INTERNAL, "There is no memory for the command.");
                return;
        }
        r = link_command(call->face->link, &command->message,
                         is_admin ? call->request->peer->fd : -1, on_reply, command, NULL);
        if (r >= 0) {
                exchange_on_gone(call->exchange, on_gone, command);
                return;
        }
        (void)refusal_set(&refusal,
                          r == -EAGAIN || r == -EBUSY ? REEVE_ERROR_BUSY
                                                      : REEVE_ERROR_CORE_UNREACHABLE,
                          "The command did not reach reeved: %s.", strerror(-r));
        command_refuse(command, &refusal);
}
