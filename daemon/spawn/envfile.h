/* envfile.h - the text of EnvironmentFile=, as systemd reads it (systemd.exec(5)) */
#pragma once

#include <stddef.h>

/** envfile_parse() - read NAME=value lines; pure
 *  Comments begin with '#' or ';' at the start of a line. Values may be quoted, singly (verbatim)
 *  or doubly (a backslash before " \ ` $ keeps that character), over several lines; unquoted
 *  ones end with the line, without trailing blanks; a backslash before the newline joins lines.
 *  Lines without '=' and names that are none are left out, as systemd does.
 *  @set: called for each assignment in turn; a negative result ends the reading
 *  Return: 0; -EINVAL if the text holds NUL or no UTF-8; -ENOMEM; what @set returned */
int envfile_parse(const char *text, size_t length,
                  int (*set)(const char *name, const char *value, void *userdata), void *userdata);

/** envfile_is_name() - [A-Za-z_][A-Za-z0-9_]*, of @length bytes */
int envfile_is_name(const char *name, size_t length);
