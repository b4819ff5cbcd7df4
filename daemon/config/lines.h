/* lines.h - the text of a file as logical lines, in systemd's syntax */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "base/textfile.h"
#include "config/config.h"

/* One physical line's part of a logical line: where it begins in both. */
typedef struct LinePart {
        size_t offset;      /* in the logical line */
        const char *source; /* in the file's text, behind the blanks it begins with */
        unsigned line, column;
} LinePart;

typedef struct LogicalLine {
        Text text;       /* without comments and continuation marks, blanks stripped */
        LinePart *parts; /* in order; at least one once a line was read */
        size_t part_count, part_capacity;
        bool is_too_long; /* longer than CONFIG_LINE_MAX: the text is cut */
} LogicalLine;

typedef struct LineReader {
        const TextFile *file;
        size_t position;
        unsigned line; /* of what was read last */
} LineReader;

/** line_reader_check() - whether @file is text: UTF-8 without NUL bytes and other controls
 *  What is not is told to @problems, at its line and column, as @kind.
 *  Return: 0; -EINVAL if it is not text */
int line_reader_check(const TextFile *file, const char *pool, ProblemList *problems);

/** line_reader_next() - the next line that says something
 *  Blank lines and comments are passed over; a backslash at the end joins the next line with a
 *  blank in its place.
 *  Return: 1; 0 at the end; -ENOMEM */
int line_reader_next(LineReader *reader, LogicalLine *line);

void logical_line_done(LogicalLine *line);

#define AUTO_LINE CLEANUP(logical_line_done) LogicalLine

/** logical_line_place() - line and column of the byte at @offset of @line, columns in characters
 *  An offset past the end means the end. */
void logical_line_place(const LogicalLine *line, size_t offset, unsigned *ret_line,
                        unsigned *ret_column);
