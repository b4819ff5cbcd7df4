/* redact.h - command lines without their secrets, for those who may only look */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/** redact_shown() - how much of one word may be shown; the rest is ***
 *  @is_value: in: whether the word before announced it as a secret; out: whether this one does
 *  Return: @length if it holds none */
size_t redact_shown(bool *is_value, const char *word, size_t length);

/** redact_command() - copy, replacing what follows words like password, token or key by ***
 *  "--password=x", "--password x", "TOKEN=x", "api_key:x" all lose their value; what is quoted or
 *  holds blanks loses at least its first word.
 *  Return: @buffer, always terminated */
char *redact_command(char *buffer, size_t size, const char *command);
