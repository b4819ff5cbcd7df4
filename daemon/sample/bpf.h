/* bpf.h - the two upper rungs: run what reeve-bpf has loaded, and read its records
 *
 * Only bpf(2) itself is used here, no library. */
#pragma once

#include "base/error.h"
#include "sample/sampler.h"

typedef struct BpfReader BpfReader;

/** bpf_reader_take_over() - from the answer of reeve-bpf
 *  It is tried on ourselves first: what does not see its own thread is not used.
 *  @socket_fd: non-blocking
 *  Return: 0 with the reader, its rung, and in @reterr why it is not a higher one (or empty);
 *  negative errno with @reterr */
int bpf_reader_take_over(int socket_fd, BpfReader **ret, SampleRung *ret_rung, Error *reterr);

/** bpf_reader_free() - Return: NULL */
BpfReader *bpf_reader_free(BpfReader *reader);
DEFINE_AUTO(BpfReader, bpf_reader_free);

/** bpf_reader_take() - as sampler_take()
 *  Return: threads given to @sink; negative errno */
ssize_t bpf_reader_take(BpfReader *reader, const SampleTarget *targets, size_t count,
                        uint64_t now_usec, SampleSink sink, void *userdata);

/** bpf_reader_lacking() - Return: records that the last take would have needed, if there was no
 *  room for all; else 0 */
unsigned bpf_reader_lacking(const BpfReader *reader);

struct BpfRecord;

/** bpf_sample_from() - pure, apart from the length of a tick */
void bpf_sample_from(const struct BpfRecord *record, uint64_t now_usec, Sample *ret);
