/* lines.h - output taken apart into lines, and lines dressed with time and origin
 *
 * Pure: bytes and the time go in, bytes come out. A line that is longer than LINE_PIECE_MAX is
 * given in pieces, so that one without an end needs no memory. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "config/config.h"

/* What an escaped piece may grow to (six bytes for one), with all that stands around it. */
enum { LINE_PIECE_MAX = 32 * 1024, LINE_OUT_MAX = 6 * LINE_PIECE_MAX + 1024 };

/* What becomes of the bytes behind the last newline. */
typedef enum LineRest {
        REST_WAITS, /* for its end to come */
        REST_GOES,  /* as a piece of a line: there is no room to wait in */
        REST_ENDS,  /* as a line: no more will come of it */
} LineRest;

typedef struct LinePiece {
        const char *bytes;
        size_t length; /* without the newline */
        size_t taken;  /* with it */
        bool has_end;
} LinePiece;

/** line_next() - the next line or piece of one at the beginning of @bytes
 *  No piece ends in the midst of a character. Return: false if there is none to be had yet */
bool line_next(const char *bytes, size_t length, LineRest rest, LinePiece *ret);

/* Whose output it is, and how it is shown. Texts are borrowed. */
typedef struct LineStyle {
        LogStamp stamp;
        LogFormat format;
        const char *pool, *stream;
        unsigned slot;
        pid_t pid; /* 0: not known */
} LineStyle;

typedef struct LineWriter {
        LineStyle style;
        bool is_mid_line; /* the last piece had no end: the next one needs no head */

        /* The head of a line is the same for all lines of one moment. */
        uint64_t head_usec; /* 0: none is made yet */
        char head[320];
        size_t head_length;
        int64_t second; /* of which `date` and `zone` are */
        char date[24], zone[8];
} LineWriter;

/** line_writer_set() - lines are dressed so from now on */
void line_writer_set(LineWriter *writer, const LineStyle *style);

/** line_writer_put() - dress one piece
 *  @now_usec: CLOCK_REALTIME, when it was read
 *  @out: room for LINE_OUT_MAX; Return: bytes written */
size_t line_writer_put(LineWriter *writer, const LinePiece *piece, uint64_t now_usec, char *out);

/** line_priority() - "<3>text" is text of priority 3, as in sd-daemon(3)
 *  @priority: of lines that do not say; Return: 0 (emerg) to 7 (debug); the mark is cut off */
int line_priority(LinePiece *piece, int priority);
