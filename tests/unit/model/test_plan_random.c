/* Random pools led through random changes by the plan, with a fixed seed. A slot of this small
 * world takes some ticks to become ready and some to go; it may crash, fail to start or give up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "model/plan.h"
#include "model/withhold.h"

enum { SLOTS = 48, GRID_MAX = 12, TICKS_MAX = 3000 };

typedef struct Place {
        bool is_known; /* the plan sees it */
        WorkerState state;
        bool is_wanted;
        unsigned definition, wait, life; /* life: a number that no two processes share */
        unsigned threads;
} Place;

typedef struct World {
        Place places[SLOTS];
        PlanTarget target;
        unsigned definition, lives, unavailable;
        unsigned threads; /* of a worker that starts now */
        uint64_t threads_floor;
        unsigned failure_permille;
} World;

static uint64_t seed;

static unsigned draw(unsigned below)
{
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        return (unsigned)(seed % below);
}

static size_t see(const World *world, PlanSlot *slots, unsigned *threads)
{
        size_t count = 0;

        for (unsigned i = 0; i < SLOTS; i++) {
                const Place *place = &world->places[i];

                if (!place->is_known)
                        continue;
                threads[count] = place->threads;
                slots[count++] = (PlanSlot){
                        .slot = i,
                        .state = place->state,
                        .is_wanted = place->is_wanted,
                        .is_current = place->definition == world->definition,
                };
        }
        return count;
}

static unsigned ready_count(const World *world)
{
        unsigned ready = 0;

        for (unsigned i = 0; i < SLOTS; i++)
                ready +=
                        world->places[i].is_known && worker_facts(world->places[i].state)->is_ready;
        return ready;
}

static uint64_t ready_threads(const World *world)
{
        uint64_t threads = 0;

        for (unsigned i = 0; i < SLOTS; i++)
                if (world->places[i].is_known && worker_facts(world->places[i].state)->is_ready)
                        threads += world->places[i].threads;
        return threads;
}

/* Slots of the grid that nobody can wait for. */
static unsigned hopeless_count(const World *world)
{
        unsigned hopeless = 0;

        for (unsigned i = 0; i < world->target.processes; i++) {
                const Place *place = &world->places[i];

                hopeless += place->is_known && place->is_wanted
                            && (place->state == WORKER_FAILED || place->state == WORKER_UNREADY);
        }
        return hopeless;
}

/* ---- steps of the plan ---- */

static void begin_life(World *world, Place *place, WorkerState state)
{
        place->state = state;
        place->wait = 1 + draw(4);
        place->definition = world->definition;
        place->threads = world->threads;
        place->life = ++world->lives;
}

static void obey_start(World *world, unsigned number)
{
        Place *place;

        assert_true(number < SLOTS);
        place = &world->places[number];
        assert_true(world->target.is_up);
        assert_true(!place->is_known || place->state == WORKER_STOPPED); /* never two */
        for (unsigned i = world->target.processes; i < number; i++) /* the lowest that is free */
                assert_true(world->places[i].is_known && world->places[i].state != WORKER_STOPPED);
        place->is_known = true;
        place->is_wanted = true;
        begin_life(world, place, WORKER_STARTING);
}

static void obey_stop(World *world, unsigned number)
{
        Place *place = &world->places[number];
        bool was_ready = worker_facts(place->state)->is_ready;

        assert_true(place->is_known && place->is_wanted);
        if (world->target.is_up && number < world->target.processes)
                assert_int_not_equal(place->definition, world->definition); /* else leave it */
        place->is_wanted = false;
        place->state = worker_facts(place->state)->has_process ? WORKER_STOPPING : WORKER_STOPPED;
        place->wait = 1 + draw(4);
        if (was_ready && world->target.is_up)
                assert_true(ready_count(world) + hopeless_count(world) >= world->target.floor);
}

static void check_order(const PlanStep *steps, size_t count)
{
        for (size_t i = 1; i < count; i++) {
                assert_false(steps[i - 1].verb == PLAN_STOP && steps[i].verb == PLAN_START);
                if (steps[i - 1].verb != steps[i].verb)
                        continue;
                if (steps[i].verb == PLAN_START)
                        assert_true(steps[i - 1].slot < steps[i].slot);
                else
                        assert_true(steps[i - 1].slot > steps[i].slot);
        }
}

static PlanProgress follow_plan(World *world)
{
        const ThreadsTarget threads_target = { world->target.processes,
                                               world->target.is_up ? world->threads_floor : 0 };
        PlanSlot slots[SLOTS];
        unsigned threads[SLOTS];
        PlanStep steps[4 * SLOTS];
        PlanProgress progress;
        size_t count = see(world, slots, threads);
        size_t taken = plan_next(&world->target, slots, count, steps, &progress);

        assert_true(taken <= count + world->target.processes + world->target.max_surge);
        taken = withhold_stops(&threads_target, slots, threads, count, steps, taken);
        check_order(steps, taken);
        for (size_t i = 0; i < taken; i++)
                if (steps[i].verb == PLAN_START)
                        obey_start(world, steps[i].slot);
                else
                        obey_stop(world, steps[i].slot);
        return progress;
}

/* ---- what happens by itself ---- */

