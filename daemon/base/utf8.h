/* utf8.h - bytes of unknown origin made fit for JSON, terminals and pages
 *
 * Names of processes and threads, status texts and log lines are written by workers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/** utf8_sequence() - length of the valid UTF-8 character at @bytes (RFC 3629, section 4)
 *  Return: 1..4; 0 if the bytes are no valid character or end too early */
size_t utf8_sequence(const unsigned char *bytes, size_t length);

/** utf8_is_valid() - whether all @length bytes are UTF-8 */
bool utf8_is_valid(const char *bytes, size_t length);

/** utf8_sanitize() - copy, replacing what is not UTF-8 by U+FFFD and control characters by '?'
 *  Controls: C0, DEL, C1, and the bidirectional overrides that turn text around on a screen
 *  (U+202A..U+202E, U+2066..U+2069); tab stays.
 *  @buffer: always terminated; output is cut at a character's edge
 *  Return: bytes written without the terminator */
size_t utf8_sanitize(char *buffer, size_t size, const char *bytes, size_t length);
