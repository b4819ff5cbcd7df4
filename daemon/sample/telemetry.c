/* telemetry.c - see telemetry.h */
#include "sample/telemetry.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "reeve/telemetry.h"
#include "sys/fd.h"
#include "sys/memfd.h"

enum {
        TOTALS_AT = REEVE_TELEMETRY_HEADER_BYTES,
        HISTOGRAMS_AT = TOTALS_AT + REEVE_TELEMETRY_TOTALS_BYTES,
        THREADS_AT = HISTOGRAMS_AT + REEVE_TELEMETRY_HISTOGRAMS * REEVE_TELEMETRY_HISTOGRAM_BYTES,
};

/* The other side writes at any moment: one load, whole, and never a second look. */
#define LOOK(field) __atomic_load_n(&(field), __ATOMIC_RELAXED)

/* ---- the memory ---- */

static ReeveTelemetryHeader geometry(unsigned thread_count)
{
        return (ReeveTelemetryHeader){
                .magic = REEVE_TELEMETRY_MAGIC,
                .version = REEVE_TELEMETRY_VERSION,
                .total_bytes = (uint32_t)reeve_telemetry_bytes(thread_count),
                .header_bytes = REEVE_TELEMETRY_HEADER_BYTES,
                .totals_offset = TOTALS_AT,
                .totals_bytes = REEVE_TELEMETRY_TOTALS_BYTES,
                .histograms_offset = HISTOGRAMS_AT,
                .histogram_bytes = REEVE_TELEMETRY_HISTOGRAM_BYTES,
                .histogram_count = REEVE_TELEMETRY_HISTOGRAMS,
                .threads_offset = THREADS_AT,
                .thread_bytes = REEVE_TELEMETRY_THREAD_BYTES,
                .thread_count = thread_count,
        };
}

static bool is_count_allowed(unsigned thread_count)
{
        return thread_count >= 1 && thread_count <= TELEMETRY_THREADS_MAX;
}

int telemetry_new(unsigned thread_count, Telemetry *ret)
{
        size_t size = reeve_telemetry_bytes(thread_count);
        ReeveTelemetryHeader header = geometry(thread_count);
        void *memory;
        int fd;

        if (!is_count_allowed(thread_count))
                return -EINVAL;
        fd = memfd_new("reeve-telemetry", size, &memory);
        if (fd < 0)
                return fd;
        memcpy(memory, &header, sizeof(header));
        *ret = (Telemetry){
                .fd = fd, .memory = memory, .size = size, .thread_count = thread_count
        };
        return 0;
}

void telemetry_done(Telemetry *telemetry)
{
        if (telemetry->memory)
                (void)munmap(telemetry->memory, telemetry->size);
        (void)fd_close(telemetry->fd);
        *telemetry = TELEMETRY_UNSET;
}

/* Return: the threads that memory of this size is for, 0 if it is none of ours */
static unsigned count_of(size_t size)
{
        size_t rest = size < THREADS_AT ? 1 : (size - THREADS_AT) % REEVE_TELEMETRY_THREAD_BYTES;
        size_t count = rest ? 0 : (size - THREADS_AT) / REEVE_TELEMETRY_THREAD_BYTES;

        return count <= TELEMETRY_THREADS_MAX ? (unsigned)count : 0;
}

int telemetry_take(int fd_consume, Telemetry *ret)
{
        AUTO_CLOSE fd = fd_consume;
        const void *memory;
        size_t size;
        int r = memfd_map_read_only(fd, &memory, &size);

        if (r < 0)
                return r;
        if (count_of(size) == 0) {
                (void)munmap((void *)memory, size);
                return -EBADMSG;
        }
        *ret = (Telemetry){ .fd = TAKE_FD(fd),
                            .memory = (void *)memory,
                            .size = size,
                            .thread_count = count_of(size) };
        return 0;
}

/* ---- reading ---- */

/* What reeved wrote still stands there: what else the worker may overwrite is its own. */
static bool is_header_intact(const Telemetry *telemetry)
{
        const ReeveTelemetryHeader expected = geometry(telemetry->thread_count);

        return memcmp(telemetry->memory, &expected, offsetof(ReeveTelemetryHeader, attached_nsec))
               == 0;
}

static void read_totals(const ReeveTelemetryTotals *totals, TelemetrySample *sample)
{
        sample->submitted = LOOK(totals->submitted);
        sample->started = LOOK(totals->started);
        sample->done = LOOK(totals->done);
        sample->failed = LOOK(totals->failed);
        sample->rejected = LOOK(totals->rejected);
        sample->timed_out = LOOK(totals->timed_out);
        sample->queue_length = LOOK(totals->queue_length);
        sample->queue_high_water = LOOK(totals->queue_high_water);
        sample->queue_capacity = LOOK(totals->queue_capacity);
        sample->queue_wait_nsec = LOOK(totals->queue_wait_nsec);
        sample->service_nsec = LOOK(totals->service_nsec);
        sample->cpu_nsec = LOOK(totals->cpu_nsec);
        sample->lock_wait_nsec = LOOK(totals->lock_wait_nsec);
        sample->io_wait_nsec = LOOK(totals->io_wait_nsec);
        sample->work_units = LOOK(totals->work_units);
}

/* Counters of one life only grow. */
static bool is_going_on(const TelemetrySample *before, const TelemetrySample *now)
{
        return now->submitted >= before->submitted && now->started >= before->started
               && now->done >= before->done && now->failed >= before->failed
               && now->rejected >= before->rejected && now->timed_out >= before->timed_out
               && now->queue_high_water >= before->queue_high_water
               && now->queue_wait_nsec >= before->queue_wait_nsec
               && now->service_nsec >= before->service_nsec && now->cpu_nsec >= before->cpu_nsec
               && now->lock_wait_nsec >= before->lock_wait_nsec
               && now->io_wait_nsec >= before->io_wait_nsec
               && now->work_units >= before->work_units;
}

