/* threads.h - threads of the board, for board.c (inside board/ only) */
#pragma once

/** threads_copy() - carry the last whole round over into a board that is at least as large */
void threads_copy(void *memory_to, const void *memory_from);
