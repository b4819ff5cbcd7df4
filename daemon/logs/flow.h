/* flow.h - output that goes line by line: dressed into a file, or as entries to the journal
 * (inside logs/ only)
 *
 * Bytes leave the pipe only after they were written or sent, so a crash in between repeats lines
 * and loses none. The part of a line whose end has not come waits in the pipe: the pipe is
 * watched edge-triggered, or it would be readable all the time.
 *
 * A journald that is absent, restarted or stuck holds up no worker: after JOURNAL_PATIENCE_USEC
 * without progress the lines go to the slot's file, with the time before each, and the journal is
 * tried again once in JOURNAL_RETRY_USEC. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "logs/capture.h"
#include "logs/file.h"
#include "logs/journal.h"
#include "logs/lines.h"

#define JOURNAL_PATIENCE_USEC (100 * UINT64_C(1000))
#define JOURNAL_RETRY_USEC    UINT64_C(1000000)

typedef struct LineFlow {
        LineWriter writer;
        LineStyle style;
        LogFile *file; /* borrowed */
        bool to_journal, has_journal;
        bool is_fallback;        /* the journal takes nothing: lines go to the file */
        bool is_stuck;           /* it takes nothing now, and may soon */
        uint64_t stuck_usec;     /* CLOCK_MONOTONIC, since when; 0: it is not */
        uint64_t retry_usec;     /* when it is tried again */
        uint64_t fallback_lines; /* that went to the file instead */
        JournalOrigin origin;

        uint64_t rate_interval_usec; /* 0: no limit */
        unsigned rate_burst;
        uint64_t window_usec; /* CLOCK_MONOTONIC, begin of the present interval */
        unsigned window_lines;
        uint64_t suppressed_lines, untold_lines; /* all, and those not told in the log yet */
        char pool[64], instance[48];
} LineFlow;

/** flow_is_needed() - whether these settings look at lines at all */
bool flow_is_needed(const LogSettings *settings);

/** flow_init() - Return: 0, negative errno */
int flow_init(LineFlow *flow, const LogSettings *settings, LogFile *file);
void flow_done(LineFlow *flow);

/** flow_set() - take over what may change at run time: stamp, format, rate */
void flow_set(LineFlow *flow, const LogStyle *style);

/** flow_set_life() - who writes from now on */
void flow_set_life(LineFlow *flow, pid_t pid, const char *instance);

/** flow_move() - take lines out of the pipe, from one look at it
 *  @length: look at no more
 *  @is_final: do not wait for a journal that is stuck
 *  Return: bytes taken; 0 if there is no whole line, or the journal is stuck; negative errno */
ssize_t flow_move(LineFlow *flow, int pipe_fd, size_t length, LineRest rest, bool is_final);
