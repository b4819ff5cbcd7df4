/* SPDX-License-Identifier: Apache-2.0
 *
 * pool.h - part of worker.h: the threads, their queue, and how their number changes
 *
 * Under one lock stand the queue and all counts. A thread that is told to go is not live from
 * that moment on, so that no two go for one; it is present until it has left everything. */
#pragma once

#include "reeve/worker/thread.h"

typedef struct ReeveJob_ {
        ReeveTask task;
        void *argument;
        uint64_t queued_nsec; /* 0: a thread was waiting for it */
        unsigned weight;      /* how many tasks its times stand for; 0: its times are not taken */
} ReeveJob_;

struct ReevePool {
        pthread_mutex_t resize_lock; /* one change of size at a time; taken before lock */
        pthread_mutex_t lock;
        pthread_cond_t work;  /* a task came, or some thread is to go */
        pthread_cond_t room;  /* the queue has room again, or it drains */
        pthread_cond_t quiet; /* nothing waits or runs, or a thread is gone */
        ReeveJob_ *ring;
        unsigned capacity, first, count;
        unsigned wanted, live; /* threads; those that were told to go are not live any more */
        unsigned present;      /* those still there */
        unsigned idle, busy;
        bool is_brief;    /* the last task that was timed was: see REEVE_BRIEF_NSEC_ */
        unsigned untimed; /* tasks since the last one that is timed */
        bool is_draining;
        bool is_public; /* the process' first: its queue is what the totals show */
        size_t stack_bytes;
};

/* The totals' queue has one writer: whoever holds this pool's lock. */
static inline void reeve_show_queue_(const ReevePool *pool)
{
        ReeveTelemetryTotals *totals = reeve_process_.totals;

        if (!pool->is_public)
                return;
        REEVE_STORE_(totals->queue_length, pool->count);
        if (pool->count > totals->queue_high_water)
                REEVE_STORE_(totals->queue_high_water, pool->count);
}

/* Wait for a task, or to be one thread too many; the pool's lock is held.
 * Return: whether there is a task; if not, the thread is not live any more */
static inline bool reeve_await_job_(ReevePool *pool, ReeveThread_ *thread)
{
        if (pool->count == 0 && thread) {
                uint64_t now_nsec = reeve_now_();

                reeve_state_(thread, REEVE_THREAD_IDLE, now_nsec);
                if (thread->pending.started)
                        reeve_flush_(thread, now_nsec);
        }
        while (pool->count == 0 && pool->live <= pool->wanted) {
                pool->idle++;
                (void)pthread_cond_wait(&pool->work, &pool->lock);
                pool->idle--;
        }
        if (pool->live <= pool->wanted)
                return true;
        pool->live--;
        /* It may have been woken for a task: somebody else takes it. */
        if (pool->count && pool->idle)
                (void)pthread_cond_signal(&pool->work);
        return false;
}

static inline ReeveJob_ reeve_take_job_(ReevePool *pool)
{
        ReeveJob_ job = pool->ring[pool->first];

        pool->first = (pool->first + 1) % pool->capacity;
        pool->count--;
        pool->busy++;
        reeve_show_queue_(pool);
        (void)pthread_cond_signal(&pool->room);
        return job;
}

static inline void reeve_count_wait_(ReeveThread_ *thread, const ReeveJob_ *job, uint64_t now_nsec)
{
        uint64_t queued_nsec = job->queued_nsec;
        uint64_t waited_nsec = queued_nsec && now_nsec > queued_nsec ? now_nsec - queued_nsec : 0;

        thread->pending.queue_wait_nsec += waited_nsec * job->weight;
        reeve_count_time_(&thread->pending, REEVE_HISTOGRAM_QUEUE_WAIT, waited_nsec, job->weight);
}

/* @last_nsec: when this thread last knew the time, 0: before it waited
 * Return: when it knows it last now */
static inline uint64_t reeve_run_job_(ReeveThread_ *thread, const ReeveJob_ *job,
                                      uint64_t last_nsec)
{
        if (!thread) {
                job->task(job->argument);
                return 0;
        }
        if (job->weight || !last_nsec)
                last_nsec = reeve_now_();
        if (job->weight)
                reeve_count_wait_(thread, job, last_nsec);
        reeve_begin_(thread, last_nsec);
        job->task(job->argument);
        if (job->weight)
                last_nsec = reeve_now_();
        reeve_end_(thread, last_nsec, job->weight);
        return last_nsec;
}

