/* A worker's probe, its hanging, what is done before it is ended, and who is excused */
#include "worker_case.h"

#include <signal.h>

static void test_with_a_probe_the_first_success_is_readiness(void **state)
{
        Case c = new_case(SERVICE_EXEC);

        c.policy.probe = PROBE_TCP;
        start(&c);
        assert_state(&c, "starting");
        assert_int_equal(happen(&c, WORKER_EVENT_NOTIFY_READY), 0); /* nobody asked for it */
        assert_int_equal(happen(&c, WORKER_EVENT_PROBE_FAILED), 0);
        assert_int_equal(happen(&c, WORKER_EVENT_PROBE_OK), CHANGED | TOLD_READY);
        assert_state(&c, "ready");
}

static void test_the_word_of_a_worker_counts_more_than_its_probe(void **state)
{
        Case c = new_case(SERVICE_NOTIFY);

        c.policy.probe = PROBE_TCP;
        start(&c);
        assert_int_equal(happen(&c, WORKER_EVENT_PROBE_OK), 0);
        assert_int_equal(happen(&c, WORKER_EVENT_NOTIFY_READY), CHANGED | TOLD_READY);
}

static void test_never_proved_is_a_start_timeout(void **state)
{
        Case c = new_case(SERVICE_SIMPLE);

        c.policy.probe = PROBE_TCP;
        start(&c);
        assert_int_equal(ring(&c), CHANGED | TERMINATE);
        assert_int_equal(c.worker.down_reason, EXIT_REASON_START_TIMEOUT);
}

static Case hung_case(void)
{
        static char program[] = "/bin/dump";
        static char *command[] = { program, NULL };
        Case c = new_case(SERVICE_EXEC);

        c.policy.dump_command = command;
        c.policy.dump_timeout_usec = 5 * USEC_PER_SEC;
        start(&c);
        return c;
}

static void test_a_hung_worker_is_aborted(void **state)
{
        Case c = new_case(SERVICE_EXEC);

        start(&c);
        (void)happen(&c, WORKER_EVENT_PROBE_FAILED);
        assert_int_equal(happen(&c, WORKER_EVENT_PROBE_HUNG), CHANGED | TOLD_HUNG | ABORT);
        assert_int_equal(happen(&c, WORKER_EVENT_DUMPED), 0); /* there was no dump */
        assert_int_equal(worker_next_usec(&c.worker), c.now + 10 * USEC_PER_SEC);
        (void)end_with(&c, EXIT_SIGNAL, SIGABRT, EXIT_REASON_NONE);
        assert_int_equal(c.worker.last_exit.reason, EXIT_REASON_PROBE);
        (void)happen(&c, WORKER_EVENT_GONE);
        assert_state(&c, "backoff");
}

static void test_a_dump_comes_first(void **state)
{
        Case c = hung_case();

        assert_int_equal(happen(&c, WORKER_EVENT_PROBE_HUNG), CHANGED | TOLD_HUNG | DUMP);
        worker_extend(&c.worker, c.now, 60 * USEC_PER_SEC); /* not while it is looked at */
        assert_int_equal(worker_next_usec(&c.worker), c.now + 5 * USEC_PER_SEC);
        assert_int_equal(happen(&c, WORKER_EVENT_DUMPED), ABORT);
        assert_int_equal(happen(&c, WORKER_EVENT_DUMPED), 0);
        assert_int_equal(worker_next_usec(&c.worker), c.now + 10 * USEC_PER_SEC);
        assert_int_equal(ring(&c), KILL | CHECK_GONE);
}

static void test_a_dump_that_hangs_is_not_waited_for(void **state)
{
        Case c = hung_case();

        (void)happen(&c, WORKER_EVENT_WATCHDOG);
        assert_int_equal(ring(&c), ABORT);
        assert_int_equal(ring(&c), KILL | CHECK_GONE);
}

static void test_a_worker_may_end_while_it_is_dumped(void **state)
{
        Case c = hung_case();

        (void)happen(&c, WORKER_EVENT_PROBE_HUNG);
        (void)end_with(&c, EXIT_CODE, 1, EXIT_REASON_NONE);
        assert_int_equal(happen(&c, WORKER_EVENT_DUMPED), 0);
        assert_int_equal(happen(&c, WORKER_EVENT_SURVIVORS), TERMINATE);
}

static void test_a_stop_while_it_is_dumped(void **state)
{
        Case c = hung_case();

        (void)happen(&c, WORKER_EVENT_PROBE_HUNG);
        assert_int_equal(happen(&c, WORKER_EVENT_STOP), TERMINATE);
        assert_int_equal(happen(&c, WORKER_EVENT_DUMPED), 0);
        assert_int_equal(ring(&c), KILL | CHECK_GONE);
}

static void test_t18_who_was_away_excuses_the_others(void **state)
{
        Case c = new_case(SERVICE_NOTIFY);

        c.policy.watchdog_usec = 2 * USEC_PER_SEC;
        start(&c);
        c.now += 60 * USEC_PER_SEC;
        assert_true(worker_excuse(&c.worker, &c.policy, c.now));
        assert_int_equal(worker_due(&c.worker, c.now), 0);
        assert_int_equal(worker_next_usec(&c.worker), c.now + 30 * USEC_PER_SEC);
        (void)happen(&c, WORKER_EVENT_NOTIFY_READY);
        assert_false(worker_excuse(&c.worker, &c.policy, c.now)); /* owes nothing yet */
        c.worker.stable_usec = USEC_INFINITY;
        c.now += 60 * USEC_PER_SEC;
        assert_true(worker_excuse(&c.worker, &c.policy, c.now));
        assert_int_equal(worker_next_usec(&c.worker), c.now + 2 * USEC_PER_SEC);
        /* Who was asked to stop had all the time there was. */
        (void)happen(&c, WORKER_EVENT_STOP);
        c.now += 60 * USEC_PER_SEC;
        assert_false(worker_excuse(&c.worker, &c.policy, c.now));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_with_a_probe_the_first_success_is_readiness),
                cmocka_unit_test(test_the_word_of_a_worker_counts_more_than_its_probe),
                cmocka_unit_test(test_never_proved_is_a_start_timeout),
                cmocka_unit_test(test_a_hung_worker_is_aborted),
                cmocka_unit_test(test_a_dump_comes_first),
                cmocka_unit_test(test_a_dump_that_hangs_is_not_waited_for),
                cmocka_unit_test(test_a_worker_may_end_while_it_is_dumped),
                cmocka_unit_test(test_a_stop_while_it_is_dumped),
                cmocka_unit_test(test_t18_who_was_away_excuses_the_others),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
