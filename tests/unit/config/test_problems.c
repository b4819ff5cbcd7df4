/* test_problems.c - the sentences, and the places they point at */
#include "support.h"

static void test_t49_unknown_key(void **state)
{
        AUTO_LOAD near = load_pool("[Pool]\n  RestarSec=5\n");
        AUTO_LOAD letter_case = load_pool("[Pool]\nrestartsec=5\n");
        AUTO_LOAD elsewhere = load_pool("[Scale]\nExecReload=/bin/true\n");
        AUTO_LOAD near_elsewhere = load_pool("[Pool]\nProceses=5\n");
        AUTO_LOAD far = load_pool("[Pool]\nBanana=5\n");
        AUTO_LOAD daemon = load_pool("[Pool]\nListenHTTP=127.0.0.1:80\n");

        assert_problem(&near, "web.pool.d/a.conf:2:3: error: unknown key RestarSec= in [Pool]; did "
                              "you mean RestartSec=?");
        assert_problem(&letter_case, "web.pool.d/a.conf:2:1: error: unknown key restartsec= in "
                                     "[Pool]; did you mean RestartSec=?");
        assert_problem(&elsewhere, "web.pool.d/a.conf:2:1: error: ExecReload= belongs in [Pool], "
                                   "not in [Scale]");
        assert_problem(&near_elsewhere, "web.pool.d/a.conf:2:1: error: unknown key Proceses= in "
                                        "[Pool]; did you mean Processes= of [Scale]?");
        assert_problem(&far, "web.pool.d/a.conf:2:1: error: unknown key Banana= in [Pool]; "
                             "reeve.pool(5) lists all keys");
        assert_problem(&daemon, "web.pool.d/a.conf:2:1: error: ListenHTTP= belongs in [Reeve] of "
                                "reeve.conf, not in [Pool]");
}

static void test_keys_of_a_sandbox_that_is_not_had(void **state)
{
        AUTO_LOAD filter = load_pool("[Pool]\nSystemCallFilter=@system-service\n");
        AUTO_LOAD near = load_pool("[Pool]\nSystemCallFilters=x\n");

        assert_problem(&filter,
                       "web.pool.d/a.conf:2:1: error: SystemCallFilter= is not supported by "
                       "reeve; put it into a drop-in of reeved.service, whose workers "
                       "inherit it, or run the command under systemd-run");
        assert_problem(&near, "web.pool.d/a.conf:2:1: error: unknown key SystemCallFilters= in "
                              "[Pool]; reeve.pool(5) lists all keys");
}

static void test_sections(void **state)
{
        AUTO_LOAD unknown = load_pool("[Pol]\nNice=x\n");
        AUTO_LOAD foreign = load_pool("[Reeve]\nLogLevel=debug\n");
        AUTO_LOAD pools = LOAD({ "reeve.conf", "[Pool]\nNice=1\n" });
        AUTO_LOAD none = load_pool("Nice=1\nNice=2\n");
        AUTO_LOAD open = load_pool("[Pool\nNice=1\n");
        AUTO_LOAD ignored = load_pool("[X-Mine]\nA=b\n[Pool]\nX-Note=c\n");

        assert_problem(&unknown, "web.pool.d/a.conf:1:1: error: unknown section [Pol]; allowed "
                                 "here: [Pool], [Scale], [Listen], [Health], [Log]");
        assert_int_equal(unknown.problems.count, 1);
        assert_problem(&foreign, "web.pool.d/a.conf:1:1: error: section [Reeve] belongs in "
                                 "reeve.conf");
        assert_problem(&pools, "reeve.conf:1:1: error: section [Pool] belongs in "
                               "pools.d/NAME.pool");
        assert_problem(&none, "web.pool.d/a.conf:1:1: error: a key before the first section; begin "
                              "the file with [Pool]");
        assert_int_equal(none.problems.count, 1);
        assert_problem(&open, "web.pool.d/a.conf:1:1: error: a section is written [Name] on a line "
                              "of its own");
        assert_int_equal(ignored.r, 0);
        assert_int_equal(ignored.problems.count, 0);
}

