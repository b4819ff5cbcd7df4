/* Long random lives with a fixed seed. In the first test any event comes at any time, and what
 * the machine does is held against its own graph; in the second a small world with processes
 * obeys the effects, and the promises of a supervisor are looked after. */
#include "worker_case.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t seed;

/* xorshift64: good enough to wander, the same on every machine. */
static uint64_t draw(uint64_t below)
{
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        return seed % below;
}

static char dump_program[] = "/bin/dump";
static char *dump_command[] = { dump_program, NULL };

static PoolConfig random_policy(void)
{
        PoolConfig policy = default_policy((ServiceType)draw(SERVICE_NOTIFY + 1));

        policy.restart = (RestartMode)draw(RESTART_ALWAYS + 1);
        policy.kill_mode = (KillMode)draw(KILL_PROCESS + 1);
        policy.restart_usec = draw(3) * 50 * USEC_PER_MSEC;
        policy.start_limit_burst = (unsigned)draw(5);
        policy.watchdog_usec = draw(2) * 3 * USEC_PER_SEC;
        policy.timeout_start_usec = draw(2) * 30 * USEC_PER_SEC;
        policy.probe = draw(3) == 0 ? PROBE_TCP : PROBE_NONE;
        policy.dump_command = draw(2) == 0 ? dump_command : NULL;
        policy.dump_timeout_usec = 5 * USEC_PER_SEC;
        return policy;
}

static WorkerExit random_exit(void)
{
        switch (draw(4)) {
        case 0: return (WorkerExit){ .kind = EXIT_CODE, .value = (int)draw(2) };
        case 1: return (WorkerExit){ .kind = EXIT_SIGNAL, .value = SIGSEGV };
        case 2: return (WorkerExit){ .kind = EXIT_SIGNAL, .value = SIGTERM };
        }
        return (WorkerExit){ .kind = EXIT_REASON, .reason = EXIT_REASON_UNKNOWN };
}

/* ---- any event at any time ---- */

typedef bool Seen[WORKER_STATE_COUNT][WORKER_EVENT_COUNT][WORKER_STATE_COUNT];

static void check_effects(const Worker *worker, WorkerState before, unsigned effects, uint64_t now)
{
        const WorkerFacts *facts = worker_facts(worker->state);

        assert_int_equal(!!(effects & CHANGED), worker->state != before);
        if (effects & (TERMINATE | KILL | ABORT)) {
                assert_true(worker_facts(before)->has_process);
                assert_int_equal(worker->state, WORKER_STOPPING);
        }
        if (effects & SPAWN)
                assert_int_equal(worker->state, WORKER_SPAWNING);
        if (effects & CHANGED && worker->state == WORKER_SPAWNING)
                assert_true(effects & SPAWN);
        if (effects & CHECK_GONE)
                assert_true(facts->has_process);
        if (!facts->has_process && worker->state != WORKER_BACKOFF)
                assert_true(worker_next_usec(worker) == USEC_INFINITY);
        if (worker->state == WORKER_BACKOFF)
                assert_true(worker->deadline_usec != USEC_INFINITY);
        if (effects & ~(unsigned)UNEXPECTED)
                assert_true(worker->deadline_usec == USEC_INFINITY || worker->deadline_usec > now);
        if (!facts->has_watchdog)
                assert_true(worker->watchdog_usec == USEC_INFINITY);
}

/* A timer event comes from worker_due(), which takes the timer; here it comes from nowhere. */
static void forget_timer(Worker *worker, WorkerEvent event)
{
        if (event == WORKER_EVENT_DEADLINE)
                worker->deadline_usec = USEC_INFINITY;
        if (event == WORKER_EVENT_WATCHDOG)
                worker->watchdog_usec = USEC_INFINITY;
}

static bool may_come(const Worker *worker, WorkerEvent event)
{
        return event != WORKER_EVENT_DEADLINE || worker->deadline_usec != USEC_INFINITY;
}

