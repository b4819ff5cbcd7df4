/* heap.h - what comes first: items by a number, the smallest on top
 *
 * A binary heap of pointers to items that their owners embed: nothing is allocated per item, and
 * whoever holds the item can move or remove it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct HeapItem {
        uint64_t key;
        size_t place; /* in the heap, from 1; 0: in none. All zero is an item in none. */
} HeapItem;

typedef struct Heap {
        HeapItem **items;
        size_t capacity, count;
} Heap;

/** heap_done() - free the table; items are the caller's, and no longer in it */
void heap_done(Heap *heap);

/** heap_put() - the item is in the heap by @key, moved there if it was in it by another
 *  Return: 0; -ENOMEM, nothing changed: never for an item that is in it already */
int heap_put(Heap *heap, HeapItem *item, uint64_t key);

/** heap_remove() - take it out; nothing if it is not in */
void heap_remove(Heap *heap, HeapItem *item);

/** heap_first() - Return: the item with the smallest key, any one of equals; NULL if empty */
HeapItem *heap_first(const Heap *heap);
