#include "worker_case.h"

#include <signal.h>
#include <stdlib.h>

/* ---- the table, cell by cell ---- */

#define IGN "ignore"
#define NEV "impossible"

/* clang-format off */
static const char *const expected[WORKER_EVENT_COUNT][WORKER_STATE_COUNT - 1] = {
        /* spawning, starting, ready, unready, reloading, stopping,
         * stopped, backoff, failed, exited, lost */
        [WORKER_EVENT_START] = {
                IGN, IGN, IGN, IGN, IGN, "start-after",
                "start", "start", "start", "start", "start-lost" },
        [WORKER_EVENT_STOP] = {
                "stop-early", "stop", "stop", "stop", "stop", "stop-for-good",
                IGN, "give-up", "give-up", "give-up", "stop-lost" },
        [WORKER_EVENT_RESTART] = {
                "restart", "restart", "restart", "restart", "restart", "start-after",
                "start", "start", "start", "start", "start-lost" },
        [WORKER_EVENT_SPAWNED] = {
                "spawned", NEV, NEV, NEV, NEV, NEV,
                NEV, NEV, NEV, NEV, NEV },
        [WORKER_EVENT_SPAWN_FAILED] = {
                "spawn-failed", NEV, NEV, NEV, NEV, IGN,
                NEV, NEV, NEV, NEV, NEV },
        [WORKER_EVENT_EXECUTED] = {
                "executed", NEV, IGN, IGN, IGN, IGN,
                IGN, IGN, IGN, IGN, IGN },
        [WORKER_EVENT_NOTIFY_READY] = {
                "ready-early", "ready", IGN, IGN, "reloaded", IGN,
                IGN, IGN, IGN, IGN, IGN },
        [WORKER_EVENT_NOTIFY_RELOADING] = {
                IGN, IGN, "reload", IGN, IGN, IGN,
                IGN, IGN, IGN, IGN, IGN },
        [WORKER_EVENT_NOTIFY_STOPPING] = {
                "announce-stop", "announce-stop", "announce-stop", "announce-stop",
                "announce-stop", IGN,
                IGN, IGN, IGN, IGN, IGN },
        [WORKER_EVENT_PROBE_OK] = {
                IGN, "proved", IGN, "recover", IGN, IGN,
                IGN, IGN, IGN, IGN, IGN },
        [WORKER_EVENT_PROBE_FAILED] = {
                IGN, IGN, "sicken", IGN, "sicken", IGN,
                IGN, IGN, IGN, IGN, IGN },
        [WORKER_EVENT_PROBE_HUNG] = {
                IGN, IGN, "hung", "hung", "hung", IGN,
                IGN, IGN, IGN, IGN, IGN },
        [WORKER_EVENT_DUMPED] = {
                IGN, IGN, IGN, IGN, IGN, "dumped",
                IGN, IGN, IGN, IGN, IGN },
        [WORKER_EVENT_DEADLINE] = {
                "start-timeout", "start-timeout", NEV, NEV, "reloaded", "kill",
                NEV, "retry", NEV, NEV, NEV },
        [WORKER_EVENT_WATCHDOG] = {
                IGN, "watchdog", "watchdog", "watchdog", "watchdog", IGN,
                IGN, IGN, IGN, IGN, IGN },
        [WORKER_EVENT_STABLE] = {
                NEV, NEV, "stable", NEV, "stable", NEV,
                NEV, NEV, NEV, NEV, NEV },
        [WORKER_EVENT_EXITED] = {
                "exited", "exited", "exited", "exited", "exited", "exited-down",
                NEV, NEV, NEV, NEV, IGN },
        [WORKER_EVENT_SURVIVORS] = {
                IGN, IGN, IGN, IGN, IGN, "survivors",
                IGN, IGN, IGN, IGN, "survivors" },
        [WORKER_EVENT_GONE] = {
                "gone-unseen", "gone-unseen", "gone-unseen", "gone-unseen", "gone-unseen",
                "decide",
                IGN, IGN, IGN, IGN, "gone-unseen" },
        [WORKER_EVENT_ADOPTED] = {
                IGN, IGN, IGN, IGN, IGN, IGN,
                "adopt", NEV, NEV, NEV, IGN },
        [WORKER_EVENT_VANISHED] = {
                "lose", "lose", "lose", "lose", "lose", "exited-down",
                "lose", NEV, NEV, NEV, IGN },
};
/* clang-format on */

static void test_every_cell(void **state)
{
        for (int event = 1; event < WORKER_EVENT_COUNT; event++)
                for (int from = 1; from < WORKER_STATE_COUNT; from++) {
                        const char *name = worker_move_name(from, event);

                        assert_non_null(name); /* forgotten cells have no name */
                        assert_non_null(expected[event][from - 1]);
                        assert_string_equal(name, expected[event][from - 1]);
                }
}

