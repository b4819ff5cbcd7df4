/* test_relations.c - pools against pools */
#include "support.h"

#define RUN "[Pool]\nExecStart=/bin/true\n"

static void test_known_pools(void **state)
{
        AUTO_LOAD load = LOAD({ "redis.pool", RUN },
                              { "web.pool", RUN "After=redis\nRequires=redis api\nAfter=redis\n" },
                              { "api.pool", RUN });
        const PoolConfig *web;

        assert_int_equal(load.r, 0);
        web = config_find(load.config, "web");
        assert_int_equal(text_list_count(web->after), 1);
        assert_string_equal(web->requires[1], "api");
}

static void test_unknown_pools(void **state)
{
        AUTO_LOAD required =
                LOAD({ "redis.pool", RUN }, { "web.pool", RUN "Requires=redis rediss\n" });
        AUTO_LOAD after = LOAD({ "web.pool", RUN "After=postgresql\n" });

        assert_int_equal(required.r, -EINVAL);
        assert_problem(&required, "web.pool:3:16: error: Requires=rediss: there is no pool called "
                                  "rediss; did you mean redis?");
        assert_int_equal(after.r, 0);
        assert_problem(&after, "web.pool:3:7: warning: After=postgresql: there is no pool called "
                               "postgresql; it is not waited for");
}

static void test_circles(void **state)
{
        AUTO_LOAD self = LOAD({ "web.pool", RUN "After=web\n" });
        AUTO_LOAD two = LOAD({ "a.pool", RUN "After=b\n" }, { "b.pool", RUN "Requires=a\n" });
        AUTO_LOAD tail = LOAD({ "a.pool", RUN "After=b\n" }, { "b.pool", RUN "After=c\n" },
                              { "c.pool", RUN "After=d e\n" }, { "d.pool", RUN },
                              { "e.pool", RUN "Requires=b\n" });

        assert_problem(&self, "web.pool:3:7: error: After=web: a pool cannot wait for itself");
        assert_problem(&two, "a.pool:3:7: error: pools wait for one another in a circle: a -> b -> "
                             "a; remove one After= or Requires=");
        assert_int_equal(two.problems.count, 1);
        assert_problem(&tail, "b.pool:3:7: error: pools wait for one another in a circle: b -> c "
                              "-> e -> b; remove one After= or Requires=");
}

static void test_no_circle_in_a_diamond(void **state)
{
        AUTO_LOAD load = LOAD({ "a.pool", RUN "After=b c\n" }, { "b.pool", RUN "After=d\n" },
                              { "c.pool", RUN "After=d\n" }, { "d.pool", RUN });

        assert_int_equal(load.r, 0);
        assert_int_equal(load.problems.count, 0);
}

/* As deep as pools allow, each waiting for the next one; the last one for the first. */
static void test_long_chain(void **state)
{
        static char paths[CONFIG_POOLS_MAX][20], texts[CONFIG_POOLS_MAX][64];
        static Source sources[CONFIG_POOLS_MAX];
        AUTO_LOAD load = { 0 };

        for (int i = 0; i < CONFIG_POOLS_MAX; i++) {
                (void)snprintf(paths[i], sizeof(paths[i]), "p%04d.pool", i);
                (void)snprintf(texts[i], sizeof(texts[i]), RUN "After=p%04d\n",
                               (i + 1) % CONFIG_POOLS_MAX);
                sources[i] = (Source){ .path = paths[i], .text = texts[i] };
        }
        load = load_sources(sources, CONFIG_POOLS_MAX);
        assert_int_equal(load.r, -EINVAL);
        assert_int_equal(load.problems.count, 1);
        assert_non_null(strstr(load.problems.items[0].message, "in a circle: p0000 -> p0001"));
}

#define LISTEN(address) RUN "[Listen]\nListenStream=" address "\n"

static void test_same_address(void **state)
{
        AUTO_LOAD tcp =
                LOAD({ "a.pool", LISTEN("127.0.0.1:80") }, { "b.pool", LISTEN("127.0.0.1:80") });
        AUTO_LOAD local = LOAD({ "a.pool", LISTEN("/run/x") }, { "b.pool", LISTEN("/run/x") });
        AUTO_LOAD own = LOAD({ "a.pool", LISTEN("[::1]:80") "ListenStream=[0::1]:80\n" });
        AUTO_LOAD http = LOAD({ "reeve.conf", "[Reeve]\nListenHTTP=127.0.0.1:80\n" },
                              { "a.pool", LISTEN("127.0.0.1:80") });

        assert_problem(&tcp, "b.pool:4:14: error: 127.0.0.1:80 is taken: pool a listens on "
                             "127.0.0.1:80; choose another address");
        assert_problem(&local, "b.pool:4:14: error: /run/x is taken: pool a listens on /run/x; "
                               "choose another address");
        assert_int_equal(own.problems.count, 1);
        assert_non_null(strstr(own.problems.items[0].message, "this file listens on"));
        assert_int_equal(http.problems.count, 1);
}

static void test_wildcard_takes_all(void **state)
{
        AUTO_LOAD load =
                LOAD({ "a.pool", LISTEN("127.0.0.1:80") }, { "b.pool", LISTEN("0.0.0.0:80") });
        AUTO_LOAD fine =
                LOAD({ "a.pool", LISTEN("127.0.0.1:80") }, { "b.pool", LISTEN("0.0.0.0:81") },
                     { "c.pool", LISTEN("127.0.0.2:80") }, { "d.pool", LISTEN("127.0.0.1:0") },
                     { "e.pool", LISTEN("127.0.0.1:0") }, { "f.pool", LISTEN("[::1]:80") },
                     { "g.pool", LISTEN("@x") });

        assert_problem(&load, "a.pool:4:14: error: 127.0.0.1:80 is taken: pool b listens on "
                              "0.0.0.0:80; choose another address");
        assert_int_equal(fine.r, 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_known_pools),
                cmocka_unit_test(test_unknown_pools),
                cmocka_unit_test(test_circles),
                cmocka_unit_test(test_no_circle_in_a_diamond),
                cmocka_unit_test(test_long_chain),
                cmocka_unit_test(test_same_address),
                cmocka_unit_test(test_wildcard_takes_all),
        };
        return cmocka_run_group_tests_name("config/relations", tests, NULL, NULL);
}
