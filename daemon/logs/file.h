/* file.h - the current log file of a slot and its rotated predecessors (inside logs/ only)
 *
 * We are the only writer and keep the offset ourselves: splice refuses files opened to append.
 * The file is opened when there is something to write: to open it costs a start a third of what
 * the fork does, and most workers say nothing then. Who truncates or removes it behind our back
 * is noticed by log_file_refresh(). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

typedef struct LogFile {
        unsigned references;
        int directory_fd; /* borrowed */
        unsigned slot;
        uint64_t max_bytes;
        unsigned max_files;
        uint64_t max_age_usec; /* 0: any */
        gid_t group;
        uint64_t rotate_usec; /* CLOCK_MONOTONIC, when it is too old; USEC_INFINITY: never */
        uint64_t rotations;
        int fd; /* -1: not open yet, or not any more */
        uint64_t size;
        uint64_t number; /* another one for each file that is begun */
} LogFile;

/** log_file_new() - a file that is not open yet; Return: NULL without memory */
LogFile *log_file_new(int directory_fd, unsigned slot, gid_t group);
LogFile *log_file_ref(LogFile *file);
LogFile *log_file_unref(LogFile *file);

/** log_file_close() - the next refresh opens it anew, by its name */
void log_file_close(LogFile *file);

/** log_file_refresh() - open the file if it is not yet, and see what others did to it: follow a
 *  truncation, and make a new one if it was removed
 *  Return: 0; negative errno if it cannot be written to now */
int log_file_refresh(LogFile *file);

/** log_file_room() - bytes until it is full */
uint64_t log_file_room(const LogFile *file);

/** log_file_is_old() - whether its age wants a new file */
bool log_file_is_old(LogFile *file, uint64_t now_usec);

/** log_file_set_age() - after a reload; 0: any age */
void log_file_set_age(LogFile *file, uint64_t max_age_usec);

/** log_file_rotate() - SLOT.log becomes SLOT.log.1 and so on, and a new one is begun
 *  Return: 0; negative errno with the old file still current; it may be tried again */
int log_file_rotate(LogFile *file);

/** log_file_move() - from the pipe to the end of the file, at most @length bytes, at least 1
 *  Return: how many, which may be less but not 0; negative errno */
ssize_t log_file_move(LogFile *file, int pipe_fd, size_t length);

/** log_file_at_line_start() - whether the file is empty or ends with a newline */
bool log_file_at_line_start(const LogFile *file);

/** log_file_write() - append text of ours, wholly or not at all; Return: 0, negative errno */
int log_file_write(LogFile *file, const char *text, size_t length);
