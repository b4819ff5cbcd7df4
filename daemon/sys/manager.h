/* manager.h - systemd, where it runs: asking it for a scope of our own
 *
 * The calls wait for an answer, so they belong into a process that may wait. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct ManagerScope {
        const char *name;  /* "reeved-workers.scope" */
        const char *slice; /* that it lies in: "system.slice" */
        const char *unit;  /* that it is to outlive at shutdown: "reeved.service" */
        bool is_user;      /* of the user's manager, not the system's */
} ManagerScope;

/** manager_is_running() - whether this machine was booted with systemd */
bool manager_is_running(void);

/** manager_make_scope() - make a delegated scope that holds the calling process
 *  Such a scope (systemd.scope(5)) is a cgroup that systemd leaves to us, with all controllers
 *  that it has; it lives as long as a process in it does.
 *  @deadline_usec: CLOCK_MONOTONIC
 *  Return: 0, we are in it; -EEXIST: there is a unit of that name, which may be about to go;
 *  -ETIMEDOUT, other negative errno; always with @reterr, code "no-scope" */
int manager_make_scope(const ManagerScope *scope, uint64_t deadline_usec, Error *reterr);
