/* flights.h - slots whose process is on its way to exec (spawn_land())
 *
 * No descriptor tells when a child has executed. It does so within 0.2 ms as a rule, and is looked
 * for then, and less and less often if it hangs. */
#pragma once

#include "engine/engine.h"

/** flights_add() - this slot's child has been started; its landing becomes an event of the slot */
void flights_add(Slot *slot);

/** flights_land() - look whether it has landed; once its process was reaped it has
 *  Return: as spawn_land(); when that is not 0 the slot is none of ours any more */
int flights_land(Slot *slot);

void flights_close(Engine *engine);
