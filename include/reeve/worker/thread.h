/* SPDX-License-Identifier: Apache-2.0
 *
 * thread.h - part of worker.h: what a thread tells of itself and its tasks
 *
 * A name that ends in an underscore is not for programs. */
#pragma once

#include "reeve/worker/api.h"

enum {
        REEVE_DEFAULT_THREADS_ = 4,
        REEVE_DEFAULT_CAPACITY_ = 1024,
        REEVE_MESSAGE_BYTES_ = 1024,
        REEVE_FLUSH_NSEC_ = 1000000,
        REEVE_BRIEF_NSEC_ = 5000, /* a task below this is not timed each time */
        REEVE_TIMED_ONE_OF_ = 8,
        REEVE_RETRY_FIRST_MSEC_ = 10,
        REEVE_RETRY_LAST_MSEC_ = 1000,
};

/* What a thread counted and did not yet add to the totals. */
typedef struct ReevePending_ {
        uint64_t started, done, failed, queue_wait_nsec, service_nsec, lock_wait_nsec, io_wait_nsec,
                work_units;
        uint64_t touched[REEVE_TELEMETRY_HISTOGRAMS]; /* a bit for each bucket that counts */
        uint32_t buckets[REEVE_TELEMETRY_HISTOGRAMS][REEVE_TELEMETRY_HISTOGRAM_BUCKETS];
} ReevePending_;

typedef struct ReeveThread_ {
        ReeveTelemetryThread *slot; /* shared, or &own */
        ReeveTelemetryThread own;   /* when there is no room: counted, but not seen */
        ReevePending_ pending;
        uint64_t task_start_nsec, wait_start_nsec, last_service_nsec, flushed_nsec, cpu_nsec;
        bool has_failed;
} ReeveThread_;

typedef struct ReeveProcess_ {
        pthread_mutex_t lock; /* totals, histograms, slots; all zero is PTHREAD_MUTEX_INITIALIZER */
        bool is_attached, is_draining;
        ReeveTelemetryTotals *totals;
        ReeveTelemetryHistogram *histograms;
        char *threads;
        size_t thread_bytes;
        unsigned thread_count;
        ReevePool *pool; /* the one that follows reeve */
        int (*on_threads)(unsigned threads, void *userdata);
        void *on_threads_userdata;
        /* What is written to while there is no telemetry. */
        ReeveTelemetryTotals own_totals;
        ReeveTelemetryHistogram own_histograms[REEVE_TELEMETRY_HISTOGRAMS];
} ReeveProcess_;

/* Weak: however many files include this, the program has one. */
__attribute__((weak)) ReeveProcess_ reeve_process_;
__attribute__((weak)) __thread ReeveThread_ *reeve_self_;

/* reeve reads at any moment: whole words, in no order. */
#define REEVE_STORE_(field, value) __atomic_store_n(&(field), (value), __ATOMIC_RELAXED)
#define REEVE_ADD_(field, value)   REEVE_STORE_(field, (field) + (value))

