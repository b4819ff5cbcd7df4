/* live.h - workers of ThreadControl=live: their threads change in number while they run
 *
 * Such a worker gets memory in which it tells what its threads do (REEVE_TELEMETRY_FD) and a
 * socket by which it is asked for another number of them (REEVE_CONTROL_SOCKET). When only the
 * counts of a pool's definition change, a worker that is connected is asked instead of replaced:
 *
 *      more threads    at once, and no worker leaves the pool before the others have them
 *      fewer threads   once all workers of the new grid are ready
 *
 * One that does not answer or connect in time, or refuses, is replaced, as with
 * ThreadControl=replace. After a crash of reeved the worker connects again by itself, and its
 * memory is taken back from its main process. */
#pragma once

#include "engine/slot.h"
#include "sample/telemetry.h"

typedef struct Live Live;

/** live_begin() - what a worker is to take along; nothing unless its pool says live
 *  @environment: two variables are added
 *  @fd: the number that the descriptor will have in the worker
 *  @ret_fd: borrowed; -1: none
 *  Return: 0; negative errno with @reterr */
int live_begin(Slot *slot, char ***environment, int fd, int *ret_fd, Error *reterr);

/** live_adopt() - take back what a worker of an earlier reeved has
 *  @fd: the number of the descriptor in the worker
 *  What cannot be had is done without: the worker is seen by /proc, and replaced when it must be. */
void live_adopt(Slot *slot, int fd);

/** live_end() - its process is gone: what it had begun is counted as lost */
void live_end(Slot *slot);

/** live_forget() - the slot goes; Return: nothing, slot->live is NULL */
void live_forget(Slot *slot);

/** live_can_follow() - whether it would be asked, not replaced, for other counts */
bool live_can_follow(const Slot *slot);

/** live_is_following() - it has the pool's definition but for counts that it was, or will be, asked
 *  for: the plan leaves it alone */
bool live_is_following(const Slot *slot);

/** live_check() - ask whoever is to be asked; called by pool_reconcile() before it plans
 *  Return: whether workers are getting more threads, so that none may leave yet */
bool live_check(Pool *pool);

/** live_labels() - who of its threads works on what, by TID; Return: how many */
size_t live_labels(const Slot *slot, TelemetryLabel *ret_labels, size_t max);

/** live_sample() - read what it tells; called by the sampler */
void live_sample(Slot *slot);

/** live_describe() - the last reading, for the board */
void live_describe(const Slot *slot, BoardWorker *row);