static void test_outside_the_table_is_impossible(void **state)
{
        Case c = new_case(SERVICE_EXEC);

        assert_string_equal(worker_move_name(WORKER_STATE_COUNT, WORKER_EVENT_START), NEV);
        assert_string_equal(worker_move_name(WORKER_READY, WORKER_EVENT_COUNT), NEV);
        assert_int_equal(happen(&c, WORKER_EVENT_COUNT), UNEXPECTED);
        assert_state(&c, "stopped");
}

/* An event that the table calls impossible changes nothing and is told; an ignored one not. */
static void test_ignored_and_impossible_change_nothing(void **state)
{
        for (int event = 1; event < WORKER_EVENT_COUNT; event++)
                for (int from = 1; from < WORKER_STATE_COUNT; from++) {
                        Case c = new_case(SERVICE_NOTIFY);
                        Worker before;
                        const char *name = worker_move_name(from, event);

                        c.worker.state = from;
                        before = c.worker;
                        if (strcmp(name, IGN) == 0)
                                assert_int_equal(happen(&c, event), 0);
                        else if (strcmp(name, NEV) == 0)
                                assert_int_equal(happen(&c, event), UNEXPECTED);
                        else
                                continue;
                        assert_memory_equal(&c.worker, &before, sizeof(before));
                }
}

static void test_names_both_ways(void **state)
{
        for (int i = 1; i < WORKER_STATE_COUNT; i++)
                assert_int_equal(worker_state_from_name(worker_state_to_name(i)), i);
        for (int i = 1; i < WORKER_EVENT_COUNT; i++)
                assert_int_equal(worker_event_from_name(worker_event_to_name(i)), i);
        for (int i = 1; i < EXIT_REASON_COUNT; i++)
                assert_int_equal(exit_reason_from_name(exit_reason_to_name(i)), i);
        assert_null(exit_reason_to_name(EXIT_REASON_NONE));
        assert_null(worker_state_to_name(WORKER_STATE_COUNT));
        assert_true(worker_state_from_name("dead") < 0);
}

static void test_facts(void **state)
{
        for (int i = 1; i < WORKER_STATE_COUNT; i++) {
                const WorkerFacts *facts = worker_facts(i);

                assert_false(facts->is_ready && facts->is_rising);
                assert_false(facts->is_rising && facts->is_settled);
                if (facts->is_ready || facts->has_watchdog || facts->can_extend || facts->is_probed)
                        assert_true(facts->has_process);
        }
        assert_true(worker_facts(WORKER_RELOADING)->is_ready);
        assert_false(worker_facts(WORKER_UNREADY)->is_ready);
        assert_false(worker_facts(WORKER_STOPPED)->has_process);
}

/* ---- up ---- */

static void test_simple_and_exec_are_ready_when_executed(void **state)
{
        const ServiceType types[] = { SERVICE_SIMPLE, SERVICE_EXEC };

        for (size_t i = 0; i < COUNT_OF(types); i++) {
                Case c = new_case(types[i]);

                assert_int_equal(happen(&c, WORKER_EVENT_START), CHANGED | SPAWN);
                assert_int_equal(happen(&c, WORKER_EVENT_SPAWNED), 0);
                assert_state(&c, "spawning");
                assert_int_equal(happen(&c, WORKER_EVENT_NOTIFY_READY), 0);
                assert_int_equal(happen(&c, WORKER_EVENT_EXECUTED),
                                 CHANGED | TOLD_START | TOLD_READY);
                assert_state(&c, "ready");
                assert_true(c.worker.is_wanted);
        }
}

static void test_notify_waits_for_ready(void **state)
{
        Case c = new_case(SERVICE_NOTIFY);

        start(&c);
        assert_state(&c, "starting");
        assert_int_equal(worker_next_usec(&c.worker), c.now + 30 * USEC_PER_SEC);
        assert_int_equal(happen(&c, WORKER_EVENT_NOTIFY_READY), CHANGED | TOLD_READY);
        assert_state(&c, "ready");
        assert_int_equal(c.worker.ready_usec, c.now);
}

static void test_ready_may_overtake_the_exec_status(void **state)
{
        Case c = new_case(SERVICE_NOTIFY);

        (void)happen(&c, WORKER_EVENT_START);
        assert_int_equal(happen(&c, WORKER_EVENT_NOTIFY_READY), 0); /* of whom? nothing runs */
        (void)happen(&c, WORKER_EVENT_SPAWNED);
        assert_int_equal(happen(&c, WORKER_EVENT_NOTIFY_READY), CHANGED | TOLD_START | TOLD_READY);
        assert_int_equal(happen(&c, WORKER_EVENT_EXECUTED), 0);
        assert_state(&c, "ready");
}

