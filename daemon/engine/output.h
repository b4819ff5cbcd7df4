/* output.h - where a slot's output goes: captured by us, or handed straight to the worker
 *
 * Standard output and standard error each go to log, journal, null or append:PATH. What goes to
 * log or journal runs through a pipe of the slot's; both through one where both go to the same
 * place. A file of append:PATH is opened for each start and is the worker's own then: reeve sees
 * nothing of it, neither rotates nor stamps it. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "logs/capture.h"

typedef struct Slot Slot;
typedef struct Pool Pool;

typedef struct Stream {
        LogCapture *capture; /* NULL: nothing of it runs through us */
        Slot *slot;          /* whose it is */
        const char *label;   /* "stdout", "stderr", or "both" */
        bool to_journal;
} Stream;

enum { STREAM_OUT, STREAM_ERR, STREAM_COUNT };

typedef struct SlotOutput {
        Stream streams[STREAM_COUNT];
} SlotOutput;

/** output_open() - descriptors for a worker that starts, with the captures behind them
 *  @ret_fds: of standard output and error, the caller's to close; -1: /dev/null; the second may be
 *  the first
 *  Return: 0; negative errno with @reterr */
int output_open(Slot *slot, int ret_fds[STREAM_COUNT], Error *reterr);

/** output_take() - there is something in the stream's pipe: write it out */
void output_take(Stream *stream);

/** output_close_fds() - what output_open() gave */
void output_close_fds(int fds[STREAM_COUNT]);

/** output_adopt() - capture the pipes that a living worker writes to
 *  @inodes: of the pipes as output_inode() told them, 0: it has none
 *  Return: 0; negative errno with @reterr */
int output_adopt(Slot *slot, pid_t pid, const uint64_t inodes[STREAM_COUNT], Error *reterr);

/** output_inode() - of the pipe of a stream; 0: it has none of its own */
uint64_t output_inode(const Slot *slot, unsigned stream);

/** output_begin_life(), output_end_life() - the slot's process is there, or is gone */
void output_begin_life(Slot *slot);
void output_end_life(Slot *slot);

/** output_drop() - what is in the pipes is written out, then pipes and files are closed */
void output_drop(Slot *slot);

/** output_take_config() - the pool's limits and style have changed */
void output_take_config(Pool *pool);

/** output_reopen() - all files of the pool are opened anew, by their names, with the next byte */
void output_reopen(Pool *pool);

/** output_counters() - of both streams; Return: whether anything is captured */
bool output_counters(const Slot *slot, LogCounters *ret);

/** output_place() - "the journal (journalctl REEVE_POOL=web)": where output goes that is not in
 *  reeve's files; empty if any of it is; Return: @buffer */
char *output_place(const Pool *pool, char *buffer, size_t size);
