/* spawn.h - from a specification to a running process
 *
 * The child is made by clone3 with CLONE_VM|CLONE_PIDFD (and CLONE_INTO_CGROUP), whose cost does
 * not depend on the daemon's memory. It runs in our memory until it executes, on a stack of its own
 * and on a copy of all that it needs (spawn/child.h), while we go on: spawn_land() says what became
 * of it. Where that cannot be had, clone3 with CLONE_VFORK or vfork make us wait until then.
 *
 * When identity, directory or limits must change, the child executes reeve-exec instead of the
 * command (spawn/helper.h): those steps need more than bare system calls. reeve-exec reports a
 * failing step through a close-on-exec pipe. */
#pragma once

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "base/error.h"
#include "config/config.h"
#include "sys/pidref.h"

typedef struct SpawnIdentity {
        bool is_set;
        uid_t uid;
        gid_t gid;
        gid_t *groups; /* supplementary ones */
        size_t group_count;
        char *user, *home, *shell; /* for the environment; NULL: User= is not set or nameless */
} SpawnIdentity;

typedef struct SpawnFd {
        int fd;           /* borrowed; any number, also one that another fd is to become */
        const char *name; /* LISTEN_FDNAMES */
} SpawnFd;

typedef struct SpawnSpec {
        const char *subject;      /* for messages: "pool web" */
        char *const *command;     /* [0]: path; NULL-terminated */
        int executable_fd;        /* -1: execute command[0]; else this O_PATH descriptor */
        char *const *environment; /* without LISTEN_*: those are added here */
        const char *directory;    /* NULL: stay */
        SpawnIdentity identity;
        bool has_umask;
        unsigned umask;
        const ResourceLimit *limits; /* RESOURCE_COUNT entries or NULL */
        bool has_nice, has_oom_score_adjust, has_affinity, no_new_privileges;
        int nice, oom_score_adjust;
        cpu_set_t affinity;
        uint64_t dropped_capabilities;
        const char *sandbox; /* rules of spawn/sandbox.h; NULL: the view of reeved */
        size_t sandbox_length;
        int output_fd, error_fd; /* become 1 and 2; -1: /dev/null; 0 is always /dev/null */
        const SpawnFd *fds;      /* become 3, 4, ...: sd_listen_fds(3) */
        size_t fd_count;
        size_t extra_count; /* behind them in @fds, no listeners: become the next numbers */
        int cgroup_fd;      /* born into this cgroup; -1: ours */
        bool dies_with_us; /* SIGKILL when the daemon ends: nobody else would end it. By reeve-exec */
        bool can_land;     /* the caller knows spawn_land(): do not wait until it has executed */
} SpawnSpec;

typedef struct Child Child; /* from clone to exec */

typedef struct Spawned {
        PidRef process;
        Child *child;  /* on its way to exec, with can_land only; NULL: it has executed */
        int status_fd; /* -1: no reeve-exec; else wait for input, see spawn_read_status() */
} Spawned;

typedef enum SpawnWay { SPAWN_BY_VFORK = 1, SPAWN_BY_CLONE3, SPAWN_BESIDE } SpawnWay;

/* As many descriptors as one child can take along, and some for the helper; and how many children
 * may be on their way at a time, if they hang there. */
enum { SPAWN_STAGES = CONFIG_LISTENERS_MAX + 16, SPAWN_FLIGHTS_MAX = 64 };

typedef struct SpawnHost {
        int helper_fd; /* reeve-exec, O_PATH */
        int null_fd;   /* /dev/null */
        SpawnWay way;
        uint64_t ignored; /* signals that we ignore, a bit for each; not to change from then on */
        bool resets_oom_score; /* ours differs from that of a login, and may be taken back */

        TAILQ_HEAD(FlightList, Child) flights; /* in our memory */
        int stages[SPAWN_STAGES];              /* low numbers, kept for what children take along */
        bool is_stage_taken[SPAWN_STAGES];
        size_t stage_count;
        void *stacks[SPAWN_FLIGHTS_MAX]; /* the free ones */
        size_t free_stacks, made_stacks;
        uint64_t unawaited_until_usec; /* children hang in exec: no start waits for another */
} SpawnHost;

#define SPAWN_HOST_UNSET ((SpawnHost){ .helper_fd = -1, .null_fd = -1 })

/** spawn_host_init() - find reeve-exec and probe clone3, once; *@host must not move afterwards
 *  @helper_path: full path of reeve-exec
 *  REEVE_TEST_NO_CLONE3=1 in the environment forces vfork, REEVE_TEST_WAIT_FOR_EXEC=1 clone3 with
 *  CLONE_VFORK
 *  If our own oom_score_adj is not 0, what is spawned gets 0, by reeve-exec, unless its SpawnSpec
 *  says otherwise; one that is above 0 is left where we lack CAP_SYS_RESOURCE, which lowering needs
 *  Return: 0; negative errno with @reterr */
int spawn_host_init(SpawnHost *host, const char *helper_path, Error *reterr);
void spawn_host_done(SpawnHost *host);

/** spawn_process() - start it
 *  The child has a session of its own, no signal blocked or ignored, and no descriptor but those
 *  of @spec. Without a cgroup it also gets a mark by which it is found again (spawn/mark.h).
 *  @ret: owned by the caller: pidref_done(), close status_fd, spawn_land()
 *  @reterr: code spawn-failed, "pool web: cannot execute /usr/bin/nothing: No such file ..."
 *  Return: 0; negative errno, and no process remains. EAGAIN also: too many hang in exec */
int spawn_process(SpawnHost *host, const SpawnSpec *spec, Spawned *ret, Error *reterr);

/** spawn_land() - what became of a child that was on its way to exec
 *  A child that was killed before it got that far counts as running: its end tells the rest. Once
 *  its end is known it has landed.
 *  @child_consume: NULL afterwards, unless it is under way still
 *  Return: 0 while it is; 1 when the command runs, 2 when reeve-exec does; negative errno with
 *  @reterr when a step failed (it then ends by itself, as spawn_read_status() says) */
int spawn_land(SpawnHost *host, Child **child_consume, Error *reterr);

/** spawn_read_status() - what became of a child that went through reeve-exec
 *  A child that was killed before it got that far counts as running: its end tells the rest.
 *  Return: 1 when the command runs; 0 when it is not known yet; negative errno with @reterr when
 *  a step failed (the child then ends by itself with systemd's status for that step, 200..227) */
int spawn_read_status(int status_fd, const char *subject, Error *reterr);

/** spawn_identity_resolve() - User= and Group= to numbers and supplementary groups
 *  May block in NSS: call it when configuration is loaded, never in the loop.
 *  @user, @group: names or numbers; NULL: as the daemon. Both NULL: nothing is set
 *  @subject: "pool web"; the message reads "pool web: User=foo: no such user"
 *  @ret: spawn_identity_done()
 *  Return: 0; -ESRCH, -ENOMEM, or what the name service said */
int spawn_identity_resolve(const char *user, const char *group, const char *subject,
                           SpawnIdentity *ret, Error *reterr);
void spawn_identity_done(SpawnIdentity *identity);
