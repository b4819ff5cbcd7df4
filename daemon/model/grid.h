/* grid.h - the shape of a pool: P processes of T threads (of G greenlets)
 *
 * Arithmetic of shapes only: parse and print "4x8", convert between the axes at constant
 * concurrency, cut to limits, and turn what a person asked for into the shape that follows. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct Grid {
        unsigned processes, threads;
        unsigned greenlets; /* per thread; 0: the pool uses none */
} Grid;

typedef struct GridLimits {
        unsigned processes_min, processes_max, threads_min, threads_max;
} GridLimits;

/* What was asked for. Several may be given at once where that makes sense ("-p 4 -t 8"). */
typedef enum ScaleVerb {
        SCALE_SET = 1,      /* absolute and relative counts */
        SCALE_TO_PROCESSES, /* P x T becomes (P*T) x 1 */
        SCALE_TO_THREADS,   /* P x T becomes 1 x (P*T) */
        SCALE_TOTAL,        /* keep the shape, change the product */
        SCALE_RESET,        /* back to Processes= and Threads= of the file */
} ScaleVerb;

typedef struct ScaleRequest {
        ScaleVerb verb;
        bool has_processes, has_threads, has_greenlets;
        bool is_processes_relative, is_threads_relative;
        int64_t processes, threads, greenlets; /* relative ones are signed */
        uint64_t total;
} ScaleRequest;

enum { GRID_COUNT_MAX = 65536, GRID_CUTS_MAX = 3, GRID_CUT_SIZE = 120 };

typedef struct GridChange {
        Grid from, to;
        char cuts[GRID_CUTS_MAX][GRID_CUT_SIZE]; /* sentences: what was cut to the limits */
        unsigned cut_count;
} GridChange;

/** grid_parse() - "4x8" or "2x4x100"; Return: 0, -EINVAL, -ERANGE above GRID_COUNT_MAX */
int grid_parse(const char *text, Grid *ret);

/** grid_format() - "4x8", with greenlets "2x4x100"; Return: @buffer */
char *grid_format(char *buffer, size_t size, const Grid *grid);

bool grid_equal(const Grid *a, const Grid *b);

/** grid_clamp() - Return: @grid, each count brought within the limits */
Grid grid_clamp(const Grid *grid, const GridLimits *limits);

/** grid_change_plan() - the grid that follows from a request
 *  A total keeps the threads and changes the processes where that meets it exactly; else it takes
 *  the grid within the limits whose product comes nearest from below, and among equal ones the
 *  shape that is nearest to the present one.
 *  Counts given explicitly that lie outside the limits are refused; derived ones are cut and
 *  the cut is told in @ret.
 *  @original: Processes= and Threads= of the file, for SCALE_RESET
 *  @reterr: code over-limit or invalid
 *  Return: 0; -ERANGE when refused, -EINVAL for a request that makes no sense */
int grid_change_plan(const Grid *now, const Grid *original, const GridLimits *limits,
                     const ScaleRequest *request, GridChange *ret, Error *reterr);
