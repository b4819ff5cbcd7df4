/* thread.h - the words for what is seen of a thread, and for why something is not seen */
#pragma once

#include <stdint.h>

#include "base/names.h"

typedef enum ThreadState {
        THREAD_RUNNING,  /* on a processor; on the rung procfs: or waiting for one */
        THREAD_RUNNABLE, /* waits for a processor */
        THREAD_SLEEPING,
        THREAD_DISK_WAIT, /* cannot be interrupted: "D" */
        THREAD_STOPPED,
        THREAD_ZOMBIE,
        THREAD_DEAD,
        THREAD_STATE_COUNT
} ThreadState;
DECLARE_NAMES(thread_state, ThreadState); /* "running" ... "disk-wait" ... */

/* sample/wait.h derives it. */
typedef enum WaitingOn {
        WAITING_ON_NONE, /* it runs, or will never run again */
        WAITING_ON_CPU,
        WAITING_ON_LOCK,
        WAITING_ON_DISK,
        WAITING_ON_NET,
        WAITING_ON_TIMER,
        WAITING_ON_CHILD,
        WAITING_ON_PIPE,
        WAITING_ON_OTHER,
        WAITING_ON_COUNT
} WaitingOn;
DECLARE_NAMES(waiting_on, WaitingOn); /* "none", "cpu", "lock", "io-disk" ... */

/* Values that some rung, kernel or right does not give. */
typedef enum ThreadField {
        THREAD_RUN_DELAY,
        THREAD_BLOCK_DELAY,
        THREAD_SWITCHES,
        THREAD_WAITING_ON,
        THREAD_WAIT_CHANNEL,
        THREAD_SYSCALL,
        THREAD_CPU_RATIO,
        THREAD_TASK,
        THREAD_FIELD_COUNT
} ThreadField;

typedef enum ThreadGap {
        THREAD_GAP_NONE, /* the value is there */
        THREAD_GAP_NOT_YET,
        THREAD_GAP_SECOND_SAMPLE,
        THREAD_GAP_NO_RIGHT,
        THREAD_GAP_NOT_ACCOUNTED,
        THREAD_GAP_NOT_WAITING,
        THREAD_GAP_NO_SYSCALL,
        THREAD_GAP_RUNNABLE,
        THREAD_GAP_UNKNOWN_WAIT,
        THREAD_GAP_NO_TELEMETRY,
        THREAD_GAP_COUNT
} ThreadGap;

/** thread_gap_to_reason() - the sentence for `unavailable`; Return: NULL for NONE, else static */
const char *thread_gap_to_reason(ThreadGap gap);

/* The gaps of all fields, four bits each, in one word. */
typedef uint32_t ThreadGaps;

static inline ThreadGap thread_gap(ThreadGaps gaps, ThreadField field)
{
        return (ThreadGap)(gaps >> (4 * field) & 15);
}

static inline void thread_gap_set(ThreadGaps *gaps, ThreadField field, ThreadGap gap)
{
        *gaps = (*gaps & ~(UINT32_C(15) << (4 * field))) | (uint32_t)gap << (4 * field);
}
