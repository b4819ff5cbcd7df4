#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "persist/state.h"
#include "sys/files.h"

static KeptPool pools[] = {
        { .name = "@api", .is_up = true, .generation = 1, .grid = { 1, 1, 0 } },
        { .name = "web",
          .generation = 7,
          .restarts = 3,

          .is_overridden = true,
          .grid = { 4, 8, 100 } },
};

static KeptWorker workers[] = {
        { .pool = "web",
          .slot = 3,
          .pid = 4321,
          .start_ticks = 99,
          .state = WORKER_READY,
          .threads = 8,
          .greenlets = 100,
          .restarts = 2,
          .failures_in_row = 1,
          .started_usec = 5,
          .ready_usec = 6,
          .started_realtime_usec = 7,
          .fingerprint = UINT64_MAX,
          .is_current = true,
          .log_inodes = { 8, 9 },
          .instance = "00ff-1" },
};

static const KeptState sample = {
        .boot_id = "2d5b1e0c-0000-4000-8000-000000000000",
        .epoch = UINT64_MAX,
        .instances = 12,
        .operations = 4,
        .pools = pools,
        .pool_count = 2,
        .workers = workers,
        .worker_count = 1,
};

static void assert_same(const KeptState *state)
{
        assert_string_equal(state->boot_id, sample.boot_id);
        assert_true(state->epoch == sample.epoch);
        assert_int_equal(state->instances, 12);
        assert_int_equal(state->operations, 4);
        assert_int_equal(state->pool_count, 2);
        assert_memory_equal(state->pools, pools, sizeof(pools));
        assert_int_equal(state->worker_count, 1);
        assert_memory_equal(state->workers, workers, sizeof(workers));
}

static void test_there_and_back(void **unused)
{
        KeptState state;
        char *text;
        size_t length;

        assert_int_equal(state_format(&sample, &text, &length), 0);
        assert_int_equal(state_parse(text, length, &state), 0);
        assert_same(&state);
        state_done(&state);
        free(text);
}

/* Cut anywhere, or with any one bit turned, it is refused and nothing is taken from it. */
static void t13_damage_is_refused(void **unused)
{
        KeptState state;
        char *text;
        size_t length;

        assert_int_equal(state_format(&sample, &text, &length), 0);
        for (size_t cut = 0; cut < length; cut++) {
                AUTO_FREE char *part = strndup(text, cut);

                assert_true(state_parse(part, cut, &state) < 0);
        }
        for (size_t bit = 0; bit < length * 8; bit++) {
                text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
                assert_true(state_parse(text, length, &state) < 0);
                text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
        }
        assert_int_equal(state_parse(text, length, &state), 0);
        state_done(&state);
        free(text);
}

static void test_another_version(void **unused)
{
        KeptState state;
        const char newer[] = "reeve-state 2\nend 1 00000000\n";

        assert_int_equal(state_parse(newer, strlen(newer), &state), -EPROTONOSUPPORT);
}

static void test_previous_file_serves(void **unused)
{
        char directory[] = "/tmp/reeve-state-XXXXXX", path[64];
        KeptState state;
        Error error = { 0 };

        assert_non_null(mkdtemp(directory));
        assert_int_equal(state_read(directory, &state, &error), 0);
        assert_int_equal(state_write(directory, &sample), 0);
        assert_int_equal(state_write(directory, &sample), 0);
        (void)snprintf(path, sizeof(path), "%s/state", directory);
        assert_int_equal(truncate(path, 40), 0);
        assert_int_equal(state_read(directory, &state, &error), 1);
        assert_true(error_is_set(&error));
        assert_same(&state);
        state_done(&state);
        (void)snprintf(path, sizeof(path), "%s/state.broken", directory);
        assert_int_equal(unlink(path), 0);
        (void)snprintf(path, sizeof(path), "%s/state.prev", directory);
        assert_int_equal(unlink(path), 0);
        assert_int_equal(rmdir(directory), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_there_and_back),
                cmocka_unit_test(t13_damage_is_refused),
                cmocka_unit_test(test_another_version),
                cmocka_unit_test(test_previous_file_serves),
        };
        return cmocka_run_group_tests_name("persist/state", tests, NULL, NULL);
}