static bool is_working(uint32_t state)
{
        return state == REEVE_THREAD_BUSY || state == REEVE_THREAD_LOCK || state == REEVE_THREAD_IO;
}

static const ReeveTelemetryThread *threads_of(const Telemetry *telemetry)
{
        return (const void *)((const char *)telemetry->memory + THREADS_AT);
}

bool telemetry_task(const Telemetry *telemetry, unsigned index, TelemetryTask *ret)
{
        const ReeveTelemetryThread *thread = &threads_of(telemetry)[index];

        if (index >= telemetry->thread_count || !is_working(LOOK(thread->state)))
                return false;
        *ret = (TelemetryTask){ .tid = (pid_t)LOOK(thread->tid),
                                .start_nsec = LOOK(thread->task_start_nsec) };
        return ret->start_nsec > 0;
}

/* Return: 0; -EBADMSG */
static int read_thread(const ReeveTelemetryThread *thread, TelemetrySample *sample)
{
        uint32_t state = LOOK(thread->state);
        uint64_t start = LOOK(thread->task_start_nsec);

        if (state >= REEVE_THREAD_STATES)
                return -EBADMSG;
        if (state == REEVE_THREAD_FREE)
                return 0;
        sample->threads_live++;
        sample->threads_busy += is_working(state);
        if (start && (!sample->oldest_task_nsec || start < sample->oldest_task_nsec))
                sample->oldest_task_nsec = start;
        return 0;
}

static int read_threads(const Telemetry *telemetry, uint64_t slots_used, TelemetrySample *sample)
{
        const ReeveTelemetryThread *threads = threads_of(telemetry);
        int r = 0;

        if (slots_used > telemetry->thread_count)
                return -EBADMSG;
        for (uint64_t i = 0; i < slots_used && r == 0; i++)
                r = read_thread(&threads[i], sample);
        sample->slots_used = (unsigned)slots_used;
        return r;
}

int telemetry_read(const Telemetry *telemetry, const TelemetrySample *before, TelemetrySample *ret)
{
        const ReeveTelemetryHeader *header = telemetry->memory;
        const ReeveTelemetryTotals *totals =
                (const void *)((const char *)telemetry->memory + TOTALS_AT);
        TelemetrySample sample = { 0 };
        uint64_t greenlets;
        int r;

        if (!is_header_intact(telemetry))
                return -EBADMSG;
        sample.is_attached = LOOK(header->attached_nsec) != 0;
        sample.attached_pid = (pid_t)LOOK(header->attached_pid);
        read_totals(totals, &sample);
        greenlets = LOOK(totals->greenlets_live);
        sample.greenlets_live = (unsigned)MIN(greenlets, (uint64_t)UINT32_MAX);
        r = read_threads(telemetry, LOOK(totals->slots_used), &sample);
        if (r < 0)
                return r;
        if (before && !is_going_on(before, &sample))
                return -EBADMSG;
        *ret = sample;
        return 0;
}

uint64_t telemetry_tasks(const TelemetrySample *sample)
{
        uint64_t tasks;

        return __builtin_add_overflow(sample->done, sample->failed, &tasks) ? UINT64_MAX : tasks;
}

/* ---- labels ---- */

static_assert(sizeof(((TelemetryLabel *)0)->label) == REEVE_TELEMETRY_LABEL_BYTES, "of one size");

enum { LABEL_ATTEMPTS = 4 };

static bool is_at_work(uint32_t state)
{
        return state == REEVE_THREAD_BUSY || state == REEVE_THREAD_LOCK || state == REEVE_THREAD_IO;
}

/* One that is being written all the time stays empty. */
static void read_label(const ReeveTelemetryThread *thread, char *ret_label)
{
        for (unsigned attempt = 0; attempt < LABEL_ATTEMPTS; attempt++) {
                uint32_t before = __atomic_load_n(&thread->label_sequence, __ATOMIC_ACQUIRE);

                memcpy(ret_label, thread->label, REEVE_TELEMETRY_LABEL_BYTES);
                __atomic_thread_fence(__ATOMIC_ACQUIRE);
                if (before % 2 == 0 && LOOK(thread->label_sequence) == before) {
                        ret_label[REEVE_TELEMETRY_LABEL_BYTES - 1] = '\0';
                        return;
                }
        }
        ret_label[0] = '\0';
}

static int by_tid(const void *left, const void *right)
{
        const TelemetryLabel *a = left, *b = right;

        return (a->tid > b->tid) - (a->tid < b->tid);
}

size_t telemetry_read_labels(const Telemetry *telemetry, TelemetryLabel *ret_labels, size_t max)
{
        const ReeveTelemetryThread *threads =
                (const void *)((const char *)telemetry->memory + THREADS_AT);
        const ReeveTelemetryTotals *totals =
                (const void *)((const char *)telemetry->memory + TOTALS_AT);
        uint64_t used = MIN(LOOK(totals->slots_used), (uint64_t)telemetry->thread_count);
        size_t count = 0;

        for (uint64_t i = 0; i < used && count < max; i++) {
                uint32_t state = LOOK(threads[i].state);

                if (state == REEVE_THREAD_FREE)
                        continue;
                ret_labels[count].tid = (pid_t)LOOK(threads[i].tid);
                ret_labels[count].label[0] = '\0';
                if (is_at_work(state))
                        read_label(&threads[i], ret_labels[count].label);
                count++;
        }
        qsort(ret_labels, count, sizeof(*ret_labels), by_tid);
        return count;
}
