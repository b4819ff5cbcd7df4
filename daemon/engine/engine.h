/* engine.h - the core's one loop: facts come in, the model decides, effects go out
 *
 * Facts are deaths (SIGCHLD), notifications, timers, output of workers and commands of
 * reeve-api. Each handler turns its fact into an event of the model (model/worker.h), performs
 * the effects that come back, and marks the pool as touched. Touched pools are reconciled once
 * a round: the plan (model/plan.h) names the next starts and stops, the pool's state is derived,
 * and the board shows what is.
 *
 *   reap.c notify.c timer          slot.c               pool.c              publish.c
 *   fact ----------------> event -> worker_step() -> effects -> reconcile -> board, events
 *
 * Nothing in here blocks. The engine knows nothing of files that outlive it: what must be kept
 * is told to its owner through EngineHooks. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <systemd/sd-event.h>

#include "base/error.h"
#include "base/heap.h"
#include "base/map.h"
#include "board/board.h"
#include "config/config.h"
#include "model/grid.h"
#include "spawn/family.h"
#include "spawn/spawn.h"

typedef struct Engine Engine;
typedef struct Pool Pool;
typedef struct Slot Slot;
typedef struct Face Face;
typedef struct Health Health;
typedef struct Aide Aide;
typedef struct Inspection Inspection;

typedef struct EngineSettings {
        const char *config_dir, *state_dir, *runtime_dir, *log_dir;
        const char *api_path;     /* reeve-api; NULL: run without a face */
        const char *helper_path;  /* reeve-exec */
        const char *pack_path;    /* reeve-pack */
        const char *inspect_path; /* reeve-inspect */
        const char *bpf_path;     /* reeve-bpf; it may not be there */
        bool is_user_mode;        /* not root: no other identities */
} EngineSettings;

/* What must survive is kept by whoever owns the engine (persist/). */
typedef struct EngineHooks {
        /* The scale of a pool was set by a person, or reset: keep it or forget it.
         * Return: 0, or negative errno with @reterr, which becomes a warning of the pool. */
        int (*keep_scale)(void *userdata, const Pool *pool, Error *reterr);
        /* The scale that a person set for this pool in an earlier life.
         * Return: 1 and the grid, 0 if there is none */
        int (*load_scale)(void *userdata, const char *pool, Grid *ret);
        /* Take back what an earlier reeved left running; before the first start. */
        void (*adopt)(void *userdata, Engine *engine);
        /* Something that adoption needs has changed; called at most 20 times a second.
         * Return: 0; negative errno: it is tried again. */
        int (*keep_state)(void *userdata, const Engine *engine);
        /* Read the configuration again, with the kept scales.
         * Return: 0; -EINVAL with @problems, other negative errno */
        int (*read_config)(void *userdata, ProblemList *problems, Config **ret);
        void *userdata;
} EngineHooks;

struct Engine {
        EngineSettings settings;
        EngineHooks hooks;
        sd_event *event;
        Config *config;

        SpawnHost host;
        FamilyRoot *families;
        Error families_error; /* why they are not cgroups */
        sd_event_source *family_source;
        Map slots_by_pid; /* main processes */
        Map aides_by_pid; /* what runs beside them: see aide.c */
        LIST_HEAD(AideList, Aide) ended_aides;
        TAILQ_HEAD(InspectionList, Inspection) inspections; /* see inspection.c */
        TAILQ_HEAD(SlotList, Slot) lingering; /* slots whose main process is gone and others live */
        Pool **pools;                         /* sorted by name; built-in ones included */
        size_t pool_count;
        Slot **slots_by_row; /* board row -> slot */
        size_t slot_rows;
        uint32_t free_row_hint;

        TAILQ_HEAD(FarewellList, Slot) farewells; /* see farewell.c */
        sd_event_source *farewell_source, *tidy_source, *trim_source;

        TAILQ_HEAD(EngineFlightList, Slot) flights; /* see flights.c */
        sd_event_source *look_source;
        uint64_t look_usec; /* until the next look */

        Heap deadlines; /* of slots: see deadlines.c */
        sd_event_source *deadline_source;
        uint64_t deadline_usec; /* what it is set to */

        int intake_fd; /* epoll of the workers' pipes: see intake.c */
        sd_event_source *intake_source;

        TAILQ_HEAD(PacedList, Slot) paced; /* slots that wait for their turn to start */
        sd_event_source *pace_source;
        uint64_t next_spawn_usec;

        int board_fd;
        void *board;
        size_t board_size;
        uint64_t epoch;      /* random, part of REEVE_INSTANCE */
        uint64_t random;     /* state of what spreads back-offs */
        uint64_t instances;  /* counter, part of REEVE_INSTANCE */
        uint64_t operations; /* last id given */

        Face *face;
        sd_event_source *reconcile_source, *tell_source, *sample_source, *keep_source;
        bool is_state_dirty, is_state_urgent, has_news;
        sd_event_source *hangup_source; /* SIGHUPs that came soon after one another */
        uint64_t hangup_usec;           /* when the last one was obeyed */
        bool is_hangup_due;
        uint64_t kept_usec;            /* when the state was last kept */
        uint64_t sample_interval_usec; /* as stretched by its budget */
        struct Threads *threads;       /* NULL: nothing is sampled; see threads.h */
        uint64_t cpus_usec;            /* when processors were last counted */

        bool is_ready, is_stopping;
        bool is_hurried; /* asked to stop again: nothing waits for anything */
        int exit_code;
        uint64_t started_usec, started_realtime_usec;
        uint64_t notify_ignored;
};

/** engine_new() - build everything, start nothing
 *  @config: taken on success
 *  @problems: warnings of the configuration, shown in status
 *  Return: 0; negative errno with @reterr */
int engine_new(const EngineSettings *settings, const EngineHooks *hooks, Config *config_take,
               const ProblemList *problems, Engine **ret, Error *reterr);

/** engine_run() - start all pools, loop until told to stop and everything is gone
 *  Return: the exit code */
int engine_run(Engine *engine);

/** engine_free() - Return: NULL */
Engine *engine_free(Engine *engine);
DEFINE_AUTO(Engine, engine_free);

/** engine_stop() - stop all workers gracefully, then leave the loop with @exit_code; the second
 *  call kills */
void engine_stop(Engine *engine, int exit_code);

/** engine_find_pool() - Return: the pool, NULL */
Pool *engine_find_pool(const Engine *engine, const char *name);

/** engine_add_pool() - @pool_take: ours on success; Return: 0, -ENOMEM */
int engine_add_pool(Engine *engine, Pool *pool_take);

/** engine_remove_pool() - forget an empty pool and free it */
void engine_remove_pool(Engine *engine, Pool *pool);

/** engine_touch() - something about a pool changed: reconcile it this round */
void engine_touch(Engine *engine, Pool *pool);

/** engine_tell_soon() - news for reeve-api, or state to keep: once, when this round is over */
void engine_tell_soon(Engine *engine);

/** engine_keep_decision() - what a person decided is on disk before the person is answered */
void engine_keep_decision(Engine *engine);
