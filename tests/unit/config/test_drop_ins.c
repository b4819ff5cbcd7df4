/* test_drop_ins.c - the order of files, resets, and drop-ins that the daemon left itself */
#include "support.h"

#define WEB "[Pool]\nExecStart=/bin/true\n"

static void test_later_wins(void **state)
{
        AUTO_LOAD load = LOAD(
                { "/etc/reeve/pools.d/web.pool",
                  WEB "Nice=1\nNice=2\nEnvironment=A=1\n[Scale]\nProcesses=2\n" },
                { "/etc/reeve/pools.d/web.pool.d/10-a.conf", "[Pool]\nNice=3\nEnvironment=B=2\n" },
                { "/etc/reeve/pools.d/web.pool.d/20-b.conf", "[Pool]\nNice=4\n" });
        const PoolConfig *pool = load_first(&load);

        assert_int_equal(pool->nice, 4);
        assert_int_equal(pool->processes, 2);
        assert_string_equal(pool->environment[0], "A=1");
        assert_string_equal(pool->environment[1], "B=2");
        assert_string_equal(pool->path, "/etc/reeve/pools.d/web.pool");
}

static void test_reset(void **state)
{
        AUTO_LOAD load =
                LOAD({ "web.pool", WEB "Nice=1\nEnvironment=A=1\nUMask=077\n"
                                       "[Listen]\nListenStream=/a\nListenStream=/b\n" },
                     { "web.pool.d/a.conf", "[Pool]\nNice=\nEnvironment=\nEnvironment=C=3\nUMask=\n"
                                            "[Listen]\nListenStream=\nListenStream=/c\n" });
        const PoolConfig *pool = load_first(&load);

        assert_false(pool->has_nice);
        assert_string_equal(pool->environment[0], "C=3");
        assert_null(pool->environment[1]);
        assert_int_equal(pool->umask, 0022);
        assert_int_equal(pool->listener_count, 1);
        assert_string_equal(pool->listeners[0].text, "/c");
}

static void test_command_is_replaced(void **state)
{
        AUTO_LOAD reset = LOAD({ "web.pool", WEB },
                               { "web.pool.d/a.conf", "[Pool]\nExecStart=\nExecStart=/b c\n" });
        AUTO_LOAD last =
                LOAD({ "web.pool", WEB }, { "web.pool.d/a.conf", "[Pool]\nExecStart=/b c\n" });
        AUTO_LOAD none = LOAD({ "web.pool", WEB }, { "web.pool.d/a.conf", "[Pool]\nExecStart=\n" });

        assert_string_equal(load_first(&reset)->command[0], "/b");
        assert_string_equal(load_first(&last)->command[0], "/b");
        assert_null(load_first(&last)->command[2]);
        assert_int_equal(none.r, -EINVAL);
}

static void test_daemon_drop_in(void **state)
{
        AUTO_LOAD load = LOAD({ "/e/reeve.conf", "[Reeve]\nLogLevel=err\nSpawnRate=5\n" },
                              { "/e/reeve.conf.d/a.conf", "[Reeve]\nLogLevel=debug\n" });

        assert_int_equal(load.r, 0);
        assert_int_equal(load.config->log_level, 7);
        assert_int_equal(load.config->spawn_rate, 5);
}

static void test_names_of_files(void **state)
{
        AUTO_LOAD bad = LOAD({ "pools.d/Web.pool", WEB });
        AUTO_LOAD reserved = LOAD({ "pools.d/@api.pool", WEB });
        AUTO_LOAD twice = LOAD({ "a/web.pool", WEB }, { "b/web.pool", WEB });
        AUTO_LOAD other = LOAD({ "pools.d/web.service", WEB });
        AUTO_LOAD dots = LOAD({ "pools.d/a.b.pool", WEB });

        assert_problem(&bad, "pools.d/Web.pool: error: \"Web\" cannot be the name of a pool: names "
                             "match [a-z0-9][a-z0-9_.-]{0,62}; rename the file");
        assert_problem(&reserved,
                       "pools.d/@api.pool: error: \"@api\" cannot be the name of a pool: "
                       "names that begin with @ are reeve's own; rename the file");
        assert_problem(&twice, "b/web.pool: error: the pool web has a second file; keep one");
        assert_int_equal(other.r, -EINVAL);
        assert_string_equal(load_first(&dots)->name, "a.b");
}

