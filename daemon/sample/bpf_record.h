/* bpf_record.h - what the BPF programs and their readers share
 *
 * Programs write records into an array that reeved has mapped; nothing is copied. Included by both
 * sides, so only types of the kernel's own headers stand here. */
#pragma once

#include <linux/types.h>

enum {
        BPF_PIDS_MAX = 1024,  /* processes in one run of the program */
        BPF_CALLS_MAX = 1024, /* numbers of system calls, from 0 */
        BPF_NAME_SIZE = 16,
        BPF_ARGUMENTS = 6,
};

/* Of BpfRecord.syscall, beside numbers. */
enum { BPF_NO_SYSCALL = -1, BPF_UNKNOWN_SYSCALL = -2 };

#define BPF_NOT_ACCOUNTED (~(__u64)0)

typedef struct BpfControl {
        __u32 pid_count; /* to the program: entries of pids that are to be walked */
        __u32 count;     /* from it: records in use */
        __u32 left_out;  /* threads for which there was no room */
        __u32 padding;
} BpfControl;

typedef struct BpfRecord {
        __u64 start_nsec;             /* CLOCK_BOOTTIME */
        __u64 cpu_nsec;               /* sum_exec_runtime */
        __u64 user_nsec, system_nsec; /* in ticks where the kernel counts ticks */
        __u64 run_delay_nsec;
        __u64 block_delay_nsec; /* BPF_NOT_ACCOUNTED */
        __u64 voluntary_switches, involuntary_switches;
        __u64 minor_faults, major_faults;
        __u64 arguments[BPF_ARGUMENTS]; /* if syscall >= 0 */
        __s32 tid;
        __u32 process; /* place of its process among those asked for */
        __u32 state;   /* __state of the kernel */
        __u32 exit_state;
        __u32 is_on_cpu;
        __s32 last_cpu;
        __s32 syscall;
        __u32 file_mode; /* i_mode of the first argument, for the calls of `calls`; 0: anonymous */
        __u32 has_file;
        __u32 padding;
        char file_name[BPF_NAME_SIZE]; /* of an anonymous one: "[timerfd]" */
        char name[BPF_NAME_SIZE];
} BpfRecord;