static void test_start_timeout_is_a_failure(void **state)
{
        Case c = new_case(SERVICE_NOTIFY);

        start(&c);
        assert_int_equal(ring(&c), CHANGED | TERMINATE);
        assert_state(&c, "stopping");
        assert_int_equal(end_with(&c, EXIT_SIGNAL, SIGTERM, EXIT_REASON_NONE),
                         TOLD_EXIT | CHECK_GONE);
        assert_int_equal(c.worker.last_exit.kind, EXIT_SIGNAL);
        assert_int_equal(c.worker.last_exit.reason, EXIT_REASON_START_TIMEOUT);
        assert_int_equal(happen(&c, WORKER_EVENT_GONE), CHANGED);
        assert_state(&c, "backoff");
}

/* reeve-exec itself may hang: the deadline runs before the command does. */
static void test_start_timeout_in_spawning(void **state)
{
        Case c = new_case(SERVICE_SIMPLE);

        (void)happen(&c, WORKER_EVENT_START);
        assert_true(worker_next_usec(&c.worker) == USEC_INFINITY); /* may be held back */
        (void)happen(&c, WORKER_EVENT_SPAWNED);
        assert_int_equal(ring(&c), CHANGED | TERMINATE);
        assert_state(&c, "stopping");
}

static void test_timeouts_of_zero_and_infinity_are_none(void **state)
{
        const uint64_t none[] = { 0, USEC_INFINITY };

        for (size_t i = 0; i < COUNT_OF(none); i++) {
                Case c = new_case(SERVICE_NOTIFY);

                c.policy.timeout_start_usec = c.policy.timeout_stop_usec = none[i];
                start(&c);
                assert_true(worker_next_usec(&c.worker) == USEC_INFINITY);
                (void)happen(&c, WORKER_EVENT_STOP);
                assert_true(worker_next_usec(&c.worker) == USEC_INFINITY);
        }
}

/* ---- spawning fails ---- */

static void test_failed_spawn_is_never_a_busy_loop(void **state)
{
        const WorkerExit exit = { .kind = EXIT_REASON, .reason = EXIT_REASON_SPAWN_FAILED };
        Case c = new_case(SERVICE_EXEC);

        c.policy.restart_usec = 0;
        (void)happen(&c, WORKER_EVENT_START);
        assert_int_equal(
                worker_step(&c.worker, WORKER_EVENT_SPAWN_FAILED, &exit, &c.policy, c.now, 0),
                TOLD_EXIT | CHANGED);
        assert_state(&c, "backoff");
        assert_int_equal(c.worker.last_exit.reason, EXIT_REASON_SPAWN_FAILED);
        assert_true(worker_next_usec(&c.worker) >= c.now + 100 * USEC_PER_MSEC);
        assert_int_equal(ring(&c), CHANGED | SPAWN);
        assert_int_equal(c.worker.restarts, 1);
}

static void test_failed_spawn_without_restart_fails(void **state)
{
        Case c = new_case(SERVICE_EXEC);

        c.policy.restart = RESTART_NO;
        (void)happen(&c, WORKER_EVENT_START);
        (void)happen(&c, WORKER_EVENT_SPAWN_FAILED);
        assert_state(&c, "failed");
        assert_int_equal(c.worker.last_exit.reason, EXIT_REASON_SPAWN_FAILED);
}

/* reeve-exec failed at a step: its process has still to end. */
static void test_failed_step_waits_for_the_end(void **state)
{
        Case c = new_case(SERVICE_EXEC);

        c.policy.restart_usec = 0;
        (void)happen(&c, WORKER_EVENT_START);
        (void)happen(&c, WORKER_EVENT_SPAWNED);
        assert_int_equal(happen(&c, WORKER_EVENT_SPAWN_FAILED), CHANGED);
        assert_state(&c, "stopping");
        assert_int_equal(end_with(&c, EXIT_CODE, 203, EXIT_REASON_NONE), TOLD_EXIT | CHECK_GONE);
        assert_int_equal(c.worker.last_exit.value, 203);
        assert_int_equal(c.worker.last_exit.reason, EXIT_REASON_SPAWN_FAILED);
        (void)happen(&c, WORKER_EVENT_GONE);
        assert_state(&c, "backoff");
        assert_true(worker_next_usec(&c.worker) >= c.now + 100 * USEC_PER_MSEC);
}

/* ---- down ---- */