/* What inih would take in its own syntax and systemd would not. */
static void test_not_inih_syntax(void **state)
{
        AUTO_LOAD colon = load_pool("[Pool]\nNice: 1\n");
        AUTO_LOAD bare = load_pool("[Pool]\nNice\n");
        AUTO_LOAD remark = load_pool("[Pool]\nNice=1 ; one\n");
        AUTO_LOAD hash = load_pool("[Pool]\nDescription=a ; b # c\n  [Log]\n\tMaxFiles=3\n");

        assert_problem(&colon, "web.pool.d/a.conf:2:1: error: expected KEY=VALUE, [Section], or a "
                               "comment that begins with # or ;");
        assert_int_equal(bare.problems.items[0].line, 2);
        assert_problem(&remark, "web.pool.d/a.conf:2:6: error: Nice=1 ; one: expected a whole "
                                "number from -20 to 19");
        assert_string_equal(load_first(&hash)->description, "a ; b # c");
        assert_int_equal(load_first(&hash)->log_max_files, 3);
}

static void test_columns(void **state)
{
        AUTO_LOAD spaced = load_pool("[Pool]\n\tUMask \t =  9\n");
        AUTO_LOAD word = load_pool("[Pool]\nEnvironment=A=b \xC3\xA4=c\n");
        AUTO_LOAD continued = load_pool("[Pool]\nCPUAffinity=0-3 \\\n# these\n   5 \\\n 9-7\n");

        assert_int_equal(spaced.problems.items[0].column, 13);
        assert_int_equal(word.problems.items[0].column, 17);
        assert_problem(&continued,
                       "web.pool.d/a.conf:5:2: error: CPUAffinity=9-7: expected numbers "
                       "or ranges of CPUs such as \"0-3 5\", each at most 1023");
}

static void test_values_say_what_is_allowed(void **state)
{
        AUTO_LOAD name = load_pool("[Pool]\nRestart=sometimes\n");
        AUTO_LOAD limit = load_pool("[Pool]\nLimitNOFILE=9:1\n");
        AUTO_LOAD path = load_pool("[Pool]\nExecStart=python3 x\n");

        assert_problem(&name, "web.pool.d/a.conf:2:9: error: Restart=sometimes: expected one of "
                              "no, on-success, on-failure, on-abnormal, on-abort, always");
        assert_problem(&limit, "web.pool.d/a.conf:2:13: error: LimitNOFILE=9:1: the soft limit is "
                               "above the hard limit");
        assert_problem(&path, "web.pool.d/a.conf:2:11: error: ExecStart=python3: the program must "
                              "be an absolute path such as /usr/bin/python3; PATH is not searched");
}

static void test_t39_open_listener(void **state)
{
        AUTO_LOAD any = LOAD({ "reeve.conf", "[Reeve]\nListenHTTP=0.0.0.0:7733\n" });
        AUTO_LOAD port = LOAD({ "reeve.conf", "[Reeve]\nListenHTTP=7733\n" });
        AUTO_LOAD name = LOAD({ "reeve.conf", "[Reeve]\nListenHTTP=localhost:7733\n" });

        assert_problem(&any, "reeve.conf:2:12: error: ListenHTTP=0.0.0.0:7733 is not a loopback "
                             "address and is refused; use 127.0.0.1:PORT or [::1]:PORT and put a "
                             "TLS proxy or ssh before it");
        assert_int_equal(port.r, -EINVAL);
        assert_problem(&name, "reeve.conf:2:12: error: ListenHTTP=localhost:7733: names are not "
                              "looked up; write 127.0.0.1:7733 or [::1]:7733");
}

static void test_port_alone_is_a_warning(void **state)
{
        AUTO_LOAD load = load_pool("[Listen]\nListenStream=8000\n");

        assert_int_equal(load.r, 0);
        assert_problem(&load, "web.pool.d/a.conf:2:14: warning: ListenStream=8000 listens on all "
                              "addresses of this host; write 127.0.0.1:8000 for this host only, "
                              "or [::]:8000 to say so");
}

