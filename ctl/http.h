/* http.h - the reply of an HTTP/1.1 server, read as its bytes come
 *
 * Enough of RFC 9112 for one reply on one connection: Content-Length, chunked, or until the
 * connection closes. It reads from nowhere; whoever has bytes feeds them. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HTTP_LINE_SIZE = 8192, HTTP_LINES_MAX = 128, HTTP_FIELD_SIZE = 96 };

typedef struct HttpHead {
        int status;
        char content_type[HTTP_FIELD_SIZE]; /* empty: not said */
        char etag[HTTP_FIELD_SIZE];         /* as sent, with its quotes */
} HttpHead;

/* Where a reply goes. Both return 0 to go on, anything negative to stop with it. */
typedef struct HttpSink {
        int (*head)(void *data, const HttpHead *head); /* once, before the first byte */
        int (*body)(void *data, const char *bytes, size_t length);
        void *data;
} HttpSink;

typedef enum HttpPart {
        HTTP_STATUS_LINE,
        HTTP_FIELDS,
        HTTP_BODY_LENGTH, /* `remaining` bytes are to come */
        HTTP_BODY_CLOSE,  /* until the connection closes */
        HTTP_CHUNK_SIZE,
        HTTP_CHUNK_DATA,
        HTTP_CHUNK_END, /* the line break after a chunk */
        HTTP_TRAILERS,
        HTTP_COMPLETE,
} HttpPart;

typedef struct HttpReader {
        HttpPart part; /* zero-initialized readers begin at the status line */
        HttpHead head;
        char line[HTTP_LINE_SIZE];
        size_t line_length;
        unsigned line_count;
        bool has_length, is_chunked;
        uint64_t remaining;
} HttpReader;

/** http_reader_feed() - take the next bytes of the reply
 *  Return: 1 when the reply is complete (what follows is ignored), 0 if more is to come;
 *  -EPROTO if it is no HTTP, -EMSGSIZE for an endless head; else what the sink said */
int http_reader_feed(HttpReader *reader, const char *bytes, size_t length, const HttpSink *sink);

/** http_reader_end() - the connection was closed by the server
 *  Return: 0 if the reply is complete by that, -EPROTO if a part of it is missing */
int http_reader_end(const HttpReader *reader);