static void test_order_of_pools(void **state)
{
        AUTO_LOAD load = LOAD({ "c.pool", WEB }, { "a.pool", WEB }, { "b.pool", WEB });

        assert_int_equal(load.r, 0);
        assert_string_equal(load.config->pools[0]->name, "a");
        assert_string_equal(load.config->pools[2]->name, "c");
        assert_ptr_equal(config_find(load.config, "b"), load.config->pools[1]);
        assert_null(config_find(load.config, "d"));
}

static void test_orphan_is_a_warning(void **state)
{
        AUTO_LOAD load = LOAD({ "pools.d/gone.pool.d/a.conf", "[Scale]\nProcesses=x\n" });

        assert_int_equal(load.r, 0);
        assert_problem(&load, "pools.d/gone.pool.d/a.conf: warning: this drop-in is for the pool "
                              "gone, which has no file; it is not used");
}

static void test_control_sets_the_scale(void **state)
{
        AUTO_LOAD load = LOAD({ "web.pool", WEB "[Scale]\nProcesses=2\n" },
                              { "control/web.pool.d/50-scale.conf",
                                "[Scale]\nProcesses=4\nThreads=8\nMode=auto\n", true });
        const PoolConfig *pool = load_first(&load);

        assert_int_equal(pool->processes, 4);
        assert_int_equal(pool->threads, 8);
        assert_int_equal(pool->mode, SCALE_AUTO);
        assert_true(pool->is_overridden);
}

/* What the daemon wrote must neither run something nor keep it from starting. */
static void test_control_is_harmless(void **state)
{
        AUTO_LOAD load = LOAD({ "web.pool", WEB "[Scale]\nProcessesMax=3\n" },
                              { "control/web.pool.d/50-scale.conf",
                                "[Scale]\nProcesses=4\nThreads=x\nProcessesMax=9\nBanana=1\n"
                                "[Pool]\nExecStart=/bin/evil\n[Odd]\nnonsense\n",
                                true });
        const PoolConfig *pool = load_first(&load);

        assert_int_equal(problem_list_errors(&load.problems), 0);
        assert_int_equal(load.problems.count, 6);
        assert_string_equal(pool->command[0], "/bin/true");
        assert_int_equal(pool->threads, 1);
        assert_int_equal(pool->processes_max, 3);
        assert_int_equal(pool->processes, 3);
}

static void test_control_of_bytes(void **state)
{
        AUTO_LOAD load =
                LOAD({ "web.pool", WEB }, { "control/web.pool.d/50-scale.conf", "\xFF\xFE", true });

        assert_int_equal(load_first(&load)->processes, 1);
        assert_int_equal(load.problems.items[0].kind, PROBLEM_WARNING);
}

static void test_file_without_text(void **state)
{
        TextFile files[] = {
                { .path = (char *)"web.pool", .trouble = (char *)"cannot be read: no rights" },
                { .path = (char *)"api.pool", .text = (char *)WEB, .length = strlen(WEB) },
        };
        AUTO_LOAD load = { 0 };

        load.r = config_parse(&(ConfigInput){ files, COUNT_OF(files) }, &load.problems,
                              &load.config);
        assert_int_equal(load.r, -EINVAL);
        assert_problem(&load, "web.pool: error: cannot be read: no rights");
        assert_int_equal(load.problems.count, 1);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_later_wins),
                cmocka_unit_test(test_reset),
                cmocka_unit_test(test_command_is_replaced),
                cmocka_unit_test(test_daemon_drop_in),
                cmocka_unit_test(test_names_of_files),
                cmocka_unit_test(test_order_of_pools),
                cmocka_unit_test(test_orphan_is_a_warning),
                cmocka_unit_test(test_control_sets_the_scale),
                cmocka_unit_test(test_control_is_harmless),
                cmocka_unit_test(test_control_of_bytes),
                cmocka_unit_test(test_file_without_text),
        };
        return cmocka_run_group_tests_name("config/drop_ins", tests, NULL, NULL);
}
