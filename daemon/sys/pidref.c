/* pidref.c - see pidref.h */
#include "sys/pidref.h"

#include <errno.h>
#include <sys/pidfd.h>
#include <time.h>
#include <unistd.h>

#include "sys/fd.h"
#include "sys/proc.h"

static int read_start(pid_t pid, int fd, uint64_t *ret_ticks)
{
        ProcStat stat;
        int r = proc_stat(pid, &stat);

        if (r < 0)
                return r;
        /* If it still takes signals, /proc/PID was this process and no successor of its PID.
         * EPERM says the same: it exists and belongs to somebody else. */
        if (pidfd_send_signal(fd, 0, NULL, 0) < 0 && errno != EPERM)
                return -errno;
        *ret_ticks = stat.start_ticks;
        return 0;
}

int pidref_open(pid_t pid, uint64_t start_ticks, PidRef *ret)
{
        AUTO_CLOSE fd = -1;
        uint64_t found = 0;
        int r;

        if (pid <= 0)
                return -ESRCH;
        fd = pidfd_open(pid, 0); /* close-on-exec by itself */
        if (fd < 0)
                return errno == EINVAL ? -ESRCH : -errno; /* EINVAL: a thread, no process */
        if (start_ticks != 0) {
                r = read_start(pid, fd, &found);
                if (r < 0)
                        return r;
                if (found != start_ticks)
                        return -ESRCH;
        }
        *ret = (PidRef){ .pid = pid, .fd = TAKE_FD(fd), .start_ticks = start_ticks };
        return 0;
}

int pidref_read_start(PidRef *ref)
{
        if (!pidref_is_set(ref))
                return -ESRCH;
        return ref->start_ticks != 0 ? 0 : read_start(ref->pid, ref->fd, &ref->start_ticks);
}

uint64_t pidref_ticks_now(void)
{
        static uint64_t nsec_per_tick;
        struct timespec now;

        if (nsec_per_tick == 0)
                nsec_per_tick = UINT64_C(1000000000) / (uint64_t)sysconf(_SC_CLK_TCK);
        (void)clock_gettime(CLOCK_BOOTTIME, &now); /* cannot fail with this clock */
        return ((uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec)
               / nsec_per_tick;
}

int pidref_signal(const PidRef *ref, int signal)
{
        if (!pidref_is_set(ref) || ref->fd < 0)
                return -ESRCH;
        return pidfd_send_signal(ref->fd, signal, NULL, 0) < 0 ? -errno : 0;
}

void pidref_done(PidRef *ref)
{
        (void)fd_close(ref->fd);
        *ref = PIDREF_UNSET;
}