static inline void reeve_work_on_(ReevePool *pool)
{
        uint64_t last_nsec = 0;

        while (reeve_await_job_(pool, reeve_self_)) {
                ReeveJob_ job = reeve_take_job_(pool);

                (void)pthread_mutex_unlock(&pool->lock);
                last_nsec = reeve_run_job_(reeve_self_, &job, last_nsec);
                (void)pthread_mutex_lock(&pool->lock);
                pool->busy--;
                if (job.weight && reeve_self_)
                        pool->is_brief = reeve_self_->last_service_nsec < REEVE_BRIEF_NSEC_;
                if (pool->count == 0) {
                        last_nsec = 0; /* the next one is waited for */
                        if (pool->is_draining && pool->busy == 0)
                                (void)pthread_cond_broadcast(&pool->quiet);
                }
        }
}

static inline void *reeve_thread_main_(void *argument)
{
        ReevePool *pool = (ReevePool *)argument;

        reeve_thread_enter(REEVE_THREAD_POOL);
        (void)pthread_mutex_lock(&pool->lock);
        reeve_work_on_(pool);
        (void)pthread_mutex_unlock(&pool->lock);
        reeve_thread_leave();
        (void)pthread_mutex_lock(&pool->lock);
        pool->present--;
        (void)pthread_cond_broadcast(&pool->quiet);
        (void)pthread_mutex_unlock(&pool->lock);
        return NULL;
}

