/* adopt.c - see adopt.h */
#include "engine/adopt.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "engine/headcount.h"
#include "engine/launch.h"
#include "engine/live.h"
#include "engine/operation.h"
#include "engine/publish.h"
#include "engine/report.h"
#include "sys/fd.h"

/* The definition that the worker runs in: the present one, or a stand-in that is outdated. */
static int define(Pool *pool, Slot *slot, const Adoptee *adoptee)
{
        const Definition *now = pool->definition;
        const Grid grid = { pool->grid.processes, adoptee->threads, adoptee->greenlets };
        AUTO(Definition) *before = NULL;

        if (adoptee->is_current && now->threads == adoptee->threads
            && now->greenlets == adoptee->greenlets)
                return 0;
        before = definition_derive(now, ++pool->definitions, &grid);
        if (!before)
                return -ENOMEM;
        if (!adoptee->is_current)
                before->life = before->number;
        slot_define(slot, before);
        return 0;
}

static void restore(Slot *slot, const Adoptee *adoptee)
{
        Worker *worker = &slot->worker;

        worker->is_wanted = true;
        worker->restarts = adoptee->restarts;
        worker->failures_in_row = adoptee->failures_in_row;
        worker->started_usec = adoptee->started_usec;
        worker->ready_usec = adoptee->ready_usec;
        slot->started_realtime_usec = adoptee->started_realtime_usec;
        slot->is_adopted = true;
        (void)text_copy(slot->instance, sizeof(slot->instance), adoptee->instance);
}

/* Also one that was on its way up is taken to be ready: nobody could hear its READY=1 meanwhile, and
 * to wait for it would end in killing a worker that is well. One on its way down is asked again. */
static void resume(Slot *slot, const Adoptee *adoptee)
{
        slot_event(slot, WORKER_EVENT_ADOPTED, NULL);
        if (adoptee->state == WORKER_STOPPING)
                slot_event(slot, WORKER_EVENT_STOP, NULL);
}

static int take_back(Slot *slot, const Adoptee *adoptee, PidRef *process, Error *reterr)
{
        Pool *pool = slot->pool;
        int cgroup_fd = -1, r;

        r = family_begin(slot->family, adoptee->instance, &cgroup_fd, reterr);
        (void)fd_close(cgroup_fd);
        if (r >= 0)
                r = output_adopt(slot, adoptee->pid, adoptee->log_inodes, reterr);
        if (r >= 0 && !pool->are_listeners_open && pool->config->listener_count > 0)
                pool->are_listeners_open =
                        listeners_adopt(pool->config, process->fd, &pool->listeners) >= 0;
        return r;
}

/* A process that its parent has not reaped yet still has its PID. */
static bool has_ended(const PidRef *process)
{
        return poll(&(struct pollfd){ .fd = process->fd, .events = POLLIN }, 1, 0) > 0;
}

/* The main process is gone. What it left behind, if anything, is looked for and taken down before
 * another life begins in the slot. */
static int adopt_remains(Pool *pool, const Adoptee *adoptee, Error *reterr)
{
        Slot *slot = pool_take_slot(pool, adoptee->slot, reterr);
        int cgroup_fd = -1, r;

        if (!slot)
                return -ENOMEM;
        r = family_begin(slot->family, adoptee->instance, &cgroup_fd, reterr);
        (void)fd_close(cgroup_fd);
        if (r < 0 || family_is_empty(slot->family, NULL) == 1)
                return r < 0 ? r : -ESRCH;
        restore(slot, adoptee);
        slot_event(slot, WORKER_EVENT_VANISHED, NULL);
        slot_event(slot, pool->is_up ? WORKER_EVENT_START : WORKER_EVENT_STOP, NULL);
        return 0;
}

static int adopt_living(Pool *pool, const Adoptee *adoptee, PidRef *process, Error *reterr)
{
        Slot *slot = pool_take_slot(pool, adoptee->slot, reterr);
        int r = slot ? define(pool, slot, adoptee) : -ENOMEM;

        if (r >= 0)
                r = take_back(slot, adoptee, process, reterr);
        if (r < 0)
                return r;
        restore(slot, adoptee);
        r = slot_hold(slot, process, false);
        if (r < 0)
                return error_set(reterr, r, "adopt", "%s: cannot watch PID %d: %s", pool->subject,
                                 (int)adoptee->pid, strerror(-r));
        live_adopt(slot, launch_extra_fd(slot));
        resume(slot, adoptee);
        return 0;
}

/* It had ended for good: a task that was done, or one that was given up. So it stays. */
static int adopt_ended(Pool *pool, const Adoptee *adoptee, Error *reterr)
{
        Slot *slot = pool_take_slot(pool, adoptee->slot, reterr);
        int r = slot ? define(pool, slot, adoptee) : -ENOMEM;

        if (r < 0)
                return r;
        restore(slot, adoptee);
        slot->is_adopted = false;
        slot->worker.state = adoptee->state;
        slot->worker.started_usec = slot->worker.ready_usec = 0;
        slot->worker.last_exit = (WorkerExit){ .kind = EXIT_REASON, .reason = EXIT_REASON_UNKNOWN };
        publish_slot(slot);
        return 0;
}

int adopt_worker(Pool *pool, const Adoptee *adoptee, Error *reterr)
{
        PidRef process = PIDREF_UNSET;
        int r;

        if (adoptee->state == WORKER_EXITED || adoptee->state == WORKER_FAILED)
                return adopt_ended(pool, adoptee, reterr);
        r = adoptee->pid > 0 ? pidref_open(adoptee->pid, adoptee->start_ticks, &process) : -ESRCH;

        if (r >= 0 && has_ended(&process))
                r = -ESRCH;
        if (r >= 0)
                r = adopt_living(pool, adoptee, &process, reterr);
        else if (r == -ESRCH)
                r = adopt_remains(pool, adoptee, reterr);
        pidref_done(&process);
        return r;
}

/* As far as the limits of the file, which may be another one now, allow. */
static int take_scale(Pool *pool, const Grid *scale)
{
        const GridLimits limits = pool_limits(pool);
        Definition *before = pool->definition, *definition;

        pool->grid = grid_clamp(scale, &limits);
        pool->is_overridden = true;
        if (before->threads == pool->grid.threads && before->greenlets == pool->grid.greenlets)
                return 0;
        definition = definition_derive(before, ++pool->definitions, &pool->grid);
        if (!definition)
                return -ENOMEM;
        pool->definition = definition;
        definition_unref(before);
        return 0;
}

int adopt_pool(Pool *pool, bool is_up, const Grid *scale, uint64_t generation, uint64_t restarts)
{
        int r = scale ? take_scale(pool, scale) : 0;

        headcount_renew(pool);
        pool->generation = MAX(pool->generation, generation);
        pool->restarts = restarts;
        pool->is_up = is_up;
        pool->is_held_down = !is_up;
        pool->state = is_up ? POOL_STARTING : POOL_STOPPED;
        engine_touch(pool->engine, pool);
        return r;
}
