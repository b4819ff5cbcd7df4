/* Settings and tokens of access; redaction; keys of repeated requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/access.h"
#include "api/idempotency.h"
#include "api/redact.h"
#include "base/cleanup.h"

#define DIGEST_OF_ABC "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

static void test_settings(void **state)
{
        Error error = { 0 };
        Access access;

        assert_int_equal(access_init(&access,
                                     &(AccessText){ .operate_gid = "7",
                                                    .view_gid = "",
                                                    .admin_uids = "0,1000,",
                                                    .allowed_hosts = " a.example  b.example" },
                                     &error),
                         0);
        assert_int_equal(access.operate_gid, 7);
        assert_int_equal(access.view_gid, (gid_t)-1);
        assert_int_equal(access.admin_count, 2);
        assert_true(access_host_is_allowed(&access, "B.example:80"));
        assert_false(access_host_is_allowed(&access, "c.example"));
        access_done(&access);
        assert_int_equal(access_init(&access, &(AccessText){ .operate_gid = "-1" }, &error),
                         -EINVAL);
        assert_int_equal(access_init(&access, &(AccessText){ .admin_uids = "root" }, &error),
                         -EINVAL);
}

static void test_hosts(void **state)
{
        static const char *const good[] = { "localhost", "LOCALHOST.", "127.0.0.1:1", "[::1]",
                                            "[::1]:65535" };
        static const char *const bad[] = { "",
                                           ".",
                                           ":80",
                                           "[::1",
                                           "[::1]x",
                                           "localhost:",
                                           "localhost:x",
                                           "localhost:99999",
                                           "::1",
                                           "127.0.0.1.example",
                                           "localhost..",
                                           "localhost:80:80" };
        Access access = { 0 };

        for (size_t i = 0; i < COUNT_OF(good); i++)
                assert_true(access_host_is_allowed(&access, good[i]));
        for (size_t i = 0; i < COUNT_OF(bad); i++)
                assert_false(access_host_is_allowed(&access, bad[i]));
}

static int try_token(const Access *access, const char *authorization, Identity *ret)
{
        const HttpPeer peer = { 0 };
        const Request request = { .peer = &peer, .headers.authorization = authorization };
        Refusal refusal = { 0 };

        return access_identity(access, &request, ret, &refusal);
}

static void test_tokens(void **state)
{
        Access access = { 0 };
        Error error = { 0 };
        Identity identity;

        assert_int_equal(
                access_add_tokens(&access, "# comment\n\nme:operate:" DIGEST_OF_ABC "\r\n", &error),
                0);
        assert_int_equal(try_token(&access, "Bearer abc", &identity), 0);
        assert_int_equal(identity.role, ROLE_OPERATE);
        assert_string_equal(identity.token, "me");
        assert_int_equal(try_token(&access, "bearer abc", &identity), 0);
        assert_int_equal(access_add_tokens(&access,
                                           "own:view:plain:0123456789abcdef0123456789abcdef\n",
                                           &error),
                         0);
        assert_int_equal(try_token(&access, "Bearer 0123456789abcdef0123456789abcdef", &identity),
                         0);
        assert_string_equal(identity.token, "own");
        assert_int_equal(try_token(&access, "Bearer abd", &identity), -EINVAL);
        assert_int_equal(try_token(&access, "Bearer", &identity), -EINVAL);
        assert_int_equal(try_token(&access, NULL, &identity), 0);
        assert_int_equal(identity.role, ROLE_NONE);
        access_done(&access);
        assert_int_equal(try_token(&access, "Bearer abc", &identity), -EINVAL);
}

static void test_bad_token_lines(void **state)
{
        static const char *const lines[] = {
                "me",
                "me:operate",
                ":operate:" DIGEST_OF_ABC,
                "me:admin:" DIGEST_OF_ABC,
                "me:root:" DIGEST_OF_ABC,
                "me:view:" DIGEST_OF_ABC "00",
                "me:view:ba78",
                "me:view:",
                "me:view:plain:",
                "me:view:plain:short",
                "me:view:zz7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                "m\xFF:view:" DIGEST_OF_ABC,
                "aname-that-is-longer-than-thirty-one-bytes:view:" DIGEST_OF_ABC,
        };

        for (size_t i = 0; i < COUNT_OF(lines); i++) {
                char text[256];
                Access access = { 0 };
                Error error = { 0 };

                (void)snprintf(text, sizeof(text), "\n%s\n", lines[i]);
                assert_int_equal(access_add_tokens(&access, text, &error), -EINVAL);
                assert_non_null(strstr(error.message, "line 2"));
                access_done(&access);
        }
}

static void test_actor(void **state)
{
        Identity identity = { .uid = 0 };
        char actor[48];

        assert_string_equal(access_actor(&identity, actor, sizeof(actor)), "uid 0 (root)");
        identity.uid = 4000000000;
        assert_string_equal(access_actor(&identity, actor, sizeof(actor)), "uid 4000000000");
        identity = (Identity){ .has_token = true, .token = "me" };
        assert_string_equal(access_actor(&identity, actor, sizeof(actor)), "token me");
}

static void test_redaction(void **state)
{
        static const char *const cases[][2] = {
                { "/bin/serve --fast", "/bin/serve --fast" },
                { "serve --password=x --a", "serve --password=*** --a" },
                { "serve --db-passwd x y", "serve --db-passwd *** y" },
                { "serve API_KEY=x", "serve API_KEY=***" },
                { "serve -token:x", "serve -token:***" },
                { "serve  --SECRET  x", "serve  --SECRET  ***" },
                { "serve --password", "serve --password" },
                { "keyserver run", "keyserver run" },
                { "/opt/tokens/serve a", "/opt/tokens/serve a" },
                { "", "" },
        };
        char buffer[128];

        for (size_t i = 0; i < COUNT_OF(cases); i++)
                assert_string_equal(redact_command(buffer, sizeof(buffer), cases[i][0]),
                                    cases[i][1]);
        assert_string_equal(redact_command(buffer, 8, "serve --password=x"), "serve -");
}

/* ---- repeated requests ---- */

