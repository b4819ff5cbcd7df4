/* definition.h - what a worker is started from
 *
 * A pool's configuration together with the counts that reach the process and what was looked up
 * for it. Numbered within its pool: a worker whose definition is not the pool's present one is
 * outdated. A rollback returns to the old object and with it to the old number. */
#pragma once

#include "base/error.h"
#include "config/config.h"
#include "model/grid.h"
#include "spawn/spawn.h"

/* Who User= and Group= are; shared by all definitions that follow from one look-up. */
typedef struct Account {
        unsigned references;
        SpawnIdentity identity;
        Error error; /* set: nothing can be started as it */
} Account;

typedef struct Definition {
        unsigned references;
        unsigned number;
        unsigned life; /* number of the first of those that differ in counts alone */
        PoolConfig *config;
        unsigned threads, greenlets;
        Account *account;
} Definition;

/** definition_new() - looks up User= and Group= (may block: never from a handler's hot path)
 *  A failed look-up is not fatal: it is kept and becomes the reason why no worker starts.
 *  @ignore_identity: not root: nobody else can be become
 *  Return: new object with one reference, NULL without memory */
Definition *definition_new(PoolConfig *config, unsigned number, const Grid *grid,
                           bool ignore_identity);

/** definition_derive() - the same lookup, other counts, the same life; Return: NULL without memory */
Definition *definition_derive(const Definition *definition, unsigned number, const Grid *grid);

/** definition_renew() - a configuration that means the same to the process, but perhaps not to the
 *  policy: it counts at once for all that runs from this definition */
void definition_renew(Definition *definition, PoolConfig *config);

/** definition_has_say() - whether a worker's readiness is more than that its command runs */
static inline bool definition_has_say(const Definition *definition)
{
        return definition->config->type == SERVICE_NOTIFY
               || definition->config->probe != PROBE_NONE;
}

Definition *definition_ref(Definition *definition);
Definition *definition_unref(Definition *definition);
DEFINE_AUTO(Definition, definition_unref);
