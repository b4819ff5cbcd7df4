/* reload.h - another configuration takes the place of the one in force */
#pragma once

#include "base/text.h"
#include "engine/engine.h"

typedef struct ReloadResult {
        Text summary; /* a sentence: per pool what changes and why; empty: nothing does */
        Text plan;    /* what becomes of each worker: see reload_plan.h */
} ReloadResult;

void reload_result_done(ReloadResult *result);

/** reload_apply() - read it again and move only what differs
 *  A broken file leaves everything as it is.
 *  @is_dry_run: only say what would happen
 *  @ret: zeroed; reload_result_done(), also on failure
 *  Return: 0; negative errno with @reterr, nothing changed (but -ECANCELED: all but one pool) */
int reload_apply(Engine *engine, const char *actor, bool is_dry_run, ReloadResult *ret,
                 Error *reterr);

/** reload_warn() - show what a pool's configuration asks for and this host or version cannot
 *  give */
void reload_warn(Engine *engine, const PoolConfig *config);
