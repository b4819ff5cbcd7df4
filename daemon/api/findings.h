/* findings.h - what reeve-inspect wrote, made JSON of (the lines: inspect/finding.h)
 *
 * It comes from a process of the worker's user and is believed in nothing but its form: what is out of
 * form ends the reading, open objects and lists are closed, and the rest counts as cut off. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "api/writer.h"

typedef struct Findings {
        const char *next, *end;
        char **members;   /* names of those that were written */
        char **kept;      /* paths and reasons that the writer still needs */
        bool is_redacted; /* arguments lose their secrets */
        bool is_whole;    /* the last line was reached */
} Findings;

/** findings_begin() - @text: borrowed until findings_done() */
void findings_begin(Findings *findings, const char *text, size_t length, bool is_redacted);
void findings_done(Findings *findings);
#define AUTO_FINDINGS CLEANUP(findings_done) Findings

/** findings_write() - all members that follow, into the object that is open; null ones with their reason
 *  The caller calls writer_unavailable() before findings_done(). */
void findings_write(Findings *findings, Writer *writer);

/** findings_take_text() - the next line if it is a text of that name
 *  Return: whether it was; @buffer holds it, cut to @size */
bool findings_take_text(Findings *findings, const char *name, char *buffer, size_t size);

/** findings_has() - whether a member of that name was written */
bool findings_has(const Findings *findings, const char *name);
