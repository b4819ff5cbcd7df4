/* procfs.h - the rung that needs no rights: files of /proc/PID/task/TID, kept open
 *
 * schedstat tells whether a thread has run since it was last looked at. One that has not is as it
 * was, and costs no more than that one read; of one that has, stat and the system call are read,
 * and in turn the switches from status, which is the longest of them. The files are kept open as
 * far as the limit of descriptors allows, and opened each time beyond. */
#pragma once

#include "sample/sampler.h"

typedef struct ProcfsReader ProcfsReader;

/** procfs_reader_new() - Return: 0, -ENOMEM */
int procfs_reader_new(ProcfsReader **ret);

/** procfs_reader_free() - Return: NULL */
ProcfsReader *procfs_reader_free(ProcfsReader *reader);
DEFINE_AUTO(ProcfsReader, procfs_reader_free);

/** procfs_reader_take() - as sampler_take()
 *  Return: threads given to @sink; -ENOMEM */
ssize_t procfs_reader_take(ProcfsReader *reader, const SampleTarget *targets, size_t count,
                           uint64_t now_usec, uint64_t budget_usec, SampleSink sink,
                           void *userdata);

/** procfs_reader_pass_usec() - how long it took last to come round to every thread; 0: one take */
uint64_t procfs_reader_pass_usec(const ProcfsReader *reader);
