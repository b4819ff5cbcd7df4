/* log_reader.h - the files of one slot, read as if they were one
 *
 * They come newest first, are rotated and compressed while they are read, and may be large: the
 * search for the last lines goes backwards in steps, so that nobody waits for it. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "api/unpack.h"
#include "board/control.h"

typedef struct LogReader {
        int fds[CONTROL_LOG_FILES]; /* oldest first; fds[0] is the one being read */
        unsigned count;
        off_t end;      /* where the newest file ended when it was opened */
        bool has_end;   /* and so does what is read */
        off_t position; /* in fds[0], unless it is packed */
        Unpack *unpack; /* of fds[0] where it is packed and has been begun */
        bool is_packed; /* fds[0] is: known once it has been begun */
        bool is_begun;

        /* the search for where to begin */
        uint64_t lines_left;
        unsigned scan_file; /* index, counted down */
        off_t scan_end;     /* what lies before it has not been looked at */
        bool is_scanning, has_seen_end;
        Unpack *scan_unpack; /* packed files are searched forwards: first all newlines are counted */
        uint64_t newlines;   /* seen in it */
        uint64_t skip_newlines; /* then it is read again, up to this one; 0: still counting */
        bool has_bytes, ends_with_newline;
} LogReader;

#define LOG_LINES_ALL UINT64_MAX

/** log_reader_open() - take over the files of a slot
 *  @fds: newest first; taken
 *  @lines: begin so many lines before the end; LOG_LINES_ALL: at the beginning */
void log_reader_open(LogReader *reader, const int *fds, size_t count, uint64_t lines);

/** log_reader_scan() - search on; Return: 1 if the place is found, 0 to be called again */
int log_reader_scan(LogReader *reader);

/** log_reader_reopen() - the files were rotated: go on in the new ones where the old one ends
 *  If the present file is no longer among them, what lies between is lost and the oldest is next.
 *  @fds: newest first; taken */
void log_reader_reopen(LogReader *reader, const int *fds, size_t count);

/** log_reader_follow() - from now on read what is written after the files were opened, too
 *  Until then the newest ends where it ended then: who writes faster than it is read would keep a
 *  reader for ever, and give one who asked for two lines thousands. */
void log_reader_follow(LogReader *reader);

/** log_reader_read() - Return: bytes; 0 at the end of the newest file; negative errno */
ssize_t log_reader_read(LogReader *reader, char *buffer, size_t size);

/** log_reader_has_more() - whether read would give anything now */
bool log_reader_has_more(const LogReader *reader);

void log_reader_done(LogReader *reader);
