/* test_values.c - what good values become */
#include "support.h"

#include <arpa/inet.h>
#include <signal.h>
#include <sys/resource.h>

#include "base/units.h"
#include "config/address.h"

static void test_limits(void **state)
{
        AUTO_LOAD load = load_pool("[Pool]\nLimitNOFILE=1024:infinity\nLimitCPU=1.5s\n"
                                   "LimitNICE=-5\nLimitRTTIME=7\nLimitCORE=1M\nLimitNPROC=9\n");
        const ResourceLimit *limits = load_first(&load)->limits;

        assert_true(limits[RLIMIT_NOFILE].is_set);
        assert_int_equal(limits[RLIMIT_NOFILE].soft, 1024);
        assert_int_equal(limits[RLIMIT_NOFILE].hard, UINT64_MAX);
        assert_int_equal(limits[RLIMIT_CPU].soft, 2);
        assert_int_equal(limits[RLIMIT_NICE].soft, 25);
        assert_int_equal(limits[RLIMIT_RTTIME].hard, 7);
        assert_int_equal(limits[RLIMIT_CORE].hard, 1 << 20);
        assert_int_equal(limits[RLIMIT_NPROC].soft, 9);
        assert_false(limits[RLIMIT_AS].is_set);
}

static void test_affinity(void **state)
{
        AUTO_LOAD load = load_pool("[Pool]\nCPUAffinity=0-2, 5\nCPUAffinity=7\n");
        const PoolConfig *pool = load_first(&load);

        assert_true(pool->has_affinity);
        assert_int_equal(CPU_COUNT(&pool->affinity), 5);
        assert_true(CPU_ISSET(0, &pool->affinity) && CPU_ISSET(2, &pool->affinity));
        assert_true(CPU_ISSET(5, &pool->affinity) && CPU_ISSET(7, &pool->affinity));
}

static void test_signals(void **state)
{
        const struct {
                const char *name;
                int number;
        } signals[] = {
                { "TERM", SIGTERM },      { "SIGUSR1", SIGUSR1 },      { "9", SIGKILL },
                { "SIGRTMIN", SIGRTMIN }, { "RTMAX-1", SIGRTMAX - 1 }, { "RTMIN+3", SIGRTMIN + 3 }
        };

        for (size_t i = 0; i < COUNT_OF(signals); i++) {
                AUTO_FREE char *text = NULL;
                AUTO_LOAD load = { 0 };

                assert_true(asprintf(&text, "[Pool]\nKillSignal=%s\n", signals[i].name) > 0);
                load = load_pool(text);
                assert_int_equal(load_first(&load)->kill_signal, signals[i].number);
        }
}

static void test_scalars(void **state)
{
        AUTO_LOAD load = load_pool("[Pool]\nUMask=077\nNice=+3\nCPUQuota=150%\nMemoryMax=infinity\n"
                                   "TasksMax=5\nTimeoutStopSec=0\nRestartSec=0\nWatchdogSec=0\n"
                                   "StartLimitIntervalSec=0\n"
                                   "[Scale]\nMaxSurge=3\nMaxUnavailable=50%\n");
        const PoolConfig *pool = load_first(&load);

        assert_int_equal(pool->umask, 077);
        assert_true(pool->has_nice);
        assert_int_equal(pool->nice, 3);
        assert_int_equal(pool->worker_limits.cpu_quota_percent, 150);
        assert_int_equal(pool->worker_limits.memory_max_bytes, UINT64_MAX);
        assert_int_equal(pool->worker_limits.tasks_max, 5);
        assert_int_equal(pool->timeout_stop_usec, USEC_INFINITY);
        assert_int_equal(pool->restart_usec, 0);
        assert_int_equal(pool->watchdog_usec, 0);
        assert_int_equal(pool->start_limit_burst, 0);
        assert_int_equal(share_of(pool->max_surge, 100), 3);
        assert_int_equal(share_of(pool->max_unavailable, 3), 2);
}

