/* hangup.h - SIGHUP: reload the configuration; many in a short time are few reloads */
#pragma once

#include "engine/engine.h"

/** hangup_take() - one came: at once, or, shortly after the last one, once for all that come */
void hangup_take(Engine *engine);
