/* bpf_load.h - load the BPF programs and hand them over: what reeve-bpf does
 *
 * reeve-bpf is started as "reeve-bpf RUNG RECORDS" with a SOCK_SEQPACKET as descriptor 3 and sends
 * one BpfAnswer over it, with BPF_FDS descriptors if it loaded something. */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "config/config.h"

/* Of the descriptors in the answer. */
enum {
        BPF_FD_RUN, /* of the program, or the link of the iterator */
        BPF_FD_CONTROL,
        BPF_FD_RECORDS,
        BPF_FD_PIDS,
        BPF_FD_WANTED,
        BPF_FDS,
};

typedef struct BpfAnswer {
        uint32_t version; /* of this layout: reeved may have been upgraded meanwhile */
        uint32_t rung;    /* SampleRung that was loaded */
        uint32_t record_size, records;
        char reason[256]; /* why not the one that was asked for; empty: it is that one */
} BpfAnswer;

enum { BPF_ANSWER_VERSION = 1 };

/** bpf_load() - load @rung, or what comes next below it
 *  @records: how many threads there is to be room for
 *  @ret_fds: BPF_FDS of them, the caller's; kept alive by whoever holds them
 *  @reterr: filled as well on success if it is not the rung that was asked for
 *  Return: the SampleRung; negative errno */
int bpf_load(SampleRung rung, unsigned records, int *ret_fds, Error *reterr);
