/* pace.h - SpawnRate=: at most so many starts a second, over all pools
 *
 * A start that comes too early waits its turn; the slot is `spawning` meanwhile. Starts that are
 * not wanted any more when their turn comes cost none. */
#pragma once

#include "engine/slot.h"

/** pace_take() - Return: true to start now; false: slot_launch() will be called in its turn */
bool pace_take(Slot *slot);

/** pace_reset() - the rate may be another one: look at once */
void pace_reset(Engine *engine);

/** pace_forget() - the slot waits for its turn no more */
void pace_forget(Slot *slot);
