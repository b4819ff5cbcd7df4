/* fuzz_lines.c - hostile output of a worker, taken apart into lines
 *
 * The first byte chooses what becomes of a rest. Pieces follow one another without a gap or an
 * overlap, none is longer than it may be, none but the last of a line is without its end, and what is
 * dressed fits into the room that is kept for it. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "logs/lines.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void dress(LineWriter *writer, LinePiece piece)
{
        static char out[LINE_OUT_MAX];
        size_t length = line_writer_put(writer, &piece, 1700000000000000, out);

        assert(length <= sizeof(out));
        assert(!piece.has_end || (length > 0 && out[length - 1] == '\n'));
        assert(line_priority(&piece, 6) >= 0 && line_priority(&piece, 6) <= 7);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        LineWriter writer = { 0 };
        const char *bytes = (const char *)data + 1;
        size_t left = size - 1;
        LinePiece piece;

        if (size == 0)
                return 0;
        line_writer_set(&writer, &(LineStyle){ .stamp = (LogStamp)(data[0] / 3 % 4),
                                               .format = (LogFormat)(data[0] / 12 % 2),
                                               .pool = "web",
                                               .stream = "stdout",
                                               .pid = 42 });
        while (line_next(bytes, left, (LineRest)(data[0] % 3), &piece)) {
                bool is_ended = piece.length < left && bytes[piece.length] == '\n';

                assert(piece.bytes == bytes && piece.length <= LINE_PIECE_MAX);
                assert(piece.taken > 0 && piece.taken <= left
                       && piece.taken == piece.length + (piece.has_end && is_ended));
                assert(!piece.has_end || is_ended || piece.taken == left);
                dress(&writer, piece);
                bytes += piece.taken;
                left -= piece.taken;
        }
        return 0;
}
