/* flight.c - children on their way to exec, and the low numbers of descriptors that they take along
 *
 * From clone to exec a child is busy for 100 us and more, far longer than it takes to ask for it;
 * and it may hang there, when its program lies on a file system that does not answer. So we do not
 * wait: each has a stack of its own, and all that it reads is its own copy (child.h). When it has
 * left our memory, by exec or by its end, the kernel writes 0 to `running` (CLONE_CHILD_CLEARTID).
 *
 * It shares our table of descriptors until it has taken its copy, which is its second system call.
 * What it takes along stands at stages until then: numbers that are kept for that. They are returned
 * when somebody needs one, or when it has landed.
 *
 * Both are limited. Who finds nothing free waits for one on its way, a little; if that one hangs,
 * starts are refused for a while as in any shortage (EAGAIN), and tried again by the pool's rules. */
#include <errno.h>
#include <stdlib.h>

#include "spawn/child.h"
#include "sys/clock.h"
#include "sys/clone.h"
#include "sys/fd.h"
#include "sys/pidref.h"

/* A child needs microseconds until it leaves the table, and as a rule 0.2 ms until it has left. */
#define PATIENCE_USEC  (20 * UINT64_C(1000))
#define UNAWAITED_USEC (100 * UINT64_C(1000))

static bool is_in_memory(const Child *child)
{
        return __atomic_load_n(&child->running, __ATOMIC_ACQUIRE) != 0;
}

/* ---- stages ---- */

static bool has_left_table(const Child *child)
{
        return __atomic_load_n(&child->table, __ATOMIC_ACQUIRE) == TABLE_OWN
               || !is_in_memory(child);
}

void flight_unstage(SpawnHost *host, Child *child)
{
        for (size_t i = 0; i < child->staged; i++) {
                size_t stage = child->stages[i];

                (void)dup3(host->null_fd, host->stages[stage], O_CLOEXEC); /* both are open */
                host->is_stage_taken[stage] = false;
        }
        child->staged = 0;
}

static void reclaim_stages(SpawnHost *host)
{
        Child *child;

        TAILQ_FOREACH(child, &host->flights, flight)
                if (has_left_table(child))
                        flight_unstage(host, child);
}

/* Return: its index; negative if none is free */
static int find_stage(const SpawnHost *host)
{
        for (size_t i = 0; i < host->stage_count; i++)
                if (!host->is_stage_taken[i])
                        return (int)i;
        return -1;
}

/* For the oldest that still shares our table. */
static void await_stage(SpawnHost *host)
{
        uint32_t shared = TABLE_SHARED;
        Child *child;

        TAILQ_FOREACH(child, &host->flights, flight) {
                if (has_left_table(child))
                        continue;
                (void)__atomic_compare_exchange_n(&child->table, &shared, TABLE_AWAITED, false,
                                                  __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
                clone_wait(&child->table, TABLE_AWAITED, PATIENCE_USEC);
                return;
        }
}

static int stage_one(SpawnHost *host, Child *child, int *fd)
{
        int stage = find_stage(host);

        if (*fd < 0 || *fd == host->null_fd || *fd == host->helper_fd)
                return 0; /* they are low, and stay open */
        if (stage < 0) {
                await_stage(host);
                reclaim_stages(host);
                stage = find_stage(host);
        }
        if (stage < 0)
                return -EMFILE;
        if (dup3(*fd, host->stages[stage], O_CLOEXEC) < 0)
                return -errno;
        host->is_stage_taken[stage] = true;
        child->stages[child->staged++] = (uint8_t)stage;
        child->low_end = MAX(child->low_end, host->stages[stage] + 1);
        *fd = host->stages[stage];
        return 0;
}

int flight_stage(SpawnHost *host, Child *child)
{
        bool is_one_output = child->fds[1] == child->fds[2]; /* mostly */
        int r;

        reclaim_stages(host);
        child->low_end = MAX(host->null_fd, host->helper_fd) + 1;
        r = stage_one(host, child, &child->execute_fd);
        for (size_t i = 0; r == 0 && i < child->fd_count; i++)
                if (i != 2 || !is_one_output)
                        r = stage_one(host, child, &child->fds[i]);
        if (is_one_output)
                child->fds[2] = child->fds[1];
        if (r < 0)
                flight_unstage(host, child);
        return r;
}

/* ---- stacks ---- */

/* It has left: what it held is the next one's. Somebody will still ask what became of it. */
static void retire(SpawnHost *host, Child *child)
{
        flight_unstage(host, child);
        host->stacks[host->free_stacks++] = child->stack;
        child->stack = NULL;
        TAILQ_REMOVE(&host->flights, child, flight);
}

static void reclaim_stacks(SpawnHost *host)
{
        Child *child, *next;

        for (child = TAILQ_FIRST(&host->flights); child; child = next) {
                next = TAILQ_NEXT(child, flight);
                if (!is_in_memory(child))
                        retire(host, child);
        }
}

/* For the oldest, a little; if it hangs the others are not held up by it for a while. */
static void await_oldest(SpawnHost *host)
{
        Child *oldest = TAILQ_FIRST(&host->flights);

        if (!oldest || now_usec() < host->unawaited_until_usec)
                return;
        clone_wait(&oldest->running, 1, PATIENCE_USEC);
        reclaim_stacks(host);
        if (is_in_memory(oldest))
                host->unawaited_until_usec = now_usec() + UNAWAITED_USEC;
}

/* One that was given back just now is still in the caches: they are looked for first. */
static int take_stack(SpawnHost *host, void **ret)
{
        reclaim_stacks(host);
        if (host->free_stacks == 0 && host->made_stacks == COUNT_OF(host->stacks))
                await_oldest(host);
        if (host->free_stacks > 0) {
                *ret = host->stacks[--host->free_stacks];
                return 0;
        }
        if (host->made_stacks == COUNT_OF(host->stacks))
                return -EAGAIN;
        *ret = clone_stack_new();
        if (!*ret)
                return -ENOMEM;
        host->made_stacks++;
        return 0;
}

/* ---- flights ---- */

pid_t flight_begin(SpawnHost *host, Child *child, int cgroup_fd, int *ret_pidfd)
{
        int r = take_stack(host, &child->stack);
        pid_t pid;

        if (r < 0)
                return r;
        pid = clone_launch(child_run, child, cgroup_fd, child->stack, &child->running, ret_pidfd);
        if (pid < 0) {
                host->stacks[host->free_stacks++] = child->stack;
                child->stack = NULL;
                return pid;
        }
        TAILQ_INSERT_TAIL(&host->flights, child, flight);
        return pid;
}

int spawn_land(SpawnHost *host, Child **child_consume, Error *reterr)
{
        Child *child = *child_consume;
        int r = 1;

        if (is_in_memory(child))
                return 0;
        if (child->stack)
                retire(host, child);
        if (child->failed != STEP_NONE)
                r = child_explain(child, reterr);
        else if (child->is_helped)
                r = 2;
        *child_consume = child_free(child);
        return r;
}