static void wander(Seen seen, unsigned steps)
{
        Case c = new_case(SERVICE_EXEC);

        c.policy = random_policy();
        for (unsigned i = 0; i < steps; i++) {
                WorkerEvent event = 1 + (int)draw(WORKER_EVENT_COUNT - 1);
                const WorkerExit exit = random_exit();
                WorkerState before = c.worker.state;
                unsigned effects;

                if (!may_come(&c.worker, event))
                        continue;
                c.now += draw(2 * USEC_PER_SEC);
                forget_timer(&c.worker, event);
                effects = worker_step(&c.worker, event, &exit, &c.policy, c.now, draw(UINT64_MAX));
                if (effects & CHANGED || c.worker.deadline_usec > c.now)
                        check_effects(&c.worker, before, effects, c.now);
                seen[before][event][c.worker.state] = true;
        }
}

/* Whether the graph has an edge from @from to @to that names @event. */
static bool is_drawn(const char *graph, int from, int event, int to)
{
        char start[96], name[40];
        const char *edge, *end;
        size_t length;

        (void)snprintf(start, sizeof(start), "\"%s\" -> \"%s\" [label=\"",
                       worker_state_to_name(from), worker_state_to_name(to));
        edge = strstr(graph, start);
        if (!edge)
                return false;
        edge += strlen(start);
        end = strchr(edge, '"');
        (void)snprintf(name, sizeof(name), "%s", worker_event_to_name(event));
        for (length = strlen(name); edge < end; edge += strcspn(edge, "\\\"") + 2)
                if (strncmp(edge, name, length) == 0
                    && (edge[length] == '"' || edge[length] == '\\'))
                        return true;
        return false;
}

static void test_the_graph_shows_what_happens_and_nothing_else(void **state)
{
        static Seen seen;
        char *graph = worker_dump_states();

        assert_non_null(graph);
        seed = 20240917;
        for (int life = 0; life < 20000; life++)
                wander(seen, 60);
        for (int from = 1; from < WORKER_STATE_COUNT; from++)
                for (int event = 1; event < WORKER_EVENT_COUNT; event++)
                        for (int to = 1; to < WORKER_STATE_COUNT; to++)
                                if (from != to
                                    && seen[from][event][to] != is_drawn(graph, from, event, to))
                                        fail_msg("%s + %s -> %s: %s", worker_state_to_name(from),
                                                 worker_event_to_name(event),
                                                 worker_state_to_name(to),
                                                 seen[from][event][to] ? "happens, is not drawn"
                                                                       : "is drawn, never happens");
        free(graph);
}

/* ---- a world that obeys ---- */

typedef struct World {
        Case c;
        bool has_main, has_others; /* what lives in the slot */
        bool has_forsaken;         /* left behind by KillMode=process */
        bool is_deaf;              /* ignores KillSignal */
        bool is_executed;
        bool owes_exit, owes_check; /* news the engine has still to bring */
        unsigned spawns;
} World;

static void tell(World *world, WorkerEvent event, const WorkerExit *exit);

static void end_main(World *world)
{
        world->owes_exit = world->owes_exit || world->has_main;
        world->has_main = false;
}

static void obey_signals(World *world, unsigned effects)
{
        KillMode mode = world->c.policy.kill_mode;

        if (effects & TERMINATE && !world->is_deaf) {
                end_main(world);
                if (mode == KILL_CONTROL_GROUP)
                        world->has_others = false;
        }
        if (effects & ABORT && !world->is_deaf)
                end_main(world);
        if (effects & KILL) {
                end_main(world);
                world->has_others = world->has_others && mode == KILL_PROCESS;
        }
}

static void obey(World *world, unsigned effects)
{
        assert_false(effects & UNEXPECTED);
        if (effects & (TERMINATE | KILL | ABORT))
                assert_true(world->has_main || world->has_others || world->owes_exit
                            || world->owes_check);
        if (effects & LEFT_BEHIND) {
                assert_int_equal(world->c.policy.kill_mode, KILL_PROCESS);
                world->has_forsaken = true;
                world->has_others = false;
        }
        obey_signals(world, effects);
        if (effects & CHECK_GONE)
                world->owes_check = true;
        if (effects & DUMP && draw(2) == 0) {
                tell(world, WORKER_EVENT_DUMPED, NULL);
                return;
        }
        if (effects & SPAWN) {
                assert_false(world->has_main || world->has_others); /* never two */
                world->is_executed = false;
                if (draw(8) == 0) {
                        tell(world, WORKER_EVENT_SPAWN_FAILED, NULL);
                        return;
                }
                world->spawns++;
                world->has_main = true;
                world->is_deaf = draw(3) == 0;
                tell(world, WORKER_EVENT_SPAWNED, NULL);
        }
}

