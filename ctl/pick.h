/* pick.h - from targets on the command line to the pools and workers they mean */
#pragma once

#include "ctl/api.h"
#include "ctl/target.h"

/** pick_pools() - names of the pools that all words of the command line mean
 *  Plain names are taken as they are: whether they exist is told by what is done with them.
 *  Patterns and --all are looked up, and pass over reeve's own pools.
 *  @words, @count: POOL or patterns
 *  @ret: NULL-terminated, without doubles, for text_list_free()
 *  Return: 0; -EINVAL for no target or one that is no pool, -ENOENT when a pattern matches
 *  nothing, or what the API said */
int pick_pools(const Context *context, const char *const *words, size_t count, char ***ret,
               Error *reterr);

/** pick_workers() - workers that all words mean; every worker if there are none
 *  @fields: the members that are wanted, commas between; NULL or empty: all. Those that tell
 *  whether a word means a worker (pool, slot, pid) are there in any case
 *  @ret: {"items":[worker]}, a new reference
 *  Return: 0; -ENOENT when a word means no worker, with a sentence */
int pick_workers(const Context *context, const char *const *words, size_t count, const char *fields,
                 json_t **ret, Error *reterr);
