/* stream.c - see stream.h */
#include "ctl/stream.h"

#include <errno.h>

#include "ctl/api.h"
#include "ctl/outcome.h"

enum { PROBLEM_MAX = 64 * 1024 };

typedef struct Stream {
        StreamFunction function;
        void *userdata;
        int status;
        Text problem; /* body of a refusal */
} Stream;

static int on_head(void *data, const HttpHead *head)
{
        ((Stream *)data)->status = head->status;
        return 0;
}

static int on_body(void *data, const char *bytes, size_t length)
{
        Stream *stream = data;

        if (stream->status < 400)
                return stream->function(stream->userdata, bytes, length);
        if (stream->problem.length + length <= PROBLEM_MAX)
                text_append_bytes(&stream->problem, bytes, length);
        return 0;
}

int stream_run(const Context *context, const Request *request, StreamFunction function,
               void *userdata, Error *reterr)
{
        Stream stream = { .function = function, .userdata = userdata };
        HttpSink sink = { .head = on_head, .body = on_body, .data = &stream };
        int r = client_perform(&context->client, request, &sink, reterr);

        if (r == -EINTR || r == -EPIPE)
                r = 0;
        else if (r == 0)
                r = stream.status < 400 ? 1
                                        : api_problem(stream.status, stream.problem.bytes,
                                                      stream.problem.length, reterr);
        text_done(&stream.problem);
        return r;
}

int stream_write_failed(int error_number, Error *reterr)
{
        if (error_number == EPIPE)
                return error_set(reterr, -EPIPE, OUTCOME_BROKEN_PIPE, "nobody reads the output");
        return error_set(reterr, -EIO, OUTCOME_FAILED, "cannot write the output: %s",
                         strerror(error_number));
}
