/* unpack.c - see unpack.h */
#include "api/unpack.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "base/units.h"

enum { IN_SIZE = 16 * 1024, OUT_SIZE = 32 * 1024, GZIP_WINDOW = 15 + 16 };

/* RFC 1952: magic, deflate, only a comment; time, flags and system of no interest; the comment. */
static const char magic[] = { 0x1f, (char)0x8b, 8, 16 }, mark[] = "reeve:";
enum { MARK_OFFSET = 10 };

struct Unpack {
        int fd;
        off_t position;
        z_stream stream;
        bool has_stream, has_ended;
        const char *begin;
        size_t length;
        unsigned char in[IN_SIZE];
        char out[OUT_SIZE];
};

bool unpack_is_packed(int fd, uint64_t *ret_inode)
{
        char head[48] = "";
        const char *number = head + MARK_OFFSET + sizeof(mark) - 1;
        ssize_t n = pread(fd, head, sizeof(head) - 1, 0);

        return n > 0 && memcmp(head, magic, sizeof(magic)) == 0
               && memcmp(head + MARK_OFFSET, mark, sizeof(mark) - 1) == 0
               && units_parse_number(number, UINT64_MAX, ret_inode) == 0;
}

Unpack *unpack_new(int fd)
{
        Unpack *unpack = calloc(1, sizeof(*unpack));

        if (!unpack)
                return NULL;
        unpack->fd = fd;
        unpack->has_stream = inflateInit2(&unpack->stream, GZIP_WINDOW) == Z_OK;
        return unpack->has_stream ? unpack : unpack_free(unpack);
}

Unpack *unpack_free(Unpack *unpack)
{
        if (unpack && unpack->has_stream)
                (void)inflateEnd(&unpack->stream);
        free(unpack);
        return NULL;
}

static bool fill(Unpack *unpack)
{
        ssize_t n = pread(unpack->fd, unpack->in, sizeof(unpack->in), unpack->position);

        if (n <= 0)
                return false;
        unpack->position += n;
        unpack->stream.next_in = unpack->in;
        unpack->stream.avail_in = (uInt)n;
        return true;
}

static void inflate_some(Unpack *unpack)
{
        z_stream *stream = &unpack->stream;

        stream->next_out = (Bytef *)unpack->out;
        stream->avail_out = sizeof(unpack->out);
        while (!unpack->has_ended && stream->avail_out == sizeof(unpack->out)) {
                int r = stream->avail_in > 0 || fill(unpack) ? inflate(stream, Z_NO_FLUSH)
                                                             : Z_STREAM_END;

                unpack->has_ended = r != Z_OK && r != Z_BUF_ERROR;
        }
        unpack->begin = unpack->out;
        unpack->length = sizeof(unpack->out) - stream->avail_out;
}

size_t unpack_peek(Unpack *unpack, const char **ret_bytes)
{
        if (unpack->length == 0 && !unpack->has_ended)
                inflate_some(unpack);
        *ret_bytes = unpack->begin;
        return unpack->length;
}

void unpack_take(Unpack *unpack, size_t length)
{
        unpack->begin += length;
        unpack->length -= length;
}
