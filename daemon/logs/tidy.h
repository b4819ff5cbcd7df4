/* tidy.h - what becomes of files that were put aside: compressed, and removed beyond a limit
 *
 * Both need reads of unbounded length, so a short-lived helper does them (pack-main.c): it looks at
 * the folder, compresses files under names of their own, and proposes steps. Only reeved, which
 * alone gives the files their names, takes the steps: a file is known by its inode, so that a
 * rotation meanwhile changes nothing but the number under which it is found. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "logs/name.h"

typedef enum TidyKind {
        TIDY_REPLACE = 1, /* by its compressed content, which is complete and on the disk */
        TIDY_REMOVE,
} TidyKind;

typedef struct TidyStep {
        uint32_t kind, slot;
        uint32_t number; /* which it had then; it may have grown since */
        uint32_t padding;
        uint64_t inode, bytes; /* a file of another size is left alone */
} TidyStep;

enum {
        TIDY_STEPS_MAX = 128,   /* of one run of the helper */
        TIDY_REPLACE_MAX = 4,   /* so that what is done shows soon */
        TIDY_NUMBER_MAX = 1001, /* no slot has more files: the limit of MaxFiles= */
        TIDY_DIRECTORY_FD = 3,  /* where the helper finds the folder; steps go to its output */
};

typedef struct TidyFile {
        LogNumber name;
        uint64_t inode, bytes; /* that it takes, once compressed if it was just now */
        uint64_t written_usec; /* last, CLOCK_REALTIME */
        uint64_t plain_bytes;  /* of the file as it lies there */
} TidyFile;

/** tidy_plan_removals() - the oldest files that were put aside, until the rest fits
 *  @files: sorted here, oldest first
 *  @ret: room for @max; Return: how many */
size_t tidy_plan_removals(TidyFile *files, size_t count, uint64_t limit_bytes, TidyStep *ret,
                          size_t max);

/** tidy_apply() - take the steps, each of which may have become pointless
 *  Return: how many were taken */
size_t tidy_apply(int directory_fd, const TidyStep *steps, size_t count);
