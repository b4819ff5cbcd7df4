/* launch.h - from a slot and its definition to a running process: the SpawnSpec is made here */
#pragma once

#include "engine/slot.h"

/** launch_slot() - begin a new life in @slot
 *  On success slot->process, instance and, if reeve-exec prepares it, status_fd are set.
 *  Return: 0; negative errno with @reterr, and nothing runs */
int launch_slot(Slot *slot, Error *reterr);

/** launch_open_log() - give the slot its log pipe and file, if its output goes there
 *  @pipe_fd_take: the pipe of an adopted worker, -1 afterwards; NULL: a new pipe
 *  Return: 0; negative errno with @reterr */
int launch_open_log(Slot *slot, int *pipe_fd_take, Error *reterr);

/** launch_lacks_right_for_nice(), launch_lacks_right_for_oom() - whether only a reeved that runs as
 *  root could give workers what the configuration asks for; it is left alone then */
bool launch_lacks_right_for_nice(const Engine *engine, const PoolConfig *config);
bool launch_lacks_right_for_oom(const Engine *engine, const PoolConfig *config);