static void test_environment(void **state)
{
        AUTO_LOAD load = load_pool("[Pool]\nEnvironment=A=1 \"B=x y\" C=\\x41\n"
                                   "Environment=A=2 E=\nEnvironmentFile=/a\n"
                                   "EnvironmentFile=-/b\n");
        const PoolConfig *pool = load_first(&load);

        assert_string_equal(pool->environment[0], "A=2");
        assert_string_equal(pool->environment[1], "B=x y");
        assert_string_equal(pool->environment[2], "C=A");
        assert_string_equal(pool->environment[3], "E=");
        assert_null(pool->environment[4]);
        assert_string_equal(pool->environment_files[0], "/a");
        assert_string_equal(pool->environment_files[1], "-/b");
}

static void test_reserved_variable_is_a_warning(void **state)
{
        AUTO_LOAD load = load_pool("[Pool]\nEnvironment=A=b REEVE_POOL=x\n");

        assert_int_equal(load.r, 0);
        assert_problem(&load, "web.pool.d/a.conf:2:17: warning: REEVE_POOL is set by reeve; the "
                              "value given here may be replaced");
}

static void test_outputs(void **state)
{
        AUTO_LOAD same = load_pool("[Pool]\nStandardOutput=append:/var/log/x\n");
        AUTO_LOAD other = load_pool("[Pool]\nStandardError=journal\n");
        const PoolConfig *pool = load_first(&same);

        assert_int_equal(pool->error.kind, OUTPUT_APPEND);
        assert_string_equal(pool->error.path, "/var/log/x");
        assert_ptr_not_equal(pool->error.path, pool->output.path);
        assert_int_equal(load_first(&other)->output.kind, OUTPUT_LOG);
        assert_int_equal(load_first(&other)->error.kind, OUTPUT_JOURNAL);
}

static void test_thread_control_default(void **state)
{
        AUTO_LOAD command = load_pool("[Pool]\nExecStart=\nExecStart=/x -t ${REEVE_THREADS}\n");
        AUTO_LOAD variable = load_pool("[Pool]\nEnvironment=\"OPTS=-t $REEVE_THREADS\"\n");
        AUTO_LOAD given = load_pool("[Scale]\nThreadControl=live\n");

        assert_int_equal(load_first(&command)->thread_control, THREADS_REPLACE);
        assert_int_equal(load_first(&variable)->thread_control, THREADS_REPLACE);
        assert_int_equal(load_first(&given)->thread_control, THREADS_LIVE);
}

static void test_restart_delay_follows(void **state)
{
        AUTO_LOAD load = load_pool("[Pool]\nRestartSec=5min\n");
        AUTO_LOAD shorter = load_pool("[Pool]\nRestartSec=5min\nRestartMaxDelaySec=1min\n");

        assert_int_equal(load_first(&load)->restart_max_usec, 300 * USEC_PER_SEC);
        assert_int_equal(shorter.r, -EINVAL);
        assert_int_equal(shorter.problems.items[0].line, 3);
}

static void test_probe(void **state)
{
        AUTO_LOAD load = load_pool("[Health]\nHttp=http://[::1]/x\nTcp=\nIntervalSec=1\n");
        AUTO_LOAD changed = load_pool("[Health]\nHttp=http://[::1]/x\nHttp=\nTcp=127.0.0.1:80\n");
        AUTO_LOAD two = load_pool("[Health]\nHttp=http://[::1]/x\nTcp=127.0.0.1:80\n");

        assert_int_equal(load_first(&load)->probe, PROBE_HTTP);
        assert_string_equal(load_first(&load)->probe_target, "http://[::1]/x");
        assert_int_equal(load_first(&changed)->probe, PROBE_TCP);
        assert_int_equal(two.r, -EINVAL);
        assert_int_equal(two.problems.items[0].line, 3);
}

