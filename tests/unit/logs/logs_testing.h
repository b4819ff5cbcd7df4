/* logs_testing.h - a log folder of its own for each test, and workers that write to it */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <cmocka.h>

#include "logs/capture.h"

typedef struct Fixture {
        char directory[64];
        int directory_fd; /* of pool "web" */
        LogSettings settings;
        LogCapture *capture;
} Fixture;

/** fixture_open() - a temp folder and a capture of slot 3 in it */
void fixture_open(Fixture *fixture, uint64_t max_bytes, unsigned max_files);

/** fixture_open_in() - the same in an existing folder, which is removed at the end too */
void fixture_open_in(Fixture *fixture, const char *directory, uint64_t max_bytes,
                     unsigned max_files);
void fixture_done(Fixture *fixture);

/** fixture_write() - a worker's write, from this process; it must fit the pipe */
void fixture_write(Fixture *fixture, const void *bytes, size_t length);

/** fixture_move() - move until nothing waits; Return: whether the state of dropping changed */
bool fixture_move(Fixture *fixture);

/** fixture_run() - fork a worker, capture what it writes until it has ended
 *  @work: gets the writing descriptor; its return value is the exit status */
void fixture_run(Fixture *fixture, int (*work)(int fd));

/** fixture_pump() - capture until the process ends, then what is left; it must end with 0 */
void fixture_pump(Fixture *fixture, pid_t pid);

/** fixture_close_capture() - free it, so that all is in the files */
void fixture_close_capture(Fixture *fixture);

/** fixture_read() - content of file @number (0 is the current one), NULL if there is none
 *  @ret_length: may be NULL. Return: malloc'd and terminated */
char *fixture_read(const Fixture *fixture, unsigned number, size_t *ret_length);

/** fixture_read_all() - all files, oldest first, as one; each but the last must end a line
 *  @ret_files: how many there are */
char *fixture_read_all(const Fixture *fixture, size_t *ret_length, unsigned *ret_files);

/** numbered lines of varying length, in buffered pieces that end anywhere */
int write_numbered_lines(int fd, unsigned first, unsigned count);
/** check_numbered_lines() - all of them, once, in order, whole, and nothing else */
void check_numbered_lines(const char *text, size_t length, unsigned count);