static void tell(World *world, WorkerEvent event, const WorkerExit *exit)
{
        Case *c = &world->c;

        obey(world, worker_step(&c->worker, event, exit, &c->policy, c->now, draw(UINT64_MAX)));
        if (!worker_facts(c->worker.state)->has_process)
                assert_false(world->has_main || world->has_others); /* stopped means gone */
}

/* As the engine does: the exit first, then the look whether anything lives. */
static void bring_news(World *world)
{
        const WorkerExit exit = random_exit();

        if (world->owes_exit) {
                world->owes_exit = false;
                tell(world, WORKER_EVENT_EXITED, &exit);
        }
        if (!world->owes_check || world->has_main || world->owes_exit)
                return;
        world->owes_check = world->has_others;
        tell(world, world->has_others ? WORKER_EVENT_SURVIVORS : WORKER_EVENT_GONE, NULL);
}

static void ring_timers(World *world)
{
        Case *c = &world->c;
        WorkerEvent event;

        while ((event = worker_due(&c->worker, c->now)))
                tell(world, event, NULL);
}

static void act_of_process(World *world)
{
        static const WorkerEvent said[] = { WORKER_EVENT_NOTIFY_READY,
                                            WORKER_EVENT_NOTIFY_RELOADING,
                                            WORKER_EVENT_NOTIFY_STOPPING, WORKER_EVENT_PROBE_OK,
                                            WORKER_EVENT_PROBE_FAILED };

        if (!world->has_main)
                return;
        if (!world->is_executed) {
                world->is_executed = true;
                tell(world, WORKER_EVENT_EXECUTED, NULL);
                return;
        }
        switch (draw(4)) {
        case 0: world->has_others = true; break;
        case 1: end_main(world); break;
        default: tell(world, said[draw(COUNT_OF(said))], NULL); break;
        }
}

static void act_of_person(World *world)
{
        tell(world, WORKER_EVENT_START + (int)draw(3), NULL);
}

static void live(World *world)
{
        for (int i = 0; i < 200; i++) {
                world->c.now += draw(5 * USEC_PER_SEC);
                switch (draw(6)) {
                case 0: act_of_person(world); break;
                case 1:
                        worker_extend(&world->c.worker, world->c.now, draw(40 * USEC_PER_SEC));
                        break;
                case 2: worker_heartbeat(&world->c.worker, &world->c.policy, world->c.now); break;
                default: act_of_process(world); break;
                }
                bring_news(world);
                ring_timers(world);
                bring_news(world);
        }
}

/* Whatever happened before, a stop comes to its end. */
static void stop_for_good(World *world)
{
        tell(world, WORKER_EVENT_STOP, NULL);
        for (int i = 0; i < 10 && world->c.worker.state != WORKER_STOPPED; i++) {
                bring_news(world);
                if (worker_next_usec(&world->c.worker) != USEC_INFINITY)
                        world->c.now = MAX(world->c.now, worker_next_usec(&world->c.worker));
                ring_timers(world);
        }
        assert_int_equal(world->c.worker.state, WORKER_STOPPED);
}

static void test_lives_in_a_world_that_obeys(void **state)
{
        unsigned spawns = 0, forsaken = 0;

        seed = 42;
        for (int life = 0; life < 3000; life++) {
                World world = { .c = new_case(SERVICE_EXEC) };

                world.c.policy = random_policy();
                live(&world);
                stop_for_good(&world);
                spawns += world.spawns;
                forsaken += world.has_forsaken;
        }
        assert_true(spawns > 3000); /* it did live */
        assert_true(forsaken > 100);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_graph_shows_what_happens_and_nothing_else),
                cmocka_unit_test(test_lives_in_a_world_that_obeys),
        };
        return cmocka_run_group_tests_name("model/worker-random", tests, NULL, NULL);
}
