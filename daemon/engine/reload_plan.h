/* reload_plan.h - what another configuration means to each worker, told before it is taken
 *
 * A line a worker, fields separated by tabs, for reeve-api to make JSON of:
 *     worker POOL SLOT PID ACTION REASON      SLOT and PID "-" where there is none
 *     operation POOL ID                       what the reload began
 * ACTION is keep, start, restart or stop. */
#pragma once

#include "base/text.h"
#include "engine/pool.h"

/** reload_plan_write() - one line for each worker there is or will be; nothing is changed */
void reload_plan_write(const Engine *engine, const Config *config, Text *plan);

/** reload_plan_describe() - the same for people, in one sentence; pools that stay are left out */
void reload_plan_describe(const Engine *engine, const Config *config, Text *text);

/** reload_plan_operations() - the changes that run and were begun after operation @last */
void reload_plan_operations(const Engine *engine, uint64_t last, Text *plan);
