/* outcome.h - what a verb came to, as an exit code
 *
 * Errors carry a code: one of the API's (include/reeve/api.h) or one of reevectl's own below.
 * The table here is the only place that turns codes into exit codes. */
#pragma once

#include "base/error.h"
#include "reeve/api.h"

#define OUTCOME_FAILED      "failed"
#define OUTCOME_USAGE       "usage"
#define OUTCOME_NOT_RUNNING "not-running"
#define OUTCOME_TIMED_OUT   "timed-out"
#define OUTCOME_UNREACHABLE "unreachable"
#define OUTCOME_INTERRUPTED "interrupted"
#define OUTCOME_PARTLY      "partly"
#define OUTCOME_BROKEN_PIPE "broken-pipe" /* our reader left: nobody to complain to */

enum { EXIT_INTERRUPTED = 130 }; /* 128 + SIGINT, as shells say it */

/** outcome_exit() - Return: the exit code of an error's code; REEVE_EXIT_FAILED if unknown */
int outcome_exit(const char *code);

/** outcome_code() - Return: the static spelling of @code; that of @status if @code is unknown */
const char *outcome_code(const char *code, int status);

/** outcome_merge() - one exit code for several targets
 *  @so_far: of the targets before, negative: this is the first
 *  Return: the common code, REEVE_EXIT_PARTLY when some succeeded and some did not, else the
 *  first failure */
int outcome_merge(int so_far, int next);
