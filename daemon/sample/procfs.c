/* procfs.c - see procfs.h
 *
 * Threads are known by TID within their process. A process is listed anew when its number of
 * threads changed, when one of them was found gone, and every few seconds, since one may come as
 * another goes. A look at everybody is a pass; it may take several rounds, if the budget is small:
 * then each round goes on where the last one stopped. */
#include "sample/procfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/map.h"
#include "base/units.h"
#include "sample/procfs_thread.h"
#include "sys/clock.h"
#include "sys/directory.h"
#include "sys/fd.h"
#include "sys/files.h"

enum {
        LOOKS_PER_CLOCK = 8, /* looks between two readings of our CPU clock */
        SWITCHES_TURN = 8,   /* status is read in every eighth pass */
        FDS_PERCENT = 60,    /* of the limit, at most */
        FDS_PER_WORKER = 8,  /* that others need: pipes, pidfds, sockets */
};
#define LISTING_USEC (5 * USEC_PER_SEC)

typedef struct ProcfsProcess {
        pid_t pid;
        uint64_t start_ticks;
        int task_fd;
        ProcfsThread **threads; /* in the kernel's order: as they were made */
        size_t count, capacity;
        Map by_tid;
        uint64_t listed_usec;
        bool is_stale; /* one was found gone */
        bool is_wanted;
} ProcfsProcess;

struct ProcfsReader {
        ProcfsProcess **processes; /* in the order of the last targets */
        size_t count;
        Map by_pid;
        size_t fds, fds_max; /* kept */
        bool has_schedule;   /* CONFIG_SCHED_INFO */
        unsigned pass;       /* the number of this one, from 1 */
        uint64_t pass_began_usec, pass_usec;
};

/* ---- processes and their threads ---- */

static void forget_thread(ProcfsReader *reader, ProcfsProcess *process, ProcfsThread *thread)
{
        if (map_get(&process->by_tid, (uint64_t)thread->tid) == thread)
                (void)map_remove(&process->by_tid, (uint64_t)thread->tid);
        if (thread->stat_fd >= 0)
                reader->fds -= PROCFS_THREAD_FDS;
        procfs_thread_free(thread);
}

static void forget_process(ProcfsReader *reader, ProcfsProcess *process)
{
        (void)map_remove(&reader->by_pid, (uint64_t)process->pid);
        for (size_t i = 0; i < process->count; i++)
                forget_thread(reader, process, process->threads[i]);
        map_done(&process->by_tid);
        free(process->threads);
        (void)fd_close(process->task_fd);
        reader->fds--;
        free(process);
}

static ProcfsProcess *open_process(ProcfsReader *reader, const SampleTarget *target)
{
        ProcfsProcess *process = calloc(1, sizeof(*process));
        char path[32];

        if (!process)
                return NULL;
        (void)snprintf(path, sizeof(path), "/proc/%d/task", (int)target->pid);
        process->pid = target->pid;
        process->start_ticks = target->start_ticks;
        process->task_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (process->task_fd < 0 || map_put(&reader->by_pid, (uint64_t)target->pid, process) < 0) {
                (void)fd_close(process->task_fd);
                free(process);
                return NULL;
        }
        reader->fds++;
        return process;
}

/* Return: NULL if it is gone, or may not be looked at */
static ProcfsProcess *find_process(ProcfsReader *reader, const SampleTarget *target)
{
        ProcfsProcess *process = map_get(&reader->by_pid, (uint64_t)target->pid);

        if (process && process->start_ticks == target->start_ticks)
                return process;
        if (process) { /* what had this PID before is not in this round's list any more */
                for (size_t i = 0; i < reader->count; i++)
                        if (reader->processes[i] == process)
                                reader->processes[i] = NULL;
                forget_process(reader, process);
        }
        return open_process(reader, target);
}

static bool may_keep(const ProcfsReader *reader)
{
        return reader->fds + PROCFS_THREAD_FDS <= reader->fds_max;
}

