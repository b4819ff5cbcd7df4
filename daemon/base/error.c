/* error.c - see error.h */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>

int error_set(Error *reterr, int r, const char *code, const char *format, ...)
{
        va_list arguments;

        if (!reterr)
                return r;
        reterr->code = code;
        va_start(arguments, format);
        /* A sentence longer than the buffer is cut; the code still says what happened. */
        (void)vsnprintf(reterr->message, sizeof(reterr->message), format, arguments);
        va_end(arguments);
        return r;
}

bool error_is_set(const Error *error)
{
        return error && error->code;
}
