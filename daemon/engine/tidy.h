/* tidy.h - Compress= and MaxDisk=: files that were put aside are compressed, the oldest go
 *
 * After a rotation reeve-pack is started for the pool, one at a time. It does what takes long, and
 * proposes steps (logs/tidy.h), which are taken here when it has ended. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "model/worker.h"
#include "sys/pidref.h"

typedef struct Engine Engine;
typedef struct Pool Pool;

typedef struct PoolTidy {
        PidRef process;  /* reeve-pack while it runs */
        int steps_fd;    /* where it puts its steps */
        bool is_due;     /* a file was put aside since it began */
        bool has_failed; /* and that was told */
} PoolTidy;

#define POOL_TIDY_UNSET ((PoolTidy){ .process = PIDREF_UNSET, .steps_fd = -1 })

/** tidy_ask() - look after the pool's files soon, if its configuration wants that */
void tidy_ask(Pool *pool);

/** tidy_reaped() - a child that is no worker has ended; Return: whether it was one of ours */
bool tidy_reaped(Engine *engine, pid_t pid, const WorkerExit *exit);

/** tidy_end() - the pool goes: so does its reeve-pack, whose work the next one does again */
void tidy_end(Pool *pool);
