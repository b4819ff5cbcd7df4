/* pidref.h - a process, known by pid and start time and held by a pidfd
 *
 * A PID alone may belong to another process by the time it is used. Signals go through the
 * pidfd only. Start time is field 22 of /proc/PID/stat, clock ticks since boot; with the boot
 * id it identifies a process for ever. */
#pragma once

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

typedef struct PidRef {
        pid_t pid;            /* 0: unset */
        int fd;               /* pidfd, -1: none */
        uint64_t start_ticks; /* 0: not read yet */
} PidRef;

#define PIDREF_UNSET ((PidRef){ .pid = 0, .fd = -1 })

static inline bool pidref_is_set(const PidRef *ref)
{
        return ref->pid > 0;
}

/** pidref_open() - hold a process by PID
 *  @start_ticks: if not 0 it must match, else the PID belongs to somebody else: -ESRCH
 *  Return: 0; -ESRCH if there is no such process, other negative errno */
int pidref_open(pid_t pid, uint64_t start_ticks, PidRef *ret);

/** pidref_read_start() - fill start_ticks from /proc, once; Return: 0, negative errno */
int pidref_read_start(PidRef *ref);

/** pidref_ticks_now() - the start time that a process has which begins at this moment: whoever asks
 *  before and after making one, and is told the same, need not read it (15 us)
 *  Source: proc_pid_stat(5) field 22; the kernel takes it from CLOCK_BOOTTIME */
uint64_t pidref_ticks_now(void);

/** pidref_signal() - Return: 0; -ESRCH if it has ended, other negative errno */
int pidref_signal(const PidRef *ref, int signal);

/** pidref_done() - close the pidfd and forget */
void pidref_done(PidRef *ref);
