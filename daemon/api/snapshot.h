/* snapshot.h - the board, copied and put in order once per change
 *
 * Requests are answered from here: pools by name, their workers by slot, sums per pool. As long
 * as the board's `changes` stands still, the copy is used again. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/board.h"

typedef struct PoolView {
        BoardPool row;
        size_t first_worker, worker_count; /* in Snapshot.workers */
        unsigned processes;                /* workers that have one */
        unsigned sampled;                  /* of those, how many have a sample */
        unsigned rated;                    /* of those, how many have a cpu_ratio */
        unsigned attached;                 /* of those, how many give telemetry */
        unsigned threads_live, threads_busy;
        double concurrency; /* of those attached */
        double cpu_ratio;   /* sums over them */
        uint64_t rss_bytes;
} PoolView;

typedef struct Snapshot {
        PoolView *pools; /* by name */
        size_t pool_count;
        const BoardWorker **workers; /* by name of pool, then slot */
        size_t worker_count;
        BoardWarning *warnings;
        size_t warning_count;
        BoardWorker *rows; /* what `workers` points into */
        uint64_t number;   /* another one with each rebuild */
        uint64_t changes;  /* of the board when it was copied */
        bool is_filled;
} Snapshot;

/** snapshot_refresh() - copy the board unless nothing happened since
 *  Return: 0; -ENOMEM with the old copy in place */
int snapshot_refresh(Snapshot *snapshot, const BoardView *board);

/** snapshot_forget() - the board is another one now */
void snapshot_forget(Snapshot *snapshot);

/** snapshot_find_pool() - Return: the pool, NULL if there is none of that name */
const PoolView *snapshot_find_pool(const Snapshot *snapshot, const char *name);

/** snapshot_pool_of() - Return: the pool of a worker of this snapshot */
const PoolView *snapshot_pool_of(const Snapshot *snapshot, size_t worker);

/** snapshot_find_worker() - by PID; Return: its index, -1 if no worker has it */
ptrdiff_t snapshot_find_worker(const Snapshot *snapshot, int32_t pid);

void snapshot_done(Snapshot *snapshot);
#define AUTO_SNAPSHOT CLEANUP(snapshot_done) Snapshot
