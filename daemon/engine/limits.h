/* limits.h - the limits of pools and workers in their cgroups, and what came of them */
#pragma once

#include "engine/engine.h"
#include "model/worker.h"

/** limits_warn() - one warning for each limit of @config that cannot be had, with the reason */
void limits_warn(Engine *engine, const PoolConfig *config);

/** limits_open() - the slot's group has just been made or found: set its limits, and with the
 *  first slot those of the pool */
void limits_open(Slot *slot);

/** limits_begin() - a life is about to begin; sets the limits again if the groups were lost */
void limits_begin(Slot *slot);

/** limits_change() - the pool has another configuration: set what differs, with workers running */
void limits_change(Pool *pool, const PoolConfig *from, const PoolConfig *to);

/** limits_explain_exit() - the kernel may have killed the worker for want of memory: say so */
void limits_explain_exit(Slot *slot, WorkerExit *exit);
