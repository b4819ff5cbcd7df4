/* request.h - what people write after `scale`, as bodies for the API */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "ctl/options.h"

typedef struct ScaleGrid {
        bool is_set;
        unsigned processes, threads, greenlets;
        bool has_greenlets;
} ScaleGrid;

/** scale_grid_parse() - "4x8" or "2x4x100"; Return: 0, -EINVAL */
int scale_grid_parse(const char *text, ScaleGrid *ret);

/** scale_body() - the body of PATCH /v1/pools/{pool}/scale
 *  @grid: counts written as a grid; they must not be given by options as well
 *  @ret: a new object
 *  Return: 0; -EINVAL with a sentence when nothing or contradicting things were asked for */
int scale_body(const Options *options, const ScaleGrid *grid, json_t **ret, Error *reterr);
