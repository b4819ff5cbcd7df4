/* family_leftover.c - groups that nobody is in any more
 *
 * Removing a group takes the kernel longer (30 us) than all the rest of a stop, and making one is
 * as dear; so whoever stops a worker does not wait for it. What a family leaves is kept here by its
 * path: the next family of the same slot takes it over, and what nobody asks for is removed when
 * there is nothing else to do, a few at a time. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "spawn/family_private.h"
#include "sys/cgroup.h"

struct Leftover {
        TAILQ_ENTRY(Leftover) link;
        uint64_t hash;
        char path[];
};

static uint64_t hash_of(const char *path)
{
        uint64_t hash = UINT64_C(14695981039346656037); /* FNV-1a */

        for (; *path; path++)
                hash = (hash ^ (unsigned char)*path) * UINT64_C(1099511628211);
        return hash;
}

/* Before it refuses, rmdir looks through all groups that are there and that have been: too much
 * for each of 1,000 slots. The folder has one link for each below it, and two of its own. */
static void remove_pool(char *path)
{
        struct stat status;

        *strrchr(path, '/') = '\0';
        if (stat(path, &status) == 0 && status.st_nlink <= 2)
                (void)rmdir(path);
}

void leftover_remove(char *path)
{
        /* As a rule there are no groups below it; only else are they looked for. */
        if (rmdir(path) < 0)
                (void)cgroup_remove(path); /* stays if something lives there */
        remove_pool(path);                 /* once its last slot is gone */
}

static void forget(FamilyRoot *root, Leftover *leftover)
{
        if (map_get(&root->leftover_by_path, leftover->hash) == leftover)
                (void)map_remove(&root->leftover_by_path, leftover->hash);
        TAILQ_REMOVE(&root->leftovers, leftover, link);
        free(leftover);
}

void leftover_add(FamilyRoot *root, char *path)
{
        size_t size = strlen(path) + 1;
        Leftover *leftover = malloc(sizeof(*leftover) + size);

        /* One that cannot be found again must not be removed behind its successor's back. */
        if (!leftover || map_put(&root->leftover_by_path, hash_of(path), leftover) < 0) {
                free(leftover);
                leftover_remove(path);
                return;
        }
        memcpy(leftover->path, path, size);
        leftover->hash = hash_of(path);
        TAILQ_INSERT_TAIL(&root->leftovers, leftover, link);
}

bool leftover_take(FamilyRoot *root, const char *path)
{
        Leftover *leftover = map_get(&root->leftover_by_path, hash_of(path));

        if (!leftover || !text_equal(leftover->path, path))
                return false;
        forget(root, leftover);
        return true;
}

bool leftover_tidy(FamilyRoot *root, size_t max)
{
        for (Leftover *leftover; max > 0 && (leftover = TAILQ_FIRST(&root->leftovers)); max--) {
                char path[PATH_MAX];
                bool is_whole = text_copy(path, sizeof(path), leftover->path);

                forget(root, leftover);
                if (is_whole)
                        leftover_remove(path);
        }
        return !TAILQ_EMPTY(&root->leftovers);
}
