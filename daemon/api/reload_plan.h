/* reload_plan.h - what a reload does to each worker, from reeved's lines to JSON */
#pragma once

#include "api/writer.h"

/** reload_plan_show() - the members "state", "plan" and "operations"
 *  @fd: what came with the reply; -1: there are no pools: the lists are empty */
void reload_plan_show(Writer *writer, int fd);
