/* launch.c - see launch.h */
#include "engine/launch.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "engine/face.h"
#include "engine/flights.h"
#include "engine/limits.h"
#include "engine/live.h"
#include "engine/operation.h"
#include "engine/pool.h"
#include "engine/priority.h"
#include "engine/publish.h"
#include "engine/report.h"
#include "spawn/environment.h"
#include "spawn/sandbox.h"
#include "sys/clock.h"
#include "sys/fd.h"

enum { LAUNCH_FDS_MAX = CONFIG_LISTENERS_MAX + 8 };

/* What a launch holds until the process exists. */
typedef struct Launch {
        char **environment, **command;
        int cgroup_fd, output_fds[STREAM_COUNT];
        Text sandbox;
        SpawnFd fds[LAUNCH_FDS_MAX];
        size_t fd_count, extra_count;
} Launch;

static void launch_done(Launch *launch)
{
        text_list_free(launch->environment);
        text_list_free(launch->command);
        text_done(&launch->sandbox);
        (void)fd_close(launch->cgroup_fd);
        output_close_fds(launch->output_fds);
}

/* ---- words, variables, descriptors ---- */

static void name_instance(Engine *engine, char *buffer, size_t size)
{
        (void)snprintf(buffer, size, "%016" PRIx64 "-%" PRIx64, engine->epoch, ++engine->instances);
}

/* @notify_socket: NULL for what only runs beside the worker, and has nothing to tell */
static int build_environment(const Slot *slot, const char *instance, const char *notify_socket,
                             char ***ret, Error *reterr)
{
        const Definition *definition = slot->definition;
        const SpawnIdentity *identity = &definition->account->identity;
        const WorkerVariables variables = {
                .pool = slot->pool->name,
                .slot = slot->number,
                .threads = definition->threads,
                .greenlets = definition->greenlets,
                .instance = instance,
                .notify_socket = notify_socket,
                .watchdog_usec = notify_socket ? definition->config->watchdog_usec : 0,
                .home = identity->home,
                .user = identity->user,
                .shell = identity->shell
        };

        return environment_build(definition->config, &variables, ret, reterr);
}

static int build_words(Slot *slot, Launch *launch, Error *reterr)
{
        const Definition *definition = slot->definition;
        int r = build_environment(slot, slot->instance, slot->pool->notify_path,
                                  &launch->environment, reterr);

        if (r < 0)
                return r;
        if (slot->pool->is_builtin) {
                r = face_add_environment(slot->pool->engine->face, &launch->environment);
                if (r < 0)
                        return error_set(reterr, r, "no-memory", "%s: out of memory",
                                         slot->pool->subject);
        }
        r = command_expand(definition->config->command, launch->environment, &launch->command);
        return r < 0 ? error_set(reterr, r, "spawn-failed",
                                 "%s: ExecStart= is empty once its variables are replaced",
                                 slot->pool->subject)
                     : 0;
}

static int *slot_listen_fds(Slot *slot)
{
        size_t count = slot->pool->listeners.count;

        if (slot->listen_fds || count == 0)
                return slot->listen_fds;
        slot->listen_fds = malloc(count * sizeof(int));
        slot->listen_fd_count = slot->listen_fds ? count : 0;
        for (size_t i = 0; i < slot->listen_fd_count; i++)
                slot->listen_fds[i] = -1;
        return slot->listen_fds;
}

static int collect_fds(Slot *slot, Launch *launch, Error *reterr)
{
        Pool *pool = slot->pool;
        int r = pool_open_listeners(pool, reterr);

        if (r < 0)
                return r;
        if (pool->is_builtin) {
                launch->fd_count = face_fds(pool->engine->face, launch->fds, LAUNCH_FDS_MAX);
                return 0;
        }
        if (pool->listeners.count == 0)
                return 0;
        if (!slot_listen_fds(slot))
                return error_set(reterr, -ENOMEM, "no-memory", "%s: out of memory", pool->subject);
        r = listeners_for_slot(&pool->listeners, slot->definition->config, slot->listen_fds,
                               launch->fds, reterr);
        launch->fd_count = r < 0 ? 0 : pool->listeners.count;
        return r;
}

bool launch_lacks_right_for_nice(const Engine *engine, const PoolConfig *config)
{
        return engine->settings.is_user_mode && config->has_nice
               && config->nice < getpriority(PRIO_PROCESS, 0);
}

