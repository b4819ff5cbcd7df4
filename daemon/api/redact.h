/* redact.h - command lines without their secrets, for those who may only look */
#pragma once

#include <stddef.h>

/** redact_command() - copy, replacing what follows words like password, token or key by ***
 *  "--password=x", "--password x", "TOKEN=x", "api_key:x" all lose their value; what is quoted or
 *  holds blanks loses at least its first word.
 *  Return: @buffer, always terminated */
char *redact_command(char *buffer, size_t size, const char *command);
