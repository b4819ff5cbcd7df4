/* sample.c - see sample.h */
#include "sample/sample.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"

void sample_split_cpu(Sample *sample, uint64_t user, uint64_t system)
{
        uint64_t cpu_usec = sample->cpu_nsec / NSEC_PER_USEC;
        double share = user + system ? (double)system / ((double)user + (double)system) : 0;

        sample->system_usec = MIN((uint64_t)((double)cpu_usec * share), cpu_usec);
        sample->user_usec = cpu_usec - sample->system_usec;
}

static bool is_waiting(ThreadState state)
{
        return state == THREAD_SLEEPING || state == THREAD_DISK_WAIT;
}

static void tell_channel(Sample *sample, const char *channel)
{
        const char *name = wait_call_name(sample->syscall);

        if (!is_waiting(sample->state))
                thread_gap_set(&sample->gaps, THREAD_WAIT_CHANNEL, THREAD_GAP_NOT_WAITING);
        else if (name)
                (void)text_copy(sample->wait_channel, sizeof(sample->wait_channel), name);
        else if (sample->syscall >= 0)
                (void)snprintf(sample->wait_channel, sizeof(sample->wait_channel), "syscall %d",
                               sample->syscall);
        else if (channel[0])
                (void)text_copy(sample->wait_channel, sizeof(sample->wait_channel), channel);
        else
                thread_gap_set(&sample->gaps, THREAD_WAIT_CHANNEL, THREAD_GAP_UNKNOWN_WAIT);
}

void sample_tell_wait(Sample *sample, WaitFile file, const char *channel, ThreadGap unknown)
{
        const WaitFacts facts = { .state = sample->state,
                                  .syscall = sample->syscall,
                                  .arguments = sample->arguments,
                                  .file = file,
                                  .channel = channel };
        int word = wait_derive(&facts);

        if (word >= 0)
                sample->waiting_on = (WaitingOn)word;
        else
                thread_gap_set(&sample->gaps, THREAD_WAITING_ON, unknown);
        tell_channel(sample, channel);
        if (sample->syscall == WAIT_UNKNOWN_SYSCALL)
                thread_gap_set(&sample->gaps, THREAD_SYSCALL,
                               is_waiting(sample->state) ? unknown : THREAD_GAP_RUNNABLE);
        else if (sample->syscall < 0)
                thread_gap_set(&sample->gaps, THREAD_SYSCALL, THREAD_GAP_NO_SYSCALL);
}
