/* aide.h - a short-lived command beside a worker: a probe, a dump
 *
 * It runs as the worker's user with the worker's environment, REEVE_INSTANCE apart, and REEVE_PID.
 * It has a family of its own within the slot's, so nothing of it outlives its timeout, the slot, or
 * reeved. */
#pragma once

#include "engine/slot.h"

typedef struct AideRequest {
        const char *name;     /* "probe": a word, one at a time in a slot; static */
        char *const *command; /* variables not yet replaced; borrowed for the call */
        uint64_t timeout_usec;
        bool is_logged; /* its output joins the worker's log; else it is dropped */
        /* It has ended, by itself or at the timeout, and is no more: do not free it.
         * @error: NULL: exit code 0. Code "paused": reeved did not run; it cannot be told */
        void (*done)(void *userdata, const Error *error);
        void *userdata;
} AideRequest;

/** aide_start() - run it; `done` is called later, never from within
 *  @ret: owned by the caller until `done`
 *  Return: 0; negative errno with @reterr, and nothing runs */
int aide_start(Slot *slot, const AideRequest *request, Aide **ret, Error *reterr);

/** aide_free() - end it at once; `done` is not called; Return: NULL */
Aide *aide_free(Aide *aide);

/** aides_close() - the engine goes: those that were ended and not reaped yet, too */
void aides_close(Engine *engine);

/** aide_reaped() - a child that is no worker has ended; it may be one of these */
void aide_reaped(Engine *engine, pid_t pid, const WorkerExit *exit);
