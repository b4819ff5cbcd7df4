/* name.h - how the files of a pool's log folder are called
 *
 * SLOT.log is being written; SLOT.log.1 (newest) to SLOT.log.N were put aside, and have .gz at
 * their end when they are compressed. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct LogName {
        char text[48];
} LogName;

typedef struct LogNumber {
        unsigned slot, number; /* number 0: the current file */
        bool is_packed;
} LogNumber;

/** log_name() - @number: 0 is the current file, which is never packed */
LogName log_name(unsigned slot, unsigned number, bool is_packed);

/** log_name_parse() - Return: whether @text is the name of a log file */
bool log_name_parse(const char *text, LogNumber *ret);

/** log_name_of_packing() - what the compressed content of file @inode is called before it takes its
 *  place */
LogName log_name_of_packing(uint64_t inode);

/** log_name_is_packing() - Return: whether @text is such a name */
bool log_name_is_packing(const char *text);
