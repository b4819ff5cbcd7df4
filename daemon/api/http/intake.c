/* intake.c - from libmicrohttpd's view of a request to one that is sound
 *
 * libmicrohttpd 0.9.75 takes what request smuggling is made of: several Hosts, several
 * Content-Lengths, a length beside chunks, names with blanks, values with bare CRs. A proxy in
 * front of us may read such a request differently, so all of that is refused here, before
 * anything looks at what the request wants. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "api/http/connection.h"
#include "base/cleanup.h"
#include "base/text.h"
#include "base/units.h"

enum { BODY_DRAIN_MAX = 4 * BODY_LENGTH_MAX };

typedef struct HeaderPlace {
        const char *name;
        size_t offset; /* in HttpHeaders */
} HeaderPlace;

#define PLACE(name, member) \
        { \
                name, offsetof(HttpHeaders, member) \
        }

static const HeaderPlace header_places[] = {
        PLACE("Host", host),
        PLACE("Accept", accept),
        PLACE("Authorization", authorization),
        PLACE("Content-Type", content_type),
        PLACE("Idempotency-Key", idempotency_key),
        PLACE("If-Match", if_match),
        PLACE("If-None-Match", if_none_match),
        PLACE("Last-Event-ID", last_event_id),
        PLACE("Origin", origin),
        PLACE("Prefer", prefer),
        PLACE("Sec-Fetch-Site", sec_fetch_site),
};

typedef struct Framing {
        Exchange *exchange;
        unsigned hosts, lengths, encodings;
        const char *length, *encoding;
} Framing;

static void refuse(Exchange *exchange, unsigned status, const char *sentence)
{
        if (exchange->refusal_status)
                return;
        exchange->refusal_status = status;
        exchange->refusal = sentence;
}

/* token of RFC 9110, section 5.6.2 */
static bool is_token(const char *name)
{
        static const char others[] = "!#$%&'*+-.^_`|~";

        for (const char *p = name; *p; p++)
                if (!((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z')
                      || (*p >= '0' && *p <= '9') || strchr(others, *p)))
                        return false;
        return *name;
}

static bool is_field_value(const char *value)
{
        for (const unsigned char *p = (const unsigned char *)value; *p; p++)
                if ((*p < 0x20 && *p != '\t') || *p == 0x7F)
                        return false;
        return true;
}

static void take_header(Exchange *exchange, const char *name, const char *value)
{
        for (size_t i = 0; i < COUNT_OF(header_places); i++) {
                const char **place = (const char **)((char *)&exchange->request.headers
                                                     + header_places[i].offset);

                if (strcasecmp(header_places[i].name, name) != 0)
                        continue;
                if (*place)
                        refuse(exchange, 400, "A header that may stand once was sent twice.");
                *place = value;
        }
}

static enum MHD_Result on_header(void *userdata, enum MHD_ValueKind kind, const char *name,
                                 const char *value)
{
        Framing *framing = userdata;

        value = value ? value : "";
        if (!is_token(name) || !is_field_value(value))
                refuse(framing->exchange, 400, "A header is not well-formed.");
        else if (strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0)
                framing->length = value, framing->lengths++;
        else if (strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) == 0)
                framing->encoding = value, framing->encodings++;
        else
                take_header(framing->exchange, name, value);
        return MHD_YES;
}