static void test_stop_means_gone(void **state)
{
        Case c = new_case(SERVICE_EXEC);

        start(&c);
        assert_int_equal(happen(&c, WORKER_EVENT_STOP), CHANGED | TERMINATE);
        assert_int_equal(end_with(&c, EXIT_SIGNAL, SIGTERM, EXIT_REASON_NONE),
                         TOLD_EXIT | CHECK_GONE);
        assert_state(&c, "stopping");                            /* a grandchild may live */
        assert_int_equal(happen(&c, WORKER_EVENT_SURVIVORS), 0); /* had its signal */
        assert_int_equal(happen(&c, WORKER_EVENT_GONE), CHANGED);
        assert_state(&c, "stopped");
        assert_true(worker_next_usec(&c.worker) == USEC_INFINITY);
}

static void test_t21_ignored_signal_is_followed_by_kill_again_and_again(void **state)
{
        Case c = new_case(SERVICE_EXEC);
        uint64_t asked;

        start(&c);
        asked = c.now;
        (void)happen(&c, WORKER_EVENT_STOP);
        assert_int_equal(ring(&c), KILL | CHECK_GONE);
        assert_int_equal(c.now, asked + 10 * USEC_PER_SEC);
        assert_true(c.worker.is_kill_sent);
        for (int i = 1; i <= 3; i++) {
                assert_int_equal(ring(&c), KILL | CHECK_GONE);
                assert_int_equal(c.now, asked + (10 + (uint64_t)i) * USEC_PER_SEC);
                assert_int_equal(happen(&c, WORKER_EVENT_SURVIVORS), 0);
        }
        (void)end_with(&c, EXIT_SIGNAL, SIGKILL, EXIT_REASON_NONE);
        assert_int_equal(c.worker.last_exit.reason, EXIT_REASON_STOP_TIMEOUT);
        (void)happen(&c, WORKER_EVENT_GONE);
        assert_state(&c, "stopped");
}

static void test_stop_before_the_process_exists(void **state)
{
        Case c = new_case(SERVICE_EXEC);

        (void)happen(&c, WORKER_EVENT_START);
        assert_int_equal(happen(&c, WORKER_EVENT_RESTART), 0); /* it starts anyway */
        assert_int_equal(happen(&c, WORKER_EVENT_STOP), CHANGED);
        assert_state(&c, "stopped");
}

static void test_t24_survivors_of_a_crash(void **state)
{
        Case c = new_case(SERVICE_EXEC);

        start(&c);
        assert_int_equal(end_with(&c, EXIT_SIGNAL, SIGSEGV, EXIT_REASON_NONE),
                         TOLD_EXIT | CHANGED | CHECK_GONE);
        assert_int_equal(happen(&c, WORKER_EVENT_SURVIVORS), TERMINATE);
        assert_int_equal(happen(&c, WORKER_EVENT_SURVIVORS), 0);
        assert_int_equal(ring(&c), KILL | CHECK_GONE);
        assert_int_equal(c.worker.last_exit.value, SIGSEGV);
        assert_int_equal(c.worker.last_exit.reason, EXIT_REASON_NONE); /* not the stop-timeout */
        (void)happen(&c, WORKER_EVENT_GONE);
        assert_state(&c, "backoff");
}

static void test_survivors_with_kill_mode_mixed(void **state)
{
        Case c = new_case(SERVICE_EXEC);

        c.policy.kill_mode = KILL_MIXED;
        start(&c);
        (void)happen(&c, WORKER_EVENT_STOP);
        (void)end_with(&c, EXIT_CODE, 0, EXIT_REASON_NONE);
        assert_int_equal(happen(&c, WORKER_EVENT_SURVIVORS), KILL | CHECK_GONE);
        assert_int_equal(happen(&c, WORKER_EVENT_SURVIVORS), 0);
        assert_int_equal(worker_next_usec(&c.worker), c.now + USEC_PER_SEC);
}

static void test_survivors_with_kill_mode_process(void **state)
{
        Case c = new_case(SERVICE_EXEC);

        c.policy.kill_mode = KILL_PROCESS;
        start(&c);
        (void)happen(&c, WORKER_EVENT_STOP);
        assert_int_equal(happen(&c, WORKER_EVENT_SURVIVORS), 0); /* the main process itself */
        (void)end_with(&c, EXIT_CODE, 0, EXIT_REASON_NONE);
        assert_int_equal(happen(&c, WORKER_EVENT_SURVIVORS), LEFT_BEHIND | CHANGED);
        assert_state(&c, "stopped");
}

