/* relations.c - pools against pools: who waits for whom, and who listens where */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/address.h"
#include "config/validate.h"

/* ---- After= and Requires= ---- */

static void tell_unknown_pool(const DraftSet *set, const Draft *draft, const char *key,
                              const char *name)
{
        bool is_required = text_equal(key, "Requires");
        const char *nearest = NULL;
        unsigned best = 3;

        for (size_t i = 0; i < set->pool_count; i++) {
                unsigned distance = text_distance(name, set->pools[i].pool);

                if (distance < best) {
                        best = distance;
                        nearest = set->pools[i].pool;
                }
        }
        draft_tell(set, draft, draft_mark_place(draft, key, name),
                   is_required ? PROBLEM_ERROR : PROBLEM_WARNING,
                   "%s=%s: there is no pool called %s%s%s%s%s", key, name, name,
                   nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "",
                   is_required ? "" : "; it is not waited for");
}

static void names_validate(const DraftSet *set, const Draft *draft, const char *key,
                           char *const *names)
{
        for (; names && *names; names++) {
                if (text_equal(*names, draft->pool))
                        draft_tell(set, draft, draft_mark_place(draft, key, *names), PROBLEM_ERROR,
                                   "%s=%s: a pool cannot wait for itself", key, *names);
                else if (!draft_find(set, *names))
                        tell_unknown_pool(set, draft, key, *names);
        }
}

typedef enum Visit { VISIT_NEW, VISIT_OPEN, VISIT_DONE } Visit;

/* A walk in depth over "waits for"; @path is the way from where it began to where it is. */
typedef struct Walk {
        const DraftSet *set;
        Visit *visits;
        size_t *next; /* of each pool: how many of its names were followed */
        size_t *path;
        size_t length;
} Walk;

static void walk_done(Walk *walk)
{
        free(walk->visits);
        free(walk->next);
        free(walk->path);
}

#define AUTO_WALK CLEANUP(walk_done) Walk

/* The names in After= and then those in Requires=. */
static const char *waits_for(const Draft *draft, size_t index)
{
        const PoolConfig *pool = draft->target;
        size_t after_count = text_list_count(pool->after);

        if (index < after_count)
                return pool->after[index];
        if (index - after_count < text_list_count(pool->requires))
        return pool->requires[index - after_count];
        return NULL;
}

static void tell_circle(const Walk *walk, size_t start)
{
        const Draft *first = &walk->set->pools[walk->path[start]];
        const char *second;
        AUTO_TEXT text = { 0 };
        Place place;

        for (size_t i = start; i < walk->length; i++)
                text_printf(&text, "%s -> ", walk->set->pools[walk->path[i]].pool);
        text_append(&text, first->pool);
        second = walk->set->pools[walk->path[start + 1 < walk->length ? start + 1 : start]].pool;
        place = draft_mark_place(first, "After", second);
        if (place.line == 0)
                place = draft_mark_place(first, "Requires", second);
        draft_tell(walk->set, first, place, PROBLEM_ERROR,
                   "pools wait for one another in a circle: %s; remove one After= or Requires=",
                   text.bytes ? text.bytes : first->pool);
}

static void walk_enter(Walk *walk, size_t pool)
{
        walk->visits[pool] = VISIT_OPEN;
        walk->path[walk->length++] = pool;
}

static void walk_step(Walk *walk)
{
        size_t here = walk->path[walk->length - 1], there, start;
        const char *name = waits_for(&walk->set->pools[here], walk->next[here]++);
        const Draft *draft;

        if (!name) {
                walk->visits[here] = VISIT_DONE;
                walk->length--;
                return;
        }
        draft = draft_find(walk->set, name);
        if (!draft || draft == &walk->set->pools[here])
                return; /* told already */
        there = (size_t)(draft - walk->set->pools);
        if (walk->visits[there] == VISIT_NEW)
                walk_enter(walk, there);
        else if (walk->visits[there] == VISIT_OPEN) {
                for (start = 0; walk->path[start] != there;)
                        start++;
                tell_circle(walk, start);
        }
}

