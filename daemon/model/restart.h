/* restart.h - whether and when an ended worker is started again */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/worker.h"

/** restart_is_wanted() - Restart= applied to how the process ended (systemd.service(5), table 2)
 *  A clean end is exit code 0 or one of SIGHUP, SIGINT, SIGTERM, SIGPIPE. */
bool restart_is_wanted(RestartMode mode, const WorkerExit *exit);

/** exit_is_clean() - as above */
bool exit_is_clean(const WorkerExit *exit);

/** restart_delay_usec() - RestartSec x 2^(failures-1), at most RestartMaxDelaySec (but never less
 *  than RestartSec: a long RestartSec alone means what it says), less up to a
 *  quarter of itself at random so that many do not come back at once
 *  @failures_in_row: from 1 */
uint64_t restart_delay_usec(const PoolConfig *policy, unsigned failures_in_row, uint64_t random);

/** start_limit_allows() - count one start against StartLimitBurst in StartLimitIntervalSec
 *  Return: false if this start would be one too many (not counted then) */
bool start_limit_allows(Worker *worker, const PoolConfig *policy, uint64_t now_usec);
