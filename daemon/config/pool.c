/* pool.c - the life of a Config and of its pools once they are built
 *
 * What a field owns and how it compares is known to its kind (keys.c), so nothing here names a
 * key: a new one is freed and compared without a change. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "config/draft.h"

PoolConfig *pool_config_ref(PoolConfig *pool)
{
        assert(pool->references > 0);
        pool->references++;
        return pool;
}

static void keys_clear(void *target, bool is_pool)
{
        const Key *key;

        for (size_t i = 0; (key = key_at(i)); i++)
                if (section_is_pools(key->shown.section) == is_pool)
                        key_clear(key, target);
}

PoolConfig *pool_config_unref(PoolConfig *pool)
{
        if (!pool)
                return NULL;
        assert(pool->references > 0);
        if (--pool->references > 0)
                return NULL;
        keys_clear(pool, true);
        free(pool->name);
        free(pool->path);
        free(pool);
        return NULL;
}

const char *pool_config_difference(const PoolConfig *a, const PoolConfig *b)
{
        const Key *key;

        for (size_t i = 0; (key = key_at(i)); i++)
                if (key->is_workers && !key_is_equal(key, a, b))
                        return key->shown.name;
        return NULL;
}

bool pool_config_same_worker(const PoolConfig *a, const PoolConfig *b)
{
        return text_equal(a->name, b->name) && !pool_config_difference(a, b);
}

unsigned share_of(Share share, unsigned count)
{
        if (!share.is_percent)
                return share.value;
        return (unsigned)(((uint64_t)count * share.value + 99) / 100);
}

Config *config_free(Config *config)
{
        if (!config)
                return NULL;
        for (size_t i = 0; i < config->pool_count; i++)
                (void)pool_config_unref(config->pools[i]);
        free(config->pools);
        keys_clear(config, false);
        free(config);
        return NULL;
}

PoolConfig *config_find(const Config *config, const char *name)
{
        size_t low = 0, high = config->pool_count;

        while (low < high) {
                size_t middle = low + (high - low) / 2;
                int order = strcmp(name, config->pools[middle]->name);

                if (order == 0)
                        return config->pools[middle];
                if (order < 0)
                        high = middle;
                else
                        low = middle + 1;
        }
        return NULL;
}