bool launch_lacks_right_for_oom(const Engine *engine, const PoolConfig *config)
{
        return engine->settings.is_user_mode && config->has_oom_score_adjust
               && config->oom_score_adjust < 0;
}

static void describe(const Slot *slot, const Launch *launch, SpawnSpec *ret)
{
        const Definition *definition = slot->definition;
        const PoolConfig *config = definition->config;
        bool is_builtin = slot->pool->is_builtin;

        *ret = (SpawnSpec){
                .subject = slot->pool->subject,
                .command = launch->command,
                .executable_fd = is_builtin ? face_executable(slot->pool->engine->face) : -1,
                .environment = launch->environment,
                .directory = config->directory,
                .identity = definition->account->identity,
                .has_umask = config->umask != 0022,
                .umask = config->umask,
                .limits = config->limits,
                .has_nice = config->has_nice
                            && !launch_lacks_right_for_nice(slot->pool->engine, config),
                .nice = config->nice,
                .has_oom_score_adjust = config->has_oom_score_adjust
                                        && !launch_lacks_right_for_oom(slot->pool->engine, config),
                .oom_score_adjust = config->oom_score_adjust,
                .has_affinity = config->has_affinity,
                .affinity = config->affinity,
                .no_new_privileges = config->no_new_privileges,
                .dropped_capabilities = config->dropped_capabilities,
                .sandbox = launch->sandbox.bytes,
                .sandbox_length = launch->sandbox.length,
                .output_fd = launch->output_fds[STREAM_OUT],
                .error_fd = launch->output_fds[STREAM_ERR],
                .fds = launch->fds,
                .fd_count = launch->fd_count,
                .extra_count = launch->extra_count,
                .cgroup_fd = launch->cgroup_fd,
        };
}

/* Nobody is to believe in a sandbox that is not there: without the right to it nothing starts. */
static int build_sandbox(const Slot *slot, Launch *launch, Error *reterr)
{
        const PoolConfig *config = slot->definition->config;
        const EngineSettings *settings = &slot->pool->engine->settings;

        if (settings->is_user_mode
            && (sandbox_is_needed(&config->sandbox) || config->dropped_capabilities))
                return error_set(reterr, -EPERM, "spawn-failed",
                                 "%s: PrivateTmp=, ProtectSystem=, ProtectHome=, ReadOnlyPaths=, "
                                 "InaccessiblePaths= and CapabilityBoundingSet= need a reeved "
                                 "that runs as root; remove them, or run reeved as root",
                                 slot->pool->subject);
        sandbox_rules(&config->sandbox, settings->runtime_dir, &launch->sandbox);
        return launch->sandbox.error ? error_set(reterr, -ENOMEM, "no-memory", "%s: out of memory",
                                                 slot->pool->subject)
                                     : 0;
}

/* An account that could not be found says nothing of who to be: that must not come to mean us. */
static int check_account(const Slot *slot, Error *reterr)
{
        const Account *account = slot->definition->account;

        if (!error_is_set(&account->error))
                return 0;
        *reterr = account->error;
        return -ESRCH;
}

int launch_extra_fd(const Slot *slot)
{
        return STDERR_FILENO + 1 + (int)slot->definition->config->listener_count;
}

/* Behind the listeners, whose numbers are a protocol. */
static int add_live(Slot *slot, Launch *launch, Error *reterr)
{
        int fd = -1;
        int r = live_begin(slot, &launch->environment, launch_extra_fd(slot), &fd, reterr);

        if (r >= 0 && fd >= 0)
                launch->fds[launch->fd_count + launch->extra_count++] = (SpawnFd){ .fd = fd };
        return r;
}

static int prepare(Slot *slot, Launch *launch, Error *reterr)
{
        int r = check_account(slot, reterr);

        if (r < 0)
                return r;
        name_instance(slot->pool->engine, slot->instance, sizeof(slot->instance));
        r = output_open(slot, launch->output_fds, reterr);
        if (r >= 0)
                r = build_words(slot, launch, reterr);
        if (r >= 0)
                r = build_sandbox(slot, launch, reterr);
        if (r >= 0)
                r = collect_fds(slot, launch, reterr);
        if (r >= 0)
                r = add_live(slot, launch, reterr);
        if (r >= 0)
                r = family_begin(slot->family, slot->instance, &launch->cgroup_fd, reterr);
        if (r >= 0)
                limits_begin(slot);
        return r;
}

