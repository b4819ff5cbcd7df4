/* SPDX-License-Identifier: Apache-2.0
 *
 * telemetry.h - the shared memory in which a worker tells reeve what its threads do
 *
 * reeve makes the memory, seals its size, and hands it to a worker of a pool with
 * ThreadControl=live as descriptor $REEVE_TELEMETRY_FD. The worker maps it, and from then on
 * tells by plain stores: nobody calls anybody, and nobody waits.
 *
 *        0  header      128 bytes   geometry (written by reeve before the worker starts), attachment
 *      128  totals      256 bytes   what the pool of threads did altogether
 *      384  histograms  2 x 512     service time, waiting time in the queue; log2 of nanoseconds
 *     1408  threads     n x 128     one slot a thread
 *
 * Rules, for both sides:
 *  - Little-endian, fixed widths, each field aligned to its size, so that each is read and written
 *    whole. Nothing else is promised of several fields together, text excepted (see label).
 *  - Offsets and sizes are taken from the header, never from this file, so that an old side finds
 *    its way in a longer layout. What is new is added behind, or where `reserved` stands, and is
 *    zero until somebody writes it. Only a change that breaks this gets another version.
 *  - One writer a field. Counters only grow, and wrap never (64 bits). Times are CLOCK_MONOTONIC
 *    in nanoseconds.
 *  - The reader trusts nothing: it keeps the geometry itself, clamps what it reads, and treats a
 *    worker that writes nonsense as one without telemetry.
 *
 * A thread's slot is FREE, or belongs to the one thread that writes it. Its counters go on when
 * the slot is taken by the next thread, so that their sums only grow. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define REEVE_TELEMETRY_MAGIC   UINT64_C(0x4c45544556454552) /* "REEVETEL" in memory */
#define REEVE_TELEMETRY_VERSION 1u

enum {
        REEVE_TELEMETRY_HEADER_BYTES = 128,
        REEVE_TELEMETRY_TOTALS_BYTES = 256,
        REEVE_TELEMETRY_HISTOGRAM_BUCKETS = 64,
        REEVE_TELEMETRY_HISTOGRAM_BYTES = 512,
        REEVE_TELEMETRY_HISTOGRAMS = 2,
        REEVE_TELEMETRY_THREAD_BYTES = 128,
        REEVE_TELEMETRY_LABEL_BYTES = 48, /* the closing zero included */
};

/* What a thread does, as it says itself. */
enum {
        REEVE_THREAD_FREE = 0, /* no thread has this slot */
        REEVE_THREAD_IDLE = 1, /* waits for a task */
        REEVE_THREAD_BUSY = 2, /* works on a task */
        REEVE_THREAD_LOCK = 3, /* works on a task and waits for a lock */
        REEVE_THREAD_IO = 4,   /* works on a task and waits for input or output */
        REEVE_THREAD_EXITING = 5,
        REEVE_THREAD_STATES = 6
};

/* What a thread is for; others may follow. */
enum {
        REEVE_THREAD_POOL = 0,  /* takes tasks from the pool's queue */
        REEVE_THREAD_OTHER = 1, /* the program's own, registered by it */
        REEVE_THREAD_LOOP = 2,  /* runs greenlets or another event loop */
};

/* Which histogram is which. */
enum { REEVE_HISTOGRAM_SERVICE = 0, REEVE_HISTOGRAM_QUEUE_WAIT = 1 };

typedef struct ReeveTelemetryHeader {
        /* by reeve, before the worker starts */
        uint64_t magic;
        uint32_t version;
        uint32_t total_bytes;
        uint32_t header_bytes;
        uint32_t totals_offset;
        uint32_t totals_bytes;
        uint32_t histograms_offset;
        uint32_t histogram_bytes; /* of one */
        uint32_t histogram_count;
        uint32_t threads_offset;
        uint32_t thread_bytes;
        uint32_t thread_count; /* slots there are room for */
        uint32_t reserved_a;
        /* by the worker */
        uint64_t attached_nsec; /* when it began to write; written last of these three */
        uint32_t attached_pid;
        uint32_t attached_version; /* REEVE_TELEMETRY_VERSION of its side */
        uint64_t reserved_b[7];
} ReeveTelemetryHeader;