int relations_validate(const DraftSet *set)
{
        AUTO_WALK walk = {
                .set = set,
                .visits = calloc(set->pool_count + 1, sizeof(Visit)),
                .next = calloc(set->pool_count + 1, sizeof(size_t)),
                .path = calloc(set->pool_count + 1, sizeof(size_t)),
        };

        if (!walk.visits || !walk.next || !walk.path)
                return -ENOMEM;
        for (size_t i = 0; i < set->pool_count; i++) {
                const PoolConfig *pool = set->pools[i].target;

                names_validate(set, &set->pools[i], "After", pool->after);
                names_validate(set, &set->pools[i], "Requires", pool->requires);
        }
        for (size_t i = 0; i < set->pool_count; i++) {
                if (walk.visits[i] == VISIT_NEW)
                        walk_enter(&walk, i);
                while (walk.length > 0)
                        walk_step(&walk);
        }
        return 0;
}

/* ---- addresses ---- */

typedef struct Claim {
        const Draft *draft;
        const ListenAddress *address;
} Claim;

static int compare_claims(const void *a, const void *b)
{
        const Claim *left = a, *right = b;
        int order = address_compare(left->address, right->address);

        /* The same address: by pool, so that the answer does not depend on the sort. */
        if (order == 0 && left->draft != right->draft)
                order = left->draft < right->draft ? -1 : 1;
        return order;
}

static Place claim_place(const Claim *claim)
{
        return draft_mark_place(claim->draft, claim->draft->pool ? "ListenStream" : "ListenHTTP",
                                claim->address->text);
}

static void tell_claimed(const DraftSet *set, const Claim *claim, const Claim *other)
{
        bool is_own = claim->draft == other->draft;
        const char *owner = other->draft->pool;

        draft_tell(set, claim->draft, claim_place(claim), PROBLEM_ERROR,
                   "%s is taken: %s%s listens on %s; choose another address", claim->address->text,
                   is_own  ? "this file"
                   : owner ? "pool "
                           : "ListenHTTP= of reeve.conf",
                   is_own || !owner ? "" : owner, other->address->text);
}

/* In order of port the wildcard comes first: 0.0.0.0 and [::] are all zeros. */
static void claims_validate(const DraftSet *set, const Claim *claims, size_t count)
{
        const Claim *wildcard = NULL;

        for (size_t i = 0; i < count; i++) {
                const Claim *claim = &claims[i];

                if (!address_has_port(claim->address))
                        continue;
                if (wildcard && !address_is_same_port(wildcard->address, claim->address))
                        wildcard = NULL;
                if (wildcard)
                        tell_claimed(set, claim, wildcard);
                else if (i > 0 && address_compare(claims[i - 1].address, claim->address) == 0)
                        tell_claimed(set, claim, &claims[i - 1]);
                else if (address_is_any(claim->address))
                        wildcard = claim;
        }
}

int listeners_validate(const DraftSet *set)
{
        const Config *config = set->daemon.target;
        size_t count = 0, capacity = config->listen_http_count;
        AUTO_FREE Claim *claims = NULL;

        for (size_t i = 0; i < set->pool_count; i++)
                capacity += ((const PoolConfig *)set->pools[i].target)->listener_count;
        claims = calloc(capacity + 1, sizeof(Claim));
        if (!claims)
                return -ENOMEM;
        for (size_t i = 0; i < config->listen_http_count; i++)
                claims[count++] = (Claim){ &set->daemon, &config->listen_http[i] };
        for (size_t i = 0; i < set->pool_count; i++) {
                const PoolConfig *pool = set->pools[i].target;

                for (size_t j = 0; j < pool->listener_count; j++)
                        claims[count++] = (Claim){ &set->pools[i], &pool->listeners[j] };
        }
        qsort(claims, count, sizeof(Claim), compare_claims);
        claims_validate(set, claims, count);
        return 0;
}
