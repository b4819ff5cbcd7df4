/* refresh.c - see refresh.h */
#include "engine/refresh.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "engine/aide.h"
#include "engine/operation.h"
#include "sys/clock.h"

enum { REFRESH_AT_ONCE = 16 };

/* How long a worker of Type=notify may take until it says RELOADING=1, if it does at all. */
#define REFRESH_ANSWER_USEC USEC_PER_SEC

bool refresh_is_possible(const Pool *pool)
{
        return pool->config->reload_signal != 0 || pool->config->reload_command;
}

/* ---- the end ---- */

void refresh_forget(Slot *slot)
{
        slot->reloader = aide_free(slot->reloader);
        if (slot->refresh == REFRESH_RUNNING)
                slot->refresh = REFRESH_TOLD; /* that it is gone is seen when it is looked at */
}

void refresh_stop(Pool *pool)
{
        for (size_t i = 0; i < pool->slot_count; i++) {
                refresh_forget(pool->slots[i]);
                pool->slots[i]->refresh = REFRESH_NONE;
        }
}

static void fail(Pool *pool, const Slot *slot, const char *why)
{
        const BoardOperation *row = &pool->operation->row;
        Error error = { 0 };

        (void)error_set(
                &error, 0, "reload-failed",
                "worker %u %s; %u of %u workers were reloaded. `reevectl logs %s --slot %u` "
                "shows what it said.",
                slot->number, why, row->steps_done, row->steps_total, pool->name, slot->number);
        operation_end(pool, OPERATION_FAILED, &error);
}

/* ---- one worker ---- */

static void on_command_ended(void *userdata, const Error *error)
{
        Slot *slot = userdata;
        char why[ERROR_MESSAGE_SIZE + 32];

        slot->reloader = NULL;
        if (slot->refresh != REFRESH_RUNNING)
                return;
        slot->refresh = REFRESH_TOLD;
        slot->refresh_usec = now_usec();
        engine_touch(slot->pool->engine, slot->pool);
        if (!error)
                return;
        (void)snprintf(why, sizeof(why), "was not reloaded: ExecReload=: %s", error->message);
        fail(slot->pool, slot, why);
}

static const char *run_command(Slot *slot)
{
        const PoolConfig *config = slot->pool->config;
        const AideRequest request = { .name = "reload",
                                      .command = config->reload_command,
                                      .timeout_usec = config->timeout_start_usec
                                                              ? config->timeout_start_usec
                                                              : USEC_INFINITY,
                                      .is_logged = true,
                                      .done = on_command_ended,
                                      .userdata = slot };

        if (aide_start(slot, &request, &slot->reloader, &slot->pool->error) < 0)
                return "was not reloaded: ExecReload= cannot be started";
        slot->refresh = REFRESH_RUNNING;
        return NULL;
}

/* Return: NULL, or why it cannot be */
static const char *tell_worker(Slot *slot)
{
        slot->refresh_usec = now_usec();
        if (slot->pool->config->reload_command)
                return run_command(slot);
        if (pidref_signal(&slot->process, slot->pool->config->reload_signal) < 0)
                return "has just ended";
        slot->refresh = REFRESH_TOLD;
        return NULL;
}

/* Return: how long it is still waited for, 0: it is done */
static uint64_t rest_usec(const Slot *slot, uint64_t now)
{
        bool has_say = slot->definition->config->type == SERVICE_NOTIFY;
        uint64_t patience = has_say ? REFRESH_ANSWER_USEC : OPERATION_SETTLE_USEC;
        uint64_t end = slot->refresh_usec + patience;

        return slot->refresh == REFRESH_ANSWERED || end <= now ? 0 : end - now;
}

/* Whether its reload took longer than it may; its own machine then takes it for ready. */
static bool is_late(const Slot *slot, uint64_t now)
{
        uint64_t timeout = slot->definition->config->timeout_start_usec;

        return timeout > 0 && now - slot->refresh_usec >= timeout;
}

/* Return: NULL, or what is wrong with it. @wait_usec: lowered to when it is to be looked at again */
static const char *look(Slot *slot, uint64_t now, uint64_t *wait_usec)
{
        uint64_t rest;

        if (slot->process.pid != slot->refresh_pid || !slot_facts(slot)->is_ready)
                return "ended while it reloaded";
        if (slot->refresh == REFRESH_RUNNING)
                return NULL;
        if (slot->worker.state == WORKER_RELOADING) {
                slot->refresh = REFRESH_ANSWERED;
                return NULL;
        }
        if (slot->refresh == REFRESH_ANSWERED && is_late(slot, now))
                return "did not say READY=1 within TimeoutStartSec=";
        rest = rest_usec(slot, now);
        if (rest > 0) {
                *wait_usec = MIN(*wait_usec, rest);
                return NULL;
        }
        slot->refresh = REFRESH_NONE;
        slot->pool->operation->row.steps_done++;
        return NULL;
}

/* ---- all of them ---- */

/* Return: how many are under way or still due; -1 if the operation has failed and is gone */
static int step(Pool *pool, uint64_t *wait_usec)
{
        uint64_t now = now_usec();
        int left = 0;

        for (size_t i = 0; i < pool->slot_count; i++) {
                Slot *slot = pool->slots[i];
                const char *why = NULL;

                if (slot->refresh == REFRESH_DUE && left < REFRESH_AT_ONCE)
                        why = tell_worker(slot);
                if (!why && slot->refresh > REFRESH_DUE)
                        why = look(slot, now, wait_usec);
                if (why) {
                        fail(pool, slot, why);
                        return -1;
                }
                left += slot->refresh != REFRESH_NONE;
        }
        return left;
}

void refresh_check(Pool *pool)
{
        uint64_t wait_usec = USEC_INFINITY;
        int left = step(pool, &wait_usec);

        if (left == 0)
                operation_end(pool, OPERATION_DONE, NULL);
        else if (left > 0 && wait_usec != USEC_INFINITY)
                pool_look_again(pool, wait_usec);
}

static unsigned mark_workers(Pool *pool)
{
        unsigned count = 0;

        for (size_t i = 0; i < pool->slot_count; i++) {
                Slot *slot = pool->slots[i];

                if (!slot_facts(slot)->is_ready || !slot->worker.is_wanted)
                        continue; /* what is about to start reads its configuration anyway */
                slot->refresh = REFRESH_DUE;
                slot->refresh_pid = slot->process.pid;
                count++;
        }
        return count;
}

int refresh_begin(Pool *pool, const ChangeRequest *request, ChangeOutcome *ret, Error *reterr)
{
        BoardOperation *plan =
                operation_plan(pool, OPERATE_RELOAD, &pool->grid, false, request->actor);
        const OperationBack back = { pool->definition, pool->grid, pool->is_overridden, false };

        if (!plan || operation_begin(pool, OPERATE_RELOAD, plan, &back) < 0)
                return error_set(reterr, -ENOMEM, "no-memory", "%s: out of memory", pool->subject);
        pool->operation->is_refresh = true;
        pool->operation->row.steps_total = mark_workers(pool);
        ret->operation = &pool->operation->row;
        return 0;
}