typedef struct ReeveTelemetryTotals {
        /* tasks, counters */
        uint64_t submitted; /* accepted into the queue */
        uint64_t started;
        uint64_t done;      /* ended well */
        uint64_t failed;    /* ended badly */
        uint64_t rejected;  /* not accepted: the queue was full or draining */
        uint64_t timed_out; /* given up before they were started */
        /* the queue, now */
        uint64_t queue_length;
        uint64_t queue_high_water; /* only grows */
        uint64_t queue_capacity;   /* 0: without bound */
        uint64_t threads_wanted;
        uint64_t threads_live;
        /* sums of times, counters; zero where the worker cannot tell */
        uint64_t queue_wait_nsec;
        uint64_t service_nsec;
        uint64_t cpu_nsec;
        uint64_t lock_wait_nsec;
        uint64_t io_wait_nsec;
        uint64_t work_units; /* whatever the program counts, for throughput */
        uint64_t greenlets_wanted;
        uint64_t greenlets_live;
        uint64_t slots_used; /* threads were only ever in slots below; only grows */
        uint64_t reserved[12];
} ReeveTelemetryTotals;

/* Bucket i counts times t with floor(log2(t in ns)) == i; bucket 0 takes 0 ns as well. */
typedef struct ReeveTelemetryHistogram {
        uint64_t buckets[REEVE_TELEMETRY_HISTOGRAM_BUCKETS];
} ReeveTelemetryHistogram;

typedef struct ReeveTelemetryThread {
        uint32_t tid;             /* as gettid() tells, in the worker's own PID namespace */
        uint32_t state;           /* REEVE_THREAD_... */
        uint64_t since_nsec;      /* of the state */
        uint64_t task_start_nsec; /* 0: no task. What stands still here is a stalled task */
        uint64_t tasks;           /* ended, well or badly */
        uint64_t busy_nsec;       /* in tasks that have ended */
        uint64_t cpu_nsec;
        uint64_t lock_nsec;
        uint64_t io_nsec;
        uint32_t kind; /* REEVE_THREAD_POOL ... */
        uint32_t reserved[2];
        /* Odd while label is written; a reader takes label between two equal even values. */
        uint32_t label_sequence;
        char label[REEVE_TELEMETRY_LABEL_BYTES]; /* UTF-8, what the task is about */
} ReeveTelemetryThread;

/** reeve_telemetry_bytes() - what a worker of so many threads needs */
static inline size_t reeve_telemetry_bytes(uint32_t thread_count)
{
        return REEVE_TELEMETRY_HEADER_BYTES + REEVE_TELEMETRY_TOTALS_BYTES
               + (size_t)REEVE_TELEMETRY_HISTOGRAMS * REEVE_TELEMETRY_HISTOGRAM_BYTES
               + (size_t)thread_count * REEVE_TELEMETRY_THREAD_BYTES;
}

/** reeve_telemetry_bucket() - where a time belongs in a histogram */
static inline unsigned reeve_telemetry_bucket(uint64_t nsec)
{
        return nsec < 2 ? 0 : 63u - (unsigned)__builtin_clzll(nsec);
}

#ifdef __cplusplus
#define REEVE_STATIC_ASSERT(truth) static_assert(truth, #truth)
#else
#define REEVE_STATIC_ASSERT(truth) _Static_assert(truth, #truth)
#endif
#define REEVE_AT(type, field, offset) REEVE_STATIC_ASSERT(offsetof(type, field) == (offset))

