/* plain.h - a table for a pipe or a file: columns one below the other, nothing to look at twice
 *
 * libsmartcols asks of each character how wide it is, several times, which for a long list takes as
 * long as all the rest. Where no terminal limits the width and every character is one of ASCII, the
 * same text is had by counting bytes. */
#pragma once

#include <stdio.h>

#include "base/text.h"
#include "ctl/render.h"

typedef struct Plain {
        Text cells; /* row by row, each with its end */
        size_t widths[COLUMNS_MAX];
        size_t column_count, row_count;
} Plain;

/** plain_add_row() - the next row
 *  @cells: @plain->column_count texts, one after the other, each with its end
 *  Return: 1; 0 if a character is not of ASCII, or not printable: then it cannot be laid out here;
 *  -ENOMEM */
int plain_add_row(Plain *plain, const Text *cells);

/** plain_print() - the rows, two blanks between columns
 *  @is_headless: the first is left out; the columns are as wide as if it were there
 *  @flags: of each column; COLUMN_RIGHT is heeded */
void plain_print(const Plain *plain, const unsigned *flags, bool is_headless, FILE *out);

/** plain_done() - free what it holds */
void plain_done(Plain *plain);
#define AUTO_PLAIN CLEANUP(plain_done) Plain
