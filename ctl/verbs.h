/* verbs.h - the verbs of reevectl, one function each; main.c has the table
 *
 * Each prints to context->out, complains to context->err and returns an exit code of
 * include/reeve/api.h. */
#pragma once

#include "ctl/context.h"

int verb_status(const Context *context);
int verb_pools(const Context *context);
int verb_ps(const Context *context);
int verb_threads(const Context *context);
int verb_stack(const Context *context);
int verb_show(const Context *context);
int verb_scale(const Context *context);
int verb_start(const Context *context);
int verb_stop(const Context *context);
int verb_restart(const Context *context);
int verb_reset_failed(const Context *context);
int verb_rollback(const Context *context);
int pools_reload(const Context *context);     /* of verb_reload(), for pools that are named */
int life_reopen_logs(const Context *context); /* logs --reopen */
int verb_reload(const Context *context);
int verb_graph(const Context *context);
int verb_kill(const Context *context);
int verb_logs(const Context *context);
int verb_events(const Context *context);
int verb_check(const Context *context);
int verb_import(const Context *context);
int verb_init(const Context *context);
int verb_doctor(const Context *context);
int verb_wait(const Context *context);
