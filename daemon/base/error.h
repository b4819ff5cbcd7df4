/* error.h - what went wrong, in words a person can act on
 *
 * Functions return a negative errno. Where a person will read the outcome they also fill an
 * Error: a stable code for programs and one sentence for people. An Error is filled by whoever
 * knows the cause, once, and passed up unchanged. */
#pragma once

#include <stdbool.h>

enum { ERROR_MESSAGE_SIZE = 400 };

typedef struct Error {
        const char *code; /* static, kebab-case, never NULL once set: "unknown-pool" */
        char message[ERROR_MESSAGE_SIZE];
} Error;

/** error_set() - fill an Error, if the caller wants one, and hand the errno back
 *  @reterr: may be NULL
 *  @r: negative errno to return
 *  @code: static string, see include/reeve/api.h for the stable ones
 *  Return: @r, so that "return error_set(...)" reads well */
int error_set(Error *reterr, int r, const char *code, const char *format, ...)
        __attribute__((format(printf, 4, 5)));

/** error_is_set() - whether @error was filled */
bool error_is_set(const Error *error);
