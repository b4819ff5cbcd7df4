/* adopt.c - see adopt.h */
#include "persist/adopt.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "engine/adopt.h"
#include "engine/builtin.h"
#include "engine/change.h"
#include "engine/publish.h"
#include "engine/report.h"
#include "sys/pidref.h"

/* ---- out of the engine ---- */

static void collect_pool(const Pool *pool, KeptPool *ret)
{
        *ret = (KeptPool){ .is_up = pool->is_up,
                           .is_overridden = pool->is_overridden,
                           .generation = pool->generation,
                           .restarts = pool->restarts,
                           .grid = pool->grid };
        (void)text_copy(ret->name, sizeof(ret->name), pool->name);
}

/* Mostly that of the slot before: it is reckoned once for all that follow. */
typedef struct Fingerprint {
        const PoolConfig *config;
        uint64_t value;
} Fingerprint;

static uint64_t fingerprint_of(Fingerprint *last, const PoolConfig *config)
{
        if (last->config != config)
                *last = (Fingerprint){ config, pool_config_fingerprint(config) };
        return last->value;
}

static bool collect_worker(Slot *slot, Fingerprint *last, KeptWorker *ret)
{
        const Worker *worker = &slot->worker;

        bool has_ended = worker->state == WORKER_EXITED || worker->state == WORKER_FAILED;

        /* One whose main process has ended while others of it live is kept with PID 0, and so is
         * one that ended for good: it must not run again because we died. */
        if ((!slot_facts(slot)->has_process && !has_ended) || !slot->instance[0]
            || (pidref_is_set(&slot->process) && pidref_read_start(&slot->process) < 0))
                return false;
        *ret = (KeptWorker){ .slot = slot->number,
                             .pid = slot->process.pid,
                             .start_ticks = slot->process.start_ticks,
                             .fingerprint = fingerprint_of(last, slot->definition->config),
                             .is_current = slot->definition == slot->pool->definition,
                             .state = worker->state,
                             .threads = slot->definition->threads,
                             .greenlets = slot->definition->greenlets,
                             .restarts = worker->restarts,
                             .failures_in_row = worker->failures_in_row,
                             .started_usec = worker->started_usec,
                             .ready_usec = worker->ready_usec,
                             .started_realtime_usec = slot->started_realtime_usec,
                             .log_inodes = { output_inode(slot, STREAM_OUT),
                                             output_inode(slot, STREAM_ERR) } };
        (void)text_copy(ret->pool, sizeof(ret->pool), slot->pool->name);
        (void)text_copy(ret->instance, sizeof(ret->instance), slot->instance);
        return true;
}

int adopt_collect(const Engine *engine, KeptState *ret)
{
        const BoardHeader *header = board_header(engine->board);
        KeptState state = { .epoch = engine->epoch,
                            .instances = engine->instances,
                            .operations = engine->operations };
        Fingerprint last = { 0 };
        size_t slots = 0;

        (void)text_copy(state.boot_id, sizeof(state.boot_id), header->boot_id);
        for (size_t i = 0; i < engine->pool_count; i++)
                slots += engine->pools[i]->slot_count;
        state.pools = calloc(engine->pool_count + 1, sizeof(KeptPool));
        state.workers = calloc(slots + 1, sizeof(KeptWorker));
        if (!state.pools || !state.workers) {
                state_done(&state);
                return -ENOMEM;
        }
        for (size_t i = 0; i < engine->pool_count; i++) {
                const Pool *pool = engine->pools[i];

                collect_pool(pool, &state.pools[state.pool_count++]);
                for (size_t j = 0; j < pool->slot_count; j++)
                        state.worker_count += collect_worker(pool->slots[j], &last,
                                                             &state.workers[state.worker_count]);
        }
        *ret = state;
        return 0;
}

/* ---- back into it ---- */

void adopt_wait_for_face(const KeptState *state)
{
        for (size_t i = 0; i < state->worker_count; i++) {
                const KeptWorker *worker = &state->workers[i];
                PidRef process = PIDREF_UNSET;

                if (!text_equal(worker->pool, "@api")
                    || pidref_open(worker->pid, worker->start_ticks, &process) < 0)
                        continue;
                (void)poll(&(struct pollfd){ .fd = process.fd, .events = POLLIN }, 1, 1000);
                pidref_done(&process);
        }
}

