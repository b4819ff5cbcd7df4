/* log_text.h - what workers wrote, made fit for who reads it
 *
 * Text (sanitized, with the slot before each line where several are mixed), events, or the bytes
 * as they are. Lines are put together here: a block may end in the midst of one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

typedef enum LogForm { LOG_TEXT, LOG_EVENTS, LOG_RAW } LogForm;

typedef struct LogLine {
        uint32_t slot;
        char *bytes; /* of a line whose end has not come; allocated with the first of them */
        size_t length;
        bool has_begun; /* a piece of this line was given out already */
} LogLine;

typedef struct LogStyle {
        LogForm form;
        bool has_prefix; /* "SLOT | " before each line */
} LogStyle;

enum { LOG_PIECE_MAX = 16 * 1024 }; /* longer lines are given out in pieces */

/** log_text_add() - turn a block of output into text
 *  Return: 0, -ENOMEM (also left in @text) */
int log_text_add(LogLine *line, const LogStyle *style, const char *bytes, size_t length,
                 Text *text);

/** log_text_flush() - give out the line that has no end yet
 *  @is_final: no more will come of it: where lines matter, it gets an end */
int log_text_flush(LogLine *line, const LogStyle *style, bool is_final, Text *text);

void log_line_done(LogLine *line);
