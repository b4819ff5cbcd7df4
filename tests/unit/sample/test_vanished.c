/* Threads that end in the midst of a task, as their telemetry and /proc/PID/task tell. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "reeve/telemetry.h"
#include "sample/vanished.h"

enum { THREADS = 32, NOBODY = 0x7ffffff0 }; /* above any TID */

#define SECOND UINT64_C(1000000)
#define LATER  (100 * SECOND)

typedef struct Fixture {
        Telemetry telemetry;
        ReeveTelemetryHeader *header;
        ReeveTelemetryTotals *totals;
        ReeveTelemetryThread *threads;
        Vanished vanished;
} Fixture;

static void set_up(Fixture *fixture)
{
        char *memory;

        *fixture = (Fixture){ 0 };
        assert_int_equal(telemetry_new(THREADS, &fixture->telemetry), 0);
        memory = fixture->telemetry.memory;
        fixture->header = (void *)memory;
        fixture->totals = (void *)(memory + fixture->header->totals_offset);
        fixture->threads = (void *)(memory + fixture->header->threads_offset);
        fixture->header->attached_pid = (uint32_t)getpid();
        fixture->header->attached_nsec = 1;
}

static void tear_down(Fixture *fixture)
{
        vanished_done(&fixture->vanished);
        telemetry_done(&fixture->telemetry);
}

static void occupy(Fixture *fixture, unsigned index, int tid, uint64_t start_usec)
{
        fixture->threads[index] = (ReeveTelemetryThread){ .tid = (uint32_t)tid,
                                                          .state = REEVE_THREAD_BUSY,
                                                          .task_start_nsec = start_usec * 1000 };
        if (fixture->totals->slots_used <= index)
                fixture->totals->slots_used = index + 1;
}

/* One sample. Return: newly lost; @busy: as it is shown then */
static unsigned look(Fixture *fixture, pid_t pid, unsigned *busy)
{
        TelemetrySample sample;
        unsigned found;

        assert_int_equal(telemetry_read(&fixture->telemetry, NULL, &sample), 0);
        found = vanished_look(&fixture->vanished, &fixture->telemetry, pid, LATER, &sample);
        *busy = sample.threads_busy;
        return found;
}

static void test_who_is_gone_is_found_once(void **state)
{
        Fixture fixture;
        unsigned busy;

        set_up(&fixture);
        occupy(&fixture, 0, getpid(), SECOND); /* lives */
        occupy(&fixture, 1, NOBODY, SECOND);
        occupy(&fixture, 2, NOBODY, LATER - SECOND / 2); /* too young to be looked for */
        assert_int_equal(look(&fixture, getpid(), &busy), 1);
        assert_int_equal(busy, 2);
        assert_int_equal(look(&fixture, getpid(), &busy), 0);
        assert_int_equal(busy, 2);
        assert_int_equal(look(&fixture, 0, &busy), 0); /* the process has ended */
        assert_int_equal(busy, 2);
        /* Another task in the same slot, another loss. */
        occupy(&fixture, 1, NOBODY, 2 * SECOND);
        assert_int_equal(look(&fixture, getpid(), &busy), 1);
        tear_down(&fixture);
}

static void test_many_are_found_in_turns(void **state)
{
        Fixture fixture;
        unsigned busy, found = 0, looks = 0;

        set_up(&fixture);
        for (unsigned i = 0; i < THREADS; i++)
                occupy(&fixture, i, i % 2 ? NOBODY : getpid(), SECOND);
        for (; found < THREADS / 2 && looks < THREADS; looks++)
                found += look(&fixture, getpid(), &busy);
        assert_int_equal(found, THREADS / 2);
        assert_in_range(looks, THREADS / 2 / 8, THREADS / 2);
        assert_int_equal(look(&fixture, getpid(), &busy), 0);
        assert_int_equal(busy, THREADS / 2);
        tear_down(&fixture);
}

static void test_another_process_wrote(void **state)
{
        Fixture fixture;
        unsigned busy;

        set_up(&fixture);
        occupy(&fixture, 0, NOBODY, SECOND);
        assert_int_equal(look(&fixture, getppid(), &busy), 0);
        assert_int_equal(busy, 1);
        tear_down(&fixture);
}

static void test_absurd_words(void **state)
{
        Fixture fixture;
        unsigned busy;

        set_up(&fixture);
        assert_int_equal(look(&fixture, getpid(), &busy), 0);
        occupy(&fixture, 0, 0, SECOND);
        occupy(&fixture, 1, -1, SECOND);
        occupy(&fixture, 2, NOBODY, 0);
        occupy(&fixture, 3, NOBODY, UINT64_MAX / 1000);
        assert_int_equal(look(&fixture, getpid(), &busy), 0);
        assert_int_equal(busy, 4);
        tear_down(&fixture);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_who_is_gone_is_found_once),
                cmocka_unit_test(test_many_are_found_in_turns),
                cmocka_unit_test(test_another_process_wrote),
                cmocka_unit_test(test_absurd_words),
        };

        return cmocka_run_group_tests_name("sample/vanished", tests, NULL, NULL);
}
