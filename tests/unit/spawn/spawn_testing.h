/* spawn_testing.h - starting the fixture and reading what it says */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "spawn/spawn.h"

typedef struct Trial {
        SpawnHost host;
        SpawnSpec spec;
        char *command[8];
        char *environment[8];
        Spawned spawned;
        Error error;
        int output; /* what it writes to 1 and 2 */
        char text[32768];
        size_t length;
} Trial;

/** trial_init() - a spec for "fixture WORD WORD" that changes nothing; words end with NULL */
void trial_init(Trial *trial, const char *first, const char *second);

/** trial_begin() - spawn with a pipe for its output; Return: what spawn_process() returned */
int trial_begin(Trial *trial);

/** trial_start() - the same, and it has landed; Return: also the failure of a step before exec */
int trial_start(Trial *trial);

/** trial_settle() - wait for what reeve-exec says; Return: as spawn_read_status(), never 0 */
int trial_settle(Trial *trial);

/** trial_read_all() - until nobody holds the pipe any more */
void trial_read_all(Trial *trial);

/** trial_read_line() - one more line; Return: it, without its end */
const char *trial_read_line(Trial *trial);

/** trial_wait() - reap it; Return: exit status, 1000 + signal if it was killed */
int trial_wait(Trial *trial);

/** trial_run() - start, settle, read all, and expect exit status 0 */
void trial_run(Trial *trial);

/** trial_value() - what the fixture said of @key; fails if it did not
 *  Return: static buffer, overwritten by the next call */
const char *trial_value(const Trial *trial, const char *key);
bool trial_has(const Trial *trial, const char *line);

void trial_done(Trial *trial);