static void test_addresses(void **state)
{
        ListenAddress address = { 0 };
        char text[INET6_ADDRSTRLEN];

        assert_int_equal(address_parse("127.0.0.1:8000", &address), 0);
        assert_int_equal(address.address.ipv4.sin_family, AF_INET);
        assert_int_equal(ntohs(address.address.ipv4.sin_port), 8000);
        assert_true(address_is_loopback(&address));
        address_done(&address);

        assert_int_equal(address_parse("[2001:db8::1]:0", &address), 0);
        assert_int_equal(address.length, sizeof(struct sockaddr_in6));
        (void)inet_ntop(AF_INET6, &address.address.ipv6.sin6_addr, text, sizeof(text));
        assert_string_equal(text, "2001:db8::1");
        assert_false(address_has_port(&address) || address_is_loopback(&address));
        address_done(&address);

        assert_int_equal(address_parse("8000", &address), 0);
        assert_int_equal(address.address.any.sa_family, AF_INET6);
        assert_true(address_is_any(&address));
        address_done(&address);
}

static void test_local_addresses(void **state)
{
        char path[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
        ListenAddress address = { 0 };

        assert_int_equal(address_parse("/run/x", &address), 0);
        assert_int_equal(address.length, offsetof(struct sockaddr_un, sun_path) + 7);
        assert_string_equal(address.address.local.sun_path, "/run/x");
        address_done(&address);

        assert_int_equal(address_parse("@x", &address), 0);
        assert_int_equal(address.length, offsetof(struct sockaddr_un, sun_path) + 2);
        assert_memory_equal(address.address.local.sun_path, "\0x", 2);
        address_done(&address);

        memset(path, 'a', sizeof(path));
        path[0] = '/';
        path[sizeof(path) - 1] = '\0';
        assert_int_equal(address_parse(path, &address), -ENAMETOOLONG);
        path[sizeof(path) - 2] = '\0';
        assert_int_equal(address_parse(path, &address), 0);
        address_done(&address);
}

static void test_bad_addresses(void **state)
{
        static const char *const bad[] = {
                "",         ":80",   "127.0.0.1", "127.0.0.1:",    "127.0.0.1:65536",
                "127.1:80", "[::1]", "[::1:80",   "::1:80",        "0",
                "/",        "@",     "host:80",   "127.0.0.1:80x", "[]:80",
                "[::1]80"
        };
        ListenAddress address = { 0 };

        for (size_t i = 0; i < COUNT_OF(bad); i++)
                assert_int_equal(address_parse(bad[i], &address), -EINVAL);
        assert_null(address.text);
}

static void test_loopback(void **state)
{
        static const struct {
                const char *text;
                bool is_loopback;
        } cases[] = {
                { "127.255.0.1:1", true }, { "[::1]:1", true }, { "[::ffff:127.0.0.1]:1", true },
                { "0.0.0.0:1", false },    { "[::]:1", false }, { "[::ffff:10.0.0.1]:1", false },
                { "/x", false },           { "1", false }
        };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                ListenAddress address = { 0 };

                assert_int_equal(address_parse(cases[i].text, &address), 0);
                assert_int_equal(address_is_loopback(&address), cases[i].is_loopback);
                address_done(&address);
        }
}

static void test_daemon_values(void **state)
{
        AUTO_LOAD load = LOAD({ "/etc/reeve/reeve.conf",
                                "[Reeve]\nListenHTTP=127.0.0.1:1\nListenHTTP=[::1]:1\n"
                                "AdminUsers=alice bob\nAdminUsers=carol\nSampleBudget=0.5%\n"
                                "LogLevel=7\nSampleIntervalSec=0\nOperateGroup=\n" });

        assert_int_equal(load.r, 0);
        assert_int_equal(load.config->listen_http_count, 2);
        assert_string_equal(load.config->admin_users[0], "alice");
        assert_string_equal(load.config->admin_users[2], "carol");
        assert_null(load.config->admin_users[3]);
        assert_true(load.config->sample_budget_ratio == 0.005);
        assert_int_equal(load.config->log_level, 7);
        assert_int_equal(load.config->sample_interval_usec, 0);
        assert_string_equal(load.config->operate_group, "reeve");
}

