/* test_keys.c - every key: its default, a good value that takes effect, a bad one that is told */
#include "support.h"

#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <syslog.h>

#include "base/units.h"
#include "config/draft.h"

typedef struct KeyCase {
        const char *section, *name, *good, *bad;
} KeyCase;

/* A key without a case fails the test below; Description takes any text. */
static const KeyCase cases[] = {
        { "Reeve", "LogLevel", "debug", "loud" },
        { "Reeve", "ListenHTTP", "127.0.0.1:7733", "10.0.0.1:80" },
        { "Reeve", "AllowedHosts", "reeve.example [::1]", "a:80" },
        { "Reeve", "TokenFile", "/etc/reeve/tokens", "tokens" },
        { "Reeve", "ViewGroup", "staff", "a b" },
        { "Reeve", "OperateGroup", "1000", ":" },
        { "Reeve", "AdminUsers", "alice bob", "a!b" },
        { "Reeve", "ApiUser", "www-data", "4294967295" },
        { "Reeve", "SampleIntervalSec", "500ms", "1ms" },
        { "Reeve", "SampleBudget", "2.5%", "101%" },
        { "Reeve", "Sampler", "bpf-iterator", "taskstats" },
        { "Reeve", "HistoryMemory", "1G", "infinity" },
        { "Reeve", "SpawnRate", "50", "-1" },
        { "Pool", "Description", "An image resizer", NULL },
        { "Pool", "ExecStart", "/bin/true", "true" },
        { "Pool", "Type", "notify", "forking" },
        { "Pool", "WorkingDirectory", "/srv", "srv" },
        { "Pool", "User", "www-data", "a/b" },
        { "Pool", "Group", "33", "-x" },
        { "Pool", "UMask", "077", "8" },
        { "Pool", "Environment", "A=b \"C=d e\"", "noassignment" },
        { "Pool", "EnvironmentFile", "-/etc/default/x", "x" },
        { "Pool", "NoNewPrivileges", "yes", "perhaps" },
        { "Pool", "CapabilityBoundingSet", "~CAP_NET_RAW cap_bpf", "NET_RAW" },
        { "Pool", "PrivateTmp", "yes", "x" },
        { "Pool", "ProtectSystem", "strict", "all" },
        { "Pool", "ProtectHome", "read-only", "x" },
        { "Pool", "ReadOnlyPaths", "/etc -/srv", "etc" },
        { "Pool", "ReadWritePaths", "/var/lib/x", "/a/../b" },
        { "Pool", "InaccessiblePaths", "-/mnt", "+/mnt" },
        { "Pool", "LimitCPU", "10min", "x" },
        { "Pool", "LimitFSIZE", "1G:2G", "2G:1G" },
        { "Pool", "LimitDATA", "infinity", "-1" },
        { "Pool", "LimitSTACK", "8M", "8MB" },
        { "Pool", "LimitCORE", "0", "none" },
        { "Pool", "LimitRSS", "1G", "1 G" },
        { "Pool", "LimitNOFILE", "1024:524288", "1K" },
        { "Pool", "LimitAS", "16G", "::" },
        { "Pool", "LimitNPROC", "100", "1:" },
        { "Pool", "LimitMEMLOCK", "64K", "64KiB" },
        { "Pool", "LimitLOCKS", "10", "x" },
        { "Pool", "LimitSIGPENDING", "10", "x" },
        { "Pool", "LimitMSGQUEUE", "800K", "x" },
        { "Pool", "LimitNICE", "-5", "+20" },
        { "Pool", "LimitRTPRIO", "10", "x" },
        { "Pool", "LimitRTTIME", "5ms", "5x" },
        { "Pool", "Nice", "-5", "20" },
        { "Pool", "CPUAffinity", "0-3 5,7", "3-1" },
        { "Pool", "OOMScoreAdjust", "-100", "1001" },
        { "Pool", "MemoryMax", "2G", "50%" },
        { "Pool", "MemoryHigh", "1G", "0" },
        { "Pool", "MemorySwapMax", "0", "some" },
        { "Pool", "CPUQuota", "150%", "150" },
        { "Pool", "TasksMax", "100", "0" },
        { "Pool", "CPUWeight", "200", "10001" },
        { "Pool", "IOWeight", "1", "0" },
        { "Pool", "PoolMemoryMax", "8G", "-1" },
        { "Pool", "PoolMemoryHigh", "7G", "0" },
        { "Pool", "PoolCPUQuota", "300%", "300" },
        { "Pool", "PoolTasksMax", "1000", "0" },
        { "Pool", "Restart", "on-failure", "sometimes" },
        { "Pool", "RestartSec", "0", "infinity" },
        { "Pool", "RestartMaxDelaySec", "1min", "x" },
        { "Pool", "StableSec", "1min 30s", "-1" },
        { "Pool", "StartLimitBurst", "0", "x" },
        { "Pool", "StartLimitIntervalSec", "10", "x" },
        { "Pool", "MaxAgeSec", "1h", "infinity" },
        { "Pool", "MaxMemory", "512M", "50%" },
        { "Pool", "MaxMemorySec", "0", "x" },
        { "Pool", "MaxRequests", "10000", "-1" },
        { "Pool", "TimeoutStartSec", "infinity", "x" },
        { "Pool", "TimeoutStopSec", "0", "x" },
        { "Pool", "WatchdogSec", "5", "x" },
        { "Pool", "KillSignal", "SIGRTMIN+3", "SIGFOO" },
        { "Pool", "KillMode", "mixed", "none" },
        { "Pool", "Essential", "on", "x" },
        { "Pool", "ExecReload", "/bin/kill -HUP $MAINPID", "kill" },
        { "Pool", "ReloadSignal", "HUP", "0" },
        { "Pool", "After", "redis", "Redis" },
        { "Pool", "Requires", "redis", "@api" },
        { "Pool", "StandardOutput", "append:/var/log/x", "append:x" },
        { "Pool", "StandardError", "null", "inherit" },
        { "Scale", "Processes", "0", "-1" },
        { "Scale", "Threads", "8", "0" },
        { "Scale", "Greenlets", "100", "x" },
        { "Scale", "ProcessesMin", "1", "x" },
        { "Scale", "ProcessesMax", "8", "65537" },
        { "Scale", "ThreadsMin", "1", "0" },
        { "Scale", "ThreadsMax", "32", "0" },
        { "Scale", "Mode", "auto", "automatic" },
        { "Scale", "ThreadControl", "live", "dead" },
        { "Scale", "MaxSurge", "2", "101%" },
        { "Scale", "MaxUnavailable", "25%", "a%" },
        { "Scale", "MemoryBudget", "2G", "2 G" },
        { "Scale", "Throughput", "http://127.0.0.1:80/metrics jobs_total", "ftp://x y" },
        { "Listen", "ListenStream", "127.0.0.1:8000", "localhost:8000" },
        { "Listen", "ListenMode", "reuseport", "both" },
        { "Listen", "NoDelay", "no", "maybe" },
        { "Listen", "DeferAcceptSec", "5s", "-1" },
        { "Health", "Http", "http://127.0.0.1:80${REEVE_SLOT}/healthz", "https://127.0.0.1/" },
        { "Health", "Tcp", "[::1]:80", "example.org:80" },
        { "Health", "Exec", "/bin/true", "true" },
        { "Health", "IntervalSec", "5", "0" },
        { "Health", "TimeoutSec", "2s", "infinity" },
        { "Health", "Failures", "1", "0" },
        { "Health", "ExecDump", "/usr/bin/gcore ${REEVE_PID}", "gcore" },
        { "Health", "DumpTimeoutSec", "1min", "0" },
        { "Log", "MaxSize", "10M", "1" },
        { "Log", "MaxFiles", "1", "0" },
        { "Log", "MaxFileSec", "1day", "1ms" },
        { "Log", "MaxDisk", "1G", "1" },
        { "Log", "Compress", "gzip", "zip" },
        { "Log", "Timestamps", "yes", "x" },
        { "Log", "Format", "json", "yes" },
        { "Log", "RateLimitIntervalSec", "30s", "1us" },
        { "Log", "RateLimitBurst", "100", "-1" },
};

