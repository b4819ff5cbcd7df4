/* arena.h - memory for the JSON of a program that shows one answer and ends */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/** arena_use() - from now on jansson's memory is taken from one region and never given back
 *
 *  Values from before may still be let go of. Once the region is full, or if there is none,
 *  memory is malloc's, as without this call. */
void arena_use(void);

/** arena_alloc(), arena_free() - what jansson is given; the first aligns as malloc does */
void *arena_alloc(size_t size);
void arena_free(void *pointer);

/** arena_has() - whether @pointer lies in the region */
bool arena_has(const void *pointer);
