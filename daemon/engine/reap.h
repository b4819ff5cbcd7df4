/* reap.h - deaths: of workers, of what they leave behind, and of strangers
 *
 * One SIGCHLD may stand for many deaths. All are collected first, then told, so that in descent
 * mode one look at our children serves them all. As a subreaper, and as PID 1, we also inherit
 * children of others: they are reaped and otherwise ignored. */
#pragma once

#include "engine/slot.h"

/** reap_open() - watch SIGCHLD (blocked before) and the families; Return: 0, negative errno */
int reap_open(Engine *engine);

/** reap_adopted() - the pidfd of a process that is not our child became readable */
void reap_adopted(Slot *slot);

/** reap_linger() - the main process is gone, others of the slot are not: ask again after the next
 *  death */
void reap_linger(Slot *slot);

/** reap_forget() - nobody of the slot is waited for any more */
void reap_forget(Slot *slot);
