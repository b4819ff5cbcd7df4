/* bpf.c - see bpf.h
 *
 * A run of the program takes as many processes as their threads are likely to have room in the
 * records for; very many threads are taken in several runs. The iterator always walks everything; its
 * records come in the order of TIDs and are put together by process. */
#include "sample/bpf.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/units.h"
#include "sample/bpf_load.h"
#include "sample/bpf_record.h"
#include "sample/process.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/packet.h"

static_assert((int)BPF_NO_SYSCALL == (int)WAIT_NO_SYSCALL
                      && (int)BPF_UNKNOWN_SYSCALL == (int)WAIT_UNKNOWN_SYSCALL
                      && (int)BPF_ARGUMENTS == (int)WAIT_ARGUMENTS
                      && (int)BPF_NAME_SIZE == (int)SAMPLE_NAME_SIZE,
              "records and samples count alike");

enum { BATCH_RECORDS_MAX = 1 << 15 }; /* 8 MB of records */

struct BpfReader {
        SampleRung rung;
        int fds[BPF_FDS];
        BpfControl *control;
        const BpfRecord *records;
        unsigned record_count; /* room */
        uint64_t *pids;        /* of the program; the kernel aligns each to 8 bytes */
        unsigned lacking;
        /* of the iterator */
        pid_t *wanted; /* as the map has them */
        size_t wanted_count;
        uint32_t *order; /* records by process */
        uint32_t *starts;
};

/* ---- opening ---- */

static long call_bpf(int command, union bpf_attr *attributes)
{
        long r = syscall(SYS_bpf, command, attributes, sizeof(*attributes));

        return r < 0 ? -errno : r;
}

static size_t pages_of(size_t size)
{
        size_t page = (size_t)sysconf(_SC_PAGESIZE);

        return (size + page - 1) / page * page;
}

static void *map_array(int fd, size_t size, bool is_writable)
{
        void *memory = mmap(NULL, pages_of(size), is_writable ? PROT_READ | PROT_WRITE : PROT_READ,
                            MAP_SHARED, fd, 0);

        return memory == MAP_FAILED ? NULL : memory;
}

static void unmap(const void *memory, size_t size)
{
        if (memory)
                (void)munmap((void *)memory, pages_of(size));
}

BpfReader *bpf_reader_free(BpfReader *reader)
{
        if (!reader)
                return NULL;
        unmap(reader->control, sizeof(BpfControl));
        unmap(reader->records, sizeof(BpfRecord) * reader->record_count);
        unmap(reader->pids, sizeof(uint64_t) * BPF_PIDS_MAX);
        for (size_t i = 0; i < BPF_FDS; i++)
                (void)fd_close(reader->fds[i]);
        free(reader->wanted);
        free(reader->order);
        free(reader->starts);
        free(reader);
        return NULL;
}

static int map_all(BpfReader *reader)
{
        size_t pids_size = sizeof(uint64_t) * BPF_PIDS_MAX;

        reader->control = map_array(reader->fds[BPF_FD_CONTROL], sizeof(BpfControl), true);
        reader->records = map_array(reader->fds[BPF_FD_RECORDS],
                                    sizeof(BpfRecord) * reader->record_count, false);
        reader->pids = map_array(reader->fds[BPF_FD_PIDS], pids_size, true);
        if (!reader->control || !reader->records || !reader->pids)
                return -ENOMEM;
        if (reader->rung != RUNG_ITERATOR)
                return 0;
        reader->order = calloc(reader->record_count, sizeof(*reader->order));
        return reader->order ? 0 : -ENOMEM;
}

static bool is_answer_ours(const BpfAnswer *answer, ssize_t length)
{
        return length == sizeof(*answer) && answer->version == BPF_ANSWER_VERSION
               && answer->record_size == sizeof(BpfRecord) && answer->rung < RUNG_COUNT
               && answer->records <= SAMPLER_THREADS_MAX && memchr(answer->reason, 0, 256);
}

static int receive(int socket_fd, BpfAnswer *ret_answer, int *ret_fds, Error *reterr)
{
        int fds[PACKET_FDS_MAX];
        size_t count = 0;
        ssize_t length =
                packet_receive(socket_fd, ret_answer, sizeof(*ret_answer), fds, &count, NULL);

        if (is_answer_ours(ret_answer, length) && count == BPF_FDS) {
                memcpy(ret_fds, fds, BPF_FDS * sizeof(fds[0]));
                return 0;
        }
        for (size_t i = 0; i < count; i++)
                (void)fd_close(fds[i]);
        if (is_answer_ours(ret_answer, length) && ret_answer->reason[0])
                return error_set(reterr, -EOPNOTSUPP, "bpf", "%s", ret_answer->reason);
        return error_set(reterr, -EBADMSG, "bpf", "reeve-bpf ended without an answer");
}