/* Neither does the SIGKILL at the deadline reach them, nor are they waited for after it. */
static void test_kill_mode_process_after_a_kill(void **state)
{
        Case c = new_case(SERVICE_EXEC);

        c.policy.kill_mode = KILL_PROCESS;
        start(&c);
        (void)happen(&c, WORKER_EVENT_STOP);
        assert_int_equal(ring(&c), KILL | CHECK_GONE);
        (void)end_with(&c, EXIT_SIGNAL, SIGKILL, EXIT_REASON_NONE);
        assert_int_equal(happen(&c, WORKER_EVENT_SURVIVORS), LEFT_BEHIND | CHANGED);
        assert_state(&c, "stopped");
}

static void test_worker_that_says_stopping(void **state)
{
        Case c = new_case(SERVICE_NOTIFY);

        c.policy.restart = RESTART_ON_FAILURE;
        start(&c);
        (void)happen(&c, WORKER_EVENT_NOTIFY_READY);
        assert_int_equal(happen(&c, WORKER_EVENT_NOTIFY_STOPPING), CHANGED);
        assert_int_equal(worker_next_usec(&c.worker), c.now + 10 * USEC_PER_SEC);
        (void)end_with(&c, EXIT_CODE, 0, EXIT_REASON_NONE);
        (void)happen(&c, WORKER_EVENT_GONE);
        assert_state(&c, "exited");
        assert_true(c.worker.is_wanted);
        assert_int_equal(happen(&c, WORKER_EVENT_STOP), CHANGED);
        assert_state(&c, "stopped");
}

/* It went down by itself; a person's stop is the first signal it gets, and the last. */
static void test_stop_while_it_goes_down_by_itself(void **state)
{
        Case c = new_case(SERVICE_EXEC);

        start(&c);
        (void)happen(&c, WORKER_EVENT_NOTIFY_STOPPING);
        assert_int_equal(happen(&c, WORKER_EVENT_STOP), TERMINATE);
        assert_int_equal(happen(&c, WORKER_EVENT_STOP), 0);
        (void)end_with(&c, EXIT_CODE, 0, EXIT_REASON_NONE);
        (void)happen(&c, WORKER_EVENT_GONE);
        assert_state(&c, "stopped");
}

static void test_restart_is_at_once_and_can_be_taken_back(void **state)
{
        Case c = new_case(SERVICE_EXEC);

        start(&c);
        assert_int_equal(happen(&c, WORKER_EVENT_RESTART), CHANGED | TERMINATE);
        (void)end_with(&c, EXIT_SIGNAL, SIGTERM, EXIT_REASON_NONE);
        assert_int_equal(happen(&c, WORKER_EVENT_GONE), CHANGED | SPAWN);
        assert_int_equal(c.worker.restarts, 0);
        (void)happen(&c, WORKER_EVENT_SPAWNED);
        (void)happen(&c, WORKER_EVENT_EXECUTED);
        (void)happen(&c, WORKER_EVENT_RESTART);
        assert_int_equal(happen(&c, WORKER_EVENT_STOP), 0); /* the signal is out already */
        assert_false(c.worker.is_restart_due);
        (void)end_with(&c, EXIT_SIGNAL, SIGTERM, EXIT_REASON_NONE);
        (void)happen(&c, WORKER_EVENT_GONE);
        assert_state(&c, "stopped");
}

static void test_start_while_stopping(void **state)
{
        Case c = new_case(SERVICE_EXEC);

        start(&c);
        (void)happen(&c, WORKER_EVENT_STOP);
        assert_int_equal(happen(&c, WORKER_EVENT_START), 0);
        (void)end_with(&c, EXIT_CODE, 0, EXIT_REASON_NONE);
        assert_int_equal(happen(&c, WORKER_EVENT_GONE), CHANGED | SPAWN);
        assert_true(c.worker.is_wanted);
}

static void test_gone_before_anybody_saw_the_end(void **state)
{
        Case c = new_case(SERVICE_EXEC);

        start(&c);
        assert_int_equal(happen(&c, WORKER_EVENT_GONE), TOLD_EXIT | CHANGED);
        assert_state(&c, "backoff");
        assert_int_equal(c.worker.last_exit.reason, EXIT_REASON_UNKNOWN);
        (void)happen(&c, WORKER_EVENT_DEADLINE);
        assert_state(&c, "spawning");
        /* Late news of the one before must not be taken for the next. */
        assert_int_equal(happen(&c, WORKER_EVENT_GONE), UNEXPECTED);
        assert_int_equal(end_with(&c, EXIT_CODE, 0, EXIT_REASON_NONE), UNEXPECTED);
        assert_state(&c, "spawning");
}

/* ---- policy ---- */

static void crash(Case *c)
{
        (void)end_with(c, EXIT_CODE, 1, EXIT_REASON_NONE);
        (void)happen(c, WORKER_EVENT_GONE);
}

