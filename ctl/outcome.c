/* outcome.c - see outcome.h */
#include "ctl/outcome.h"

#include <stddef.h>

#include "base/cleanup.h"
#include "base/text.h"

typedef struct Outcome {
        const char *code;
        int exit;
        int status; /* HTTP status that stands for it when a reply brings no code; 0: none */
} Outcome;

static const Outcome outcomes[] = {
        { OUTCOME_FAILED, REEVE_EXIT_FAILED, 500 },
        { OUTCOME_USAGE, REEVE_EXIT_USAGE, 0 },
        { OUTCOME_NOT_RUNNING, REEVE_EXIT_NOT_RUNNING, 0 },
        { OUTCOME_TIMED_OUT, REEVE_EXIT_TIMED_OUT, 0 },
        { OUTCOME_UNREACHABLE, REEVE_EXIT_UNREACHABLE, 0 },
        { OUTCOME_INTERRUPTED, EXIT_INTERRUPTED, 0 },
        { OUTCOME_PARTLY, REEVE_EXIT_PARTLY, 0 },
        { OUTCOME_BROKEN_PIPE, REEVE_EXIT_OK, 0 },
        { REEVE_ERROR_BAD_REQUEST, REEVE_EXIT_REFUSED, 400 },
        { REEVE_ERROR_BAD_JSON, REEVE_EXIT_REFUSED, 0 },
        { REEVE_ERROR_UNAUTHENTICATED, REEVE_EXIT_REFUSED, 401 },
        { REEVE_ERROR_FORBIDDEN, REEVE_EXIT_REFUSED, 403 },
        { REEVE_ERROR_CROSS_SITE, REEVE_EXIT_REFUSED, 0 },
        { REEVE_ERROR_NOT_FOUND, REEVE_EXIT_UNKNOWN, 404 },
        { REEVE_ERROR_UNKNOWN_POOL, REEVE_EXIT_UNKNOWN, 0 },
        { REEVE_ERROR_UNKNOWN_WORKER, REEVE_EXIT_UNKNOWN, 0 },
        { REEVE_ERROR_UNKNOWN_THREAD, REEVE_EXIT_UNKNOWN, 0 },
        { REEVE_ERROR_UNKNOWN_OPERATION, REEVE_EXIT_UNKNOWN, 0 },
        { REEVE_ERROR_METHOD, REEVE_EXIT_REFUSED, 405 },
        { REEVE_ERROR_CONFLICT, REEVE_EXIT_REFUSED, 409 },
        { REEVE_ERROR_NO_ROOM, REEVE_EXIT_REFUSED, 0 },
        { REEVE_ERROR_STALE_GENERATION, REEVE_EXIT_REFUSED, 412 },
        { REEVE_ERROR_TOO_LARGE, REEVE_EXIT_REFUSED, 413 },
        { REEVE_ERROR_MEDIA_TYPE, REEVE_EXIT_REFUSED, 415 },
        { REEVE_ERROR_MISDIRECTED, REEVE_EXIT_REFUSED, 421 },
        { REEVE_ERROR_INVALID, REEVE_EXIT_REFUSED, 422 },
        { REEVE_ERROR_OVER_LIMIT, REEVE_EXIT_REFUSED, 0 },
        { REEVE_ERROR_THREADS_FIXED, REEVE_EXIT_REFUSED, 0 },
        { REEVE_ERROR_NOT_SUPPORTED, REEVE_EXIT_REFUSED, 0 },
        { REEVE_ERROR_BUSY, REEVE_EXIT_UNREACHABLE, 503 },
        { REEVE_ERROR_CORE_UNREACHABLE, REEVE_EXIT_UNREACHABLE, 0 },
        { REEVE_ERROR_INTERNAL, REEVE_EXIT_FAILED, 0 },
};

int outcome_exit(const char *code)
{
        for (size_t i = 0; i < COUNT_OF(outcomes); i++)
                if (text_equal(outcomes[i].code, code))
                        return outcomes[i].exit;
        return REEVE_EXIT_FAILED;
}

const char *outcome_code(const char *code, int status)
{
        for (size_t i = 0; code && i < COUNT_OF(outcomes); i++)
                if (text_equal(outcomes[i].code, code))
                        return outcomes[i].code;
        for (size_t i = 0; i < COUNT_OF(outcomes); i++)
                if (status != 0 && outcomes[i].status == status)
                        return outcomes[i].code;
        return OUTCOME_FAILED;
}

int outcome_merge(int so_far, int next)
{
        if (so_far < 0 || so_far == next)
                return next;
        if (so_far == REEVE_EXIT_OK || next == REEVE_EXIT_OK)
                return REEVE_EXIT_PARTLY;
        return so_far;
}
