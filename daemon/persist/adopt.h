/* adopt.h - from the state file to adopted workers, and from the engine to the state file */
#pragma once

#include "engine/engine.h"
#include "persist/state.h"

/** adopt_collect() - what of the engine must be kept
 *  @ret: state_done() it
 *  Return: 0, -ENOMEM */
int adopt_collect(const Engine *engine, KeptState *ret);

/** adopt_wait_for_face() - an earlier reeve-api ends when its reeved does; until then it may hold
 *  the TCP port that we want. Waits a second at most, before the loop runs. */
void adopt_wait_for_face(const KeptState *state);

/** adopt_all() - take back every worker of @state that still lives
 *  Workers of pools that have no file any more are stopped.
 *  Return: number of workers adopted */
size_t adopt_all(Engine *engine, const KeptState *state);