static void test_cross_checks(void **state)
{
        AUTO_LOAD empty = LOAD({ "web.pool", "[Pool]\n" });
        AUTO_LOAD above = load_pool("[Scale]\nProcesses=4\nProcessesMax=2\n");
        AUTO_LOAD below = load_pool("[Scale]\nProcessesMin=2\n");
        AUTO_LOAD threads = load_pool("[Scale]\nThreads=2000\n");
        AUTO_LOAD order = load_pool("[Scale]\nThreadsMin=5\nThreadsMax=4\nThreads=5\n");
        AUTO_LOAD stuck = load_pool("[Scale]\nMaxSurge=0\n");
        AUTO_LOAD reload = load_pool("[Pool]\nExecReload=/bin/true\nReloadSignal=HUP\n");
        AUTO_LOAD zero = load_pool("[Scale]\nProcesses=0\n");

        assert_problem(&empty, "web.pool: error: ExecStart= is missing; name the program in "
                               "[Pool], such as ExecStart=/usr/bin/NAME");
        assert_problem(&above, "web.pool.d/a.conf:2:11: error: Processes=4 is above "
                               "ProcessesMax=2; change one of them");
        assert_problem(&below, "web.pool.d/a.conf:2:14: error: ProcessesMin=2 is above Processes=1 "
                               "(the default); change one of them");
        assert_problem(&threads, "web.pool.d/a.conf:2:9: error: Threads=2000 is above "
                                 "ThreadsMax=1024 (the default); change one of them");
        assert_int_equal(order.problems.count, 1);
        assert_int_equal(order.problems.items[0].line, 2);
        assert_int_equal(stuck.problems.items[0].line, 2);
        assert_int_equal(reload.r, -EINVAL);
        assert_int_equal(load_first(&zero)->processes, 0);
}

static void test_long_values_are_cut(void **state)
{
        AUTO_FREE char *text = calloc(1, 4096);
        AUTO_LOAD load = { 0 };

        strcpy(text, "[Pool]\nUMask=");
        memset(text + strlen(text), 'x', 3000);
        load = load_pool(text);
        assert_int_equal(load.r, -EINVAL);
        assert_true(strlen(load.problems.items[0].message) < PROBLEM_MESSAGE_SIZE);
}

static void test_terminal_is_safe(void **state)
{
        AUTO_LOAD load = load_pool("[Pool]\nUMask=\xE2\x80\xAEx\xC2\x9Bm\n");

        assert_null(strstr(load.problems.items[0].message, "\xE2\x80\xAE"));
        assert_null(strstr(load.problems.items[0].message, "\xC2\x9B"));
}

static void test_list_has_a_limit(void **state)
{
        AUTO_PROBLEMS list = { 0 };
        AUTO_FREE char *first = NULL;

        for (unsigned i = 0; i < CONFIG_PROBLEMS_MAX; i++)
                assert_int_equal(problem_add(&list, PROBLEM_WARNING, NULL, 0, 0, NULL, "%u", i), 0);
        assert_false(list.is_cut);
        assert_int_equal(problem_list_errors(&list), 0);
        assert_int_equal(problem_add(&list, PROBLEM_ERROR, "x", 1, 1, "web", "last"), 0);
        assert_true(list.is_cut);
        assert_int_equal(list.count, CONFIG_PROBLEMS_MAX);
        assert_int_equal(problem_list_errors(&list), 1);
        first = problem_format(&list.items[0]);
        assert_string_equal(first, "warning: 0");
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_t49_unknown_key),
                cmocka_unit_test(test_keys_of_a_sandbox_that_is_not_had),
                cmocka_unit_test(test_sections),
                cmocka_unit_test(test_not_inih_syntax),
                cmocka_unit_test(test_columns),
                cmocka_unit_test(test_values_say_what_is_allowed),
                cmocka_unit_test(test_t39_open_listener),
                cmocka_unit_test(test_port_alone_is_a_warning),
                cmocka_unit_test(test_cross_checks),
                cmocka_unit_test(test_long_values_are_cut),
                cmocka_unit_test(test_terminal_is_safe),
                cmocka_unit_test(test_list_has_a_limit),
        };
        return cmocka_run_group_tests_name("config/problems", tests, NULL, NULL);
}
