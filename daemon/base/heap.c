/* heap.c - see heap.h */
#include "base/heap.h"

#include <errno.h>
#include <stdlib.h>

enum { FIRST_CAPACITY = 16 };

void heap_done(Heap *heap)
{
        for (size_t i = 0; i < heap->count; i++)
                heap->items[i]->place = 0;
        free(heap->items);
        *heap = (Heap){ 0 };
}

static void set(Heap *heap, size_t place, HeapItem *item)
{
        heap->items[place - 1] = item;
        item->place = place;
}

static uint64_t key_at(const Heap *heap, size_t place)
{
        return heap->items[place - 1]->key;
}

static void rise(Heap *heap, HeapItem *item)
{
        size_t place = item->place;

        for (; place > 1 && key_at(heap, place / 2) > item->key; place /= 2)
                set(heap, place, heap->items[place / 2 - 1]);
        set(heap, place, item);
}

static void sink(Heap *heap, HeapItem *item)
{
        size_t place = item->place;

        for (size_t child; (child = 2 * place) <= heap->count; place = child) {
                if (child < heap->count && key_at(heap, child + 1) < key_at(heap, child))
                        child++;
                if (key_at(heap, child) >= item->key)
                        break;
                set(heap, place, heap->items[child - 1]);
        }
        set(heap, place, item);
}

static int make_room(Heap *heap)
{
        size_t capacity = heap->capacity ? 2 * heap->capacity : FIRST_CAPACITY;
        HeapItem **items;

        if (heap->count < heap->capacity)
                return 0;
        items = realloc(heap->items, capacity * sizeof(HeapItem *));
        if (!items)
                return -ENOMEM;
        heap->items = items;
        heap->capacity = capacity;
        return 0;
}

int heap_put(Heap *heap, HeapItem *item, uint64_t key)
{
        if (item->place == 0) {
                int r = make_room(heap);

                if (r < 0)
                        return r;
                set(heap, ++heap->count, item);
        }
        item->key = key;
        rise(heap, item);
        sink(heap, item);
        return 0;
}

void heap_remove(Heap *heap, HeapItem *item)
{
        HeapItem *last;

        if (item->place == 0)
                return;
        last = heap->items[--heap->count];
        if (last != item) {
                set(heap, item->place, last);
                rise(heap, last);
                sink(heap, last);
        }
        item->place = 0;
}

HeapItem *heap_first(const Heap *heap)
{
        return heap->count > 0 ? heap->items[0] : NULL;
}
