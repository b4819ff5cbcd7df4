/* sampler.c - see sampler.h
 *
 * The reader by procfs is there from the moment it is the rung in use; that by BPF comes with the
 * answer of its helper, and is replaced by a larger one when there are more threads than it has
 * room for. A rung that fails while it runs is given up for good. */
#include "sample/sampler.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/text.h"
#include "sample/bpf.h"
#include "sample/procfs.h"

enum { FIRST_RECORDS = 4096 };

typedef enum Load { LOAD_NONE, LOAD_DUE, LOAD_RUNNING } Load;

struct Sampler {
        SampleRung highest, rung;
        char reason[300];
        Load load;
        unsigned records; /* to be asked for */
        BpfReader *bpf;
        ProcfsReader *procfs;
};

static void explain(Sampler *sampler, const char *reason)
{
        (void)text_copy(sampler->reason, sizeof(sampler->reason), reason);
}

/* Without memory for the reader whole processes it is. */
static void use_procfs(Sampler *sampler, const char *reason)
{
        if (sampler->procfs || procfs_reader_new(&sampler->procfs) == 0) {
                sampler->rung = RUNG_PROCFS;
                explain(sampler, reason);
        } else {
                sampler->rung = RUNG_PROCESS;
                explain(sampler, "out of memory; threads are not sampled");
        }
}

int sampler_new(SampleRung highest, Sampler **ret)
{
        Sampler *sampler = calloc(1, sizeof(*sampler));

        if (!sampler)
                return -ENOMEM;
        sampler->highest = highest;
        sampler->records = FIRST_RECORDS;
        if (highest >= RUNG_ITERATOR) {
                sampler->load = LOAD_DUE;
                explain(sampler, "BPF is being loaded; threads are not sampled yet");
        } else if (highest == RUNG_PROCFS) {
                use_procfs(sampler, "as configured: files of /proc, kept open");
        } else {
                explain(sampler, "as configured: whole processes; threads are not sampled");
        }
        *ret = sampler;
        return 0;
}

Sampler *sampler_free(Sampler *sampler)
{
        if (!sampler)
                return NULL;
        bpf_reader_free(sampler->bpf);
        procfs_reader_free(sampler->procfs);
        free(sampler);
        return NULL;
}

SampleRung sampler_rung(const Sampler *sampler)
{
        return sampler->rung;
}

const char *sampler_reason(const Sampler *sampler)
{
        return sampler->reason;
}

uint64_t sampler_pass_usec(const Sampler *sampler)
{
        return sampler->rung == RUNG_PROCFS ? procfs_reader_pass_usec(sampler->procfs) : 0;
}

bool sampler_load_due(Sampler *sampler, SampleRung *ret_rung, unsigned *ret_records)
{
        if (sampler->load != LOAD_DUE)
                return false;
        sampler->load = LOAD_RUNNING;
        *ret_rung = sampler->highest;
        *ret_records = sampler->records;
        return true;
}

static void use_bpf(Sampler *sampler, SampleRung rung, const char *why_not_higher)
{
        char reason[300];

        if (why_not_higher[0])
                (void)snprintf(reason, sizeof(reason),
                               "a BPF iterator walks all threads of the machine: %.180s",
                               why_not_higher);
        else
                (void)snprintf(reason, sizeof(reason), "%s",
                               rung == RUNG_PROGRAM
                                       ? "a BPF program walks the threads of all workers at once"
                                       : "as configured: a BPF iterator walks all threads of the "
                                         "machine");
        sampler->rung = rung;
        sampler->procfs = procfs_reader_free(sampler->procfs);
        explain(sampler, reason);
}

static void fall_back(Sampler *sampler, const char *why)
{
        char reason[300];

        sampler->bpf = bpf_reader_free(sampler->bpf);
        (void)snprintf(reason, sizeof(reason), "files of /proc, kept open, since %.200s", why);
        use_procfs(sampler, reason);
}

void sampler_loaded(Sampler *sampler, int socket_fd, const char *trouble)
{
        BpfReader *fresh = NULL;
        Error error = { 0 };
        SampleRung rung;

        sampler->load = LOAD_NONE;
        if (trouble)
                (void)error_set(&error, -EIO, "bpf", "%s", trouble);
        else if (bpf_reader_take_over(socket_fd, &fresh, &rung, &error) == 0) {
                bpf_reader_free(sampler->bpf);
                sampler->bpf = fresh;
                use_bpf(sampler, rung, error.message);
                return;
        }
        if (!sampler->bpf) /* a smaller one than wanted is better than none */
                fall_back(sampler, error.message);
}

/* More threads than there is room for: a larger one is asked for, and this one used meanwhile. */
static void note_lack(Sampler *sampler)
{
        unsigned lacking = bpf_reader_lacking(sampler->bpf);

        if (lacking == 0 || sampler->load != LOAD_NONE || sampler->records >= SAMPLER_THREADS_MAX)
                return;
        while (sampler->records < lacking && sampler->records < SAMPLER_THREADS_MAX)
                sampler->records *= 2;
        sampler->load = LOAD_DUE;
}

static ssize_t take_by_bpf(Sampler *sampler, const SampleTarget *targets, size_t count,
                           uint64_t now_usec, SampleSink sink, void *userdata)
{
        ssize_t r = bpf_reader_take(sampler->bpf, targets, count, now_usec, sink, userdata);
        char reason[96];

        if (r == -ENOMEM || r == -EINTR)
                return r;
        if (r < 0) {
                (void)snprintf(reason, sizeof(reason), "BPF could not be run any more: %s",
                               strerror((int)-r));
                fall_back(sampler, reason);
                return r;
        }
        note_lack(sampler);
        return r;
}

ssize_t sampler_take(Sampler *sampler, const SampleTarget *targets, size_t count, uint64_t now_usec,
                     uint64_t budget_usec, SampleSink sink, void *userdata)
{
        switch (sampler->rung) {
        case RUNG_PROGRAM:
        case RUNG_ITERATOR: return take_by_bpf(sampler, targets, count, now_usec, sink, userdata);
        case RUNG_PROCFS:
                return procfs_reader_take(sampler->procfs, targets, count, now_usec, budget_usec,
                                          sink, userdata);
        case RUNG_PROCESS:
        case RUNG_COUNT: break;
        }
        return 0;
}
