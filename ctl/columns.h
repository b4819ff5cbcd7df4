/* columns.h - the tables of pools and workers, shared by the verbs that show them */
#pragma once

#include "ctl/render.h"

/** FIELD_COLUMN() - define a column's @function: one field, written in the way of its kind */
#define FIELD_COLUMN(function, kind, path) \
        static void function(Text *cell, const json_t *item) \
        { \
                value_write_##kind(cell, item, path); \
        } \
        struct function##_needs_a_semicolon

extern const Column pool_columns[], worker_columns[], unwell_columns[];
extern const size_t pool_column_count, worker_column_count, unwell_column_count;

/** pool_write_name(), worker_write_name() - what -o name prints: "web", "web/0" */
void pool_write_name(Text *cell, const json_t *pool);
void worker_write_name(Text *cell, const json_t *worker);

/** pool_is_well() - whether all that is wanted of a pool is ready */
bool pool_is_well(const json_t *pool);

/** worker_is_well() - whether a worker is ready, or rests as it should */
bool worker_is_well(const json_t *worker);
