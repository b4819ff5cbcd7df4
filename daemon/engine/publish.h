/* publish.h - the model, shown on the board; events and warnings */
#pragma once

#include "engine/pool.h"

/** publish_open() - make the board; Return: 0, negative errno with @reterr */
int publish_open(Engine *engine, const ProblemList *problems, Error *reterr);
void publish_close(Engine *engine);

void publish_daemon(Engine *engine);

/** publish_sampler() - which rung of the ladder runs, and why */
void publish_sampler(Engine *engine, const char *name, const char *reason);

/** publish_reserve_threads() - make the board larger if it has not room for so many */
void publish_reserve_threads(Engine *engine, size_t count);

/** publish_cpus() - count the processors that workers can use */
void publish_cpus(Engine *engine);
void publish_pool(const Pool *pool);
void publish_slot(Slot *slot);
void publish_operation(Engine *engine, const BoardOperation *row);

/** publish_take_row() - a free worker row for @slot, the board grown if needed
 *  Return: 0, negative errno */
int publish_take_row(Engine *engine, Slot *slot);
void publish_drop_row(Engine *engine, Slot *slot);

/** publish_take_pool_row(), publish_drop_pool_row() - the same for a pool */
int publish_take_pool_row(Engine *engine, Pool *pool);
void publish_drop_pool_row(Engine *engine, Pool *pool);

/** publish_event() - append to the ring and tell reeve-api
 *  @pool, @slot, @actor: may be NULL
 *  @...: pairs of key and value (strings), ended by NULL */
void publish_event(Engine *engine, EventType type, const Pool *pool, const Slot *slot,
                   const char *actor, ...) __attribute__((sentinel));

/** publish_warning() - show a sentence in status until it is cleared; the same one only once
 *  @pool: name, "" for the daemon */
void publish_warning(Engine *engine, const char *pool, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/** publish_drop_warning() - it is true no more; the words must be the same */
void publish_drop_warning(Engine *engine, const char *pool, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/** publish_clear_warnings() - forget those of one pool */
void publish_clear_warnings(Engine *engine, const char *pool);
