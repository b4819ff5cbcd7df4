#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "spawn/sandbox.h"

static char *const srv[] = { (char *)"/srv", (char *)"-/opt", NULL };

/* As text, with a blank where a rule ends. */
static void mean(const Sandbox *sandbox, const char *keep, const char *expected)
{
        AUTO_TEXT rules = { 0 };

        sandbox_rules(sandbox, keep, &rules);
        assert_int_equal(rules.error, 0);
        for (size_t i = 0; i < rules.length; i++)
                if (!rules.bytes[i])
                        rules.bytes[i] = ' ';
        assert_string_equal(rules.length ? rules.bytes : "", expected);
        assert_int_equal(sandbox_is_needed(sandbox), *expected != '\0');
}

static void test_what_keys_mean(void **state)
{
        mean(&(Sandbox){ 0 }, "/run/reeve", "");
        mean(&(Sandbox){ .private_tmp = true }, "/run/reeve", "t-/tmp t-/var/tmp k-/run/reeve ");
        mean(&(Sandbox){ .protect_system = PROTECT_SYSTEM_YES }, NULL, "r-/usr r-/boot r-/efi ");
        mean(&(Sandbox){ .protect_system = PROTECT_SYSTEM_FULL }, NULL,
             "r-/etc r-/usr r-/boot r-/efi ");
        mean(&(Sandbox){ .protect_system = PROTECT_SYSTEM_STRICT }, NULL,
             "r+/ w-/dev w-/proc w-/sys ");
        mean(&(Sandbox){ .protect_home = PROTECT_HOME_YES }, NULL, "i-/home i-/root i-/run/user ");
        mean(&(Sandbox){ .protect_home = PROTECT_HOME_READ_ONLY }, NULL,
             "r-/home r-/root r-/run/user ");
        mean(&(Sandbox){ .protect_home = PROTECT_HOME_TMPFS }, NULL,
             "e-/home e-/root e-/run/user ");
        mean(&(Sandbox){ .read_only = (char **)srv }, NULL, "r+/srv r-/opt ");
        mean(&(Sandbox){ .read_write = (char **)srv }, NULL, "w+/srv w-/opt ");
        mean(&(Sandbox){ .inaccessible = (char **)srv }, NULL, "i+/srv i-/opt ");
}

/* What is wrong is found before anything is changed. */
static void refuse(const char *rules, size_t length, int expected, const char *expected_detail)
{
        char detail[64] = "";

        assert_int_equal(sandbox_apply(rules, length, detail, sizeof(detail)), expected);
        assert_string_equal(detail, expected_detail);
}

#define RULES(text) text, sizeof(text)

static void test_rules_that_are_refused(void **state)
{
        refuse(RULES("x+/usr"), -EBADMSG, "/usr");
        refuse(RULES("r /usr"), -EBADMSG, "/usr");
        refuse(RULES("r+"), -EBADMSG, "");
        refuse(RULES(""), -EBADMSG, "");
        refuse(RULES("i+/"), -EINVAL, "/");
        refuse(RULES("t-//"), -EINVAL, "//");
        refuse(RULES("r+/usr\0r+/no/where"), -ENOENT, "/no/where");
}

static void test_capabilities_that_no_kernel_knows(void **state)
{
        assert_int_equal(sandbox_drop_capabilities(0), 0);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_keys_mean),
                cmocka_unit_test(test_rules_that_are_refused),
                cmocka_unit_test(test_capabilities_that_no_kernel_knows),
        };

        return cmocka_run_group_tests_name("spawn/sandbox", tests, NULL, NULL);
}
