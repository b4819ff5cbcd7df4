/* family_private.h - what the two kinds of families share; for family*.c only */
#pragma once

#include <sys/queue.h>

#include "base/map.h"
#include "spawn/family.h"
#include "spawn/place.h"
#include "sys/proc.h"

enum { INSTANCE_SIZE = 40 }; /* two numbers of 64 bits in hex */

typedef struct Member {
        pid_t pid;
        uint64_t start_ticks; /* 0: not known (cgroup) */
} Member;

typedef struct MemberList {
        Member *items;
        size_t count, capacity;
} MemberList;

int member_list_add(MemberList *list, pid_t pid, uint64_t start_ticks);
void member_list_done(MemberList *list);
#define AUTO_MEMBERS CLEANUP(member_list_done) MemberList

typedef struct Stray {
        Member member;
        Family *family; /* NULL: nobody's */
} Stray;

typedef struct Leftover Leftover; /* a group that nobody is in any more */

struct FamilyRoot {
        FamilyKind kind;
        Family *first; /* all families */

        /* cgroup */
        Place place;
        char *path, *group; /* of the group that holds all pools: folder; as in /proc/PID/cgroup */
        int directory_fd;   /* of path */
        int inotify_fd;
        unsigned controllers; /* that groups of slots have, bits of cgroup.h */
        Map watches;          /* watch descriptor -> Family */
        TAILQ_HEAD(LeftoverList, Leftover) leftovers;
        Map leftover_by_path; /* hash of the path -> Leftover */

        /* descent */
        Map marks;  /* mark -> Family */
        Map elders; /* marks that lived before us, as children of others */
        Stray *strays;
        size_t stray_count;
        bool (*is_leader)(pid_t pid, void *userdata);
        void *leader_userdata;
};

struct Family {
        FamilyRoot *root;
        Family *previous, *next;
        void *userdata;
        char instance[INSTANCE_SIZE];

        /* cgroup */
        char *path, *group;
        int watch;                    /* -1: not watched */
        bool is_fresh, is_pool_fresh; /* the groups were made by us, and have no limits yet */
        bool is_tidied;               /* made anew since their limits were set */
        uint64_t oom_kills;           /* as last seen */
        bool is_within;               /* of another family's group */
        bool is_spent;                /* was killed: takes no child any more */

        /* descent */
        uint64_t mark;
        bool is_adopted;
        MemberList seen; /* by the last walk */
};

/* ---- family_cgroup.c ---- */
int cgroup_root_open(FamilyRoot *root, const char *name, int helper_fd, Error *reterr);
void cgroup_root_close(FamilyRoot *root);
void cgroup_root_dispatch(FamilyRoot *root, void (*on_empty)(void *userdata));
int cgroup_family_open(Family *family, const char *pool, unsigned slot, Error *reterr);
int cgroup_family_open_within(Family *family, const Family *within, const char *name,
                              Error *reterr);
void cgroup_family_close(Family *family);
int cgroup_family_begin(Family *family, int *ret_cgroup_fd, Error *reterr);
int cgroup_family_is_empty(Family *family);
int cgroup_family_kill(Family *family);
int cgroup_family_collect(const Family *family, MemberList *ret);
bool cgroup_family_has(const Family *family, pid_t pid);
Family *cgroup_root_owner(const FamilyRoot *root, pid_t pid);

/* ---- family_leftover.c ---- */
/* The group of a family that is no more; @path is cut */
void leftover_add(FamilyRoot *root, char *path);
/* The same at once, for one that must not be taken again */
void leftover_remove(char *path);
/* Return: true if there was one of this path, which is the caller's now */
bool leftover_take(FamilyRoot *root, const char *path);
/* Remove at most @max; Return: true if there are more */
bool leftover_tidy(FamilyRoot *root, size_t max);
/* family_root_clear() */
size_t leftover_clear(FamilyRoot *root);

/* ---- family_descent.c ---- */
int descent_root_open(FamilyRoot *root);
void descent_root_close(FamilyRoot *root);
void descent_root_refresh(FamilyRoot *root);
void descent_family_close(Family *family);
int descent_family_begin(Family *family);
int descent_family_is_empty(Family *family, const PidRef *leader);
int descent_family_collect(Family *family, const PidRef *leader, MemberList *ret);
Family *descent_root_owner(FamilyRoot *root, pid_t pid);
