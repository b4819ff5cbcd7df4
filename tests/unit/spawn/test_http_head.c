/* http_head: real heads, broken ones, and every one cut at every place */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "spawn/http_head.h"

/* On the heap and without an end, so that a sanitizer sees one byte too many. */
static ssize_t parse(const char *text, size_t length, unsigned *status)
{
        char *bytes = malloc(length + !length);
        ssize_t n;

        assert_non_null(bytes);
        memcpy(bytes, text, length);
        n = http_head_parse(bytes, length, status);
        free(bytes);
        return n;
}

typedef struct Row {
        const char *text;
        unsigned status;
} Row;

static const Row good[] = {
        { "HTTP/1.1 200 OK\r\n\r\n", 200 },
        { "HTTP/1.0 404 Not Found\r\nServer: SimpleHTTP/0.6 Python/3.11\r\n"
          "Date: Mon, 01 Jan 2024 00:00:00 GMT\r\n\r\n",
          404 },
        { "HTTP/1.1 204\r\n\r\n", 204 },
        { "HTTP/1.1 503 \r\nRetry-After:\t5\r\nX-Empty:\r\n\r\n", 503 },
        { "HTTP/1.1 302 Found\nLocation: /x\n\n", 302 },
        { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", 100 },
        { "HTTP/1.1 200 \xc3\xa9t\xc3\xa9\r\nx: \xff\r\n\r\n", 200 },
        { "HTTP/1.9 999 x\r\n\r\n", 999 },
};

static void test_good_heads(void **state)
{
        for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
                const char *text = good[i].text;
                const char *crlf = strstr(text, "\r\n\r\n"), *lf = strstr(text, "\n\n");
                size_t head = crlf ? (size_t)(crlf - text) + 4 : (size_t)(lf - text) + 2;
                unsigned status = 0;

                for (size_t cut = 0; cut < head; cut++)
                        assert_int_equal(parse(text, cut, &status), 0);
                assert_int_equal(status, 0);
                assert_int_equal(parse(text, strlen(text), &status), head);
                assert_int_equal(status, good[i].status);
        }
}

static void test_broken_heads(void **state)
{
        static const char *const broken[] = {
                "HTTP/2 200 OK\r\n\r\n",
                "HTTX",
                "\r\n",
                " HTTP/1.1 200 OK\r\n\r\n",
                "SSH-2.0-OpenSSH_9.2\r\n",
                "http/1.1 200 OK\r\n\r\n",
                "HTTP/1.1 20 OK\r\n\r\n",
                "HTTP/1.1 2000 OK\r\n\r\n",
                "HTTP/1.1 099 OK\r\n\r\n",
                "HTTP/1.1  200 OK\r\n\r\n",
                "HTTP/1.x 200 OK\r\n\r\n",
                "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
                "HTTP/1.1 200 OK\r\n: x\r\n\r\n",
                "HTTP/1.1 200 OK\r\n folded: x\r\n\r\n",
                "HTTP/1.1 200 OK\r\na b: x\r\n\r\n",
                "HTTP/1.1 200 OK\r\na: \x01\r\n\r\n",
                "HTTP/1.1 200 \x7f\r\n\r\n",
                "HTTP/1.1 -20 OK\r\n\r\n",
                "HTTP/1.1 200\tOK\r\n\r\n",
                "HTTP/1.1 200 OK\ra: b\r\n\r\n",
        };

        for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
                unsigned status = 77;

                if (parse(broken[i], strlen(broken[i]), &status) != -EBADMSG)
                        fail_msg("taken: %s", broken[i]);
                assert_int_equal(status, 77);
        }
}

static void test_nul_is_no_text(void **state)
{
        static const char text[] = "HTTP/1.1 200 OK\r\na: b\0c\r\n\r\n";
        static const char name[] = "HTTP/1.1 200 OK\r\na\0: b\r\n\r\n";
        unsigned status = 0;

        assert_int_equal(parse(text, sizeof(text) - 1, &status), -EBADMSG);
        assert_int_equal(parse(name, sizeof(name) - 1, &status), -EBADMSG);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good_heads),
                cmocka_unit_test(test_broken_heads),
                cmocka_unit_test(test_nul_is_no_text),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