static inline uint64_t reeve_now_(void)
{
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- totals ---- */

static inline void reeve_count_time_(ReevePending_ *pending, unsigned histogram, uint64_t nsec,
                                     unsigned weight)
{
        unsigned bucket = reeve_telemetry_bucket(nsec);

        pending->touched[histogram] |= UINT64_C(1) << bucket;
        pending->buckets[histogram][bucket] += weight;
}

static inline void reeve_flush_histogram_(ReevePending_ *pending, unsigned histogram)
{
        uint64_t *shared = reeve_process_.histograms[histogram].buckets;

        for (uint64_t left = pending->touched[histogram]; left; left &= left - 1) {
                unsigned bucket = (unsigned)__builtin_ctzll(left);

                REEVE_ADD_(shared[bucket], pending->buckets[histogram][bucket]);
                pending->buckets[histogram][bucket] = 0;
        }
        pending->touched[histogram] = 0;
}

/* The process' lock is held. */
static inline void reeve_flush_pending_(ReevePending_ *pending)
{
        ReeveTelemetryTotals *totals = reeve_process_.totals;

        REEVE_ADD_(totals->started, pending->started);
        REEVE_ADD_(totals->done, pending->done);
        REEVE_ADD_(totals->failed, pending->failed);
        REEVE_ADD_(totals->queue_wait_nsec, pending->queue_wait_nsec);
        REEVE_ADD_(totals->service_nsec, pending->service_nsec);
        REEVE_ADD_(totals->lock_wait_nsec, pending->lock_wait_nsec);
        REEVE_ADD_(totals->io_wait_nsec, pending->io_wait_nsec);
        REEVE_ADD_(totals->work_units, pending->work_units);
        pending->started = pending->done = pending->failed = 0;
        pending->queue_wait_nsec = pending->service_nsec = 0;
        pending->lock_wait_nsec = pending->io_wait_nsec = pending->work_units = 0;
        reeve_flush_histogram_(pending, REEVE_HISTOGRAM_SERVICE);
        reeve_flush_histogram_(pending, REEVE_HISTOGRAM_QUEUE_WAIT);
}

static inline void reeve_flush_cpu_(ReeveThread_ *thread)
{
        struct timespec used = { 0, 0 };
        uint64_t cpu_nsec;

        (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
        cpu_nsec = (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
        REEVE_ADD_(reeve_process_.totals->cpu_nsec, cpu_nsec - thread->cpu_nsec);
        REEVE_ADD_(thread->slot->cpu_nsec, cpu_nsec - thread->cpu_nsec);
        thread->cpu_nsec = cpu_nsec;
}

/* CPU time costs a system call: it is asked for once in REEVE_FLUSH_NSEC_ at most. */
static inline void reeve_flush_(ReeveThread_ *thread, uint64_t now_nsec)
{
        (void)pthread_mutex_lock(&reeve_process_.lock);
        reeve_flush_pending_(&thread->pending);
        if (now_nsec - thread->flushed_nsec > REEVE_FLUSH_NSEC_)
                reeve_flush_cpu_(thread);
        (void)pthread_mutex_unlock(&reeve_process_.lock);
        if (now_nsec - thread->flushed_nsec > REEVE_FLUSH_NSEC_)
                thread->flushed_nsec = now_nsec;
}

/* ---- a thread's slot ---- */

static inline void reeve_state_(ReeveThread_ *thread, uint32_t state, uint64_t now_nsec)
{
        REEVE_STORE_(thread->slot->since_nsec, now_nsec);
        REEVE_STORE_(thread->slot->state, state);
}

/* Return: the first free one, NULL. The process' lock is held. */
static inline ReeveTelemetryThread *reeve_take_slot_(void)
{
        ReeveProcess_ *process = &reeve_process_;

        for (unsigned i = 0; i < process->thread_count; i++) {
                ReeveTelemetryThread *slot =
                        (ReeveTelemetryThread *)(void *)(process->threads
                                                         + i * process->thread_bytes);

                if (__atomic_load_n(&slot->state, __ATOMIC_RELAXED) != REEVE_THREAD_FREE)
                        continue;
                REEVE_STORE_(slot->state, REEVE_THREAD_IDLE);
                if (process->totals->slots_used <= i)
                        REEVE_STORE_(process->totals->slots_used, i + 1);
                return slot;
        }
        return NULL;
}

static inline void reeve_write_label_(ReeveTelemetryThread *slot, const char *label)
{
        size_t length = label ? strnlen(label, REEVE_TELEMETRY_LABEL_BYTES - 1) : 0;

        /* Not in the middle of a character. */
        while (length && label[length] && ((unsigned char)label[length] & 0xC0) == 0x80)
                length--;
        /* An exchange, since nothing behind it may seem to happen before it. */
        (void)__atomic_exchange_n(&slot->label_sequence, slot->label_sequence + 1,
                                  __ATOMIC_ACQ_REL);
        for (size_t i = 0; i < length; i++)
                REEVE_STORE_(slot->label[i], label[i]);
        REEVE_STORE_(slot->label[length], 0);
        __atomic_store_n(&slot->label_sequence, slot->label_sequence + 1, __ATOMIC_RELEASE);
}

REEVE_CALL void reeve_thread_enter(uint32_t kind)
{
        ReeveThread_ *thread;

#ifdef REEVE_WITHOUT_TELEMETRY /* what it costs is measured against this */
        return;
#endif
        if (reeve_self_)
                return;
        (void)reeve_attach();
        thread = (ReeveThread_ *)calloc(1, sizeof(*thread));
        if (!thread)
                return; /* it works, unseen */
        (void)pthread_mutex_lock(&reeve_process_.lock);
        thread->slot = reeve_take_slot_();
        if (!thread->slot)
                thread->slot = &thread->own;
        REEVE_ADD_(reeve_process_.totals->threads_live, 1);
        (void)pthread_mutex_unlock(&reeve_process_.lock);
        REEVE_STORE_(thread->slot->tid, (uint32_t)syscall(SYS_gettid));
        REEVE_STORE_(thread->slot->kind, kind);
        REEVE_STORE_(thread->slot->task_start_nsec, 0);
        reeve_write_label_(thread->slot, NULL);
        reeve_state_(thread, REEVE_THREAD_IDLE, reeve_now_());
        reeve_self_ = thread;
}

REEVE_CALL void reeve_thread_leave(void)
{
        ReeveThread_ *thread = reeve_self_;

        if (!thread)
                return;
        reeve_self_ = NULL;
        thread->flushed_nsec = 0; /* the last CPU time counts too */
        reeve_flush_(thread, reeve_now_());
        REEVE_STORE_(thread->slot->task_start_nsec, 0);
        (void)pthread_mutex_lock(&reeve_process_.lock);
        REEVE_STORE_(thread->slot->tid, 0);
        REEVE_STORE_(thread->slot->state, REEVE_THREAD_FREE);
        REEVE_STORE_(reeve_process_.totals->threads_live, reeve_process_.totals->threads_live - 1);
        (void)pthread_mutex_unlock(&reeve_process_.lock);
        free(thread);
}

/* ---- tasks ---- */

static inline void reeve_begin_(ReeveThread_ *thread, uint64_t now_nsec)
{
        thread->task_start_nsec = now_nsec;
        thread->has_failed = false;
        thread->pending.started++;
        REEVE_STORE_(thread->slot->task_start_nsec, now_nsec);
        reeve_state_(thread, REEVE_THREAD_BUSY, now_nsec);
}

static inline void reeve_count_service_(ReeveThread_ *thread, uint64_t now_nsec, unsigned weight)
{
        uint64_t service_nsec = now_nsec - thread->task_start_nsec;

        thread->last_service_nsec = service_nsec;
        thread->pending.service_nsec += service_nsec * weight;
        reeve_count_time_(&thread->pending, REEVE_HISTOGRAM_SERVICE, service_nsec, weight);
        REEVE_ADD_(thread->slot->busy_nsec, service_nsec * weight);
}

/* @weight: how many tasks its time stands for; 0: it was not timed */
static inline void reeve_end_(ReeveThread_ *thread, uint64_t now_nsec, unsigned weight)
{
        if (thread->has_failed)
                thread->pending.failed++;
        else
                thread->pending.done++;
        if (weight)
                reeve_count_service_(thread, now_nsec, weight);
        REEVE_ADD_(thread->slot->tasks, 1);
        REEVE_STORE_(thread->slot->task_start_nsec, 0);
        if (thread->slot->label[0])
                reeve_write_label_(thread->slot, NULL);
        if (now_nsec - thread->flushed_nsec > REEVE_FLUSH_NSEC_)
                reeve_flush_(thread, now_nsec);
}

REEVE_CALL void reeve_task_begin(const char *label)
{
        ReeveThread_ *thread = reeve_self_;

        if (!thread)
                return;
        if (label)
                reeve_write_label_(thread->slot, label);
        reeve_begin_(thread, reeve_now_());
}

REEVE_CALL void reeve_task_end(bool is_ok)
{
        ReeveThread_ *thread = reeve_self_;
        uint64_t now_nsec = reeve_now_();

        if (!thread || !thread->task_start_nsec)
                return;
        thread->has_failed |= !is_ok;
        reeve_end_(thread, now_nsec, 1);
        thread->task_start_nsec = 0;
        reeve_flush_(thread, now_nsec);
        reeve_state_(thread, REEVE_THREAD_IDLE, now_nsec);
}

REEVE_CALL void reeve_label(const char *label)
{
        if (reeve_self_)
                reeve_write_label_(reeve_self_->slot, label);
}

REEVE_CALL void reeve_fail(void)
{
        if (reeve_self_)
                reeve_self_->has_failed = true;
}

REEVE_CALL void reeve_work(uint64_t units)
{
        if (reeve_self_)
                reeve_self_->pending.work_units += units;
}

REEVE_CALL void reeve_wait_begin(uint32_t state)
{
        ReeveThread_ *thread = reeve_self_;

        if (!thread)
                return;
        thread->wait_start_nsec = reeve_now_();
        reeve_state_(thread, state, thread->wait_start_nsec);
}

REEVE_CALL void reeve_wait_end(void)
{
        ReeveThread_ *thread = reeve_self_;
        uint64_t now_nsec, waited_nsec;

        if (!thread || !thread->wait_start_nsec)
                return;
        now_nsec = reeve_now_();
        waited_nsec = now_nsec - thread->wait_start_nsec;
        if (thread->slot->state == REEVE_THREAD_LOCK) {
                thread->pending.lock_wait_nsec += waited_nsec;
                REEVE_ADD_(thread->slot->lock_nsec, waited_nsec);
        } else {
                thread->pending.io_wait_nsec += waited_nsec;
                REEVE_ADD_(thread->slot->io_nsec, waited_nsec);
        }
        thread->wait_start_nsec = 0;
        reeve_state_(thread, REEVE_THREAD_BUSY, now_nsec);
}