static void come_up(Case *c)
{
        (void)happen(c, WORKER_EVENT_SPAWNED);
        (void)happen(c, WORKER_EVENT_EXECUTED);
}

static void test_backoff_grows_and_stability_ends_it(void **state)
{
        Case c = new_case(SERVICE_EXEC);
        uint64_t delay = 100 * USEC_PER_MSEC;

        start(&c);
        for (unsigned i = 1; i <= 4; i++, delay *= 2) {
                crash(&c);
                assert_state(&c, "backoff");
                assert_int_equal(worker_next_usec(&c.worker), c.now + delay);
                assert_int_equal(ring(&c), CHANGED | SPAWN);
                assert_int_equal(c.worker.restarts, i);
                come_up(&c);
        }
        assert_int_equal(ring(&c), 0); /* StableSec */
        assert_int_equal(c.worker.failures_in_row, 0);
        assert_int_equal(c.worker.restarts, 4);
        crash(&c);
        assert_int_equal(worker_next_usec(&c.worker), c.now + 100 * USEC_PER_MSEC);
}

static void test_t25_start_limit_and_a_persons_start(void **state)
{
        Case c = new_case(SERVICE_EXEC);

        c.policy.start_limit_burst = 3;
        start(&c);
        crash(&c);
        (void)ring(&c);
        come_up(&c);
        crash(&c);
        (void)ring(&c);
        come_up(&c);
        crash(&c); /* the fourth start would be one too many */
        assert_state(&c, "failed");
        assert_true(worker_next_usec(&c.worker) == USEC_INFINITY);
        start(&c);
        assert_state(&c, "ready");
        assert_int_equal(c.worker.restarts, 0);
        crash(&c);
        assert_state(&c, "backoff");
}

static void test_start_ends_a_backoff(void **state)
{
        Case c = new_case(SERVICE_EXEC);

        start(&c);
        crash(&c);
        assert_int_equal(happen(&c, WORKER_EVENT_START), CHANGED | SPAWN);
        assert_int_equal(c.worker.failures_in_row, 0);
        come_up(&c);
        crash(&c);
        assert_int_equal(happen(&c, WORKER_EVENT_STOP), CHANGED);
        assert_state(&c, "stopped");
        assert_true(worker_next_usec(&c.worker) == USEC_INFINITY);
}

static void test_delay_of_zero_spawns_at_once(void **state)
{
        Case c = new_case(SERVICE_EXEC);

        c.policy.restart_usec = 0;
        start(&c);
        (void)end_with(&c, EXIT_CODE, 0, EXIT_REASON_NONE);
        assert_int_equal(happen(&c, WORKER_EVENT_GONE), CHANGED | SPAWN);
        assert_int_equal(c.worker.restarts, 1);
}

static void test_clean_and_unclean_ends_without_restart(void **state)
{
        Case c = new_case(SERVICE_EXEC);

        c.policy.restart = RESTART_NO;
        start(&c);
        (void)end_with(&c, EXIT_CODE, 0, EXIT_REASON_NONE);
        (void)happen(&c, WORKER_EVENT_GONE);
        assert_state(&c, "exited");
        start(&c);
        crash(&c);
        assert_state(&c, "failed");
}

static void test_t14_what_the_engine_knows_is_kept(void **state)
{
        Case c = new_case(SERVICE_EXEC);

        start(&c);
        (void)happen(&c, WORKER_EVENT_WATCHDOG);
        (void)end_with(&c, EXIT_SIGNAL, SIGKILL, EXIT_REASON_OOM_KILL);
        assert_int_equal(c.worker.last_exit.reason, EXIT_REASON_OOM_KILL);
}

/* ---- watchdog, probes, reloads, extensions ---- */

static void test_watchdog(void **state)
{
        Case c = new_case(SERVICE_EXEC);

        c.policy.watchdog_usec = 2 * USEC_PER_SEC;
        c.policy.restart = RESTART_ON_ABNORMAL;
        worker_heartbeat(&c.worker, &c.policy, c.now); /* stopped: nothing to watch */
        assert_true(worker_next_usec(&c.worker) == USEC_INFINITY);
        start(&c);
        c.now += USEC_PER_SEC;
        worker_heartbeat(&c.worker, &c.policy, c.now);
        assert_int_equal(worker_next_usec(&c.worker), c.now + 2 * USEC_PER_SEC);
        assert_int_equal(ring(&c), CHANGED | TOLD_HUNG | ABORT);
        assert_int_equal(worker_next_usec(&c.worker), c.now + 10 * USEC_PER_SEC);
        (void)end_with(&c, EXIT_SIGNAL, SIGABRT, EXIT_REASON_NONE);
        assert_int_equal(c.worker.last_exit.reason, EXIT_REASON_WATCHDOG);
        /* Only the main process was aborted: the others still wait for their signal. */
        assert_int_equal(happen(&c, WORKER_EVENT_SURVIVORS), TERMINATE);
        (void)happen(&c, WORKER_EVENT_GONE);
        assert_state(&c, "backoff");
}

