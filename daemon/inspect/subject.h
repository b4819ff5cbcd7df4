/* subject.h - the process that is looked at, held by its folder in /proc
 *
 * A PID may be another process a moment later; a descriptor of its folder cannot: once the process is
 * gone everything below it says ESRCH. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sys/fd.h"

enum { SUBJECT_FILE_MAX = 1 << 20 };

typedef struct Subject {
        pid_t pid;
        int fd; /* /proc/PID */
} Subject;

#define SUBJECT_UNSET ((Subject){ .fd = -1 })

/** subject_open() - @start_ticks: that it must have begun at
 *  Return: 0; -ESRCH if it is gone or another one; other negative errno */
int subject_open(pid_t pid, uint64_t start_ticks, Subject *ret);

static inline void subject_close(Subject *subject)
{
        subject->fd = fd_close(subject->fd);
}
#define AUTO_SUBJECT CLEANUP(subject_close) Subject

/** subject_read() - a whole file of its folder, terminated; Return: 0, negative errno */
int subject_read(const Subject *subject, const char *name, char **ret_text, size_t *ret_length);

/** subject_link() - where a link of its folder leads, cut to @size; Return: length, negative errno */
ssize_t subject_link(const Subject *subject, const char *name, char *buffer, size_t size);

/** field_find() - the value behind "Name:" at the beginning of a line of @text
 *  Return: its first character behind blanks; NULL if there is none */
const char *field_find(const char *text, const char *name);

/** field_number() - @base: as of strtoull(); Return: whether there is a number behind that name */
bool field_number(const char *text, const char *name, int base, uint64_t *ret);