static void note_self(void *userdata, size_t target, const Sample *sample)
{
        if (sample->tid == getpid())
                *(uint64_t *)userdata = sample->start_ticks;
}

static int try_self(BpfReader *reader, Error *reterr)
{
        const SampleTarget self = { .pid = getpid() };
        ProcessSample process;
        uint64_t seen = 0;
        ssize_t r = bpf_reader_take(reader, &self, 1, now_usec(), note_self, &seen);

        if (r < 0)
                return error_set(reterr, (int)r, "bpf", "BPF cannot be run: %s", strerror((int)-r));
        if (process_sample_take(getpid(), 0, &process) < 0 || process.start_ticks != seen)
                return error_set(reterr, -EBADMSG, "bpf",
                                 "BPF reads from this kernel what cannot be true");
        return 0;
}

int bpf_reader_take_over(int socket_fd, BpfReader **ret, SampleRung *ret_rung, Error *reterr)
{
        AUTO(BpfReader) *reader = calloc(1, sizeof(BpfReader));
        BpfAnswer answer;
        int r;

        if (!reader)
                return error_set(reterr, -ENOMEM, "no-memory", "out of memory");
        for (size_t i = 0; i < BPF_FDS; i++)
                reader->fds[i] = -1;
        r = receive(socket_fd, &answer, reader->fds, reterr);
        if (r < 0)
                return r;
        reader->rung = (SampleRung)answer.rung;
        reader->record_count = answer.records;
        r = map_all(reader);
        if (r < 0)
                return error_set(reterr, r, "bpf", "cannot map the records of BPF: %s",
                                 strerror(-r));
        r = try_self(reader, reterr);
        if (r < 0)
                return r;
        if (answer.reason[0])
                (void)error_set(reterr, 0, "bpf", "%s", answer.reason);
        *ret_rung = reader->rung;
        *ret = TAKE_PTR(reader);
        return 0;
}

unsigned bpf_reader_lacking(const BpfReader *reader)
{
        return reader->lacking;
}

/* ---- one record ---- */

/* Bits of __state, the same from 6.1 to 6.18 (include/linux/sched.h). */
enum {
        TASK_SLEEPS = 0x1,
        TASK_UNINTERRUPTIBLE = 0x2,
        TASK_STOPPED_BITS = 0x4 | 0x8, /* by a signal, by a tracer */
        TASK_PARKED = 0x40,
        TASK_DEAD = 0x80,
        TASK_WAKING = 0x200,
        TASK_NOLOAD = 0x400, /* with the second: idle, "I" */
        TASK_NEW = 0x800,
        TASK_RTLOCK_WAIT = 0x1000,
        TASK_FROZEN = 0x8000,
        EXIT_ZOMBIE = 0x20,
};

static ThreadState state_of(const BpfRecord *record)
{
        uint32_t state = record->state;

        if (record->exit_state)
                return record->exit_state & EXIT_ZOMBIE ? THREAD_ZOMBIE : THREAD_DEAD;
        if (state & TASK_DEAD)
                return THREAD_DEAD;
        if (state == 0 || state & (TASK_WAKING | TASK_NEW))
                return record->is_on_cpu ? THREAD_RUNNING : THREAD_RUNNABLE;
        if (state & TASK_STOPPED_BITS)
                return THREAD_STOPPED;
        if (state & (TASK_RTLOCK_WAIT | TASK_FROZEN))
                return THREAD_DISK_WAIT;
        if (state & TASK_UNINTERRUPTIBLE)
                return state & TASK_NOLOAD ? THREAD_SLEEPING : THREAD_DISK_WAIT;
        return THREAD_SLEEPING;
}

static uint64_t ticks_of(uint64_t nsec)
{
        static uint64_t nsec_per_tick;

        if (nsec_per_tick == 0)
                nsec_per_tick = NSEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK);
        return nsec / nsec_per_tick;
}

