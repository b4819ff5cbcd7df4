/* render.h - tables, JSON and names on the standard output
 *
 * A verb describes its table once, as columns that each know how to write a cell from one item
 * of the API; what is shown of it, how wide and in which colours is settled here. */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "ctl/context.h"
#include "ctl/value.h"

typedef enum ColumnFlag {
        COLUMN_WIDE = 1 << 0,  /* only with -o wide or when named in --columns */
        COLUMN_RIGHT = 1 << 1, /* a number */
        COLUMN_STATE = 1 << 2, /* a state: coloured by what it means */
        COLUMN_CUT = 1 << 3,   /* gives way first where the terminal is narrow */
} ColumnFlag;

typedef struct Column {
        const char *name; /* in capitals */
        unsigned flags;
        void (*write)(Text *cell, const json_t *item);
        const char *field; /* the one member of the item that it reads; NULL: several */
} Column;

enum { COLUMNS_MAX = 32 };

/** render_fields() - which members of the items the output will show
 *  Reading and parsing what is not shown would be most of the work of a long list.
 *  @ret: names with commas between, for fields=; empty: all of them
 *  Return: 0; -EINVAL for a bad --columns, -ENOMEM, with a sentence in @reterr */
int render_fields(const Context *context, const Column *columns, size_t count, Text *ret,
                  Error *reterr);

/** render_table() - an array of items as a table; nothing for an empty one
 *  Return: 0; -EINVAL for a bad --columns, -ENOMEM, with a sentence in @reterr */
int render_table(const Context *context, const Column *columns, size_t count, const json_t *items,
                 Error *reterr);

/** render_json() - @value, indented, with a newline */
int render_json(const Context *context, const json_t *value, Error *reterr);

/** render_json_line() - @value on one line */
int render_json_line(const Context *context, const json_t *value, Error *reterr);

/** render_pairs() - one item as "NAME: value" lines, one for each column; unknown ones left out */
void render_pairs(const Context *context, const Column *columns, size_t count, const json_t *item);

/** render_list() - a list of the API in the wanted format
 *  @list: {"items":[...]}, printed as it is for json
 *  @write_name: what -o name prints of an item
 *  Return: as render_table() */
int render_list(const Context *context, const Column *columns, size_t count, const json_t *list,
                void (*write_name)(Text *cell, const json_t *item), Error *reterr);

/** render_colour() - Return: name of the colour of a state for libsmartcols, NULL for plain */
const char *render_colour(const char *state);
