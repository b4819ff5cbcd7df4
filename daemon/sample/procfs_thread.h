/* procfs_thread.h - one thread as /proc tells of it: which files are read when */
#pragma once

#include <stdbool.h>

#include "sample/procfs_text.h"
#include "sample/sample.h"

enum { PROCFS_THREAD_FDS = 3 };

typedef struct ProcfsThread {
        pid_t tid;
        int schedule_fd, stat_fd, syscall_fd; /* -1: opened for each read */
        bool is_seen;                         /* in the listing that is being made */
        bool is_gone;                         /* until the next listing */
        unsigned pass;                        /* that it was looked at in; 0: never */
        ProcfsSchedule schedule;              /* as of `sample` */
        uint64_t switches_slices;             /* schedule.slices when status was read */
        bool has_switches;
        Sample sample;
} ProcfsThread;

/* What a look may need beside the thread. */
typedef struct ProcfsLook {
        int task_fd; /* /proc/PID/task */
        uint64_t now_usec;
        bool are_delays_counted; /* kernel.task_delayacct */
        bool has_schedule;       /* there is schedstat */
        bool is_switches_turn;
} ProcfsLook;

/** procfs_thread_new() - @is_kept: whether its files stay open; Return: NULL if out of memory */
ProcfsThread *procfs_thread_new(pid_t tid, int task_fd, bool is_kept);

/** procfs_thread_free() - Return: NULL */
ProcfsThread *procfs_thread_free(ProcfsThread *thread);

/** procfs_thread_look() - bring its sample up to date; what is kept of it may be a thread that has
 *  ended and whose TID belongs to another: kept files then say so, opened ones show another start
 *  Return: 0; -ESRCH if it is gone; other negative errno */
int procfs_thread_look(ProcfsThread *thread, const ProcfsLook *look);
