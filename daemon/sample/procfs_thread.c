/* procfs_thread.c - see procfs_thread.h
 *
 * The system call is asked for only while the thread sleeps interruptibly: its file takes a lock
 * that a process holds while it executes another program, which may be on a file system that does
 * not answer. */
#include "sample/procfs_thread.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "base/units.h"
#include "sample/process.h"
#include "sys/fd.h"
#include "sys/files.h"

enum { PATH_SIZE = 48, STAT_SIZE = 1024, STATUS_SIZE = 4096, LINE_SIZE = 256 };

static int open_file(int task_fd, pid_t tid, const char *name)
{
        char path[PATH_SIZE];
        int fd;

        (void)snprintf(path, sizeof(path), "%d/%s", (int)tid, name);
        fd = openat(task_fd, path, O_RDONLY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

ProcfsThread *procfs_thread_new(pid_t tid, int task_fd, bool is_kept)
{
        ProcfsThread *thread = calloc(1, sizeof(*thread));

        if (!thread)
                return NULL;
        thread->tid = thread->sample.tid = tid;
        thread->schedule_fd = thread->stat_fd = thread->syscall_fd = -1;
        for (unsigned field = 0; field < THREAD_FIELD_COUNT; field++)
                thread_gap_set(&thread->sample.gaps, (ThreadField)field, THREAD_GAP_NOT_YET);
        if (is_kept) { /* what cannot be opened now is opened, or fails, at each read */
                thread->schedule_fd = open_file(task_fd, tid, "schedstat");
                thread->stat_fd = open_file(task_fd, tid, "stat");
                thread->syscall_fd = open_file(task_fd, tid, "syscall");
        }
        return thread;
}

ProcfsThread *procfs_thread_free(ProcfsThread *thread)
{
        if (!thread)
                return NULL;
        (void)fd_close(thread->schedule_fd);
        (void)fd_close(thread->stat_fd);
        (void)fd_close(thread->syscall_fd);
        free(thread);
        return NULL;
}

static ssize_t read_kept(int fd, char *buffer, size_t size)
{
        ssize_t n = pread(fd, buffer, size - 1, 0);

        if (n < 0)
                return -errno;
        buffer[n] = '\0';
        return n;
}

/* Return: length; -ESRCH if the thread is gone; other negative errno */
static ssize_t read_file(const ProcfsThread *thread, const ProcfsLook *look, int kept_fd,
                         const char *name, char *buffer, size_t size)
{
        char path[PATH_SIZE];

        if (kept_fd >= 0)
                return read_kept(kept_fd, buffer, size);
        (void)snprintf(path, sizeof(path), "%d/%s", (int)thread->tid, name);
        return file_read_into(look->task_fd, path, buffer, size);
}

/* Return: 0; 1 if the kernel keeps no account; negative errno */
static int read_schedule(const ProcfsThread *thread, const ProcfsLook *look, ProcfsSchedule *ret)
{
        char text[LINE_SIZE];
        ssize_t n;

        if (!look->has_schedule)
                return 1;
        n = read_file(thread, look, thread->schedule_fd, "schedstat", text, sizeof(text));
        if (n < 0)
                return (int)n;
        if (procfs_parse_schedule(text, ret) < 0)
                return -EBADMSG;
        return ret->slices == 0;
}

static void fill_stat(Sample *sample, const ProcessSample *stat, const ProcfsLook *look)
{
        sample->start_ticks = stat->start_ticks;
        sample->state = procfs_state(stat->state);
        sample->minor_faults = stat->minor_faults;
        sample->major_faults = stat->major_faults;
        sample->last_cpu = stat->last_cpu;
        if (look->are_delays_counted)
                sample->block_delay_nsec = stat->block_delay_usec * NSEC_PER_USEC;
        thread_gap_set(&sample->gaps, THREAD_BLOCK_DELAY,
                       look->are_delays_counted ? THREAD_GAP_NONE : THREAD_GAP_NOT_ACCOUNTED);
}

static void fill_times(Sample *sample, const ProcessSample *stat, const ProcfsSchedule *schedule)
{
        sample->cpu_nsec = schedule ? schedule->cpu_nsec
                                    : (stat->user_usec + stat->system_usec) * NSEC_PER_USEC;
        sample_split_cpu(sample, stat->user_usec, stat->system_usec);
        sample->run_delay_nsec = schedule ? schedule->run_delay_nsec : 0;
        thread_gap_set(&sample->gaps, THREAD_RUN_DELAY,
                       schedule ? THREAD_GAP_NONE : THREAD_GAP_NOT_ACCOUNTED);
}

static int read_stat(ProcfsThread *thread, const ProcfsLook *look, const ProcfsSchedule *schedule)
{
        char text[STAT_SIZE];
        ssize_t n = read_file(thread, look, thread->stat_fd, "stat", text, sizeof(text));
        ProcessSample stat;
        int r;

        if (n < 0)
                return (int)n;
        r = process_sample_parse(text, (size_t)n, &stat);
        if (r < 0 || procfs_parse_name(text, thread->sample.name) < 0)
                return -EBADMSG;
        if (thread->pass > 0 && thread->sample.start_ticks != stat.start_ticks)
                return -ESRCH; /* another thread of the same number */
        fill_stat(&thread->sample, &stat, look);
        fill_times(&thread->sample, &stat, schedule);
        return 0;
}

static WaitFile look_at_file(const ProcfsThread *thread, const ProcfsLook *look)
{
        char path[PATH_SIZE], target[64];
        ssize_t n;

        (void)snprintf(path, sizeof(path), "../fd/%u", (unsigned)thread->sample.arguments[0]);
        n = readlinkat(look->task_fd, path, target, sizeof(target) - 1);
        if (n < 0)
                return WAIT_FILE_UNKNOWN;
        target[n] = '\0';
        return wait_file_of_link(target);
}

static void read_channel(const ProcfsThread *thread, const ProcfsLook *look, char *buffer,
                         size_t size)
{
        ssize_t n = read_file(thread, look, -1, "wchan", buffer, size);

        buffer[n > 0 ? strcspn(buffer, "\n") : 0] = '\0';
        if (text_equal(buffer, "0")) /* it runs, or we have not the right */
                buffer[0] = '\0';
}

/* Return: what to say if nothing tells what it waits for */
static ThreadGap read_syscall(ProcfsThread *thread, const ProcfsLook *look)
{
        Sample *sample = &thread->sample;
        char text[LINE_SIZE];
        ssize_t n;

        sample->syscall = WAIT_UNKNOWN_SYSCALL;
        memset(sample->arguments, 0, sizeof(sample->arguments));
        if (sample->state != THREAD_SLEEPING)
                return THREAD_GAP_UNKNOWN_WAIT;
        n = read_file(thread, look, thread->syscall_fd, "syscall", text, sizeof(text));
        if (n == -EACCES || n == -EPERM)
                return THREAD_GAP_NO_RIGHT;
        if (n > 0)
                (void)procfs_parse_syscall(text, &sample->syscall, sample->arguments);
        return THREAD_GAP_UNKNOWN_WAIT;
}

static void read_wait(ProcfsThread *thread, const ProcfsLook *look)
{
        Sample *sample = &thread->sample;
        WaitFile file = WAIT_FILE_UNKNOWN;
        char channel[SAMPLE_CHANNEL_SIZE] = "";
        ThreadGap unknown = read_syscall(thread, look);
        bool is_waiting = sample->state == THREAD_SLEEPING || sample->state == THREAD_DISK_WAIT;

        if (wait_asks_file(sample->syscall))
                file = look_at_file(thread, look);
        if (is_waiting && file == WAIT_FILE_UNKNOWN
            && (wait_asks_file(sample->syscall) || !wait_call_name(sample->syscall)))
                read_channel(thread, look, channel, sizeof(channel));
        sample->wait_channel[0] = '\0';
        for (unsigned field = THREAD_WAITING_ON; field <= THREAD_SYSCALL; field++)
                thread_gap_set(&sample->gaps, (ThreadField)field, THREAD_GAP_NONE);
        sample_tell_wait(sample, file, channel, unknown);
}

static void read_switches(ProcfsThread *thread, const ProcfsLook *look, uint64_t slices)
{
        Sample *sample = &thread->sample;
        char text[STATUS_SIZE];

        if (read_file(thread, look, -1, "status", text, sizeof(text)) <= 0
            || procfs_parse_switches(text, &sample->voluntary_switches,
                                     &sample->involuntary_switches)
                       < 0)
                return;
        thread->switches_slices = slices;
        thread->has_switches = true;
        thread_gap_set(&sample->gaps, THREAD_SWITCHES, THREAD_GAP_NONE);
}

static bool has_run(const ProcfsThread *thread, const ProcfsSchedule *now)
{
        return thread->pass == 0 || now->slices != thread->schedule.slices
               || now->cpu_nsec != thread->schedule.cpu_nsec
               || thread->sample.state == THREAD_RUNNING;
}

int procfs_thread_look(ProcfsThread *thread, const ProcfsLook *look)
{
        ProcfsSchedule schedule = { 0 };
        int r = read_schedule(thread, look, &schedule);
        bool is_counted = r == 0;

        if (r < 0)
                return r == -ENOENT ? -ESRCH : r;
        if (!is_counted || has_run(thread, &schedule)) {
                r = read_stat(thread, look, is_counted ? &schedule : NULL);
                if (r < 0)
                        return r == -ENOENT ? -ESRCH : r;
                read_wait(thread, look);
        }
        if (!thread->has_switches
            || (look->is_switches_turn
                && (!is_counted || thread->switches_slices != schedule.slices)))
                read_switches(thread, look, schedule.slices);
        thread->schedule = schedule;
        thread->sample.taken_usec = look->now_usec;
        thread_gap_set(&thread->sample.gaps, THREAD_CPU_RATIO, THREAD_GAP_NONE);
        thread_gap_set(&thread->sample.gaps, THREAD_TASK, THREAD_GAP_NONE);
        return 0;
}
