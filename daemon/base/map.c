/* map.c - see map.h */
#include "base/map.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

enum { MAP_FIRST_CAPACITY = 64 };

/* Fibonacci hashing: consecutive PIDs, the usual keys, land far apart. */
static size_t map_home(uint64_t key, size_t capacity)
{
        return (size_t)((key * UINT64_C(0x9E3779B97F4A7C15)) >> 32) & (capacity - 1);
}

static MapEntry *map_find(const Map *map, uint64_t key)
{
        size_t i = map_home(key, map->capacity);

        while (map->entries[i].value && map->entries[i].key != key)
                i = (i + 1) & (map->capacity - 1);
        return &map->entries[i];
}

static int map_grow(Map *map)
{
        Map bigger = { .capacity = map->capacity ? map->capacity * 2 : MAP_FIRST_CAPACITY };

        bigger.entries = calloc(bigger.capacity, sizeof(MapEntry));
        if (!bigger.entries)
                return -ENOMEM;
        for (size_t i = 0; i < map->capacity; i++)
                if (map->entries[i].value)
                        *map_find(&bigger, map->entries[i].key) = map->entries[i];
        bigger.count = map->count;
        free(map->entries);
        *map = bigger;
        return 0;
}

void map_done(Map *map)
{
        free(map->entries);
        *map = (Map){ 0 };
}

void *map_get(const Map *map, uint64_t key)
{
        return map->capacity ? map_find(map, key)->value : NULL;
}

int map_reserve(Map *map)
{
        /* At most three quarters full, so that a probe stays short and always ends. */
        return map->count + 1 > map->capacity / 4 * 3 ? map_grow(map) : 0;
}

int map_put(Map *map, uint64_t key, void *value)
{
        MapEntry *entry;
        int r = map_reserve(map);

        assert(value);
        if (r < 0)
                return r;
        entry = map_find(map, key);
        map->count += !entry->value;
        *entry = (MapEntry){ .key = key, .value = value };
        return 0;
}

void *map_remove(Map *map, uint64_t key)
{
        MapEntry *entry;
        void *value;
        size_t hole;

        if (!map->capacity)
                return NULL;
        entry = map_find(map, key);
        value = entry->value;
        if (!value)
                return NULL;
        /* Close the gap: whoever probed past the hole moves back into it. */
        hole = (size_t)(entry - map->entries);
        for (size_t i = (hole + 1) & (map->capacity - 1); map->entries[i].value;
             i = (i + 1) & (map->capacity - 1)) {
                size_t home = map_home(map->entries[i].key, map->capacity);

                if (((i - home) & (map->capacity - 1)) < ((i - hole) & (map->capacity - 1)))
                        continue;
                map->entries[hole] = map->entries[i];
                hole = i;
        }
        map->entries[hole] = (MapEntry){ 0 };
        map->count--;
        return value;
}
