/* trim.h - memory that a big change took and nobody needs any more goes back to the system
 *
 * A start of 1,000 workers leaves holes in the heap of which malloc gives none back by itself. */
#pragma once

#include "engine/engine.h"

/** trim_later() - a change of so many steps has ended: tidy up when it has been quiet for a moment */
void trim_later(Engine *engine, unsigned steps);
void trim_close(Engine *engine);
