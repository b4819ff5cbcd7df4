/* environment.h - the words and variables that a worker is started with (no system calls but
 * reading EnvironmentFile=) */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "config/config.h"

typedef struct WorkerVariables {
        const char *pool;
        unsigned slot, threads, greenlets; /* greenlets 0: none */
        const char *instance;
        const char *notify_socket;       /* path */
        uint64_t watchdog_usec;          /* 0: none */
        const char *home, *user, *shell; /* of User=, NULL: not set */
} WorkerVariables;

/** environment_build() - PATH, HOME, LANG.., then Environment=, EnvironmentFile=, then ours
 *  The daemon's own environment is not passed on, as in systemd, but for PATH, LANG and TZ.
 *  EnvironmentFile= is parsed as in systemd: NAME=value lines, '#' and ';' comments, quotes.
 *  @ret: NULL-terminated list, text_list_free()
 *  Return: 0; negative errno with @reterr ("pool web: EnvironmentFile=/x: No such file ...") */
int environment_build(const PoolConfig *config, const WorkerVariables *variables, char ***ret,
                      Error *reterr);

/** command_expand() - ${NAME} within words, $NAME as a word of its own (split at blanks), $$
 *  Variables come from @environment; unset ones are empty, as in systemd.
 *  @ret: NULL-terminated list, text_list_free()
 *  Return: 0; -ENOMEM; -EINVAL if nothing is left to execute */
int command_expand(char *const *words, char *const *environment, char ***ret);
