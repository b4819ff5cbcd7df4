/* footprint.h - what a grid will take in memory, told from what its workers take now
 *
 *      one worker   what it has for itself alone (the median of those that were measured), and what
 *                   threads that it does not have yet will add
 *      a pool       so much for each worker, and once what they share (code, files)
 *
 * Fewer threads are not counted as less: what a thread has used often stays with its process. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "model/grid.h"

/* Of one worker. */
typedef struct MemoryUse {
        uint64_t private_bytes; /* of it alone; of its children as well */
        uint64_t shared_bytes;  /* pages of files and of shared memory */
} MemoryUse;

typedef struct Footprint {
        uint64_t private_bytes, shared_bytes; /* of a worker; of all together */
        unsigned threads;                     /* the most that one of them had */
        unsigned workers;                     /* how many were measured; 0: nothing is known */
} Footprint;

/* A thread that runs some code touches 20 to 45 kB of stack, tables and heap (seen with both SDKs,
 * the kernel's own 16 kB for it included). */
#define FOOTPRINT_THREAD_BYTES (UINT64_C(64) << 10)

typedef struct FootprintChange {
        Grid to;
        unsigned alive;     /* workers that there are now */
        unsigned stand_ins; /* above the grid while others are replaced */
} FootprintChange;

typedef struct FootprintPlan {
        uint64_t worker_bytes;   /* of one worker of the new grid, what is shared left out */
        uint64_t now_bytes;      /* of the pool */
        uint64_t expected_bytes; /* of the pool when the change is over */
        uint64_t more_bytes;     /* than now, at its height: before anything is given back */
} FootprintPlan;

/** footprint_of() - the median of @count measured workers; they are sorted
 *  @threads: the most that one of them had */
Footprint footprint_of(MemoryUse *uses, size_t count, unsigned threads);

/** footprint_plan() - what a change will take; all zero if nothing is known */
FootprintPlan footprint_plan(const Footprint *footprint, const FootprintChange *change);

/** footprint_check() - whether it may be begun. A change that takes no more than now always may.
 *  @subject: "pool web"
 *  @budget_bytes: MemoryBudget=, UINT64_MAX: none. It is for the grid, stand-ins left out.
 *  @available_bytes: what can be had, UINT64_MAX: not known; @group: whose limit that is, empty: the
 *  machine's
 *  Return: 0; -ERANGE ("over-limit"), -ENOSPC ("no-room") with @reterr */
int footprint_check(const char *subject, const Footprint *footprint, const FootprintPlan *plan,
                    const Grid *to, uint64_t budget_bytes, uint64_t available_bytes,
                    const char *group, Error *reterr);
