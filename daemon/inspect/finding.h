/* finding.h - what was found, told line by line to whoever makes JSON of it
 *
 * reeve-inspect runs as the worker's user, so what it writes may have been written by the worker:
 * reeve-api believes nothing of it but its form. A line is a letter, a name, and for values a tab
 * and the value; names are [a-z0-9_], and empty within lists.
 *
 *     {memory          an object begins          }     it ends
 *     [children        a list begins             ]     it ends
 *     nrss_bytes	4096   a whole number
 *     sexe	/bin/cat     a text; bytes below 0x20, 0x7f and \ stand as \xHH
 *     bdeleted	1        yes or no
 *     ?pss_bytes	why    it cannot be had, with the reason
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

void finding_open_object(FILE *out, const char *name);
void finding_close_object(FILE *out);
void finding_open_list(FILE *out, const char *name);
void finding_close_list(FILE *out);

void finding_number(FILE *out, const char *name, uint64_t value);
void finding_integer(FILE *out, const char *name, int64_t value);
void finding_text(FILE *out, const char *name, const char *value);
void finding_bytes(FILE *out, const char *name, const char *bytes, size_t length);
void finding_flag(FILE *out, const char *name, bool value);
void finding_none(FILE *out, const char *name, const char *reason);

/** finding_failed() - finding_none() with the reason why a file of the kernel was not read
 *  @error: negative errno */
void finding_failed(FILE *out, const char *name, int error);
