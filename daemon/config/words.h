/* words.h - a value as words, with systemd's quotes and escapes */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "config/draft.h"

typedef struct Word {
        char *text;     /* quotes and escapes resolved */
        size_t offset;  /* where it begins in the value */
        bool is_quoted; /* some of it stood in quotes or was escaped */
} Word;

typedef struct WordReader {
        const Assignment *at;
        size_t position;
} WordReader;

/** word_next() - the next word: "a b", 'a b' and a\ b are one; \n \t \s \x20 \040 \u20ac as in C
 *  An escape that means nothing keeps its backslash, with a warning, as in systemd.
 *  @word: is freed before it is filled
 *  Return: 1; 0 at the end; ALREADY_TOLD for an open quote or a zero byte; -ENOMEM */
int word_next(WordReader *reader, Word *word);

void word_done(Word *word);

#define AUTO_WORD CLEANUP(word_done) Word

/** word_next_plain() - the next word between blanks, nothing else has a meaning
 *  Return: 1; 0 at the end; -ENOMEM */
int word_next_plain(WordReader *reader, Word *word);
