/* report.c - see report.h */
#include "engine/report.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static int shown_level = LOG_INFO;
static bool is_journal;

void report_init(int level)
{
        shown_level = level;
        is_journal = getenv("JOURNAL_STREAM") != NULL;
}

void report(int level, const char *format, ...)
{
        char line[1024];
        va_list arguments;
        int length = 0;

        if (level > shown_level)
                return;
        if (is_journal)
                length = snprintf(line, sizeof(line), "<%d>", level);
        va_start(arguments, format);
        length += vsnprintf(line + length, sizeof(line) - (size_t)length, format, arguments);
        va_end(arguments);
        if ((size_t)length >= sizeof(line) - 1)
                length = (int)sizeof(line) - 2;
        line[length] = '\n';
        /* One write a line, so that lines of children do not run into ours; if stderr is gone there
         * is nobody left to tell. */
        if (write(STDERR_FILENO, line, (size_t)length + 1) < 0)
                return;
}
