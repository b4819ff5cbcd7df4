/* helper.h - what reeved tells reeve-exec to do, and what comes back
 *
 * reeved executes reeve-exec as "reeve-exec NUMBER command...", where NUMBER is the first of up
 * to three descriptors: a sealed memfd with the plan, the pipe to report through, and the file
 * to execute if the plan says so. Command and environment are already the worker's own.
 * Both are of one build (reeved holds the helper open from its start), the version is a net. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/text.h"
#include "spawn/spawn.h"

/* The steps on the way to a running command; names and exit statuses stand in helper.c. */
typedef enum HelperStep {
        STEP_NONE,
        STEP_SESSION,
        STEP_SIGNALS,
        STEP_DESCRIPTORS,
        STEP_MARK,
        STEP_HELPER,
        STEP_PLAN,
        STEP_LIMIT,
        STEP_NICE,
        STEP_OOM_SCORE,
        STEP_AFFINITY,
        STEP_SANDBOX,
        STEP_CAPABILITIES,
        STEP_GROUP,
        STEP_USER,
        STEP_NO_NEW_PRIVILEGES,
        STEP_DIRECTORY,
        STEP_EXECUTE,
        STEP_COUNT_,
} HelperStep;

/* Written to the pipe in one piece when a step fails. */
typedef struct HelperReport {
        uint32_t step;    /* HelperStep */
        int32_t error;    /* positive errno */
        char detail[256]; /* value of the key, terminated */
} HelperReport;

typedef struct HelperPlan {
        SpawnSpec spec; /* only what has to be set up; points into the decoded bytes */
        ResourceLimit limits[RESOURCE_COUNT];
        bool has_executable;
} HelperPlan;

/** helper_is_needed() - whether a spec asks for anything that the child leaves to reeve-exec */
bool helper_is_needed(const SpawnSpec *spec);

/** helper_encode() - append the plan to @bytes; failures are remembered there */
void helper_encode(const SpawnSpec *spec, Text *bytes);

/** helper_decode() - read a plan; the bytes must be aligned for uint64_t and outlive it
 *  Return: 0; -EBADMSG if they are no plan of this version */
int helper_decode(const void *bytes, size_t length, HelperPlan *ret);

/** helper_exit_status() - as in systemd.exec(5): 200 for the directory, 203 for exec... */
int helper_exit_status(HelperStep step);

/** helper_explain() - "pool web: cannot change to WorkingDirectory=/x: No such file or directory"
 *  @error: positive errno
 *  Return: -error with @reterr filled, code spawn-failed */
int helper_explain(const char *subject, HelperStep step, int error, const char *detail,
                   Error *reterr);

/** helper_limit_name() - "LimitNOFILE" for RLIMIT_NOFILE; Return: static, NULL if there is none */
const char *helper_limit_name(size_t resource);
