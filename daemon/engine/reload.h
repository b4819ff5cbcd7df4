/* reload.h - another configuration takes the place of the one in force */
#pragma once

#include "engine/engine.h"

/** reload_apply() - read it again and move only what differs
 *  A broken file leaves everything as it is.
 *  @is_dry_run: only say what would happen
 *  @ret_summary: malloc'd sentence: per pool what changes and why; empty: nothing does
 *  Return: 0; negative errno with @reterr, nothing changed (but -ECANCELED: all but one pool) */
int reload_apply(Engine *engine, const char *actor, bool is_dry_run, char **ret_summary,
                 Error *reterr);

/** reload_warn() - show what a pool's configuration asks for and this host or version cannot
 *  give */
void reload_warn(Engine *engine, const PoolConfig *config);