static int start_process(Slot *slot, const Launch *launch, Error *reterr)
{
        Engine *engine = slot->pool->engine;
        Spawned spawned = { .process = PIDREF_UNSET, .status_fd = -1 };
        SpawnSpec spec;
        int r = map_reserve(&engine->slots_by_pid);

        /* What is needed to watch it is there before it is. */
        if (r < 0)
                return error_set(reterr, r, "spawn-failed", "%s: cannot keep track of a worker: %s",
                                 slot->pool->subject, strerror(-r));
        describe(slot, launch, &spec);
        spec.can_land = true;
        r = spawn_process(&engine->host, &spec, &spawned, reterr);
        if (r < 0)
                return r;
        slot->started_realtime_usec = now_realtime_usec();
        slot->status_fd = spawned.status_fd;
        slot->child = spawned.child;
        (void)slot_hold(slot, &spawned.process, true); /* a child needs nothing but its place */
        if (slot->child)
                flights_add(slot);
        else
                operation_started(slot->pool, slot->process.pid);
        return 0;
}

int launch_slot(Slot *slot, Error *reterr)
{
        Launch launch = { .cgroup_fd = -1, .output_fds = { -1, -1 } };
        int r = prepare(slot, &launch, reterr);

        if (r >= 0)
                r = start_process(slot, &launch, reterr);
        if (slot->pool->is_builtin)
                face_launched(slot->pool->engine->face, r >= 0);
        launch_done(&launch);
        return r;
}

/* ---- beside a worker ---- */

static int add_main_pid(const Slot *slot, char ***environment)
{
        char assignment[32];

        int r;

        (void)snprintf(assignment, sizeof(assignment), "REEVE_PID=%d", (int)slot->process.pid);
        r = text_list_add(environment, assignment);
        if (r < 0)
                return r;
        /* The name that systemd gives to it in ExecReload=. */
        (void)snprintf(assignment, sizeof(assignment), "MAINPID=%d", (int)slot->process.pid);
        return text_list_add(environment, assignment);
}

static int aide_words(const Slot *slot, char *const *command, const char *instance, Launch *launch,
                      Error *reterr)
{
        int r = build_environment(slot, instance, NULL, &launch->environment, reterr);

        if (r < 0)
                return r;
        r = add_main_pid(slot, &launch->environment);
        if (r >= 0)
                r = command_expand(command, launch->environment, &launch->command);
        return r < 0 ? error_set(reterr, r, "spawn-failed", "%s: nothing is left to execute",
                                 slot->pool->subject)
                     : 0;
}

int launch_aide(Slot *slot, char *const *command, Family *family, bool is_logged, Spawned *ret,
                Error *reterr)
{
        Launch launch = { .cgroup_fd = -1, .output_fds = { -1, -1 } };
        char instance[INSTANCE_SIZE];
        SpawnSpec spec;
        int r = check_account(slot, reterr);

        if (r < 0)
                return r;
        name_instance(slot->pool->engine, instance, sizeof(instance));
        r = aide_words(slot, command, instance, &launch, reterr);
        if (r >= 0)
                r = build_sandbox(slot, &launch, reterr);
        if (r >= 0 && is_logged)
                r = output_open(slot, launch.output_fds, reterr);
        if (r >= 0)
                r = family_begin(family, instance, &launch.cgroup_fd, reterr);
        if (r >= 0) {
                describe(slot, &launch, &spec);
                spec.dies_with_us = true;
                r = spawn_process(&slot->pool->engine->host, &spec, ret, reterr);
        }
        launch_done(&launch);
        return r;
}

int launch_expand(const Slot *slot, const char *text, char **ret, Error *reterr)
{
        char *const words[] = { (char *)text, NULL };
        char **environment = NULL, **expanded = NULL;
        int r = build_environment(slot, slot->instance, NULL, &environment, reterr);

        if (r < 0)
                return r;
        r = command_expand(words, environment, &expanded);
        text_list_free(environment);
        if (r < 0)
                return error_set(reterr, r, "spawn-failed", "%s: nothing is left of %s",
                                 slot->pool->subject, text);
        *ret = TAKE_PTR(expanded[0]);
        text_list_free(expanded);
        return 0;
}
