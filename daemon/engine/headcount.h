/* headcount.h - keeps a pool's census true (model/census.h) */
#pragma once

#include "engine/slot.h"

/** headcount_note() - the slot may count for something else now: it is shown anew, its state,
 *  definition, wear or operation has changed */
void headcount_note(Slot *slot);

/** headcount_forget() - the slot goes */
void headcount_forget(Slot *slot);

/** headcount_renew() - the pool's grid, definition or operation has changed: each slot is noted */
void headcount_renew(Pool *pool);

/** headcount_check() - count anew whom somebody forgot to note, and report it. Only small pools are
 *  looked at: there it costs nothing, and a place where a note is missing shows there as well */
void headcount_check(Pool *pool);

/** headcount_of() - Return: how many slots of the pool have this trait */
unsigned headcount_of(const Pool *pool, CensusTrait trait);