/* The layout, once more: tests in C and in Python hold the same table. */
REEVE_STATIC_ASSERT(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__);
REEVE_AT(ReeveTelemetryHeader, magic, 0);
REEVE_AT(ReeveTelemetryHeader, version, 8);
REEVE_AT(ReeveTelemetryHeader, total_bytes, 12);
REEVE_AT(ReeveTelemetryHeader, header_bytes, 16);
REEVE_AT(ReeveTelemetryHeader, totals_offset, 20);
REEVE_AT(ReeveTelemetryHeader, totals_bytes, 24);
REEVE_AT(ReeveTelemetryHeader, histograms_offset, 28);
REEVE_AT(ReeveTelemetryHeader, histogram_bytes, 32);
REEVE_AT(ReeveTelemetryHeader, histogram_count, 36);
REEVE_AT(ReeveTelemetryHeader, threads_offset, 40);
REEVE_AT(ReeveTelemetryHeader, thread_bytes, 44);
REEVE_AT(ReeveTelemetryHeader, thread_count, 48);
REEVE_AT(ReeveTelemetryHeader, reserved_a, 52);
REEVE_AT(ReeveTelemetryHeader, attached_nsec, 56);
REEVE_AT(ReeveTelemetryHeader, attached_pid, 64);
REEVE_AT(ReeveTelemetryHeader, attached_version, 68);
REEVE_AT(ReeveTelemetryHeader, reserved_b, 72);
REEVE_STATIC_ASSERT(sizeof(ReeveTelemetryHeader) == REEVE_TELEMETRY_HEADER_BYTES);

REEVE_AT(ReeveTelemetryTotals, submitted, 0);
REEVE_AT(ReeveTelemetryTotals, started, 8);
REEVE_AT(ReeveTelemetryTotals, done, 16);
REEVE_AT(ReeveTelemetryTotals, failed, 24);
REEVE_AT(ReeveTelemetryTotals, rejected, 32);
REEVE_AT(ReeveTelemetryTotals, timed_out, 40);
REEVE_AT(ReeveTelemetryTotals, queue_length, 48);
REEVE_AT(ReeveTelemetryTotals, queue_high_water, 56);
REEVE_AT(ReeveTelemetryTotals, queue_capacity, 64);
REEVE_AT(ReeveTelemetryTotals, threads_wanted, 72);
REEVE_AT(ReeveTelemetryTotals, threads_live, 80);
REEVE_AT(ReeveTelemetryTotals, queue_wait_nsec, 88);
REEVE_AT(ReeveTelemetryTotals, service_nsec, 96);
REEVE_AT(ReeveTelemetryTotals, cpu_nsec, 104);
REEVE_AT(ReeveTelemetryTotals, lock_wait_nsec, 112);
REEVE_AT(ReeveTelemetryTotals, io_wait_nsec, 120);
REEVE_AT(ReeveTelemetryTotals, work_units, 128);
REEVE_AT(ReeveTelemetryTotals, greenlets_wanted, 136);
REEVE_AT(ReeveTelemetryTotals, greenlets_live, 144);
REEVE_AT(ReeveTelemetryTotals, slots_used, 152);
REEVE_AT(ReeveTelemetryTotals, reserved, 160);
REEVE_STATIC_ASSERT(sizeof(ReeveTelemetryTotals) == REEVE_TELEMETRY_TOTALS_BYTES);
REEVE_STATIC_ASSERT(sizeof(ReeveTelemetryHistogram) == REEVE_TELEMETRY_HISTOGRAM_BYTES);

REEVE_AT(ReeveTelemetryThread, tid, 0);
REEVE_AT(ReeveTelemetryThread, state, 4);
REEVE_AT(ReeveTelemetryThread, since_nsec, 8);
REEVE_AT(ReeveTelemetryThread, task_start_nsec, 16);
REEVE_AT(ReeveTelemetryThread, tasks, 24);
REEVE_AT(ReeveTelemetryThread, busy_nsec, 32);
REEVE_AT(ReeveTelemetryThread, cpu_nsec, 40);
REEVE_AT(ReeveTelemetryThread, lock_nsec, 48);
REEVE_AT(ReeveTelemetryThread, io_nsec, 56);
REEVE_AT(ReeveTelemetryThread, kind, 64);
REEVE_AT(ReeveTelemetryThread, reserved, 68);
REEVE_AT(ReeveTelemetryThread, label_sequence, 76);
REEVE_AT(ReeveTelemetryThread, label, 80);
REEVE_STATIC_ASSERT(sizeof(ReeveTelemetryThread) == REEVE_TELEMETRY_THREAD_BYTES);

#undef REEVE_AT
#undef REEVE_STATIC_ASSERT
