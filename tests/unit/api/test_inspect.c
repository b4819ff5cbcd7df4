/* test_inspect.c - what reeve-inspect wrote, true or hostile, as resources */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "fixture.h"

static Fixture fixture;

static int start(void **state)
{
        fixture_start(&fixture, &(FixtureOptions){ 0 });
        return 0;
}

static int stop(void **state)
{
        json_done();
        fixture_stop(&fixture);
        return 0;
}

/* One request, and what the core says to the question that comes of it. */
static Response *ask(const char *path, const char *findings, const char *code)
{
        static Response response;
        ControlInspect asked;
        AUTO_TEXT request = { 0 };
        int fd = fixture_connect(&fixture), client_fd = -1;

        text_printf(&request, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path);
        http_send(fd, request.bytes);
        core_expect_inspect(&fixture, &asked, &client_fd);
        assert_int_equal(asked.pid, 4711);
        assert_int_equal(client_fd >= 0, asked.question == QUESTION_STACK);
        assert_int_equal(client_fd >= 0, (asked.flags & CONTROL_HAS_CLIENT) != 0);
        (void)close(client_fd);
        core_reply_inspected(&fixture, &asked, findings, code);
        http_read(fd, &response);
        (void)close(fd);
        return &response;
}

static void test_sections_become_members(void **state)
{
        Response *response = ask("/v1/workers/4711",
                                 "{memory\nnrss_bytes\t4096\n?pss_bytes\tit is too big\n}\n"
                                 "{image\nsexe\t/bin/a\\x09b\\x5c\nbdeleted\t1\n"
                                 "[arguments\ns\t--token\ns\tsecret\n]\n}\n"
                                 "[children\nn\t7\nn\t8\n]\n.\n",
                                 NULL);

        assert_int_equal(response->status, 200);
        assert_int_equal(json_number_at(response, "memory.rss_bytes"), 4096);
        assert_true(json_is_null_at(response, "memory.pss_bytes"));
        assert_non_null(strstr(response->body, "\"memory.pss_bytes\":\"it is too big\""));
        assert_string_equal(json_text_at(response, "image.exe"), "/bin/a\tb\\");
        assert_string_equal(json_text_at(response, "image.arguments.1"), "secret"); /* an admin */
        assert_int_equal(json_number_at(response, "children.1"), 8);
        assert_true(json_is_null_at(response, "limits"));
        assert_non_null(json_text_at(response, "unavailable.limits"));
        assert_string_equal(json_text_at(response, "pool"), "web");
}

static void test_lies_of_form_end_the_reading(void **state)
{
        static const char *const lies[] = {
                "}\n.\n",
                "{memory\n]\n.\n",
                "{memory\n{a\n{b\n{c\n{d\n{e\n{f\n{g\n{h\n",
                "nUPPER\t1\n.\n",
                "n\t1\n.\n",
                "[children\nnname\t1\n",
                "zmemory\t1\n.\n",
                "s",
                "\n\n\n",
                "{memory\nnrss_bytes\t99999999999999999999999\nnx\t-\nny\t01e5\n}\n.\n",
        };

        for (size_t i = 0; i < COUNT_OF(lies); i++) {
                Response *response = ask("/v1/workers/4711", lies[i], NULL);

                assert_int_equal(response->status, 200);
                assert_int_equal(json_number_at(response, "slot"), 0); /* it is JSON */
                assert_true(json_is_null_at(response, "limits"));
        }
}

static void test_without_an_answer_the_board_is_told(void **state)
{
        Response *response = ask("/v1/workers/4711", NULL, "busy");

        assert_int_equal(response->status, 200);
        assert_true(json_is_null_at(response, "memory"));
        assert_string_equal(json_text_at(response, "unavailable.memory"), "for a reason");
        assert_string_equal(json_text_at(response, "state"), "ready");
}

static void test_refusals(void **state)
{
        assert_int_equal(ask("/v1/workers/4711/descriptors", NULL, "unknown-worker")->status, 404);
        assert_int_equal(ask("/v1/workers/4711/descriptors", "", NULL)->status, 503);
        assert_int_equal(ask("/v1/workers/4711/threads/4711/stack", NULL, "forbidden")->status,
                         403);
}

static void test_descriptors_are_a_list(void **state)
{
        Response *response = ask("/v1/workers/4711/descriptors?fields=fd&limit=1",
                                 "snext\t5\n[items\n{\nnfd\t3\nskind\tpipe\n}\n]\n.\n", NULL);

        assert_int_equal(json_number_at(response, "items.0.fd"), 3);
        assert_false(json_has(response, "items.0.kind"));
        assert_string_equal(json_text_at(response, "next"), "5");
        assert_non_null(strstr(http_header(response, "Link"), "cursor=5"));
}

static void test_who_goes_is_not_answered(void **state)
{
        ControlInspect asked;
        int fd = fixture_connect(&fixture);

        http_send(fd, "GET /v1/workers/4711 HTTP/1.1\r\nHost: localhost\r\n\r\n");
        core_expect_inspect(&fixture, &asked, NULL);
        (void)close(fd);
        core_reply_inspected(&fixture, &asked, ".\n", NULL);
        core_reply_inspected(&fixture, &asked, ".\n", NULL); /* and nobody asked for this one */
        assert_int_equal(http_get(&fixture, "/v1/pools")->status, 200);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_sections_become_members),
                cmocka_unit_test(test_lies_of_form_end_the_reading),
                cmocka_unit_test(test_without_an_answer_the_board_is_told),
                cmocka_unit_test(test_refusals),
                cmocka_unit_test(test_descriptors_are_a_list),
                cmocka_unit_test(test_who_goes_is_not_answered),
        };

        return cmocka_run_group_tests(tests, start, stop);
}
