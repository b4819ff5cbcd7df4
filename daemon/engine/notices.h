/* notices.h - what workers say by sd_notify, turned into events */
#pragma once

#include "engine/pool.h"

/** notices_open() - bind the pool's notify socket and watch it; Return: 0, negative errno */
int notices_open(Pool *pool, Error *reterr);
void notices_close(Pool *pool);

/** notices_are_waiting() - whether there are words of workers that have not been read yet */
bool notices_are_waiting(const Pool *pool);
