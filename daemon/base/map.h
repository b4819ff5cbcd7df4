/* map.h - unsigned 64-bit keys to pointers
 *
 * Open addressing with linear probing. The map owns neither keys nor values. Names of pools are
 * few and live in sorted arrays; what needs a map is "whose is this PID", asked at every death. */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct MapEntry {
        uint64_t key;
        void *value; /* NULL: free place */
} MapEntry;

typedef struct Map {
        MapEntry *entries;
        size_t capacity; /* power of two, or 0 */
        size_t count;
} Map;

/** map_done() - free the table; values are the caller's */
void map_done(Map *map);

/** map_get() - Return: the value of @key, NULL if there is none */
void *map_get(const Map *map, uint64_t key);

/** map_put() - set @key to @value (not NULL), replacing what was there
 *  Return: 0; -ENOMEM, the map unchanged */
int map_put(Map *map, uint64_t key, void *value);

/** map_reserve() - room for one more, so that the next map_put() cannot fail
 *  Return: 0; -ENOMEM, the map unchanged */
int map_reserve(Map *map);

/** map_remove() - Return: the value that @key had, NULL if there was none */
void *map_remove(Map *map, uint64_t key);