static void test_probe_takes_readiness_away_and_gives_it_back(void **state)
{
        Case c = new_case(SERVICE_EXEC);

        start(&c);
        assert_int_equal(happen(&c, WORKER_EVENT_PROBE_FAILED), CHANGED | TOLD_UNREADY);
        assert_state(&c, "unready");
        assert_true(worker_next_usec(&c.worker) == USEC_INFINITY); /* sick is not stable */
        assert_int_equal(happen(&c, WORKER_EVENT_PROBE_OK), CHANGED | TOLD_READY);
        assert_int_equal(worker_next_usec(&c.worker), c.now + 10 * USEC_PER_SEC);
}

static void test_reload(void **state)
{
        Case c = new_case(SERVICE_NOTIFY);

        start(&c);
        (void)happen(&c, WORKER_EVENT_NOTIFY_READY);
        c.worker.stable_usec = USEC_INFINITY;
        assert_int_equal(happen(&c, WORKER_EVENT_NOTIFY_RELOADING), CHANGED);
        assert_int_equal(happen(&c, WORKER_EVENT_NOTIFY_READY), CHANGED);
        assert_state(&c, "ready");
        (void)happen(&c, WORKER_EVENT_NOTIFY_RELOADING);
        assert_int_equal(ring(&c), CHANGED); /* took too long: it still runs */
        assert_state(&c, "ready");
        (void)happen(&c, WORKER_EVENT_NOTIFY_RELOADING);
        (void)happen(&c, WORKER_EVENT_PROBE_FAILED);
        assert_state(&c, "unready");
        assert_true(worker_next_usec(&c.worker) == USEC_INFINITY);
}

static void test_extension_of_a_timeout(void **state)
{
        Case c = new_case(SERVICE_NOTIFY);

        start(&c);
        worker_extend(&c.worker, c.now, USEC_PER_SEC);
        assert_int_equal(worker_next_usec(&c.worker), c.now + 30 * USEC_PER_SEC);
        worker_extend(&c.worker, c.now, 90 * USEC_PER_SEC);
        assert_int_equal(worker_next_usec(&c.worker), c.now + 90 * USEC_PER_SEC);
        (void)happen(&c, WORKER_EVENT_STOP);
        worker_extend(&c.worker, c.now, 20 * USEC_PER_SEC);
        assert_int_equal(ring(&c), KILL | CHECK_GONE);
        worker_extend(&c.worker, c.now, USEC_INFINITY); /* too late */
        assert_int_equal(worker_next_usec(&c.worker), c.now + USEC_PER_SEC);
}

static void test_no_extension_where_nothing_runs_out(void **state)
{
        Case c = new_case(SERVICE_EXEC);
        uint64_t next;

        start(&c);
        worker_extend(&c.worker, c.now, USEC_PER_SEC);
        assert_true(c.worker.deadline_usec == USEC_INFINITY);
        crash(&c);
        next = worker_next_usec(&c.worker);
        worker_extend(&c.worker, c.now, 3600 * USEC_PER_SEC);
        assert_int_equal(worker_next_usec(&c.worker), next);
}

/* ---- after the core's own restart ---- */

static void test_t01_adopted(void **state)
{
        Case c = new_case(SERVICE_NOTIFY);

        c.policy.watchdog_usec = 3 * USEC_PER_SEC;
        c.worker.started_usec = 77;
        assert_int_equal(happen(&c, WORKER_EVENT_ADOPTED), CHANGED);
        assert_state(&c, "ready");
        assert_true(c.worker.is_wanted);
        assert_int_equal(c.worker.started_usec, 77);
        assert_int_equal(worker_next_usec(&c.worker), c.now + 3 * USEC_PER_SEC);
        assert_int_equal(end_with(&c, EXIT_REASON, 0, EXIT_REASON_UNKNOWN),
                         TOLD_EXIT | CHANGED | CHECK_GONE);
        assert_int_equal(happen(&c, WORKER_EVENT_GONE), CHANGED);
        assert_state(&c, "backoff");
}

