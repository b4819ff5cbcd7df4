/* wait.c - reevectl wait: until pools are as one wants them */
#include <errno.h>

#include "base/names.h"
#include "base/units.h"
#include "ctl/columns.h"
#include "ctl/interrupt.h"
#include "ctl/outcome.h"
#include "ctl/pick.h"
#include "ctl/verbs.h"
#include "sys/clock.h"

enum { LOOK_MSEC = 100 };

typedef enum Condition { CONDITION_READY, CONDITION_RUNNING, CONDITION_STOPPED } Condition;

static const char *const conditions[] = { "ready", "running", "stopped" };

static bool is_met(const json_t *pool, Condition condition)
{
        const char *state = value_text(pool, "state", "");

        switch (condition) {
        case CONDITION_READY: return pool_is_well(pool);
        case CONDITION_RUNNING: return text_equal(state, "running");
        case CONDITION_STOPPED: return text_equal(state, "stopped");
        }
        return false;
}

/* Return: 1 if @name is as wanted, 0 not yet; negative errno, also when it never will be */
static int pool_look(const Context *context, const char *name, Condition condition, Error *reterr)
{
        AUTO_JSON *pool = NULL;
        int r = api_pool(context, name, &pool, reterr);

        if (r < 0)
                return r;
        if (is_met(pool, condition))
                return 1;
        if (condition != CONDITION_STOPPED && text_equal(value_text(pool, "state", ""), "failed"))
                return error_set(reterr, -EIO, OUTCOME_FAILED, "%s failed: %s", name,
                                 value_text(pool, "last_error", "see reevectl status"));
        return 0;
}

static int pool_wait(const Context *context, const char *name, Condition condition,
                     uint64_t deadline_usec, Error *reterr)
{
        for (;;) {
                int r = pool_look(context, name, condition, reterr);

                if (r != 0)
                        return MIN(r, 0);
                if (now_usec() >= deadline_usec)
                        return error_set(reterr, -ETIMEDOUT, OUTCOME_TIMED_OUT,
                                         "%s is not %s in time; see reevectl status %s", name,
                                         conditions[condition], name);
                if (interrupt_poll(-1, 0, -1,
                                   MIN(now_usec() + LOOK_MSEC * USEC_PER_MSEC, deadline_usec))
                    == -EINTR)
                        return error_set(reterr, -EINTR, OUTCOME_INTERRUPTED,
                                         "no longer waiting for %s", name);
        }
}

int verb_wait(const Context *context)
{
        const Options *options = context->options;
        int condition = names_find(conditions, COUNT_OF(conditions),
                                   options->condition ? options->condition : "ready");
        uint64_t span = options->seen & OPTION_TIMEOUT ? options->timeout_usec : USEC_INFINITY;
        uint64_t now = now_usec();
        uint64_t deadline = span > USEC_INFINITY - now ? USEC_INFINITY : now + span;
        char **names = NULL;
        Error error = { 0 };
        int r;

        if (condition < 0)
                return context_usage(context, "--for is ready, running or stopped, not \"%s\"",
                                     options->condition);
        (void)interrupt_arm(); /* without it Ctrl-C just ends us */
        r = pick_pools(context, options->words, options->word_count, &names, &error);
        for (size_t i = 0; r == 0 && names[i]; i++)
                r = pool_wait(context, names[i], (Condition)condition, deadline, &error);
        (void)text_list_free(names);
        return r < 0 ? context_fail(context, &error) : REEVE_EXIT_OK;
}
