/* sample.h - what is seen of one thread: the same meaning on every rung of the ladder
 *
 * Values that a rung, the kernel or a missing right does not give are told by `gaps` and are 0. */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "model/thread.h"
#include "sample/wait.h"

enum { SAMPLE_NAME_SIZE = 16, SAMPLE_CHANNEL_SIZE = 32 };

typedef struct Sample {
        uint64_t taken_usec;         /* CLOCK_MONOTONIC; 0: never, and only tid is known */
        pid_t tid;                   /* in our PID namespace */
        uint64_t start_ticks;        /* with tid: identity; field 22 of /proc/PID/task/TID/stat */
        char name[SAMPLE_NAME_SIZE]; /* any bytes, terminated */
        ThreadState state;
        WaitingOn waiting_on;
        char wait_channel
                [SAMPLE_CHANNEL_SIZE]; /* the system call's name, else the kernel function */
        int syscall;                   /* number; WAIT_NO_SYSCALL */
        uint64_t arguments[WAIT_ARGUMENTS];
        int last_cpu;
        uint64_t cpu_nsec; /* user and system together, exact */
        uint64_t user_usec,
                system_usec;       /* split as the kernel's ticks were; their sum is cpu_nsec */
        uint64_t run_delay_nsec;   /* runnable and not on a processor */
        uint64_t block_delay_nsec; /* for block devices */
        uint64_t voluntary_switches, involuntary_switches;
        uint64_t minor_faults, major_faults;
        ThreadGaps gaps;
} Sample;

/** sample_split_cpu() - divide cpu_nsec as @user and @system (any unit) stand to one another, as
 *  the kernel does for /proc; without either all of it is user time */
void sample_split_cpu(Sample *sample, uint64_t user, uint64_t system);

/** sample_tell_wait() - waiting_on and wait_channel, from state, syscall and arguments
 *  @file, @channel: as in WaitFacts
 *  @unknown: the gap, if nothing tells what it waits for */
void sample_tell_wait(Sample *sample, WaitFile file, const char *channel, ThreadGap unknown);
