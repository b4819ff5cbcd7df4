/* refresh.h - workers that read their own configuration anew: ReloadSignal= and ExecReload=
 *
 * No process is replaced. Each ready worker is sent the signal, or the command runs beside it, a few
 * at a time; the first that ends, fails or takes longer than TimeoutStartSec= ends the operation,
 * and those behind it are left as they are. With Type=notify a worker that says RELOADING=1 is
 * waited for until it says READY=1. */
#pragma once

#include "engine/change.h"

/** refresh_is_possible() - whether the pool's file says how */
bool refresh_is_possible(const Pool *pool);

/** refresh_begin() - begin the operation; Return: 0, negative errno with @reterr */
int refresh_begin(Pool *pool, const ChangeRequest *request, ChangeOutcome *ret, Error *reterr);

/** refresh_check() - go on with it; called by operation_check() */
void refresh_check(Pool *pool);

/** refresh_stop() - it is over, however it went: what still runs beside workers is ended */
void refresh_stop(Pool *pool);

/** refresh_forget() - the worker is no more */
void refresh_forget(Slot *slot);