static void test_names_both_ways(void **state)
{
        assert_int_equal(service_type_from_name("notify"), SERVICE_NOTIFY);
        assert_string_equal(service_type_to_name(SERVICE_SIMPLE), "simple");
        for (int i = RESTART_NO; i <= RESTART_ALWAYS; i++)
                assert_int_equal(restart_mode_from_name(restart_mode_to_name((RestartMode)i)), i);
        for (int i = KILL_CONTROL_GROUP; i <= KILL_PROCESS; i++)
                assert_int_equal(kill_mode_from_name(kill_mode_to_name((KillMode)i)), i);
        for (int i = THREADS_LIVE; i <= THREADS_FIXED; i++)
                assert_int_equal(thread_control_from_name(thread_control_to_name((ThreadControl)i)),
                                 i);
        for (int i = OUTPUT_LOG; i <= OUTPUT_APPEND; i++)
                assert_int_equal(output_kind_from_name(output_kind_to_name((OutputKind)i)), i);
        assert_int_equal(scale_mode_from_name("auto"), SCALE_AUTO);
        assert_int_equal(listen_mode_from_name("reuseport"), LISTEN_REUSEPORT);
        assert_int_equal(listen_mode_from_name("x"), -EINVAL);
        assert_null(scale_mode_to_name((ScaleMode)9));
}

static uint64_t dropped_by(const char *lines)
{
        AUTO_LOAD load = load_pool(lines);

        assert_int_equal(load.r, 0);
        return load_first(&load)->dropped_capabilities;
}

/* Lines that name what stays add up, as in systemd; with a '~' they take away. */
static void test_capabilities(void **state)
{
        assert_true(dropped_by("[Pool]\nNice=1\n") == 0);
        assert_true(dropped_by("[Pool]\nCapabilityBoundingSet=CAP_CHOWN CAP_BPF\n")
                    == ~(UINT64_C(1) << 39 | 1));
        assert_true(dropped_by("[Pool]\nCapabilityBoundingSet=CAP_CHOWN\n"
                               "CapabilityBoundingSet=cap_bpf\n")
                    == ~(UINT64_C(1) << 39 | 1));
        assert_true(dropped_by("[Pool]\nCapabilityBoundingSet=~CAP_CHOWN CAP_KILL\n") == 0x21);
        assert_true(dropped_by("[Pool]\nCapabilityBoundingSet=~CAP_CHOWN\n"
                               "CapabilityBoundingSet=~ CAP_KILL\n")
                    == 0x21);
        assert_true(dropped_by("[Pool]\nCapabilityBoundingSet=~\n") == 0);
        assert_true(dropped_by("[Pool]\nCapabilityBoundingSet=~CAP_CHOWN\n"
                               "CapabilityBoundingSet=\n")
                    == 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_limits),
                cmocka_unit_test(test_affinity),
                cmocka_unit_test(test_signals),
                cmocka_unit_test(test_scalars),
                cmocka_unit_test(test_environment),
                cmocka_unit_test(test_reserved_variable_is_a_warning),
                cmocka_unit_test(test_outputs),
                cmocka_unit_test(test_thread_control_default),
                cmocka_unit_test(test_restart_delay_follows),
                cmocka_unit_test(test_probe),
                cmocka_unit_test(test_addresses),
                cmocka_unit_test(test_local_addresses),
                cmocka_unit_test(test_bad_addresses),
                cmocka_unit_test(test_loopback),
                cmocka_unit_test(test_daemon_values),
                cmocka_unit_test(test_names_both_ways),
                cmocka_unit_test(test_capabilities),
        };
        return cmocka_run_group_tests_name("config/values", tests, NULL, NULL);
}
