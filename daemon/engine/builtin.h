/* builtin.h - configurations that no file gives: reeve-api's, and that of pools whose file is gone */
#pragma once

#include "config/config.h"

/** builtin_config() - one process, restarted for ever, with the defaults of a *.pool file else
 *  @user: NULL: as we are
 *  Return: one reference, NULL without memory */
PoolConfig *builtin_config(const char *name, const char *description, const char *command,
                           const char *user);
