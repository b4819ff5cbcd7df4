#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/text.h"
#include "ctl/http.h"
#include "ctl/sse.h"

typedef struct Seen {
        HttpHead head;
        unsigned heads;
        Text body;
        int stop; /* returned for a body */
} Seen;

static int on_head(void *data, const HttpHead *head)
{
        ((Seen *)data)->head = *head;
        ((Seen *)data)->heads++;
        return 0;
}

static int on_body(void *data, const char *bytes, size_t length)
{
        text_append_bytes(&((Seen *)data)->body, bytes, length);
        return ((Seen *)data)->stop;
}

/* Feed @raw in pieces of @step bytes; Return: the last result */
static int feed(HttpReader *reader, Seen *seen, const char *raw, size_t step)
{
        HttpSink sink = { on_head, on_body, seen };
        size_t length = strlen(raw);
        int r = 0;

        for (size_t at = 0; at < length && r == 0; at += step)
                r = http_reader_feed(reader, raw + at, MIN(step, length - at), &sink);
        return r;
}

static void test_replies(void **state)
{
        static const struct {
                const char *raw;
                int r, end, status;
                const char *body;
        } cases[] = {
                { "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 1, 0, 200, "hello" },
                { "HTTP/1.1 200 OK\r\ncontent-length:  5 \r\n\r\nhellomore", 1, 0, 200, "hello" },
                { "HTTP/1.1 204 No Content\r\n\r\n", 1, 0, 204, "" },
                { "HTTP/1.1 200 OK\nContent-Length: 0\n\n", 1, 0, 200, "" },
                { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                  "3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nT: 1\r\n\r\n",
                  1, 0, 200, "hello" },
                { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n", 0, -EPROTO,
                  200, "hel" },
                { "HTTP/1.0 200 OK\r\n\r\nhello", 0, 0, 200, "hello" },
                { "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Y\r\nContent-Length: 1\r\n\r\nx", 1, 0,
                  201, "x" },
                { "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", 0, -EPROTO, 200, "hello" },
                { "HTTP/1.1 200 OK\r\nContent-Len", 0, -EPROTO, 0, "" },
                { "", 0, -EPROTO, 0, "" },
                { "SSH-2.0-OpenSSH\r\n", -EPROTO, -EPROTO, 0, "" },
                { "HTTP/1.1 2x0 OK\r\n\r\n", -EPROTO, -EPROTO, 0, "" },
                { "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", -EPROTO, -EPROTO, 0, "" },
                { "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", -EPROTO,
                  -EPROTO, 0, "" },
                { "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", -EPROTO, -EPROTO, 0, "" },
                { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", -EPROTO, -EPROTO,
                  200, "" },
                { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", -EPROTO,
                  -EPROTO, 200, "a" },
                { "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
                  -EPROTO, -EPROTO, 200, "" },
        };

        for (size_t i = 0; i < COUNT_OF(cases); i++)
                for (size_t step = 1; step < 80; step += 13) {
                        HttpReader reader = { 0 };
                        Seen seen = { 0 };

                        assert_int_equal(feed(&reader, &seen, cases[i].raw, step), cases[i].r);
                        assert_int_equal(http_reader_end(&reader), cases[i].end);
                        assert_int_equal(seen.head.status, cases[i].status);
                        assert_int_equal(seen.heads, cases[i].status != 0);
                        assert_string_equal(seen.body.bytes ? seen.body.bytes : "", cases[i].body);
                        text_done(&seen.body);
                }
}

static void test_fields(void **state)
{
        HttpReader reader = { 0 };
        Seen seen = { 0 };

        assert_int_equal(feed(&reader, &seen,
                              "HTTP/1.1 200 OK\r\nETag: \"6\"\r\nContent-Type: application/json\r\n"
                              "Content-Length: 0\r\n\r\n",
                              7),
                         1);
        assert_string_equal(seen.head.etag, "\"6\"");
        assert_string_equal(seen.head.content_type, "application/json");
}

static void test_endless_head(void **state)
{
        HttpSink sink = { on_head, on_body, &(Seen){ .heads = 0 } };
        HttpReader reader = { 0 };
        int r = 0;

        (void)http_reader_feed(&reader, "HTTP/1.1 200 OK\r\n", 17, &sink);
        for (unsigned i = 0; i < 100000 && r == 0; i++)
                r = http_reader_feed(&reader, "X: y\r\n", 6, &sink);
        assert_int_equal(r, -EMSGSIZE);
        reader = (HttpReader){ 0 };
        for (unsigned i = 0, s = 0; i < 100000 && s == 0; i++)
                r = (int)(s = (unsigned)http_reader_feed(&reader, "abcdefgh", 8, &sink));
        assert_int_equal(r, -EMSGSIZE);
}

static void test_sink_stops(void **state)
{
        HttpReader reader = { 0 };
        Seen seen = { .stop = -EPIPE };

        assert_int_equal(feed(&reader, &seen, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab", 99),
                         -EPIPE);
        text_done(&seen.body);
}

/* ---- events ---- */

typedef struct Events {
        Text all;
        int stop;
} Events;

static int on_event(void *userdata, const SseEvent *event)
{
        Events *events = userdata;

        text_printf(&events->all, "[%s|%s|%s]", event->type, event->id, event->data);
        return events->stop;
}

static void check_events(const char *raw, const char *expected)
{
        for (size_t step = 1; step < 20; step += 3) {
                SseReader reader = { 0 };
                Events events = { 0 };
                size_t length = strlen(raw);

                for (size_t at = 0; at < length; at += step)
                        assert_int_equal(sse_reader_feed(&reader, raw + at, MIN(step, length - at),
                                                         on_event, &events),
                                         0);
                assert_string_equal(events.all.bytes ? events.all.bytes : "", expected);
                text_done(&events.all);
                sse_reader_done(&reader);
        }
}

static void test_events(void **state)
{
        check_events("data: {\"a\":1}\n\n", "[message||{\"a\":1}]");
        check_events("id: 7\r\nevent: reset\r\ndata: a\r\ndata:b\r\n\r\n", "[reset|7|a\nb]");
        check_events(": heartbeat\n\n: heartbeat\n\n", "");
        check_events("id: 1\ndata: x\n\ndata: y\n\n", "[message|1|x][message|1|y]");
        check_events("data: unfinished\n", "");
        check_events("database: no\n\ndata\n\n", "[message||]");
}

static void test_endless_event(void **state)
{
        SseReader reader = { 0 };
        Events events = { 0 };
        int r = 0;

        for (unsigned i = 0; i < 100000 && r == 0; i++)
                r = sse_reader_feed(&reader, "data: xxxxxxxxxxxxxxxx\n", 23, on_event, &events);
        assert_int_equal(r, -EMSGSIZE);
        sse_reader_done(&reader);
        events.stop = -EPIPE;
        assert_int_equal(sse_reader_feed(&reader, "data: x\n\n", 9, on_event, &events), -EPIPE);
        text_done(&events.all);
        sse_reader_done(&reader);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_replies),      cmocka_unit_test(test_fields),
                cmocka_unit_test(test_endless_head), cmocka_unit_test(test_sink_stops),
                cmocka_unit_test(test_events),       cmocka_unit_test(test_endless_event),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
