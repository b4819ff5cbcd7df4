/* array.h - arrays that grow by doubling */
#pragma once

#include <stddef.h>

/** array_room() - room for one more item behind @count of them
 *  @capacity: items there is room for; raised if need be
 *  @size: of one item
 *  Return: the array, elsewhere perhaps; NULL without memory, and the old one stays */
void *array_room(void *items, size_t count, size_t *capacity, size_t size);