static void fill_counts(const BpfRecord *record, Sample *sample)
{
        sample->cpu_nsec = record->cpu_nsec;
        sample_split_cpu(sample, record->user_nsec, record->system_nsec);
        sample->run_delay_nsec = record->run_delay_nsec;
        if (record->block_delay_nsec == BPF_NOT_ACCOUNTED)
                thread_gap_set(&sample->gaps, THREAD_BLOCK_DELAY, THREAD_GAP_NOT_ACCOUNTED);
        else
                sample->block_delay_nsec = record->block_delay_nsec;
        sample->voluntary_switches = record->voluntary_switches;
        sample->involuntary_switches = record->involuntary_switches;
        sample->minor_faults = record->minor_faults;
        sample->major_faults = record->major_faults;
        sample->last_cpu = record->last_cpu;
}

void bpf_sample_from(const BpfRecord *record, uint64_t now_usec, Sample *ret)
{
        Sample sample = { .taken_usec = now_usec,
                          .tid = record->tid,
                          .start_ticks = ticks_of(record->start_nsec),
                          .state = state_of(record),
                          .syscall = record->syscall };
        WaitFile file = record->has_file ? wait_file_of_mode(record->file_mode, record->file_name)
                                         : WAIT_FILE_UNKNOWN;

        memcpy(sample.name, record->name, sizeof(sample.name) - 1);
        if (record->syscall >= 0)
                memcpy(sample.arguments, record->arguments, sizeof(sample.arguments));
        fill_counts(record, &sample);
        sample_tell_wait(&sample, file, "", THREAD_GAP_UNKNOWN_WAIT);
        *ret = sample;
}

static void give(const BpfReader *reader, uint32_t record, size_t target, uint64_t now_usec,
                 SampleSink sink, void *userdata)
{
        Sample sample;

        bpf_sample_from(&reader->records[record], now_usec, &sample);
        sink(userdata, target, &sample);
}

/* ---- the program ---- */

static int run_program(BpfReader *reader, unsigned pid_count)
{
        union bpf_attr attributes = { .test.prog_fd = (uint32_t)reader->fds[BPF_FD_RUN] };
        long r;

        reader->control->pid_count = pid_count;
        r = call_bpf(BPF_PROG_RUN, &attributes);
        if (r < 0)
                return (int)r;
        return attributes.test.retval ? -EIO : 0;
}

/* Return: how many of @targets to take in one run, at least one */
static unsigned choose_batch(const BpfReader *reader, const SampleTarget *targets, size_t count)
{
        size_t threads = 0;
        unsigned taken = 0;

        while (taken < count && taken < BPF_PIDS_MAX) {
                threads += MAX(targets[taken].thread_count, 1U) + 1;
                if (threads > reader->record_count && taken > 0)
                        break;
                taken++;
        }
        return taken;
}

static ssize_t take_batch(BpfReader *reader, const SampleTarget *targets, size_t first,
                          unsigned count, uint64_t now_usec, SampleSink sink, void *userdata)
{
        uint32_t seen;
        int r;

        for (unsigned i = 0; i < count; i++)
                reader->pids[i] = (uint64_t)targets[first + i].pid;
        r = run_program(reader, count);
        if (r < 0)
                return r;
        seen = MIN(reader->control->count, reader->record_count);
        if (reader->control->left_out)
                reader->lacking = MAX(reader->lacking, seen + reader->control->left_out);
        for (uint32_t i = 0; i < seen; i++)
                if (reader->records[i].process < count)
                        give(reader, i, first + reader->records[i].process, now_usec, sink,
                             userdata);
        return seen;
}

static ssize_t take_by_program(BpfReader *reader, const SampleTarget *targets, size_t count,
                               uint64_t now_usec, SampleSink sink, void *userdata)
{
        ssize_t total = 0;

        for (size_t first = 0; first < count;) {
                unsigned batch = choose_batch(reader, targets + first, count - first);
                ssize_t r = take_batch(reader, targets, first, batch, now_usec, sink, userdata);

                if (r < 0)
                        return r;
                total += r;
                first += batch;
        }
        /* In one run each thread keeps its record, and one that sleeps costs the least. */
        if (total > reader->record_count && total <= BATCH_RECORDS_MAX)
                reader->lacking = MAX(reader->lacking, (unsigned)total);
        return total;
}

/* ---- the iterator ---- */

static int put_wanted(const BpfReader *reader, uint32_t pid, uint32_t place)
{
        union bpf_attr attributes = { .map_fd = (uint32_t)reader->fds[BPF_FD_WANTED],
                                      .key = (uintptr_t)&pid,
                                      .value = (uintptr_t)&place,
                                      .flags = BPF_ANY };

        return (int)call_bpf(BPF_MAP_UPDATE_ELEM, &attributes);
}

