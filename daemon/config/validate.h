/* validate.h - what single keys cannot say: keys against keys, pools against pools */
#pragma once

#include "config/draft.h"

typedef struct DraftSet {
        Draft daemon;
        Draft *pools; /* sorted by name once all files are known */
        size_t pool_count;
        ProblemList *problems;
} DraftSet;

/** draft_tell() - a problem of @draft at @place; its file when the place is a default */
void draft_tell(const DraftSet *set, const Draft *draft, Place place, ProblemKind kind,
                const char *format, ...) __attribute__((format(printf, 5, 6)));

/** draft_find() - Return: the draft of the pool @name, NULL */
Draft *draft_find(const DraftSet *set, const char *name);

/** pool_validate() - settle what depends on other keys and check one pool
 *  Return: 0, -ENOMEM; what is wrong is in set->problems */
int pool_validate(const DraftSet *set, Draft *draft);

/** relations_validate() - After= and Requires=: unknown pools and circles; Return: 0, -ENOMEM */
int relations_validate(const DraftSet *set);

/** listeners_validate() - no address is listened on twice; Return: 0, -ENOMEM */
int listeners_validate(const DraftSet *set);
