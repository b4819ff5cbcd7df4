/* thread.c - see thread.h */
#include "model/thread.h"

static const char *const states[THREAD_STATE_COUNT] = {
        [THREAD_RUNNING] = "running",   [THREAD_RUNNABLE] = "runnable",
        [THREAD_SLEEPING] = "sleeping", [THREAD_DISK_WAIT] = "disk-wait",
        [THREAD_STOPPED] = "stopped",   [THREAD_ZOMBIE] = "zombie",
        [THREAD_DEAD] = "dead",
};
DEFINE_NAMES(thread_state, ThreadState, states);

static const char *const waits[WAITING_ON_COUNT] = {
        [WAITING_ON_NONE] = "none",    [WAITING_ON_CPU] = "cpu",    [WAITING_ON_LOCK] = "lock",
        [WAITING_ON_DISK] = "io-disk", [WAITING_ON_NET] = "io-net", [WAITING_ON_TIMER] = "timer",
        [WAITING_ON_CHILD] = "child",  [WAITING_ON_PIPE] = "pipe",  [WAITING_ON_OTHER] = "other",
};
DEFINE_NAMES(waiting_on, WaitingOn, waits);

const char *thread_gap_to_reason(ThreadGap gap)
{
        static const char *const reasons[THREAD_GAP_COUNT] = {
                [THREAD_GAP_NOT_YET] = "the thread has not been sampled yet",
                [THREAD_GAP_SECOND_SAMPLE] = "it takes a second sample",
                [THREAD_GAP_NO_RIGHT] = "reeved has not the right to look at this process",
                [THREAD_GAP_NOT_ACCOUNTED] = "the kernel does not count it for this thread",
                [THREAD_GAP_NOT_WAITING] = "the thread waits for nothing",
                [THREAD_GAP_NO_SYSCALL] = "the thread is in no system call",
                [THREAD_GAP_RUNNABLE] = "the system call of a thread that runs is not known",
                [THREAD_GAP_UNKNOWN_WAIT] = "the kernel does not say what it waits for",
                [THREAD_GAP_NO_TELEMETRY] = "the thread gives no telemetry",
        };

        return (unsigned)gap < THREAD_GAP_COUNT ? reasons[gap] : NULL;
}