static void happen_to(World *world, Place *place)
{
        static const WorkerState troubles[] = { WORKER_BACKOFF, WORKER_BACKOFF, WORKER_FAILED,
                                                WORKER_UNREADY };

        if (place->wait > 0 && --place->wait > 0)
                return;
        if (place->state == WORKER_STOPPING)
                place->state = WORKER_STOPPED;
        else if (place->state == WORKER_BACKOFF)
                begin_life(world, place, WORKER_STARTING);
        else if (place->state == WORKER_STARTING)
                place->state = WORKER_READY;
        if (worker_facts(place->state)->has_process && place->is_wanted
            && draw(1000) < world->failure_permille) {
                place->state = troubles[draw(COUNT_OF(troubles))];
                place->wait = 1 + draw(6);
        }
}

static void tick(World *world)
{
        for (unsigned i = 0; i < SLOTS; i++)
                if (world->places[i].is_known)
                        happen_to(world, &world->places[i]);
}

static void change_target(World *world)
{
        unsigned before = world->target.processes, after = draw(GRID_MAX + 1);
        unsigned threads_before = world->threads;

        world->unavailable = draw(3);
        if (draw(2)) {
                world->definition++;
                world->threads = draw(3) ? 1 + draw(12) : world->threads;
        }
        world->threads_floor = 0;
        if (world->threads != threads_before)
                world->threads_floor = withhold_floor(
                        (uint64_t)before * threads_before, (uint64_t)after * world->threads,
                        (uint64_t)world->unavailable * MAX(world->threads, threads_before));
        world->target = (PlanTarget){ .is_up = true,
                                      .processes = after,
                                      .floor = plan_floor(before, after, world->unavailable),
                                      .max_surge = draw(4) };
}

/* Until the plan says so. Return: ticks it took */
static unsigned reach(World *world, bool is_held)
{
        for (unsigned ticks = 0; ticks < TICKS_MAX; ticks++) {
                if (follow_plan(world).is_reached)
                        return ticks;
                if (is_held)
                        assert_true(ready_count(world) >= world->target.floor
                                    && ready_threads(world) >= world->threads_floor);
                tick(world);
        }
        fail_msg("the target was not reached");
        return TICKS_MAX;
}

static void check_target(const World *world)
{
        for (unsigned i = 0; i < SLOTS; i++) {
                const Place *place = &world->places[i];

                if (i < world->target.processes) {
                        assert_int_equal(place->state, WORKER_READY);
                        assert_int_equal(place->definition, world->definition);
                } else {
                        assert_true(!place->is_known || place->state == WORKER_STOPPED);
                }
        }
}

/* ---- the tests ---- */

/* Promise 2 and 3: only the difference moves, and it is made before it is broken. */
static void test_changes_one_after_the_other(void **state)
{
        seed = 4711;
        for (int round = 0; round < 300; round++) {
                World world = { .target = { .is_up = true, .processes = draw(GRID_MAX) },
                                .threads = 1 };

                (void)reach(&world, false);
                for (int change = 0; change < 10; change++) {
                        World before = world;

                        change_target(&world);
                        (void)reach(&world, true);
                        check_target(&world);
                        for (unsigned i = 0; i < world.target.processes; i++)
                                if (world.definition == before.definition
                                    && i < before.target.processes)
                                        assert_int_equal(world.places[i].life,
                                                         before.places[i].life);
                }
        }
}

static void test_changes_in_the_middle_of_changes(void **state)
{
        seed = 815;
        for (int round = 0; round < 500; round++) {
                World world = { .target = { .is_up = true }, .threads = 1 };

                for (int i = 0; i < 30; i++) {
                        change_target(&world);
                        for (unsigned ticks = draw(12); ticks > 0; ticks--) {
                                (void)follow_plan(&world);
                                tick(&world);
                        }
                }
                (void)reach(&world, false);
                check_target(&world);
        }
}

/* Workers crash, hang and give up: the checks in the steps hold, and once they behave and a
 * person has started those that gave up, the target is reached. */
static void test_changes_with_trouble(void **state)
{
        seed = 333;
        for (int round = 0; round < 500; round++) {
                World world = { .target = { .is_up = true }, .threads = 1, .failure_permille = 60 };

                for (int i = 0; i < 20; i++) {
                        change_target(&world);
                        for (unsigned ticks = draw(40); ticks > 0; ticks--) {
                                (void)follow_plan(&world);
                                tick(&world);
                        }
                }
                world.failure_permille = 0;
                for (unsigned i = 0; i < SLOTS; i++)
                        if (world.places[i].state == WORKER_FAILED
                            || world.places[i].state == WORKER_UNREADY)
                                world.places[i].state = WORKER_STARTING;
                (void)reach(&world, false);
                check_target(&world);
        }
}

static void test_a_pool_that_stops_is_empty_in_the_end(void **state)
{
        seed = 99;
        for (int round = 0; round < 300; round++) {
                World world = { .target = { .is_up = true }, .threads = 1, .failure_permille = 30 };

                change_target(&world);
                for (unsigned ticks = draw(30); ticks > 0; ticks--) {
                        (void)follow_plan(&world);
                        tick(&world);
                }
                world.target.is_up = false;
                assert_true(reach(&world, false) < 10);
                for (unsigned i = 0; i < SLOTS; i++)
                        assert_true(!world.places[i].is_known
                                    || world.places[i].state == WORKER_STOPPED);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_changes_one_after_the_other),
                cmocka_unit_test(test_changes_in_the_middle_of_changes),
                cmocka_unit_test(test_changes_with_trouble),
                cmocka_unit_test(test_a_pool_that_stops_is_empty_in_the_end),
        };
        return cmocka_run_group_tests_name("model/plan-random", tests, NULL, NULL);
}