/* What is not there any more is no failure. */
static void drop_wanted(const BpfReader *reader, uint32_t pid)
{
        union bpf_attr attributes = { .map_fd = (uint32_t)reader->fds[BPF_FD_WANTED],
                                      .key = (uintptr_t)&pid };

        (void)call_bpf(BPF_MAP_DELETE_ELEM, &attributes);
}

static bool is_wanted_same(const BpfReader *reader, const SampleTarget *targets, size_t count)
{
        if (count != reader->wanted_count)
                return false;
        for (size_t i = 0; i < count; i++)
                if (reader->wanted[i] != targets[i].pid)
                        return false;
        return true;
}

static int want(BpfReader *reader, const SampleTarget *targets, size_t count)
{
        size_t room = count + 1;
        pid_t *wanted = calloc(room, sizeof(*wanted));
        uint32_t *starts = calloc(room, sizeof(*starts));
        int r = wanted && starts ? 0 : -ENOMEM;

        for (size_t i = 0; r == 0 && i < reader->wanted_count; i++)
                drop_wanted(reader, (uint32_t)reader->wanted[i]);
        for (size_t i = 0; r == 0 && i < count; i++) {
                wanted[i] = targets[i].pid;
                r = put_wanted(reader, (uint32_t)targets[i].pid, (uint32_t)i);
        }
        if (r < 0) {
                free(wanted);
                free(starts);
                reader->wanted_count = 0;
                return r;
        }
        free(reader->wanted);
        free(reader->starts);
        reader->wanted = wanted;
        reader->starts = starts;
        reader->wanted_count = count;
        return 0;
}

static int run_iterator(BpfReader *reader)
{
        union bpf_attr attributes = { .iter_create.link_fd = (uint32_t)reader->fds[BPF_FD_RUN] };
        char nothing[64];
        AUTO_CLOSE fd = -1;
        ssize_t n;

        reader->control->count = reader->control->left_out = 0;
        fd = (int)call_bpf(BPF_ITER_CREATE, &attributes);
        if (fd < 0)
                return fd;
        do /* it writes nothing: the first read walks all */
                n = read(fd, nothing, sizeof(nothing));
        while (n > 0 || (n < 0 && errno == EAGAIN));
        return n < 0 ? -errno : 0;
}

/* Sort the numbers of records by process; those of one process keep their order. */
static void group(BpfReader *reader, uint32_t seen)
{
        uint32_t next = 0;

        memset(reader->starts, 0, (reader->wanted_count + 1) * sizeof(*reader->starts));
        for (uint32_t i = 0; i < seen; i++)
                if (reader->records[i].process < reader->wanted_count)
                        reader->starts[reader->records[i].process]++;
        for (size_t i = 0; i <= reader->wanted_count; i++) {
                uint32_t own = reader->starts[i];

                reader->starts[i] = next;
                next += own;
        }
        for (uint32_t i = 0; i < seen; i++)
                if (reader->records[i].process < reader->wanted_count)
                        reader->order[reader->starts[reader->records[i].process]++] = i;
}

static ssize_t take_by_iterator(BpfReader *reader, const SampleTarget *targets, size_t count,
                                uint64_t now_usec, SampleSink sink, void *userdata)
{
        uint32_t seen;
        int r = is_wanted_same(reader, targets, count) && reader->starts
                        ? 0
                        : want(reader, targets, count);

        if (r == 0)
                r = run_iterator(reader);
        if (r < 0)
                return r;
        seen = MIN(reader->control->count, reader->record_count);
        if (reader->control->left_out)
                reader->lacking = seen + reader->control->left_out;
        group(reader, seen);
        seen = count ? reader->starts[count - 1] : 0; /* now the end of the last process */
        for (uint32_t i = 0; i < seen; i++)
                give(reader, reader->order[i], reader->records[reader->order[i]].process, now_usec,
                     sink, userdata);
        return seen;
}

ssize_t bpf_reader_take(BpfReader *reader, const SampleTarget *targets, size_t count,
                        uint64_t now_usec, SampleSink sink, void *userdata)
{
        reader->lacking = 0;
        if (reader->rung == RUNG_PROGRAM)
                return take_by_program(reader, targets, count, now_usec, sink, userdata);
        return take_by_iterator(reader, targets, count, now_usec, sink, userdata);
}