static int add_thread(ProcfsReader *reader, ProcfsProcess *process, pid_t tid)
{
        ProcfsThread *thread;

        if (process->count == process->capacity) {
                size_t capacity = process->capacity ? process->capacity * 2 : 8;
                ProcfsThread **grown =
                        reallocarray(process->threads, capacity, sizeof(ProcfsThread *));

                if (!grown)
                        return -ENOMEM;
                process->threads = grown;
                process->capacity = capacity;
        }
        thread = procfs_thread_new(tid, process->task_fd, may_keep(reader));
        if (!thread)
                return -ENOMEM;
        if (map_put(&process->by_tid, (uint64_t)tid, thread) < 0) {
                procfs_thread_free(thread);
                return -ENOMEM;
        }
        if (thread->stat_fd >= 0)
                reader->fds += PROCFS_THREAD_FDS;
        thread->is_seen = true;
        process->threads[process->count++] = thread;
        return 0;
}

static void forget_unseen(ProcfsReader *reader, ProcfsProcess *process)
{
        size_t kept = 0;

        for (size_t i = 0; i < process->count; i++) {
                ProcfsThread *thread = process->threads[i];

                if (thread->is_seen)
                        process->threads[kept++] = thread;
                else
                        forget_thread(reader, process, thread);
        }
        process->count = kept;
}

static int note_thread(ProcfsReader *reader, ProcfsProcess *process, const char *name)
{
        uint64_t tid;
        ProcfsThread *known;

        if (units_parse_number(name, INT32_MAX, &tid) < 0)
                return 0;
        known = map_get(&process->by_tid, tid);
        if (known && !known->is_gone) {
                known->is_seen = true;
                return 0;
        }
        return process->count < SAMPLER_THREADS_MAX ? add_thread(reader, process, (pid_t)tid) : 0;
}

/* New threads come last, as the kernel lists them. */
static int list_threads(ProcfsReader *reader, ProcfsProcess *process, uint64_t now_usec)
{
        AUTO_CLOSE copy = fcntl(process->task_fd, F_DUPFD_CLOEXEC, 0);
        AUTO_DIRECTORY *directory = copy < 0 ? NULL : fdopendir(copy);
        struct dirent *entry;
        int r = 0;

        if (!directory)
                return -errno;
        copy = -1; /* the directory's now */
        rewinddir(directory);
        for (size_t i = 0; i < process->count; i++)
                process->threads[i]->is_seen = false;
        while (r >= 0 && (entry = readdir(directory)))
                r = note_thread(reader, process, entry->d_name);
        forget_unseen(reader, process);
        process->listed_usec = now_usec;
        process->is_stale = false;
        return r;
}

static bool is_listing_due(const ProcfsProcess *process, const SampleTarget *target,
                           uint64_t now_usec)
{
        return process->is_stale || process->listed_usec == 0
               || (target->thread_count > 0 && target->thread_count != process->count)
               || now_usec >= process->listed_usec + LISTING_USEC;
}

/* ---- a round ---- */

static void drop_unwanted(ProcfsReader *reader)
{
        for (size_t i = 0; i < reader->count; i++)
                if (reader->processes[i] && !reader->processes[i]->is_wanted)
                        forget_process(reader, reader->processes[i]);
        free(reader->processes);
        reader->processes = NULL;
        reader->count = 0;
}

/* Make reader->processes those of @targets; entries are NULL where there is nothing to see. */
static int take_targets(ProcfsReader *reader, const SampleTarget *targets, size_t count,
                        uint64_t now_usec)
{
        ProcfsProcess **processes = calloc(count + 1, sizeof(ProcfsProcess *));

        if (!processes)
                return -ENOMEM;
        for (size_t i = 0; i < reader->count; i++)
                if (reader->processes[i])
                        reader->processes[i]->is_wanted = false;
        for (size_t i = 0; i < count; i++) {
                ProcfsProcess *process = find_process(reader, &targets[i]);

                if (!process)
                        continue;
                process->is_wanted = true;
                processes[i] = process;
                if (is_listing_due(process, &targets[i], now_usec))
                        (void)list_threads(reader, process, now_usec); /* gone, or no memory */
        }
        drop_unwanted(reader);
        reader->processes = processes;
        reader->count = count;
        return 0;
}

static void limit_fds(ProcfsReader *reader, size_t worker_count)
{
        struct rlimit limit = { 0 };
        size_t share, others = worker_count * FDS_PER_WORKER;

        (void)getrlimit(RLIMIT_NOFILE, &limit); /* cannot fail */
        share = limit.rlim_cur == RLIM_INFINITY ? SAMPLER_THREADS_MAX
                                                : (size_t)limit.rlim_cur / 100 * FDS_PERCENT;
        reader->fds_max = share > others ? share - others : 0;
}

