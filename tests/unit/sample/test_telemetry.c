/* What a worker writes into its shared memory: read when it makes sense, refused when it does not. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "reeve/telemetry.h"
#include "sample/telemetry.h"

enum { THREADS = 8 };

typedef struct Fixture {
        Telemetry telemetry;
        ReeveTelemetryHeader *header;
        ReeveTelemetryTotals *totals;
        ReeveTelemetryThread *threads;
} Fixture;

static int set_up(void **state)
{
        Fixture *fixture = calloc(1, sizeof(*fixture));
        char *memory;

        assert_non_null(fixture);
        assert_int_equal(telemetry_new(THREADS, &fixture->telemetry), 0);
        memory = fixture->telemetry.memory;
        fixture->header = (void *)memory;
        fixture->totals = (void *)(memory + fixture->header->totals_offset);
        fixture->threads = (void *)(memory + fixture->header->threads_offset);
        *state = fixture;
        return 0;
}

static int tear_down(void **state)
{
        Fixture *fixture = *state;

        telemetry_done(&fixture->telemetry);
        free(fixture);
        return 0;
}

static void test_new_memory_says_that_nobody_came(void **state)
{
        Fixture *fixture = *state;
        TelemetrySample sample;

        assert_int_equal(telemetry_read(&fixture->telemetry, NULL, &sample), 0);
        assert_false(sample.is_attached);
        assert_int_equal(sample.threads_live, 0);
        assert_int_equal(telemetry_tasks(&sample), 0);
}

static void test_the_header_tells_the_geometry(void **state)
{
        const ReeveTelemetryHeader *header = ((Fixture *)*state)->header;

        assert_memory_equal(&header->magic, "REEVETEL", 8);
        assert_int_equal(header->version, 1);
        assert_int_equal(header->header_bytes, 128);
        assert_int_equal(header->totals_offset, 128);
        assert_int_equal(header->histograms_offset, 384);
        assert_int_equal(header->threads_offset, 1408);
        assert_int_equal(header->thread_bytes, 128);
        assert_int_equal(header->thread_count, THREADS);
        assert_int_equal(header->total_bytes, 1408 + THREADS * 128);
}

static void test_counts_and_threads_are_read(void **state)
{
        Fixture *fixture = *state;
        TelemetrySample sample;

        fixture->header->attached_pid = 42;
        fixture->header->attached_nsec = 1;
        fixture->totals->done = 7;
        fixture->totals->failed = 2;
        fixture->totals->slots_used = 4;
        fixture->threads[0].state = REEVE_THREAD_BUSY;
        fixture->threads[0].task_start_nsec = 900;
        fixture->threads[1].state = REEVE_THREAD_IDLE;
        fixture->threads[3].state = REEVE_THREAD_LOCK;
        fixture->threads[3].task_start_nsec = 800;
        fixture->threads[5].state = REEVE_THREAD_BUSY; /* beyond slots_used: not looked at */
        assert_int_equal(telemetry_read(&fixture->telemetry, NULL, &sample), 0);
        assert_true(sample.is_attached);
        assert_int_equal(sample.attached_pid, 42);
        assert_int_equal(telemetry_tasks(&sample), 9);
        assert_int_equal(sample.threads_live, 3);
        assert_int_equal(sample.threads_busy, 2);
        assert_int_equal(sample.oldest_task_nsec, 800);
}

static void assert_refused(const Fixture *fixture, const TelemetrySample *before)
{
        TelemetrySample sample = { .done = 12345 };

        assert_int_equal(telemetry_read(&fixture->telemetry, before, &sample), -EBADMSG);
        assert_int_equal(sample.done, 12345);
}

static void test_an_overwritten_header_is_refused(void **state)
{
        Fixture *fixture = *state;

        fixture->header->thread_count = 1U << 31;
        assert_refused(fixture, NULL);
        fixture->header->thread_count = THREADS;
        fixture->header->magic++;
        assert_refused(fixture, NULL);
}

static void test_a_state_that_is_none_is_refused(void **state)
{
        Fixture *fixture = *state;

        fixture->totals->slots_used = 1;
        fixture->threads[0].state = REEVE_THREAD_STATES;
        assert_refused(fixture, NULL);
}

static void test_more_slots_than_there_are_is_refused(void **state)
{
        Fixture *fixture = *state;

        fixture->totals->slots_used = THREADS + 1;
        assert_refused(fixture, NULL);
        fixture->totals->slots_used = UINT64_MAX;
        assert_refused(fixture, NULL);
}