static void test_repetitions(void **state)
{
        IdempotencyTable *table = calloc(1, sizeof(*table));
        const Request request = { .method = HTTP_POST, .body = (char *)"{}", .body_length = 2 };
        const Request other = { .method = HTTP_POST, .body = (char *)"{ }", .body_length = 3 };
        Reply reply = { .status = 202, .body = strdup("text"), .length = 4 }, again = { 0 };
        uint64_t number, second;

        reply_header(&reply, "Location", "/x");
        assert_int_equal(idempotency_begin(table, "a", "k", &request, 0, &number, &again),
                         IDEMPOTENCY_NEW);
        assert_int_equal(idempotency_begin(table, "a", "k", &request, 1, &second, &again),
                         IDEMPOTENCY_RUNNING);
        assert_int_equal(idempotency_begin(table, "a", "k", &other, 1, &second, &again),
                         IDEMPOTENCY_DIFFERS);
        assert_int_equal(idempotency_begin(table, "b", "k", &other, 1, &second, &again),
                         IDEMPOTENCY_NEW);
        idempotency_settle(table, second, NULL); /* no outcome: as if it had never come */
        assert_int_equal(idempotency_begin(table, "b", "k", &request, 1, &second, &again),
                         IDEMPOTENCY_NEW);
        idempotency_settle(table, number, &reply);
        assert_int_equal(idempotency_begin(table, "a", "k", &request, 2, &second, &again),
                         IDEMPOTENCY_REPLAY);
        assert_int_equal(again.status, 202);
        assert_memory_equal(again.body, "text", 4);
        assert_string_equal(again.headers[0].value, "/x");
        reply_done(&again);
        assert_int_equal(idempotency_begin(table, "a", "k", &request, IDEMPOTENCY_KEEP_USEC + 1,
                                           &second, &again),
                         IDEMPOTENCY_NEW);
        reply_done(&reply);
        idempotency_done(table);
        free(table);
}

static void test_table_is_bounded(void **state)
{
        IdempotencyTable *table = calloc(1, sizeof(*table));
        const Request request = { .method = HTTP_POST };
        const Reply reply = { .status = 200 };
        uint64_t numbers[IDEMPOTENCY_ROWS], number;
        Reply again = { 0 };
        char key[16];

        for (unsigned i = 0; i < IDEMPOTENCY_ROWS; i++) {
                (void)snprintf(key, sizeof(key), "%u", i);
                assert_int_equal(
                        idempotency_begin(table, "a", key, &request, 0, &numbers[i], &again),
                        IDEMPOTENCY_NEW);
        }
        assert_int_equal(idempotency_begin(table, "a", "x", &request, 0, &number, &again),
                         IDEMPOTENCY_FULL);
        idempotency_settle(table, numbers[7], &reply);
        assert_int_equal(idempotency_begin(table, "a", "x", &request, 0, &number, &again),
                         IDEMPOTENCY_NEW);
        idempotency_done(table);
        free(table);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_settings),    cmocka_unit_test(test_hosts),
                cmocka_unit_test(test_tokens),      cmocka_unit_test(test_bad_token_lines),
                cmocka_unit_test(test_actor),       cmocka_unit_test(test_redaction),
                cmocka_unit_test(test_repetitions), cmocka_unit_test(test_table_is_bounded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
