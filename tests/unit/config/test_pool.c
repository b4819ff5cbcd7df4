/* test_pool.c - references, and which keys a worker has to be replaced for */
#include "support.h"

#include "config/draft.h"

static void test_references(void **state)
{
        AUTO_LOAD load = load_pool("[Pool]\nEnvironment=A=b\n");
        PoolConfig *pool = pool_config_ref(config_find(load.config, "web"));

        load.config = config_free(load.config);
        assert_string_equal(pool->environment[0], "A=b");
        assert_null(pool_config_unref(pool));
        assert_null(pool_config_unref(NULL));
        assert_null(config_free(NULL));
}

static bool have_same_worker(const char *a_text, const char *b_text)
{
        AUTO_LOAD a = load_pool(a_text);
        AUTO_LOAD b = load_pool(b_text);

        bool is_same = pool_config_same_worker(load_first(&a), load_first(&b));

        /* The number that outlives the daemon says the same. */
        assert_int_equal(is_same, pool_config_fingerprint(load_first(&a))
                                          == pool_config_fingerprint(load_first(&b)));
        return is_same;
}

static void test_the_worker_stays(void **state)
{
        static const char *const texts[] = {
                "[Pool]\nDescription=x\n",
                "[Pool]\nRestart=no\nRestartSec=5\nStartLimitBurst=1\nStableSec=1\n",
                "[Pool]\nTimeoutStopSec=1\nKillSignal=INT\nKillMode=mixed\nEssential=yes\n",
                "[Pool]\nExecReload=/bin/true\n",
                "[Scale]\nProcesses=5\nThreads=5\nProcessesMax=9\nMode=auto\nMaxSurge=1\n",
                "[Health]\nTcp=127.0.0.1:80\n",
                "[Log]\nMaxSize=1M\nMaxFiles=2\n",
                "[Pool]\nMemoryMax=1G\nCPUQuota=50%\nCPUWeight=1\nTasksMax=9\n",
                "[Pool]\nUMask=0022\nType=exec\n",
        };

        for (size_t i = 0; i < COUNT_OF(texts); i++)
                assert_true(have_same_worker("", texts[i]));
}

static void test_the_worker_moves(void **state)
{
        static const char *const texts[] = {
                "[Pool]\nExecStart=/bin/true x\n",
                "[Pool]\nEnvironment=A=b\n",
                "[Pool]\nEnvironmentFile=/x\n",
                "[Pool]\nUser=nobody\n",
                "[Pool]\nWorkingDirectory=/\n",
                "[Pool]\nNice=0\n",
                "[Pool]\nUMask=0\n",
                "[Pool]\nCPUAffinity=0\n",
                "[Pool]\nLimitNOFILE=9\n",
                "[Pool]\nType=notify\n",
                "[Pool]\nWatchdogSec=5\n",
                "[Pool]\nStandardError=null\n",
                "[Pool]\nStandardOutput=append:/x\n",
                "[Pool]\nNoNewPrivileges=yes\n",
                "[Listen]\nListenStream=/x\n",
                "[Listen]\nListenMode=reuseport\n",
                "[Scale]\nThreadControl=live\n",
        };

        for (size_t i = 0; i < COUNT_OF(texts); i++) {
                assert_false(have_same_worker("", texts[i]));
                assert_true(have_same_worker(texts[i], texts[i]));
        }
        assert_true(have_same_worker("[Listen]\nListenStream=[::1]:1\n",
                                     "[Listen]\nListenStream=[0::1]:1\n"));
        assert_false(have_same_worker("[Pool]\nNice=0\n", "[Pool]\nNice=1\n"));
        assert_false(have_same_worker("[Pool]\nLimitNOFILE=9\n", "[Pool]\nLimitNOFILE=9:10\n"));
        assert_false(
                have_same_worker("[Listen]\nListenStream=/x\n", "[Listen]\nListenStream=/y\n"));
        assert_false(
                have_same_worker("[Pool]\nEnvironment=A=b\n", "[Pool]\nEnvironment=A=b B=c\n"));
}

static void test_shares(void **state)
{
        assert_int_equal(share_of((Share){ true, 25 }, 0), 0);
        assert_int_equal(share_of((Share){ true, 25 }, 1), 1);
        assert_int_equal(share_of((Share){ true, 25 }, 4), 1);
        assert_int_equal(share_of((Share){ true, 25 }, 5), 2);
        assert_int_equal(share_of((Share){ true, 100 }, 4000000000u), 4000000000u);
        assert_int_equal(share_of((Share){ false, 3 }, 1), 3);
}

/* Fields without a key of their own: everything else is freed and compared by the table. */
static void test_the_table_covers_pool_config(void **state)
{
        unsigned char covered[sizeof(PoolConfig)] = { 0 };
        const Key *key;

        for (size_t i = 0; (key = key_at(i)); i++) {
                if (!section_is_pools(key->shown.section))
                        continue;
                memset(covered + key->offset, 1, key->kind->size);
        }
        assert_true(covered[offsetof(PoolConfig, log_stamp)]);
        assert_true(covered[offsetof(PoolConfig, listener_count)]);
        assert_true(covered[offsetof(PoolConfig, error)]);
        for (size_t i = 0; i < RESOURCE_COUNT; i++)
                assert_true(covered[offsetof(PoolConfig, limits) + i * sizeof(ResourceLimit)]);
        assert_false(covered[offsetof(PoolConfig, name)]);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_references),
                cmocka_unit_test(test_the_worker_stays),
                cmocka_unit_test(test_the_worker_moves),
                cmocka_unit_test(test_shares),
                cmocka_unit_test(test_the_table_covers_pool_config),
        };
        return cmocka_run_group_tests_name("config/pool", tests, NULL, NULL);
}
