/* process.h - the last rung of the sampling ladder: whole processes, by /proc/PID/stat
 *
 * One short file a process, opened for each sample: some 12 us, and no descriptor is kept. CPU
 * comes from the process' totals, which include threads that have ended. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct ProcessSample {
        uint64_t taken_usec;             /* CLOCK_MONOTONIC */
        uint64_t start_ticks;            /* identity */
        uint64_t user_usec, system_usec; /* in steps of a clock tick, 10 ms */
        uint64_t block_delay_usec;       /* in ticks too; 0 without delay accounting */
        uint64_t rss_bytes;
        uint64_t minor_faults, major_faults;
        unsigned thread_count;
        int last_cpu;
        char state; /* R S D T t Z X I */
} ProcessSample;

/** process_sample_parse() - text of /proc/PID/stat (proc_pid_stat(5)); pure
 *  The name in parentheses may hold anything, ") R 1" included: fields are counted from the last
 *  closing parenthesis. taken_usec is left 0.
 *  Return: 0; -EBADMSG if a field is missing, cut off or no number */
int process_sample_parse(const char *text, size_t length, ProcessSample *ret);

/** process_sample_take() - read one process now
 *  @pid: of a process that we hold (its start time is compared by the caller)
 *  Return: 0; -ESRCH if it is gone; other negative errno */
int process_sample_take(pid_t pid, uint64_t now_usec, ProcessSample *ret);

/** process_sample_cpu_ratio() - cores used between two samples of the same process
 *  Return: >= 0; -1 if it cannot be told (no time passed, another process, counters fell) */
double process_sample_cpu_ratio(const ProcessSample *before, const ProcessSample *after);