static void tell_loss(Pool *pool, const KeptWorker *worker)
{
        char slot[24], pid[24];

        (void)snprintf(slot, sizeof(slot), "%u", worker->slot);
        (void)snprintf(pid, sizeof(pid), "%d", (int)worker->pid);
        report(LOG_WARNING, "%s: worker %s (PID %s) ended while no reeved ran: how is unknown",
               pool->subject, slot, pid);
        publish_event(pool->engine, EVENT_WORKER_EXITED, pool, NULL, NULL, "reason", "unknown",
                      "slot", slot, "pid", pid, "seen", "no", NULL);
}

static bool adopt_one(Pool *pool, const KeptPool *kept, const KeptWorker *worker)
{
        const Adoptee adoptee = { .slot = worker->slot,
                                  .pid = worker->pid,
                                  .start_ticks = worker->start_ticks,
                                  .state = worker->state,
                                  .is_current = worker->is_current
                                                && worker->fingerprint
                                                           == pool_config_fingerprint(pool->config),
                                  .threads = worker->threads,
                                  .greenlets = worker->greenlets,
                                  .restarts = worker->restarts,
                                  .failures_in_row = worker->failures_in_row,
                                  .started_usec = worker->started_usec,
                                  .ready_usec = worker->ready_usec,
                                  .started_realtime_usec = worker->started_realtime_usec,
                                  .log_inodes = { worker->log_inodes[0], worker->log_inodes[1] },
                                  .instance = worker->instance };
        Error error = { 0 };
        int r = adopt_worker(pool, &adoptee, &error);

        if (r == -ESRCH && kept->is_up)
                tell_loss(pool, worker);
        else if (r < 0 && r != -ESRCH)
                report(LOG_ERR, "%s: worker %u is not adopted: %s", pool->subject, worker->slot,
                       error_is_set(&error) ? error.message : strerror(-r));
        return r >= 0;
}

static size_t adopt_workers(Pool *pool, const KeptPool *kept, const KeptState *state)
{
        size_t adopted = 0;

        if (adopt_pool(pool, kept->is_up, kept->is_overridden ? &kept->grid : NULL,
                       kept->generation, kept->restarts)
            < 0)
                report(LOG_ERR, "%s: its scale is lost: out of memory", pool->subject);
        for (size_t i = 0; i < state->worker_count; i++)
                if (text_equal(state->workers[i].pool, pool->name))
                        adopted += adopt_one(pool, kept, &state->workers[i]);
        return adopted;
}

/* The pool's file vanished while no reeved ran: its workers are taken back to be stopped. */
static void drain(Engine *engine, const KeptPool *kept, const KeptState *state)
{
        AUTO(PoolConfig) *config =
                builtin_config(kept->name, "its file is gone", "/nonexistent", NULL);
        const ChangeRequest request = { .actor = "reeved" };
        ChangeOutcome outcome = { 0 };
        AUTO(Pool) *pool = NULL;
        Error error = { 0 };

        if (!config || pool_new(engine, config, false, &pool, &error) < 0
            || engine_add_pool(engine, pool) < 0) {
                report(LOG_ERR, "pool %s: cannot be drained: %s", kept->name, error.message);
                return;
        }
        report(LOG_NOTICE, "pool %s: its file is gone: stopping %zu workers", kept->name,
               adopt_workers(pool, kept, state));
        pool->is_leaving = true;
        pool->is_held_down = true;
        (void)change_stop(TAKE_PTR(pool), &request, &outcome, NULL);
}

static bool has_workers(const KeptState *state, const char *pool)
{
        for (size_t i = 0; i < state->worker_count; i++)
                if (text_equal(state->workers[i].pool, pool))
                        return true;
        return false;
}

size_t adopt_all(Engine *engine, const KeptState *state)
{
        size_t adopted = 0;

        if (!text_equal(state->boot_id, board_header(engine->board)->boot_id))
                return 0;
        engine->operations = state->operations;
        for (size_t i = 0; i < state->pool_count; i++) {
                const KeptPool *kept = &state->pools[i];
                Pool *pool = engine_find_pool(engine, kept->name);

                if (pool && !pool->is_builtin)
                        adopted += adopt_workers(pool, kept, state);
                else if (!pool && has_workers(state, kept->name))
                        drain(engine, kept, state);
        }
        return adopted;
}
