/* units.h - sizes, spans of time and counts as people write them
 *
 * Spellings are systemd's: "100ms", "1min 30s", "50M", "25%", "infinity". */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define USEC_PER_MSEC UINT64_C(1000)
#define USEC_PER_SEC  UINT64_C(1000000)
#define NSEC_PER_USEC UINT64_C(1000)
#define NSEC_PER_SEC  UINT64_C(1000000000)
#define USEC_INFINITY UINT64_MAX
#define SIZE_INFINITY UINT64_MAX

/** units_parse_span() - a span of time; a bare number is seconds, as in systemd
 *  Units: us usec ms msec s sec second(s) m min minute(s) h hr hour(s) d day(s) w week(s)
 *  Return: 0; -EINVAL if it is no span, -ERANGE if too long to be held */
int units_parse_span(const char *text, uint64_t *ret_usec);

/** units_parse_size() - bytes with an optional K M G T P (powers of 1024) or "infinity"
 *  Return: 0, -EINVAL, -ERANGE */
int units_parse_size(const char *text, uint64_t *ret_bytes);

/** units_parse_number() - decimal digits only, at most @max
 *  Return: 0; -EINVAL if not all digits, -ERANGE above @max */
int units_parse_number(const char *text, uint64_t max, uint64_t *ret_number);

/** units_parse_boolean() - yes/no, true/false, on/off, 1/0 in any case; Return: 0, -EINVAL */
int units_parse_boolean(const char *text, bool *ret_value);

/** units_format_span() - "1min 30s", two units at most, "0" for nothing, "infinity"
 *  Return: @buffer */
char *units_format_span(char *buffer, size_t size, uint64_t usec);

/** units_format_size() - "1.5M": at most four significant characters; Return: @buffer */
char *units_format_size(char *buffer, size_t size, uint64_t bytes);
