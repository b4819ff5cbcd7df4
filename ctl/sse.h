/* sse.h - server-sent events, read as their bytes come
 *
 * Fields id, event and data of the HTML standard's text/event-stream; comments (heartbeats) and
 * what nobody knows are passed over. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

enum { SSE_LINE_MAX = 256 * 1024, SSE_NAME_SIZE = 64 };

/* One event; the strings are good until the callback returns. */
typedef struct SseEvent {
        const char *type; /* "message" if the server did not say */
        const char *id;   /* last id seen, "" if none */
        const char *data;
} SseEvent;

/* Return: 0 to go on, negative to stop with it */
typedef int (*SseFunction)(void *userdata, const SseEvent *event);

typedef struct SseReader {
        Text line, data;
        bool has_data;
        char type[SSE_NAME_SIZE], id[SSE_NAME_SIZE];
} SseReader;

/** sse_reader_feed() - take the next bytes, calling @function for each event that ends in them
 *  Return: 0; -EMSGSIZE for an endless line, -ENOMEM, or what @function said */
int sse_reader_feed(SseReader *reader, const char *bytes, size_t length, SseFunction function,
                    void *userdata);

/** sse_reader_done() - free what is held; an unfinished event is dropped, as the standard says */
void sse_reader_done(SseReader *reader);
