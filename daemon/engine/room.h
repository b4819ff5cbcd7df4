/* room.h - is there the memory for another grid?
 *
 * Asked before a change is begun, so that one that cannot fit starts nothing. The need is told from
 * what the pool's ready workers take at that moment (sample/memory_use.h, of a few of them), and
 * compared with MemoryBudget= and with what machine and groups have left (sys/memory.h). The first
 * is for the grid alone, the second for all that is there at the change's height: new workers while
 * the old ones serve, stand-ins included. */
#pragma once

#include "engine/pool.h"

/** room_check() - measure, fill the memory_... fields of @row, and judge
 *  @is_redefined: the change gives workers other counts
 *  What cannot be known refuses nothing: no worker was ever ready, the kernel does not say.
 *  Return: 0; -ERANGE ("over-limit"), -ENOSPC ("no-room") with @reterr */
int room_check(Pool *pool, const Grid *to, bool is_redefined, BoardOperation *row, Error *reterr);
