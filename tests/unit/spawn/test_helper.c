#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "base/text.h"
#include "spawn/helper.h"

static void make_spec(SpawnSpec *spec, ResourceLimit *limits, gid_t *groups)
{
        *spec = (SpawnSpec){ .executable_fd = 9,
                             .directory = "/srv/web",
                             .identity = { .is_set = true,
                                           .uid = 1001,
                                           .gid = 1002,
                                           .groups = groups,
                                           .group_count = 3 },
                             .has_umask = true,
                             .umask = 077,
                             .limits = limits,
                             .has_nice = true,
                             .nice = -3,
                             .has_oom_score_adjust = true,
                             .oom_score_adjust = -900,
                             .has_affinity = true,
                             .no_new_privileges = true,
                             .dropped_capabilities = UINT64_C(1) << 40,
                             .sandbox = "r+/srv",
                             .sandbox_length = sizeof("r+/srv") };
        CPU_ZERO(&spec->affinity);
        CPU_SET(63, &spec->affinity);
        CPU_SET(700, &spec->affinity);
        limits[RLIMIT_CORE] = (ResourceLimit){ .is_set = true, .soft = 0, .hard = UINT64_MAX };
}

static void test_there_and_back(void **state)
{
        ResourceLimit limits[RESOURCE_COUNT] = { 0 };
        gid_t groups[] = { 5, 6, 7 };
        AUTO_TEXT bytes = { 0 };
        SpawnSpec spec;
        HelperPlan plan;

        make_spec(&spec, limits, groups);
        helper_encode(&spec, &bytes);
        assert_int_equal(bytes.error, 0);
        assert_int_equal(helper_decode(bytes.bytes, bytes.length, &plan), 0);
        assert_true(plan.has_executable);
        assert_string_equal(plan.spec.directory, "/srv/web");
        assert_true(plan.spec.identity.is_set);
        assert_int_equal(plan.spec.identity.uid, 1001);
        assert_int_equal(plan.spec.identity.gid, 1002);
        assert_int_equal(plan.spec.identity.group_count, 3);
        assert_memory_equal(plan.spec.identity.groups, groups, sizeof(groups));
        assert_true(plan.spec.has_umask && plan.spec.has_nice && plan.spec.has_affinity);
        assert_true(plan.spec.has_oom_score_adjust && plan.spec.no_new_privileges);
        assert_int_equal(plan.spec.umask, 077);
        assert_true(plan.spec.dropped_capabilities == UINT64_C(1) << 40);
        assert_int_equal(plan.spec.sandbox_length, sizeof("r+/srv"));
        assert_string_equal(plan.spec.sandbox, "r+/srv");
        assert_int_equal(plan.spec.nice, -3);
        assert_int_equal(plan.spec.oom_score_adjust, -900);
        assert_true(CPU_EQUAL(&plan.spec.affinity, &spec.affinity));
        for (int i = 0; i < RESOURCE_COUNT; i++)
                assert_int_equal(plan.limits[i].is_set, i == RLIMIT_CORE);
        assert_int_equal(plan.limits[RLIMIT_CORE].soft, 0);
        assert_true(plan.limits[RLIMIT_CORE].hard == UINT64_MAX);
}

static void test_nothing_set(void **state)
{
        SpawnSpec spec = { .executable_fd = -1 };
        AUTO_TEXT bytes = { 0 };
        HelperPlan plan;

        helper_encode(&spec, &bytes);
        assert_int_equal(helper_decode(bytes.bytes, bytes.length, &plan), 0);
        assert_null(plan.spec.directory);
        assert_false(plan.has_executable || plan.spec.identity.is_set || plan.spec.has_umask);
        assert_false(helper_is_needed(&spec));
        assert_false(helper_is_needed(&plan.spec));
}

static void test_each_setting_needs_the_helper(void **state)
{
        ResourceLimit limits[RESOURCE_COUNT] = { 0 };

        assert_false(helper_is_needed(&(SpawnSpec){ .limits = limits }));
        limits[RLIMIT_NICE].is_set = true;
        assert_true(helper_is_needed(&(SpawnSpec){ .limits = limits }));
        assert_true(helper_is_needed(&(SpawnSpec){ .directory = "/" }));
        assert_true(helper_is_needed(&(SpawnSpec){ .identity.is_set = true }));
        assert_true(helper_is_needed(&(SpawnSpec){ .has_umask = true }));
        assert_true(helper_is_needed(&(SpawnSpec){ .has_nice = true }));
        assert_true(helper_is_needed(&(SpawnSpec){ .has_oom_score_adjust = true }));
        assert_true(helper_is_needed(&(SpawnSpec){ .has_affinity = true }));
        assert_true(helper_is_needed(&(SpawnSpec){ .no_new_privileges = true }));
        assert_true(helper_is_needed(&(SpawnSpec){ .dropped_capabilities = 1 }));
        assert_true(helper_is_needed(&(SpawnSpec){ .sandbox = "", .sandbox_length = 1 }));
}