/* Return: whether the end of the body is beyond doubt. */
static bool check_framing(const Framing *framing, const char *version)
{
        Exchange *exchange = framing->exchange;
        uint64_t length = 0;
        int r = framing->length ? units_parse_number(framing->length, UINT64_MAX, &length) : 0;

        if (framing->lengths > 1)
                refuse(exchange, 400, "Content-Length was sent twice.");
        else if (framing->encodings > 1)
                refuse(exchange, 400, "Transfer-Encoding was sent twice.");
        else if (framing->encoding && framing->length)
                refuse(exchange, 400, "Content-Length and Transfer-Encoding exclude each other.");
        else if (framing->encoding && !text_equal(version, MHD_HTTP_VERSION_1_1))
                refuse(exchange, 400, "Transfer-Encoding needs HTTP/1.1.");
        else if (framing->encoding && strcasecmp(framing->encoding, "chunked") != 0)
                refuse(exchange, 501, "The only transfer encoding that is read here is chunked.");
        else if (r == -EINVAL)
                refuse(exchange, 400, "Content-Length must be a decimal number.");
        else if (r == -ERANGE || length > BODY_LENGTH_MAX)
                refuse(exchange, 413, "The body may have 64 KiB at most.");
        else
                return true;
        return false;
}

/* libmicrohttpd hands over C strings, so a target ends for us at its first NUL. But method, target
 * and version lie one behind the other in its buffer: what is missing between the end of the string
 * and the version was cut off. */
static bool intake_target_is_whole(const Exchange *exchange, const char *version)
{
        uintptr_t begin = (uintptr_t)exchange->raw_target, end = (uintptr_t)version;

        if (end <= begin || end - begin > 64 * 1024)
                return true; /* no version was sent: it is no pointer into the buffer */
        return end - begin - 1 <= exchange->raw_length;
}

static HttpMethod method_from_name(const char *name)
{
        static const struct {
                const char *name;
                HttpMethod method;
        } methods[] = {
                { "GET", HTTP_GET },
                { "HEAD", HTTP_HEAD },
                { "POST", HTTP_POST },
                { "PATCH", HTTP_PATCH },
        };

        for (size_t i = 0; i < COUNT_OF(methods); i++)
                if (text_equal(methods[i].name, name))
                        return methods[i].method;
        return HTTP_NONE;
}

bool intake_begin(Exchange *exchange, const char *method, const char *version)
{
        Framing framing = { .exchange = exchange };
        const Target *target = &exchange->request.target;

        exchange->has_headers = true;
        exchange->request.method = method_from_name(method);
        (void)MHD_get_connection_values(exchange->mhd, MHD_HEADER_KIND, on_header, &framing);
        if (!check_framing(&framing, version))
                return false;
        if (!text_equal(version, MHD_HTTP_VERSION_1_1)
            && !text_equal(version, MHD_HTTP_VERSION_1_0))
                refuse(exchange, 400, "The request line must end with HTTP/1.1 or HTTP/1.0.");
        if (!exchange->request.headers.host)
                refuse(exchange, 400, "A request needs exactly one Host header.");
        if (target->bad)
                refuse(exchange, target->bad_status, target->bad);
        if (!intake_target_is_whole(exchange, version))
                refuse(exchange, 400, "The request target holds a NUL byte.");
        return true;
}

static int body_reserve(Exchange *exchange, size_t length)
{
        size_t capacity = MAX(exchange->body_capacity, (size_t)1024);
        char *body;

        while (capacity <= length)
                capacity *= 2;
        if (capacity == exchange->body_capacity)
                return 0;
        body = realloc(exchange->request.body, capacity);
        if (!body)
                return -ENOMEM;
        exchange->request.body = body;
        exchange->body_capacity = capacity;
        return 0;
}

bool intake_body(Exchange *exchange, const char *bytes, size_t length)
{
        Request *request = &exchange->request;
        size_t total = request->body_length + length;

        /* What is too long is read on for a while, so that the client gets to see the answer. */
        if (total > BODY_LENGTH_MAX || exchange->is_body_too_long) {
                refuse(exchange, 413, "The body may have 64 KiB at most.");
                exchange->is_body_too_long = true;
                request->body_length = total;
                return total <= BODY_DRAIN_MAX;
        }
        if (body_reserve(exchange, total) < 0)
                return false;
        memcpy(request->body + request->body_length, bytes, length);
        request->body_length = total;
        request->body[total] = '\0';
        return true;
}
