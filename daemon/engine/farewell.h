/* farewell.h - what is done a moment after a worker was asked to end
 *
 * A stop of 1,000 workers is as fast as what stands between one signal and the next. So the main
 * processes are told at once, and only then, when most are gone, the groups of those that are left are
 * read for others that need telling, a few a round and after the deaths that have come meanwhile. Likewise the
 * groups of those that are gone are removed when there is nothing else to do. */
#pragma once

#include "engine/engine.h"

/** farewell_open() - Return: 0, negative errno */
int farewell_open(Engine *engine);
void farewell_close(Engine *engine);

/** farewell_later() - what follows KillSignal= to the main process: should that be stopped it goes on
 *  to take it, and all others of the slot's family get it. A moment later; at once if there is no
 *  main process any more */
void farewell_later(Slot *slot);

/** farewell_forget() - nothing of it lives any more, or it was told otherwise */
void farewell_forget(Slot *slot);

/** farewell_tidy_soon() - a slot has left its group */
void farewell_tidy_soon(Engine *engine);