/* A thread that nobody joins and that gets no signals. Return: 0, negative errno */
static inline int reeve_start_thread_(void *(*run)(void *), void *argument, size_t stack_bytes)
{
        pthread_attr_t attributes;
        sigset_t all, before;
        pthread_t thread;
        int r = pthread_attr_init(&attributes);

        if (r != 0)
                return -r;
        (void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        if (stack_bytes)
                (void)pthread_attr_setstacksize(&attributes, stack_bytes);
        (void)sigfillset(&all);
        (void)pthread_sigmask(SIG_SETMASK, &all, &before);
        r = pthread_create(&thread, &attributes, run, argument);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
        (void)pthread_attr_destroy(&attributes);
        return -r;
}

/* Set how many there shall be; Return: how many are missing */
static inline unsigned reeve_want_(ReevePool *pool, unsigned threads)
{
        unsigned missing;

        (void)pthread_mutex_lock(&pool->lock);
        pool->wanted = threads;
        if (pool->is_public)
                REEVE_STORE_(reeve_process_.totals->threads_wanted, threads);
        missing = threads > pool->live ? threads - pool->live : 0;
        pool->live += missing;
        pool->present += missing;
        (void)pthread_cond_broadcast(&pool->work);
        (void)pthread_mutex_unlock(&pool->lock);
        return missing;
}

static inline void reeve_forgo_(ReevePool *pool, unsigned threads)
{
        (void)pthread_mutex_lock(&pool->lock);
        pool->live -= threads;
        pool->present -= threads;
        pool->wanted = pool->live;
        if (pool->is_public)
                REEVE_STORE_(reeve_process_.totals->threads_wanted, pool->wanted);
        (void)pthread_mutex_unlock(&pool->lock);
}

REEVE_CALL int reeve_pool_resize(ReevePool *pool, unsigned threads)
{
        unsigned missing;
        int r = 0;

        if (!pool || threads == 0)
                return -EINVAL;
        (void)pthread_mutex_lock(&pool->resize_lock);
        missing = reeve_want_(pool, threads);
        for (; missing && r == 0; missing -= r == 0)
                r = reeve_start_thread_(reeve_thread_main_, pool, pool->stack_bytes);
        if (missing)
                reeve_forgo_(pool, missing);
        (void)pthread_mutex_unlock(&pool->resize_lock);
        return r;
}

REEVE_CALL unsigned reeve_pool_threads(ReevePool *pool)
{
        unsigned live;

        (void)pthread_mutex_lock(&pool->lock);
        live = pool->live;
        (void)pthread_mutex_unlock(&pool->lock);
        return live;
}

static inline void reeve_deadline_(struct timespec *ret, unsigned timeout_msec)
{
        (void)clock_gettime(CLOCK_MONOTONIC, ret);
        ret->tv_sec += timeout_msec / 1000;
        ret->tv_nsec += (long)(timeout_msec % 1000) * 1000000;
        if (ret->tv_nsec >= 1000000000) {
                ret->tv_sec++;
                ret->tv_nsec -= 1000000000;
        }
}

static inline void reeve_count_refused_(bool is_late)
{
        ReeveTelemetryTotals *totals = reeve_process_.totals;

        (void)pthread_mutex_lock(&reeve_process_.lock);
        if (is_late)
                REEVE_ADD_(totals->timed_out, 1);
        else
                REEVE_ADD_(totals->rejected, 1);
        (void)pthread_mutex_unlock(&reeve_process_.lock);
}

/* Reading the clock takes some 20 ns. Where tasks are brief, one of REEVE_TIMED_ONE_OF_ is timed
 * and stands for all of them. Return: the weight of the next task */
static inline unsigned reeve_weigh_(ReevePool *pool)
{
        if (!pool->is_brief)
                return 1;
        pool->untimed = (pool->untimed + 1) % REEVE_TIMED_ONE_OF_;
        return pool->untimed ? 0 : REEVE_TIMED_ONE_OF_;
}

/* The pool's lock is held, and the queue has room. */
static inline void reeve_enqueue_(ReevePool *pool, ReeveTask task, void *argument)
{
        ReeveJob_ *job = &pool->ring[(pool->first + pool->count) % pool->capacity];
        bool is_awaited = pool->idle > pool->count;

        job->task = task;
        job->argument = argument;
        job->weight = reeve_weigh_(pool);
        job->queued_nsec = is_awaited || !job->weight ? 0 : reeve_now_();
        pool->count++;
        if (pool->is_public)
                REEVE_ADD_(reeve_process_.totals->submitted, 1);
        reeve_show_queue_(pool);
        if (pool->idle)
                (void)pthread_cond_signal(&pool->work);
}

/* @timeout_msec: -1: without end */
static inline int reeve_submit_(ReevePool *pool, ReeveTask task, void *argument, int timeout_msec)
{
        struct timespec deadline = { 0, 0 };
        int r = 0;

        if (timeout_msec > 0)
                reeve_deadline_(&deadline, (unsigned)timeout_msec);
        (void)pthread_mutex_lock(&pool->lock);
        while (pool->count == pool->capacity && !pool->is_draining && r == 0) {
                if (timeout_msec == 0)
                        r = EAGAIN;
                else if (timeout_msec < 0)
                        r = pthread_cond_wait(&pool->room, &pool->lock);
                else
                        r = pthread_cond_timedwait(&pool->room, &pool->lock, &deadline);
        }
        if (pool->is_draining)
                r = ESHUTDOWN;
        else if (pool->count < pool->capacity)
                r = 0;
        if (r == 0)
                reeve_enqueue_(pool, task, argument);
        (void)pthread_mutex_unlock(&pool->lock);
        if (r != 0)
                reeve_count_refused_(r == ETIMEDOUT);
        return -r;
}

REEVE_CALL int reeve_submit(ReevePool *pool, ReeveTask task, void *argument)
{
        return reeve_submit_(pool, task, argument, -1);
}

REEVE_CALL int reeve_try_submit(ReevePool *pool, ReeveTask task, void *argument)
{
        return reeve_submit_(pool, task, argument, 0);
}

REEVE_CALL int reeve_submit_within(ReevePool *pool, ReeveTask task, void *argument,
                                   unsigned timeout_msec)
{
        int bounded = timeout_msec > INT_MAX ? INT_MAX : (int)timeout_msec;

        return reeve_submit_(pool, task, argument, bounded);
}

REEVE_CALL int reeve_pool_drain(ReevePool *pool, int timeout_msec)
{
        struct timespec deadline = { 0, 0 };
        int r = 0;

        if (timeout_msec >= 0)
                reeve_deadline_(&deadline, (unsigned)timeout_msec);
        (void)pthread_mutex_lock(&pool->lock);
        pool->is_draining = true;
        (void)pthread_cond_broadcast(&pool->room);
        while ((pool->count || pool->busy) && r == 0)
                r = timeout_msec < 0 ? pthread_cond_wait(&pool->quiet, &pool->lock)
                                     : pthread_cond_timedwait(&pool->quiet, &pool->lock, &deadline);
        r = pool->count || pool->busy ? ETIMEDOUT : 0;
        (void)pthread_mutex_unlock(&pool->lock);
        return -r;
}

static inline unsigned reeve_threads_wanted_(void)
{
        const char *text = getenv("REEVE_THREADS");
        unsigned long value = text ? strtoul(text, NULL, 10) : 0;

        return value >= 1 && value <= 65535 ? (unsigned)value : (unsigned)REEVE_DEFAULT_THREADS_;
}

static inline ReevePool *reeve_pool_init_(const ReevePoolOptions *options)
{
        ReevePool *pool = (ReevePool *)calloc(1, sizeof(*pool));
        pthread_condattr_t monotonic;

        if (!pool)
                return NULL;
        pool->capacity = options && options->queue_capacity ? options->queue_capacity
                                                            : (unsigned)REEVE_DEFAULT_CAPACITY_;
        pool->stack_bytes = options ? options->stack_bytes : 0;
        pool->ring = (ReeveJob_ *)calloc(pool->capacity, sizeof(*pool->ring));
        if (!pool->ring) {
                free(pool);
                return NULL;
        }
        (void)pthread_mutex_init(&pool->resize_lock, NULL);
        (void)pthread_mutex_init(&pool->lock, NULL);
        (void)pthread_condattr_init(&monotonic);
        (void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
        (void)pthread_cond_init(&pool->work, NULL);
        (void)pthread_cond_init(&pool->room, &monotonic);
        (void)pthread_cond_init(&pool->quiet, &monotonic);
        (void)pthread_condattr_destroy(&monotonic);
        return pool;
}

/* The first pool is the one that follows reeve. */
static inline void reeve_publish_(ReevePool *pool)
{
        (void)pthread_mutex_lock(&reeve_process_.lock);
        if (!reeve_process_.pool) {
                pool->is_public = true;
                __atomic_store_n(&reeve_process_.pool, pool, __ATOMIC_RELEASE);
                REEVE_STORE_(reeve_process_.totals->queue_capacity, pool->capacity);
        }
        (void)pthread_mutex_unlock(&reeve_process_.lock);
}

REEVE_CALL ReevePool *reeve_pool_new(const ReevePoolOptions *options)
{
        ReevePool *pool = reeve_pool_init_(options);
        int r;

        if (!pool)
                return NULL;
        (void)reeve_attach();
        reeve_publish_(pool);
        r = reeve_pool_resize(pool, options && options->threads ? options->threads
                                                                : reeve_threads_wanted_());
        if (reeve_pool_threads(pool))
                return pool;
        (void)reeve_pool_free(pool);
        errno = -r;
        return NULL;
}

REEVE_CALL ReevePool *reeve_pool_free(ReevePool *pool)
{
        if (!pool)
                return NULL;
        (void)pthread_mutex_lock(&reeve_process_.lock);
        if (reeve_process_.pool == pool)
                __atomic_store_n(&reeve_process_.pool, (ReevePool *)NULL, __ATOMIC_RELEASE);
        (void)pthread_mutex_unlock(&reeve_process_.lock);
        (void)reeve_pool_drain(pool, reeve_pool_threads(pool) ? -1 : 0);
        (void)reeve_want_(pool, 0);
        (void)pthread_mutex_lock(&pool->lock);
        while (pool->present)
                (void)pthread_cond_wait(&pool->quiet, &pool->lock);
        (void)pthread_mutex_unlock(&pool->lock);
        (void)pthread_cond_destroy(&pool->work);
        (void)pthread_cond_destroy(&pool->room);
        (void)pthread_cond_destroy(&pool->quiet);
        (void)pthread_mutex_destroy(&pool->lock);
        (void)pthread_mutex_destroy(&pool->resize_lock);
        free(pool->ring);
        free(pool);
        return NULL;
}
