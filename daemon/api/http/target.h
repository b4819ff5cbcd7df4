/* target.h - what stands between the method and the version of a request line
 *
 * Routing looks at the raw target, before anything was unescaped, so that %2f, %00 and .. are
 * never more than characters in a segment. Segments hold names, numbers and words, none of which
 * needs an escape: a percent sign in the path is refused. Only values of the query are decoded. */
#pragma once

#include <stddef.h>

enum {
        TARGET_LENGTH_MAX = 4096,
        TARGET_SEGMENTS_MAX = 8,
        TARGET_SEGMENT_LENGTH_MAX = 64,
        TARGET_PARAMETERS_MAX = 16,
        TARGET_QUERY_LENGTH_MAX = 2048,
};

typedef struct TargetParameter {
        const char *name, *value; /* value decoded; "" if there was no equals sign */
} TargetParameter;

typedef struct Target {
        char *text; /* all strings below point into it */
        const char *segments[TARGET_SEGMENTS_MAX];
        unsigned segment_count; /* "/" has none */
        const char *bad;        /* a sentence if it cannot be routed; the rest is unset then */
        unsigned bad_status;    /* 400, 404 or 414 */
        TargetParameter parameters[TARGET_PARAMETERS_MAX];
        unsigned parameter_count;
} Target;

/** target_parse() - take a raw target apart
 *  A target that no route can have is no failure here: `bad` says what is wrong with it.
 *  "/v1/" and "/v1" are the same; elsewhere an empty segment matches nothing.
 *  Return: 0; -ENOMEM */
int target_parse(Target *target, const char *raw, size_t length);

/** target_parameter() - Return: the value of a query parameter, NULL if it was not given */
const char *target_parameter(const Target *target, const char *name);

void target_done(Target *target);
