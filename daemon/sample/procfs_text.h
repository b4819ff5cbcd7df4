/* procfs_text.h - the small files of /proc/PID/task/TID, parsed; pure
 *
 * Texts are terminated and cut to their buffers; what is cut is an error, not another value. */
#pragma once

#include <stdint.h>

#include "sample/sample.h"

typedef struct ProcfsSchedule {
        uint64_t cpu_nsec, run_delay_nsec, slices;
} ProcfsSchedule;

/** procfs_parse_schedule() - schedstat: "CPU DELAY SLICES"; Return: 0, -EBADMSG */
int procfs_parse_schedule(const char *text, ProcfsSchedule *ret);

/** procfs_parse_syscall() - syscall: "running", "-1 SP PC" or "NR 0xA ... 0xF SP PC"
 *  @ret_number: WAIT_UNKNOWN_SYSCALL for "running"; @ret_arguments: set if it is a number
 *  Return: 0, -EBADMSG */
int procfs_parse_syscall(const char *text, int *ret_number, uint64_t ret_arguments[WAIT_ARGUMENTS]);

/** procfs_parse_switches() - the last two lines of status; Return: 0, -EBADMSG */
int procfs_parse_switches(const char *text, uint64_t *ret_voluntary, uint64_t *ret_involuntary);

/** procfs_parse_name() - what stands in the outermost parentheses of stat; Return: 0, -EBADMSG */
int procfs_parse_name(const char *text, char ret_name[SAMPLE_NAME_SIZE]);

/** procfs_state() - @letter: R S D T t Z X I P; others are SLEEPING */
ThreadState procfs_state(char letter);
