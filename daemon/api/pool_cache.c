/* pool_cache.c - see pool_cache.h */
#include "api/pool_cache.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"

PoolCacheRow *pool_cache_find(PoolCache *cache, const char *name, bool is_redacted, uint64_t number)
{
        uint32_t place = is_redacted;
        PoolCacheRow *row;

        for (const char *p = name; *p; p++)
                place = place * 31 + (unsigned char)*p;
        row = &cache->rows[place % POOL_CACHE_SIZE];
        if (row->text && row->number == number && row->is_redacted == is_redacted
            && text_equal(row->name, name))
                return row;
        /* Two pools at one place push each other out, which costs time and nothing else. */
        free(TAKE_PTR(row->text));
        (void)text_copy(row->name, sizeof(row->name), name);
        row->is_redacted = is_redacted;
        row->number = number;
        return row;
}

void pool_cache_done(PoolCache *cache)
{
        for (size_t i = 0; i < POOL_CACHE_SIZE; i++)
                free(TAKE_PTR(cache->rows[i].text));
}
