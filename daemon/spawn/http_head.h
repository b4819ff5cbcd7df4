/* http_head.h - the head of an HTTP/1.x response, as far as a probe wants to know it (pure) */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/** http_head_parse() - the status line and the fields up to the empty line
 *  Lines end with CRLF or LF alone. Interim responses (100 to 199) are told like others: parse on
 *  behind them.
 *  @bytes: @length bytes as they came, any bytes at all
 *  @ret_status: 100..999
 *  Return: length of the head with its empty line; 0 if it is not complete yet; -EBADMSG if this
 *  never becomes one, whatever follows
 *  Source: RFC 9112, sections 2 to 5 */
ssize_t http_head_parse(const char *bytes, size_t length, unsigned *ret_status);