static Load load_value(const KeyCase *at, const char *value)
{
        AUTO_FREE char *text = NULL;
        bool is_pools = section_is_pools(at->section);

        assert_true(asprintf(&text, "[%s]\n%s=%s\n", at->section, at->name, value) > 0);
        if (!is_pools)
                return LOAD({ "reeve.conf", text });
        return LOAD({ "redis.pool", "[Pool]\nExecStart=/bin/true\n" },
                    { "web.pool", "[Pool]\nExecStart=/bin/true\n" }, { "web.pool.d/a.conf", text });
}

static void test_every_key_has_a_case(void **state)
{
        const ConfigKey *key;

        for (size_t i = 0; (key = config_key_at(i)); i++) {
                assert_true(i < COUNT_OF(cases));
                assert_string_equal(key->name, cases[i].name);
                assert_string_equal(key->section, cases[i].section);
        }
        assert_null(config_key_at(COUNT_OF(cases)));
}

static void test_good_values(void **state)
{
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                AUTO_LOAD load = load_value(&cases[i], cases[i].good);

                if (load.r < 0)
                        fail_msg("%s=%s: %s", cases[i].name, cases[i].good,
                                 load.problems.items[0].message);
        }
}

static void test_bad_values(void **state)
{
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                AUTO_LOAD load = { 0 };

                if (!cases[i].bad)
                        continue;
                load = load_value(&cases[i], cases[i].bad);
                if (load.r != -EINVAL || problem_list_errors(&load.problems) != 1)
                        fail_msg("%s=%s: %d, %zu problems", cases[i].name, cases[i].bad, load.r,
                                 load.problems.count);
                assert_int_equal(load.problems.items[0].line, 2);
                assert_int_equal(load.problems.items[0].column, strlen(cases[i].name) + 2);
                assert_non_null(strstr(load.problems.items[0].message, cases[i].bad));
        }
}

