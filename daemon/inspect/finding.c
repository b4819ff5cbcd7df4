/* finding.c - see finding.h */
#include "inspect/finding.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

void finding_open_object(FILE *out, const char *name)
{
        fprintf(out, "{%s\n", name);
}

void finding_close_object(FILE *out)
{
        fputs("}\n", out);
}

void finding_open_list(FILE *out, const char *name)
{
        fprintf(out, "[%s\n", name);
}

void finding_close_list(FILE *out)
{
        fputs("]\n", out);
}

void finding_number(FILE *out, const char *name, uint64_t value)
{
        fprintf(out, "n%s\t%" PRIu64 "\n", name, value);
}

void finding_integer(FILE *out, const char *name, int64_t value)
{
        fprintf(out, "n%s\t%" PRId64 "\n", name, value);
}

void finding_bytes(FILE *out, const char *name, const char *bytes, size_t length)
{
        fprintf(out, "s%s\t", name);
        for (size_t i = 0; i < length; i++) {
                unsigned char c = (unsigned char)bytes[i];

                if (c < 0x20 || c == 0x7f || c == '\\')
                        fprintf(out, "\\x%02x", c);
                else
                        (void)putc(c, out);
        }
        (void)putc('\n', out);
}

void finding_text(FILE *out, const char *name, const char *value)
{
        finding_bytes(out, name, value, strlen(value));
}

void finding_flag(FILE *out, const char *name, bool value)
{
        fprintf(out, "b%s\t%d\n", name, value);
}

void finding_none(FILE *out, const char *name, const char *reason)
{
        fprintf(out, "?%s\t%s\n", name, reason);
}

void finding_failed(FILE *out, const char *name, int error)
{
        if (error == -ENOENT || error == -ESRCH)
                finding_none(out, name,
                             "the process has just ended, or this kernel does not tell it");
        else if (error == -EACCES || error == -EPERM)
                finding_none(out, name, "the kernel lets nobody but root read it of this process");
        else
                fprintf(out, "?%s\tit cannot be read: %s\n", name, strerror(-error));
}
