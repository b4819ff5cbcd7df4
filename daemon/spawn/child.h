/* child.h - what happens between clone and exec; for spawn*.c and flight.c only
 *
 * A Child is complete in itself: command, environment and numbers of descriptors are its own copies,
 * so that it may still be read, by another process in our memory, after its SpawnSpec is gone. */
#pragma once

#include <stdint.h>
#include <sys/queue.h>

#include "spawn/helper.h"
#include "spawn/spawn.h"

enum { CHILD_SUBJECT_SIZE = 96 };

/* Whose table of descriptors the child uses. */
enum { TABLE_SHARED, TABLE_AWAITED, TABLE_OWN };

struct Child {
        char subject[CHILD_SUBJECT_SIZE];
        char **command; /* of what is executed first */
        char **environment;
        char *strings;       /* that both point to */
        char listen_pid[32]; /* "LISTEN_PID=", digits added in the child */
        char first_fd[16];   /* the helper's word for where its descriptors are */
        int *fds;            /* [i] becomes i in the child; the first fd_count of them */
        size_t fd_count;
        int execute_fd;   /* execute this and not command[0]; -1: none */
        int low_end;      /* above this nothing is taken along */
        uint64_t ignored; /* signals to reset, a bit for each */
        uint64_t mark;    /* 0: none */
        bool is_helped, dies_with_us, can_land;

        /* while it is on its way; see flight.c */
        TAILQ_ENTRY(Child) flight;
        void *stack;
        size_t staged;
        uint8_t stages[SPAWN_STAGES]; /* of the host, by index; the first staged of them */
        uint32_t running;             /* 0: it has left our memory; written by the kernel */

        /* set by the child */
        uint32_t table;
        HelperStep failed;
        int error;
};

/** child_new() - all that memory is needed for
 *  Return: 0, -EINVAL without a command, -ENOMEM */
int child_new(const SpawnHost *host, const SpawnSpec *spec, Child **ret);
Child *child_free(Child *child);
DEFINE_AUTO(Child, child_free);

/** child_add_helper() - it is to execute reeve-exec, which takes these along */
void child_add_helper(Child *child, const SpawnHost *host, int plan_fd, int report_fd);

/** child_run() - in the child: raw system calls only; returns when a step has failed */
int child_run(void *child);

/** child_explain() - the step that failed; Return: negative errno with @reterr */
int child_explain(const Child *child, Error *reterr);

/* ---- flight.c ---- */

/** flight_stage() - bring what the child takes along to low numbers, which stay its own
 *  May wait a moment for a child on its way to give up its own.
 *  Return: 0, negative errno */
int flight_stage(SpawnHost *host, Child *child);
void flight_unstage(SpawnHost *host, Child *child);

/** flight_begin() - let it run beside us; its memory is ours no more until spawn_land()
 *  Return: PID, negative errno and then it is as before */
pid_t flight_begin(SpawnHost *host, Child *child, int cgroup_fd, int *ret_pidfd);
