/* launch.h - from a slot and its definition to a running process: the SpawnSpec is made here */
#pragma once

#include "engine/slot.h"

/** launch_extra_fd() - the number that a descriptor behind the listeners has in a worker */
int launch_extra_fd(const Slot *slot);

/** launch_slot() - begin a new life in @slot
 *  On success slot->process, instance and, if reeve-exec prepares it, status_fd are set.
 *  Return: 0; negative errno with @reterr, and nothing runs */
int launch_slot(Slot *slot, Error *reterr);

/** launch_aide() - run a command as the worker's user, with its environment and REEVE_PID, beside it
 *  @family: what it brings forth; of family_new_within()
 *  @is_logged: its output joins the worker's; else it goes to /dev/null
 *  @ret: owned by the caller
 *  Return: 0; negative errno with @reterr, and nothing runs */
int launch_aide(Slot *slot, char *const *command, Family *family, bool is_logged, Spawned *ret,
                Error *reterr);

/** launch_expand() - replace the variables of the worker in @text
 *  @ret: malloc'd
 *  Return: 0; negative errno with @reterr */
int launch_expand(const Slot *slot, const char *text, char **ret, Error *reterr);

/** launch_lacks_right_for_nice(), launch_lacks_right_for_oom() - whether only a reeved that runs as
 *  root could give workers what the configuration asks for; it is left alone then */
bool launch_lacks_right_for_nice(const Engine *engine, const PoolConfig *config);
bool launch_lacks_right_for_oom(const Engine *engine, const PoolConfig *config);