/* What an empty value leaves is what was there before anything was written. */
static void test_empty_resets(void **state)
{
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                const Key *key = key_find(cases[i].section, cases[i].name);
                bool is_pools = section_is_pools(cases[i].section);
                AUTO_FREE char *text = NULL;
                AUTO_LOAD before = { 0 };
                AUTO_LOAD after = { 0 };

                if (text_equal(cases[i].name, "ExecStart"))
                        continue;
                assert_true(asprintf(&text, "[%s]\n%s=%s\n%s=\n", cases[i].section, cases[i].name,
                                     cases[i].good, cases[i].name)
                            > 0);
                before = load_pool("");
                after = is_pools ? load_pool(text)
                                 : LOAD({ "reeve.conf", text },
                                        { "web.pool", "[Pool]\nExecStart=/bin/true\n" });
                if (is_pools)
                        assert_true(key_is_equal(key, load_first(&before), load_first(&after)));
                else
                        assert_true(key_is_equal(key, before.config, after.config));
        }
}

static void test_pool_defaults(void **state)
{
        AUTO_LOAD load = load_pool("");
        const PoolConfig *pool = load_first(&load);

        assert_string_equal(pool->name, "web");
        assert_string_equal(pool->path, "web.pool");
        assert_int_equal(pool->type, SERVICE_EXEC);
        assert_int_equal(pool->restart, RESTART_ALWAYS);
        assert_int_equal(pool->restart_usec, 100 * USEC_PER_MSEC);
        assert_int_equal(pool->restart_max_usec, 30 * USEC_PER_SEC);
        assert_int_equal(pool->stable_usec, 10 * USEC_PER_SEC);
        assert_int_equal(pool->start_limit_burst, 10);
        assert_int_equal(pool->start_limit_interval_usec, 60 * USEC_PER_SEC);
        assert_int_equal(pool->timeout_start_usec, 30 * USEC_PER_SEC);
        assert_int_equal(pool->timeout_stop_usec, 10 * USEC_PER_SEC);
        assert_int_equal(pool->watchdog_usec, 0);
        assert_int_equal(pool->kill_signal, SIGTERM);
        assert_int_equal(pool->kill_mode, KILL_CONTROL_GROUP);
        assert_int_equal(pool->umask, 0022);
        assert_int_equal(pool->output.kind, OUTPUT_LOG);
        assert_int_equal(pool->error.kind, OUTPUT_LOG);
        assert_int_equal(pool->worker_limits.memory_max_bytes, UINT64_MAX);
        assert_int_equal(pool->worker_limits.tasks_max, UINT64_MAX);
        assert_int_equal(pool->worker_limits.cpu_quota_percent, 0);
        assert_int_equal(pool->pool_limits.cpu_weight, 0);
        assert_false(pool->has_nice || pool->has_affinity || pool->has_oom_score_adjust);
        assert_false(pool->no_new_privileges || pool->is_essential || pool->is_overridden);
        assert_null(pool->user);
        assert_null(pool->directory);
        assert_null(pool->environment);
        assert_null(pool->reload_command);
        assert_int_equal(pool->reload_signal, 0);
}

