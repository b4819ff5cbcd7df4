/* textfile.h - the text of files that somebody else read
 *
 * Folders that only think (config) take text and never a path to open; folders that may open
 * (sys) fill these in. A file that is there but could not be read is in the list too, with the
 * reason, so that it is told in one place and never skipped in silence. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/cleanup.h"

typedef struct TextFile {
        char *path; /* shown in problems; its last parts say what it is */
        char *text; /* terminated; it may hold NUL bytes before its end. NULL: not read */
        size_t length;
        char *trouble;   /* NULL, or a sentence: why there is no text */
        bool is_control; /* written by the daemon (`reevectl scale`), not by a person */
} TextFile;

typedef struct ConfigInput {
        TextFile *files; /* in the order in which they apply: a pool's file before its drop-ins */
        size_t count;
} ConfigInput;

/** text_file_done() - free what @file holds */
static inline void text_file_done(TextFile *file)
{
        free(file->path);
        free(file->text);
        free(file->trouble);
        *file = (TextFile){ 0 };
}

/** config_input_done() - free all files; the list is empty afterwards */
static inline void config_input_done(ConfigInput *input)
{
        for (size_t i = 0; i < input->count; i++)
                text_file_done(&input->files[i]);
        free(input->files);
        *input = (ConfigInput){ 0 };
}

#define AUTO_CONFIG_INPUT CLEANUP(config_input_done) ConfigInput
