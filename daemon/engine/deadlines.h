/* deadlines.h - when each slot is due next, all behind one timer of the loop
 *
 * A source of sd-event takes 300 bytes, an item of the heap 24, and a thousand workers are to cost
 * little while nothing happens. */
#pragma once

#include "engine/slot.h"

/** deadlines_open() - Return: 0; negative errno */
int deadlines_open(Engine *engine);

/** deadlines_close() - once no slot is left */
void deadlines_close(Engine *engine);

/** deadline_set() - slot_due() is called at that time, once; any earlier wish is forgotten
 *  @usec: CLOCK_MONOTONIC
 *  Return: 0; -ENOMEM, it keeps what it had */
int deadline_set(Slot *slot, uint64_t usec);

/** deadline_clear() - it is not called; nothing if no time was set */
void deadline_clear(Slot *slot);
