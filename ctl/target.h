/* target.h - what a verb is about: POOL, POOL/SLOT, PID, or a pattern of them */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum { TARGET_POOL_SIZE = 128 };

typedef enum TargetKind {
        TARGET_POOL = 1, /* web, or a pattern: web* */
        TARGET_SLOT,     /* web/0; the pool may be a pattern, "*" as slot means all of them */
        TARGET_PID,      /* 4711 */
} TargetKind;

typedef struct Target {
        TargetKind kind;
        char pool[TARGET_POOL_SIZE]; /* as written; also of a number, which may name a pool */
        bool is_pattern;             /* the pool has * or ? */
        bool is_any_slot;
        unsigned slot;
        int pid;
} Target;

/** target_parse() - read one target
 *  POOL:SLOT is understood as POOL/SLOT.
 *  Return: 0, -EINVAL with a sentence in @reterr */
int target_parse(const char *text, Target *ret, Error *reterr);

/** target_has_worker() - whether @target means the worker with these values */
bool target_has_worker(const Target *target, const char *pool, unsigned slot, int pid);

/** target_is_builtin() - whether a pool is reeve's own; patterns and --all pass over those */
bool target_is_builtin(const char *pool);
