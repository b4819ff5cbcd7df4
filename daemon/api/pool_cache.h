/* pool_cache.h - the texts of pools, kept until the board changes
 *
 * Autoscalers and dashboards ask for the same pool many times a second, and the board changes
 * about once. A text depends on the role, since command lines are redacted for `view`. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "board/layout.h"

enum { POOL_CACHE_SIZE = 64 };

typedef struct PoolCacheRow {
        char name[BOARD_NAME_SIZE];
        bool is_redacted;
        uint64_t number; /* of the snapshot it was made from */
        char *text;
        size_t length;
} PoolCacheRow;

typedef struct PoolCache {
        PoolCacheRow rows[POOL_CACHE_SIZE];
} PoolCache;

/** pool_cache_find() - Return: the row, whose text is NULL if it is not there */
PoolCacheRow *pool_cache_find(PoolCache *cache, const char *name, bool is_redacted,
                              uint64_t number);

void pool_cache_done(PoolCache *cache);
