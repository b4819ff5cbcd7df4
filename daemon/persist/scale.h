/* scale.h - the scale that a person set, kept across restarts of reeved
 *
 * One drop-in a pool, STATE/control/POOL.pool.d/50-scale.conf, in the syntax of the pool's own
 * file, so that `reevectl check` and people read it the same way. It lies apart from the
 * configuration folder, which belongs to the administrator. */
#pragma once

#include "base/error.h"
#include "engine/pool.h"

/** scale_keep() - write the pool's grid, or remove the file once the scale was reset
 *  @control_dir: STATE/control
 *  Return: 0; negative errno with @reterr */
int scale_keep(const char *control_dir, const Pool *pool, Error *reterr);

/** scale_load() - the kept grid of one pool
 *  @with_control: configuration parsed with the kept scales on top
 *  Return: 1 and the grid; 0 if none is kept */
int scale_load(const Config *with_control, const char *pool, Grid *ret);
