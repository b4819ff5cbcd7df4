/* family_leftover.c - groups that nobody is in any more
 *
 * Removing a group takes the kernel longer (30 us) than all the rest of a stop, and making one is
 * as dear; so whoever stops a worker does not wait for it. What a family leaves is kept here by its
 * path: the next family of the same slot takes it over, and what nobody asks for is removed when
 * there is nothing else to do, a few at a time.
 *
 * What an earlier daemon left is another matter: something may live there. */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "spawn/family_private.h"
#include "sys/cgroup.h"
#include "sys/fd.h"

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

/* ---- what an earlier daemon left ---- */

enum { CLEAR_MSEC = 1000 };

static bool is_taken(const FamilyRoot *root, const char *path)
{
        for (const Family *family = root->first; family; family = family->next)
                if (family->path && text_equal(family->path, path))
                        return true;
        return false;
}

/* Wait until nobody lives there: the kernel tells that its events have changed. */
static void await_end(int group_fd)
{
        AUTO_CLOSE events = openat(group_fd, "cgroup.events", O_RDONLY | O_CLOEXEC);
        struct pollfd wait = { .fd = events, .events = POLLPRI };

        while (events >= 0 && cgroup_is_populated(group_fd, ".") == 1)
                if (poll(&wait, 1, CLEAR_MSEC) <= 0)
                        return;
}

/* Return: whether something lived there */
static bool clear_group(FamilyRoot *root, const char *path)
{
        AUTO_CLOSE fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

        if (fd < 0 || is_taken(root, path) || cgroup_is_populated(fd, ".") != 1)
                return false;
        if (cgroup_kill(fd) < 0)
                return false;
        await_end(fd);
        /* Made anew by the next who needs it: one that was killed may kill whoever is born there. */
        (void)cgroup_remove(path);
        return true;
}

/* @depth: groups of slots lie two below the root's */
static size_t clear_below(FamilyRoot *root, const char *path, unsigned depth)
{
        DIR *directory = opendir(path);
        struct dirent *entry;
        size_t count = 0;

        while (directory && (entry = readdir(directory))) {
                char below[PATH_MAX];

                if (entry->d_type != DT_DIR || entry->d_name[0] == '.'
                    || snprintf(below, sizeof(below), "%s/%s", path, entry->d_name)
                               >= (int)sizeof(below))
                        continue;
                if (depth == 1)
                        count += clear_group(root, below);
                else if (strchr(entry->d_name, '@'))
                        (void)clear_below(root, below, depth - 1); /* built in: never taken */
                else
                        count += clear_below(root, below, depth - 1);
        }
        if (directory)
                (void)closedir(directory);
        return count;
}

size_t leftover_clear(FamilyRoot *root)
{
        return clear_below(root, root->path, 2);
}