static bool are_delays_counted(void)
{
        char text[8];
        ssize_t n = file_read_into(AT_FDCWD, "/proc/sys/kernel/task_delayacct", text, sizeof(text));

        return n < 0 || text[0] == '1'; /* before Linux 5.14 there was no such switch */
}

static bool is_spent(uint64_t until_usec, unsigned looks)
{
        return looks % LOOKS_PER_CLOCK == 0 && clock_usec(CLOCK_THREAD_CPUTIME_ID) >= until_usec;
}

/* Return: false if the budget was used up before all of it was looked at */
static bool look_at_process(ProcfsReader *reader, ProcfsProcess *process, ProcfsLook *look,
                            uint64_t until_usec, unsigned *looks)
{
        look->task_fd = process->task_fd;
        for (size_t i = 0; i < process->count; i++) {
                ProcfsThread *thread = process->threads[i];

                if (thread->pass == reader->pass)
                        continue;
                if (is_spent(until_usec, ++*looks))
                        return false;
                look->is_switches_turn =
                        (reader->pass + (unsigned)thread->tid) % SWITCHES_TURN == 0;
                if (procfs_thread_look(thread, look) < 0)
                        process->is_stale = thread->is_gone = true;
                thread->pass = reader->pass;
        }
        return true;
}

static void look_round(ProcfsReader *reader, uint64_t now_usec, uint64_t budget_usec)
{
        ProcfsLook look = { .now_usec = now_usec,
                            .are_delays_counted = are_delays_counted(),
                            .has_schedule = reader->has_schedule };
        uint64_t until_usec = clock_usec(CLOCK_THREAD_CPUTIME_ID) + budget_usec;
        unsigned looks = 0;
        bool is_done = true;

        if (reader->pass_began_usec == 0)
                reader->pass_began_usec = now_usec;
        for (size_t i = 0; is_done && i < reader->count; i++)
                if (reader->processes[i])
                        is_done = look_at_process(reader, reader->processes[i], &look, until_usec,
                                                  &looks);
        if (!is_done)
                return;
        reader->pass_usec = now_usec - reader->pass_began_usec;
        reader->pass_began_usec = 0;
        if (++reader->pass == 0)
                reader->pass = 1;
}

static ssize_t give_process(const ProcfsProcess *process, size_t target, SampleSink sink,
                            void *userdata)
{
        ssize_t given = 0;

        for (size_t i = 0; i < process->count; i++)
                if (!process->threads[i]->is_gone) {
                        sink(userdata, target, &process->threads[i]->sample);
                        given++;
                }
        return given;
}

static ssize_t give_all(const ProcfsReader *reader, SampleSink sink, void *userdata)
{
        ssize_t given = 0;

        for (size_t i = 0; i < reader->count; i++)
                if (reader->processes[i])
                        given += give_process(reader->processes[i], i, sink, userdata);
        return given;
}

ssize_t procfs_reader_take(ProcfsReader *reader, const SampleTarget *targets, size_t count,
                           uint64_t now_usec, uint64_t budget_usec, SampleSink sink, void *userdata)
{
        int r;

        limit_fds(reader, count);
        r = take_targets(reader, targets, count, now_usec);
        if (r < 0)
                return r;
        look_round(reader, now_usec, budget_usec);
        return give_all(reader, sink, userdata);
}

uint64_t procfs_reader_pass_usec(const ProcfsReader *reader)
{
        return reader->pass_usec;
}

int procfs_reader_new(ProcfsReader **ret)
{
        ProcfsReader *reader = calloc(1, sizeof(*reader));

        if (!reader)
                return -ENOMEM;
        reader->pass = 1;
        reader->has_schedule = access("/proc/self/schedstat", F_OK) == 0;
        *ret = reader;
        return 0;
}

ProcfsReader *procfs_reader_free(ProcfsReader *reader)
{
        if (!reader)
                return NULL;
        for (size_t i = 0; i < reader->count; i++)
                if (reader->processes[i])
                        forget_process(reader, reader->processes[i]);
        free(reader->processes);
        map_done(&reader->by_pid);
        free(reader);
        return NULL;
}