static void test_scale_and_other_defaults(void **state)
{
        AUTO_LOAD load = load_pool("");
        const PoolConfig *pool = load_first(&load);

        assert_int_equal(pool->processes, 1);
        assert_int_equal(pool->threads, 1);
        assert_int_equal(pool->greenlets, 0);
        assert_int_equal(pool->processes_min, 0);
        assert_int_equal(pool->processes_max, 1024);
        assert_int_equal(pool->threads_min, 1);
        assert_int_equal(pool->threads_max, 1024);
        assert_int_equal(pool->mode, SCALE_MANUAL);
        assert_int_equal(pool->thread_control, THREADS_FIXED);
        assert_true(pool->max_surge.is_percent);
        assert_int_equal(pool->max_surge.value, 25);
        assert_false(pool->max_unavailable.is_percent);
        assert_int_equal(pool->max_unavailable.value, 0);
        assert_int_equal(pool->memory_budget_bytes, UINT64_MAX);
        assert_null(pool->throughput);
        assert_int_equal(pool->listener_count, 0);
        assert_int_equal(pool->listen_mode, LISTEN_SHARED);
        assert_int_equal(pool->probe, PROBE_NONE);
        assert_int_equal(pool->probe_interval_usec, 5 * USEC_PER_SEC);
        assert_int_equal(pool->probe_timeout_usec, 2 * USEC_PER_SEC);
        assert_int_equal(pool->probe_failures, 3);
        assert_int_equal(pool->log_max_bytes, 50 << 20);
        assert_int_equal(pool->log_max_files, 5);
        assert_int_equal(pool->log_stamp, STAMP_NONE);
}

static void test_daemon_defaults(void **state)
{
        AUTO_LOAD load = load_sources(NULL, 0);

        assert_int_equal(load.r, 0);
        assert_int_equal(load.config->pool_count, 0);
        assert_int_equal(load.config->listen_http_count, 0);
        assert_null(load.config->allowed_hosts);
        assert_null(load.config->token_file);
        assert_null(load.config->view_group);
        assert_string_equal(load.config->operate_group, "reeve");
        assert_string_equal(load.config->admin_users[0], "root");
        assert_null(load.config->admin_users[1]);
        assert_string_equal(load.config->api_user, "reeve-api");
        assert_int_equal(load.config->sample_interval_usec, USEC_PER_SEC);
        assert_true(load.config->sample_budget_ratio == 0.01);
        assert_int_equal(load.config->history_memory_bytes, 64 << 20);
        assert_int_equal(load.config->spawn_rate, 0);
        assert_int_equal(load.config->log_level, LOG_INFO);
}

static void test_documentation(void **state)
{
        AUTO_FREE char *text = config_format_keys();
        AUTO_FREE char *allowed = config_key_allowed(config_key_at(15));
        const ConfigKey *key;

        assert_string_equal(allowed, "one of simple, exec, notify");
        for (size_t i = 0; (key = config_key_at(i)); i++) {
                assert_non_null(strstr(text, key->name));
                assert_int_equal(key->help[strlen(key->help) - 1], '.');
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_every_key_has_a_case),
                cmocka_unit_test(test_good_values),
                cmocka_unit_test(test_bad_values),
                cmocka_unit_test(test_empty_resets),
                cmocka_unit_test(test_pool_defaults),
                cmocka_unit_test(test_scale_and_other_defaults),
                cmocka_unit_test(test_daemon_defaults),
                cmocka_unit_test(test_documentation),
        };
        return cmocka_run_group_tests_name("config/keys", tests, NULL, NULL);
}
