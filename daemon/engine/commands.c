/* commands.c - see commands.h */
#include "engine/commands.h"
#include "engine/change.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/text.h"
#include "engine/face.h"
#include "engine/operation.h"
#include "engine/order.h"
#include "engine/publish.h"
#include "engine/reload.h"
#include "engine/report.h"
#include "reeve/api.h"
#include "sys/fd.h"
#include "sys/memfd.h"

/* Signals that may be sent to a worker: those that programs give a meaning, and the ends. */
static const int allowed_signals[] = { SIGHUP,   SIGINT,  SIGTERM, SIGQUIT, SIGUSR1, SIGUSR2,
                                       SIGWINCH, SIGCONT, SIGSTOP, SIGKILL, SIGABRT };

static bool is_text(const char *field, size_t size)
{
        return memchr(field, '\0', size) != NULL;
}

static Pool *find_pool(Engine *engine, const char *name, Error *reterr)
{
        Pool *pool = engine_find_pool(engine, name);

        if (!pool)
                (void)error_set(reterr, -ENOENT, REEVE_ERROR_UNKNOWN_POOL,
                                "There is no pool called %s.", name);
        return pool;
}

bool command_client_is_admin(const Engine *engine, uint32_t flags, int client_fd)
{
        struct ucred peer;
        socklen_t length = sizeof(peer);

        return (flags & CONTROL_HAS_CLIENT) && client_fd >= 0
               && getsockopt(client_fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0
               && face_is_admin(engine->face, peer.uid);
}

static int command_scale(Pool *pool, const ControlCommand *command, const ChangeRequest *request,
                         ChangeOutcome *ret, Error *reterr)
{
        const ScaleRequest scale = {
                .verb = (ScaleVerb)command->scale_verb,
                .has_processes = command->flags & CONTROL_HAS_PROCESSES,
                .has_threads = command->flags & CONTROL_HAS_THREADS,
                .has_greenlets = command->flags & CONTROL_HAS_GREENLETS,
                .is_processes_relative = command->flags & CONTROL_RELATIVE_PROCESSES,
                .is_threads_relative = command->flags & CONTROL_RELATIVE_THREADS,
                .processes = command->processes,
                .threads = command->threads,
                .greenlets = command->greenlets,
                .total = command->total,
        };

        if (pool->is_builtin)
                return error_set(reterr, -EPERM, REEVE_ERROR_INVALID,
                                 "%s is reeve's own and is not scaled.", pool->subject);
        return change_scale(pool, &scale, request, ret, reterr);
}

static int command_signal(Engine *engine, const ControlCommand *command, Error *reterr)
{
        Slot *slot = map_get(&engine->slots_by_pid, (uint64_t)command->pid);
        bool is_allowed = false;
        char name[16];

        for (size_t i = 0; i < COUNT_OF(allowed_signals); i++)
                is_allowed |= allowed_signals[i] == command->signal;
        if (!is_allowed)
                return error_set(reterr, -EINVAL, REEVE_ERROR_INVALID,
                                 "Signal %d is not among those that may be sent.", command->signal);
        /* The face saw a process; it must still be that one. */
        if (!slot || (command->start_ticks && slot->process.start_ticks != command->start_ticks))
                return error_set(reterr, -ESRCH, REEVE_ERROR_UNKNOWN_WORKER,
                                 "No worker has PID %d (any more).", command->pid);
        if (pidref_signal(&slot->process, command->signal) < 0)
                return error_set(reterr, -ESRCH, REEVE_ERROR_UNKNOWN_WORKER,
                                 "The worker with PID %d has just ended.", command->pid);
        (void)snprintf(name, sizeof(name), "SIG%s", sigabbrev_np(command->signal));
        publish_event(engine, EVENT_WORKER_STATE, slot->pool, slot, command->actor, "signal", name,
                      NULL);
        return 0;
}

/* Text in a memfd. Return: the descriptor; -1 without memory: the plan is then left out */
static int share_text(const Text *text)
{
        void *memory;
        int fd, shared;

        if (text->error || text->length == 0)
                return -1;
        fd = memfd_new("reeve-plan", text->length + 1, &memory);
        if (fd < 0)
                return -1;
        memcpy(memory, text->bytes, text->length);
        (void)munmap(memory, text->length + 1); /* our own mapping: cannot fail */
        shared = memfd_reopen_read_only(fd);
        (void)fd_close(fd);
        return MAX(shared, -1);
}

static int command_reload(Engine *engine, const ControlCommand *command, int client_fd,
                          ControlReply *ret, int *ret_plan_fd, Error *reterr)
{
        ReloadResult result = { 0 };
        int r;

        if (!command_client_is_admin(engine, command->flags, client_fd))
                return error_set(reterr, -EPERM, REEVE_ERROR_FORBIDDEN,
                                 "Reloading is for administrators on the unix socket: root, the "
                                 "user that runs reeved, and AdminUsers=.");
        r = reload_apply(engine, command->actor, command->flags & CONTROL_DRY_RUN, &result, reterr);
        if (r >= 0) {
                const char *summary = result.summary.length ? result.summary.bytes : "";

                if (!text_copy(ret->message, sizeof(ret->message), summary))
                        memcpy(ret->message + sizeof(ret->message) - 4, "...", 4);
                *ret_plan_fd = share_text(&result.plan);
                ret->has_plan = *ret_plan_fd >= 0;
        }
        reload_result_done(&result);
        return r;
}

static int run_on_pool(Engine *engine, const ControlCommand *command, ChangeOutcome *ret,
                       Error *reterr)
{
        const ChangeRequest request = {
                .actor = command->actor,
                .is_dry_run = command->flags & CONTROL_DRY_RUN,
                .is_runtime = command->flags & CONTROL_RUNTIME,
                .is_rolling = command->flags & CONTROL_ROLLING,
                .has_generation = command->flags & CONTROL_IF_GENERATION,
                .generation = command->generation,
                .has_mode = command->flags & CONTROL_HAS_MODE,
                .mode = (ScaleMode)command->mode,
        };
        Pool *pool = find_pool(engine, command->pool, reterr);
        int r;

        if (!pool)
                return -ENOENT;
        if (pool->is_builtin && command->verb == CONTROL_STOP)
                return error_set(reterr, -EPERM, REEVE_ERROR_INVALID,
                                 "%s is what answers you; it is not stopped.", pool->subject);
        switch (command->verb) {
        case CONTROL_SCALE: return command_scale(pool, command, &request, ret, reterr);
        case CONTROL_START:
                r = change_start(pool, &request, ret, reterr);
                if (r >= 0 && !request.is_dry_run)
                        order_pull(pool, &request);
                return r;
        case CONTROL_STOP:
                r = change_stop(pool, &request, ret, reterr);
                if (r >= 0 && !request.is_dry_run)
                        order_push(pool, &request);
                return r;
        case CONTROL_RESTART:
                r = change_restart(pool, &request, ret, reterr);
                if (r >= 0 && !request.is_dry_run)
                        order_pull(pool, &request);
                return r;
        case CONTROL_RELOAD_POOL: return change_reload(pool, &request, ret, reterr);
        case CONTROL_ROLLBACK: return change_rollback(pool, &request, ret, reterr);
        case CONTROL_REOPEN_LOGS:
                output_reopen(pool);
                ret->is_done = true;
                return 0;
        case CONTROL_RESET_FAILED:
                change_reset_failed(pool);
                ret->is_done = true;
                return 0;
        default:
                return error_set(reterr, -EOPNOTSUPP, REEVE_ERROR_NOT_SUPPORTED,
                                 "This version cannot do that.");
        }
}

static void fill_reply(Engine *engine, const ControlCommand *command, const ChangeOutcome *outcome,
                       ControlReply *ret)
{
        const BoardOperation *operation = outcome->plan ? outcome->plan : outcome->operation;
        const Pool *pool = engine_find_pool(engine, command->pool);

        ret->outcome = outcome->operation ? OUTCOME_ACCEPTED : OUTCOME_DONE;
        ret->generation = pool ? pool->generation : 0;
        ret->has_operation = operation != NULL;
        if (operation)
                ret->operation = *operation;
}

void command_run(Engine *engine, const ControlCommand *command, int client_fd, ControlReply *ret,
                 int *ret_plan_fd)
{
        ChangeOutcome outcome = { 0 };
        Error error = { 0 };
        int r;

        *ret = (ControlReply){ 0 };
        *ret_plan_fd = -1;
        if (!is_text(command->pool, sizeof(command->pool))
            || !is_text(command->actor, sizeof(command->actor)))
                r = error_set(&error, -EBADMSG, REEVE_ERROR_INTERNAL, "A broken command.");
        else if (engine->is_stopping)
                r = error_set(&error, -ESHUTDOWN, REEVE_ERROR_CONFLICT, "reeved is stopping.");
        else if (command->verb == CONTROL_SIGNAL)
                r = command_signal(engine, command, &error);
        else if (command->verb == CONTROL_RELOAD)
                r = command_reload(engine, command, client_fd, ret, ret_plan_fd, &error);
        else
                r = run_on_pool(engine, command, &outcome, &error);
        engine_keep_decision(engine);
        fill_reply(engine, command, &outcome, ret);
        free(outcome.plan);
        if (r >= 0)
                return;
        ret->outcome = OUTCOME_REFUSED;
        (void)text_copy(ret->code, sizeof(ret->code), error.code ? error.code : "internal");
        (void)text_copy(ret->message, sizeof(ret->message), error.message);
}

void command_open_log(Engine *engine, const ControlOpenLog *asked, int *ret_fds, ControlLog *ret)
{
        Error error = { 0 };
        Pool *pool = is_text(asked->pool, sizeof(asked->pool))
                             ? find_pool(engine, asked->pool, &error)
                             : NULL;
        unsigned max = MIN(asked->max_files, (uint32_t)CONTROL_LOG_FILES);
        int count = -ENOENT;

        *ret = (ControlLog){ 0 };
        /* A pool that never started has no folder yet; older logs may lie there. */
        if (pool && pool->log_directory_fd < 0)
                pool->log_directory_fd =
                        log_directory_open(engine->settings.log_dir, pool->name, &error);
        if (pool && pool->log_directory_fd >= 0)
                count = log_open_files(pool->log_directory_fd, asked->slot, ret_fds, max);
        if (count >= 0) {
                Slot *slot = pool_slot(pool, asked->slot);
                LogCounters counters;

                ret->count = (uint32_t)count;
                ret->log_file = slot && output_counters(slot, &counters) ? counters.file : 0;
                return;
        }
        (void)text_copy(ret->code, sizeof(ret->code),
                        error.code ? error.code : REEVE_ERROR_NOT_FOUND);
        (void)text_copy(ret->message, sizeof(ret->message),
                        error.code ? error.message : "That worker has no log.");
}