static void test_a_counter_that_falls_is_refused(void **state)
{
        Fixture *fixture = *state;
        TelemetrySample before;

        fixture->totals->done = 7;
        assert_int_equal(telemetry_read(&fixture->telemetry, NULL, &before), 0);
        fixture->totals->done = 6;
        assert_refused(fixture, &before);
        fixture->totals->done = 7;
        assert_int_equal(telemetry_read(&fixture->telemetry, &before, &before), 0);
}

static void test_tasks_do_not_wrap(void **state)
{
        const TelemetrySample sample = { .done = UINT64_MAX, .failed = 2 };

        (void)state;
        assert_true(telemetry_tasks(&sample) == UINT64_MAX);
}

static void test_t30_random_bytes_never_harm(void **state)
{
        Fixture *fixture = *state;
        unsigned char *bytes = fixture->telemetry.memory;
        TelemetrySample sample;
        unsigned short seed[3] = { 1, 2, 3 };

        for (int round = 0; round < 2000; round++) {
                /* Half of the rounds leave the header, so that what is behind it is read too. */
                size_t first = round % 2 ? 0 : offsetof(ReeveTelemetryHeader, attached_nsec);
                int r;

                for (int i = 0; i < 64; i++) {
                        size_t place =
                                first + (size_t)nrand48(seed) % (fixture->telemetry.size - first);
                        bytes[place] = (unsigned char)nrand48(seed);
                }
                r = telemetry_read(&fixture->telemetry, NULL, &sample);
                assert_true(r == 0 || r == -EBADMSG);
                assert_true(r < 0 || sample.threads_live <= THREADS);
        }
}

static void test_the_worker_cannot_change_the_size(void **state)
{
        Fixture *fixture = *state;

        assert_int_equal(ftruncate(fixture->telemetry.fd, 0), -1);
        assert_int_equal(ftruncate(fixture->telemetry.fd, 1 << 20), -1);
}

static void test_what_was_made_before_is_taken_back(void **state)
{
        Fixture *fixture = *state;
        Telemetry taken = TELEMETRY_UNSET;
        TelemetrySample sample;

        fixture->totals->done = 3;
        assert_int_equal(telemetry_take(dup(fixture->telemetry.fd), &taken), 0);
        assert_int_equal(telemetry_read(&taken, NULL, &sample), 0);
        assert_int_equal(sample.done, 3);
        assert_int_equal(taken.thread_count, THREADS);
        telemetry_done(&taken);
}

static void test_memory_that_could_shrink_is_not_taken(void **state)
{
        Telemetry taken = TELEMETRY_UNSET;
        int fd = memfd_create("unsealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);

        (void)state;
        assert_true(fd >= 0);
        assert_int_equal(ftruncate(fd, (off_t)reeve_telemetry_bytes(THREADS)), 0);
        assert_int_equal(telemetry_take(fd, &taken), -EBADMSG);
        assert_null(taken.memory);
}

static void test_counts_of_threads_are_bounded(void **state)
{
        Telemetry telemetry = TELEMETRY_UNSET;

        (void)state;
        assert_int_equal(telemetry_new(0, &telemetry), -EINVAL);
        assert_int_equal(telemetry_new(TELEMETRY_THREADS_MAX + 1, &telemetry), -EINVAL);
}

static void test_buckets_are_powers_of_two(void **state)
{
        (void)state;
        assert_int_equal(reeve_telemetry_bucket(0), 0);
        assert_int_equal(reeve_telemetry_bucket(1), 0);
        assert_int_equal(reeve_telemetry_bucket(2), 1);
        assert_int_equal(reeve_telemetry_bucket(1023), 9);
        assert_int_equal(reeve_telemetry_bucket(1024), 10);
        assert_int_equal(reeve_telemetry_bucket(UINT64_MAX), 63);
}

#define WITH_MEMORY(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
        const struct CMUnitTest tests[] = {
                WITH_MEMORY(test_new_memory_says_that_nobody_came),
                WITH_MEMORY(test_the_header_tells_the_geometry),
                WITH_MEMORY(test_counts_and_threads_are_read),
                WITH_MEMORY(test_an_overwritten_header_is_refused),
                WITH_MEMORY(test_a_state_that_is_none_is_refused),
                WITH_MEMORY(test_more_slots_than_there_are_is_refused),
                WITH_MEMORY(test_a_counter_that_falls_is_refused),
                cmocka_unit_test(test_tasks_do_not_wrap),
                WITH_MEMORY(test_t30_random_bytes_never_harm),
                WITH_MEMORY(test_the_worker_cannot_change_the_size),
                WITH_MEMORY(test_what_was_made_before_is_taken_back),
                cmocka_unit_test(test_memory_that_could_shrink_is_not_taken),
                cmocka_unit_test(test_counts_of_threads_are_bounded),
                cmocka_unit_test(test_buckets_are_powers_of_two),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
