/* stream.h - replies that go on: what `logs -f` and `events -f` read */
#pragma once

#include "ctl/context.h"

/* Return: 0 to go on, negative to stop with it */
typedef int (*StreamFunction)(void *userdata, const char *bytes, size_t length);

/** stream_run() - send a request and hand the body of a 200 to @function as it comes
 *  Return: 1 when the server ended it; 0 when Ctrl-C or our reader's leaving did; negative errno
 *  with a sentence in @reterr for a problem, a broken connection, or what @function said (for
 *  which @function sets the sentence itself) */
int stream_run(const Context *context, const Request *request, StreamFunction function,
               void *userdata, Error *reterr);

/** stream_write_failed() - the sentence for output that could not be written
 *  Return: -EPIPE when our reader left, which is no error to a person; -EIO */
int stream_write_failed(int error_number, Error *reterr);
