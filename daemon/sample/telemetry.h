/* telemetry.h - what a worker tells of itself in shared memory, read as hostile input
 *
 * reeved makes the memory (include/reeve/telemetry.h) and keeps its geometry here: the copy in
 * the memory is for the worker alone, and is only compared, to see a worker that writes wildly.
 * Every number is taken once, by one load, and clamped; counters that fall, states that are none
 * and queues longer than what was accepted mark the reading as invalid. An invalid reading says
 * nothing: whoever asked goes on with what /proc shows.
 *
 * Reading costs some nanoseconds a thread and touches only slots that the worker says it has
 * ever used: the pages of the others are never made. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { TELEMETRY_THREADS_MAX = 4096 };

typedef struct Telemetry {
        int fd; /* -1: none */
        void *memory;
        size_t size;
        unsigned thread_count; /* slots there are room for */
} Telemetry;

#define TELEMETRY_UNSET ((Telemetry){ .fd = -1 })

typedef struct TelemetrySample {
        bool is_attached; /* the worker maps it and writes */
        pid_t attached_pid;
        uint64_t submitted, started, done, failed, rejected, timed_out; /* counters */
        uint64_t queue_length, queue_high_water, queue_capacity;
        uint64_t queue_wait_nsec, service_nsec, cpu_nsec, lock_wait_nsec, io_wait_nsec;
        uint64_t work_units;
        unsigned threads_live, threads_busy; /* slots not free; of these with a task */
        unsigned slots_used;                 /* threads were only ever in slots below */
        unsigned greenlets_live;
        uint64_t oldest_task_nsec; /* CLOCK_MONOTONIC, start of the task that runs longest; 0 */
} TelemetrySample;

/** telemetry_new() - memory for one worker, its header written
 *  @thread_count: the most threads the worker may ever have, 1..TELEMETRY_THREADS_MAX
 *  Return: 0; -EINVAL for another count; what memfd_new() says */
int telemetry_new(unsigned thread_count, Telemetry *ret);
void telemetry_done(Telemetry *telemetry);

/** telemetry_take() - map what another process made by telemetry_new(): after the core's restart
 *  @fd_consume: as it came from the worker; refused unless sealed against shrinking and of a
 *  size that some count of threads has
 *  Return: 0; -EBADMSG; other negative errno */
int telemetry_take(int fd_consume, Telemetry *ret);

/** telemetry_read() - what the worker says now
 *  @before: the last valid reading of the same life, NULL if there is none
 *  Return: 0; -EBADMSG if it cannot be true, @ret is untouched then */
int telemetry_read(const Telemetry *telemetry, const TelemetrySample *before, TelemetrySample *ret);

/* What one thread says that it works on. */
typedef struct TelemetryTask {
        pid_t tid; /* in the worker's PID namespace, as it says; may be anything */
        uint64_t start_nsec;
} TelemetryTask;

/** telemetry_task() - the task of the thread in a slot
 *  @index: below TelemetrySample.slots_used
 *  Return: whether it has one */
bool telemetry_task(const Telemetry *telemetry, unsigned index, TelemetryTask *ret);

typedef struct TelemetryLabel {
        pid_t tid;
        char label[48]; /* any bytes, terminated; empty: no task */
} TelemetryLabel;

/** telemetry_read_labels() - what each thread says that it works on, sorted by TID
 *  Nothing of it is checked: TIDs may be of anybody.
 *  Return: how many, at most @max */
size_t telemetry_read_labels(const Telemetry *telemetry, TelemetryLabel *ret_labels, size_t max);

/** telemetry_tasks() - tasks ended, well or badly, since the worker began */
uint64_t telemetry_tasks(const TelemetrySample *sample);