static void test_vanished_is_looked_for_before_the_next_start(void **state)
{
        Case c = new_case(SERVICE_EXEC);

        assert_int_equal(happen(&c, WORKER_EVENT_VANISHED), TOLD_EXIT | CHANGED | CHECK_GONE);
        assert_state(&c, "lost");
        assert_int_equal(c.worker.last_exit.reason, EXIT_REASON_UNKNOWN);
        assert_int_equal(happen(&c, WORKER_EVENT_SURVIVORS), CHANGED | TERMINATE);
        assert_state(&c, "stopping");
        assert_int_equal(happen(&c, WORKER_EVENT_GONE), CHANGED);
        assert_state(&c, "backoff");
}

static void test_requests_to_a_lost_one_wait_until_it_is_gone(void **state)
{
        Case c = new_case(SERVICE_EXEC);

        (void)happen(&c, WORKER_EVENT_VANISHED);
        assert_int_equal(happen(&c, WORKER_EVENT_STOP), CHANGED | CHECK_GONE);
        assert_state(&c, "stopping");
        (void)happen(&c, WORKER_EVENT_GONE);
        assert_state(&c, "stopped");
        (void)happen(&c, WORKER_EVENT_VANISHED);
        assert_int_equal(happen(&c, WORKER_EVENT_START), CHANGED | CHECK_GONE);
        assert_int_equal(happen(&c, WORKER_EVENT_GONE), CHANGED | SPAWN);
}

static void test_vanished_on_the_way_down(void **state)
{
        Case c = new_case(SERVICE_EXEC);

        start(&c);
        (void)happen(&c, WORKER_EVENT_STOP);
        assert_int_equal(happen(&c, WORKER_EVENT_VANISHED), TOLD_EXIT | CHECK_GONE);
        assert_int_equal(happen(&c, WORKER_EVENT_VANISHED), 0);
        (void)happen(&c, WORKER_EVENT_GONE);
        assert_state(&c, "stopped");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_cell),
                cmocka_unit_test(test_outside_the_table_is_impossible),
                cmocka_unit_test(test_ignored_and_impossible_change_nothing),
                cmocka_unit_test(test_names_both_ways),
                cmocka_unit_test(test_facts),
                cmocka_unit_test(test_simple_and_exec_are_ready_when_executed),
                cmocka_unit_test(test_notify_waits_for_ready),
                cmocka_unit_test(test_ready_may_overtake_the_exec_status),
                cmocka_unit_test(test_start_timeout_is_a_failure),
                cmocka_unit_test(test_start_timeout_in_spawning),
                cmocka_unit_test(test_timeouts_of_zero_and_infinity_are_none),
                cmocka_unit_test(test_failed_spawn_is_never_a_busy_loop),
                cmocka_unit_test(test_failed_spawn_without_restart_fails),
                cmocka_unit_test(test_failed_step_waits_for_the_end),
                cmocka_unit_test(test_stop_means_gone),
                cmocka_unit_test(test_t21_ignored_signal_is_followed_by_kill_again_and_again),
                cmocka_unit_test(test_stop_before_the_process_exists),
                cmocka_unit_test(test_t24_survivors_of_a_crash),
                cmocka_unit_test(test_survivors_with_kill_mode_mixed),
                cmocka_unit_test(test_survivors_with_kill_mode_process),
                cmocka_unit_test(test_kill_mode_process_after_a_kill),
                cmocka_unit_test(test_worker_that_says_stopping),
                cmocka_unit_test(test_stop_while_it_goes_down_by_itself),
                cmocka_unit_test(test_restart_is_at_once_and_can_be_taken_back),
                cmocka_unit_test(test_start_while_stopping),
                cmocka_unit_test(test_gone_before_anybody_saw_the_end),
                cmocka_unit_test(test_backoff_grows_and_stability_ends_it),
                cmocka_unit_test(test_t25_start_limit_and_a_persons_start),
                cmocka_unit_test(test_start_ends_a_backoff),
                cmocka_unit_test(test_delay_of_zero_spawns_at_once),
                cmocka_unit_test(test_clean_and_unclean_ends_without_restart),
                cmocka_unit_test(test_t14_what_the_engine_knows_is_kept),
                cmocka_unit_test(test_watchdog),
                cmocka_unit_test(test_probe_takes_readiness_away_and_gives_it_back),
                cmocka_unit_test(test_reload),
                cmocka_unit_test(test_extension_of_a_timeout),
                cmocka_unit_test(test_no_extension_where_nothing_runs_out),
                cmocka_unit_test(test_t01_adopted),
                cmocka_unit_test(test_vanished_is_looked_for_before_the_next_start),
                cmocka_unit_test(test_requests_to_a_lost_one_wait_until_it_is_gone),
                cmocka_unit_test(test_vanished_on_the_way_down),
        };
        return cmocka_run_group_tests_name("model/worker", tests, NULL, NULL);
}