/* Cut or changed at any place: refused, or a plan whose parts lie within its bytes. */
static void test_damaged_plans(void **state)
{
        ResourceLimit limits[RESOURCE_COUNT] = { 0 };
        gid_t groups[] = { 5, 6, 7 };
        AUTO_TEXT bytes = { 0 };
        SpawnSpec spec;
        HelperPlan plan;

        make_spec(&spec, limits, groups);
        helper_encode(&spec, &bytes);
        for (size_t length = 0; length < bytes.length; length++) {
                AUTO_FREE char *copy = malloc(length + 1); /* its end is watched by ASan */

                memcpy(copy, bytes.bytes, length);
                assert_int_equal(helper_decode(copy, length, &plan), -EBADMSG);
        }
        for (size_t i = 0; i < bytes.length; i++) {
                char kept = bytes.bytes[i];

                bytes.bytes[i] = (char)(kept ^ 0x81);
                if (helper_decode(bytes.bytes, bytes.length, &plan) == 0 && plan.spec.directory)
                        assert_true(strlen(plan.spec.directory) == strlen("/srv/web"));
                bytes.bytes[i] = kept;
        }
}

static void test_every_step_has_a_sentence_and_a_status(void **state)
{
        for (int step = STEP_NONE + 1; step < STEP_COUNT_; step++) {
                Error error = { 0 };

                assert_int_equal(helper_explain("pool web", (HelperStep)step, EPERM, "x", &error),
                                 -EPERM);
                assert_non_null(text_after(error.message, "pool web: "));
                assert_null(strstr(error.message, "cannot start:"));
                assert_in_range(helper_exit_status((HelperStep)step), 200, 242);
        }
        for (size_t i = 0; i < RESOURCE_COUNT; i++)
                assert_non_null(text_after(helper_limit_name(i), "Limit"));
        assert_null(helper_limit_name(RESOURCE_COUNT));
}

static void test_unknown_step(void **state)
{
        Error error = { 0 };

        assert_int_equal(helper_explain("pool web", (HelperStep)99, EIO, "", &error), -EIO);
        assert_string_equal(error.message, "pool web: cannot start: Input/output error");
        assert_int_equal(helper_exit_status((HelperStep)99), 1);
}

/* ---- User= and Group= ---- */

static void test_identity_of_root(void **state)
{
        SpawnIdentity identity = { 0 };
        Error error = { 0 };

        assert_int_equal(spawn_identity_resolve("root", NULL, "pool web", &identity, &error), 0);
        assert_true(identity.is_set);
        assert_int_equal(identity.uid, 0);
        assert_int_equal(identity.gid, 0);
        assert_true(identity.group_count >= 1);
        assert_string_equal(identity.user, "root");
        assert_string_equal(identity.home, "/root");
        spawn_identity_done(&identity);
        assert_int_equal(spawn_identity_resolve("0", "1", "pool web", &identity, &error), 0);
        assert_string_equal(identity.user, "root");
        assert_int_equal(identity.gid, 1);
        spawn_identity_done(&identity);
}

static void test_identity_by_number(void **state)
{
        SpawnIdentity identity = { 0 };
        Error error = { 0 };

        assert_int_equal(spawn_identity_resolve("3999999999", "7", "pool web", &identity, &error),
                         0);
        assert_true(identity.uid == 3999999999U);
        assert_int_equal(identity.gid, 7);
        assert_int_equal(identity.group_count, 0);
        assert_null(identity.user);
        spawn_identity_done(&identity);
        assert_int_equal(spawn_identity_resolve("3999999999", NULL, "pool web", &identity, &error),
                         -ESRCH);
        assert_non_null(strstr(error.message, "set Group= too"));
}

static void test_identity_unknown(void **state)
{
        SpawnIdentity identity = { 0 };
        Error error = { 0 };

        assert_int_equal(
                spawn_identity_resolve("no-such-user", NULL, "pool web", &identity, &error),
                -ESRCH);
        assert_string_equal(error.message, "pool web: User=no-such-user: no such user");
        assert_int_equal(
                spawn_identity_resolve(NULL, "no-such-group", "pool web", &identity, &error),
                -ESRCH);
        assert_string_equal(error.message, "pool web: Group=no-such-group: no such group");
        assert_int_equal(
                spawn_identity_resolve("root", "no-such-group", "pool web", &identity, &error),
                -ESRCH);
        assert_false(identity.is_set);
        assert_int_equal(spawn_identity_resolve(NULL, NULL, "pool web", &identity, &error), 0);
        assert_false(identity.is_set);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_there_and_back),
                cmocka_unit_test(test_nothing_set),
                cmocka_unit_test(test_each_setting_needs_the_helper),
                cmocka_unit_test(test_damaged_plans),
                cmocka_unit_test(test_every_step_has_a_sentence_and_a_status),
                cmocka_unit_test(test_unknown_step),
                cmocka_unit_test(test_identity_of_root),
                cmocka_unit_test(test_identity_by_number),
                cmocka_unit_test(test_identity_unknown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
