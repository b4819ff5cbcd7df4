/* lines.c - see lines.h
 *
 * A flood is what has to be cheap: the head of a line is put together once for all lines that are
 * read at one moment, its date once a second, and a line is copied once. */
#include "logs/lines.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/units.h"
#include "base/utf8.h"

/* ---- apart ---- */

/* So many bytes that no character is cut; all of them where there is none to be seen. */
static size_t whole_characters(const char *bytes, size_t length)
{
        size_t whole = length;

        for (unsigned i = 0; i < 3 && whole > 1 && ((unsigned char)bytes[whole] & 0xC0) == 0x80;
             i++)
                whole--;
        return ((unsigned char)bytes[whole] & 0xC0) == 0x80 ? length : whole;
}

bool line_next(const char *bytes, size_t length, LineRest rest, LinePiece *ret)
{
        size_t look = length < LINE_PIECE_MAX ? length : LINE_PIECE_MAX;
        const char *end = length > 0 ? memchr(bytes, '\n', look) : NULL;

        if (end) {
                size_t line = (size_t)(end - bytes);

                *ret = (LinePiece){ bytes, line, line + 1, true };
        } else if (length > LINE_PIECE_MAX) {
                size_t part = whole_characters(bytes, LINE_PIECE_MAX);

                *ret = (LinePiece){ bytes, part, part, false };
        } else if (rest != REST_WAITS && length > 0) {
                *ret = (LinePiece){ bytes, length, length, rest == REST_ENDS };
        } else {
                return false;
        }
        return true;
}

int line_priority(LinePiece *piece, int priority)
{
        const char *p = piece->bytes;

        if (piece->length < 3 || p[0] != '<' || p[1] < '0' || p[1] > '7' || p[2] != '>')
                return priority;
        piece->bytes += 3;
        piece->length -= 3;
        return p[1] - '0';
}

/* ---- heads ---- */

static void make_date(LineWriter *writer, int64_t second)
{
        time_t time = second;
        struct tm parts = { 0 };
        char zone[8] = "+0000";

        writer->second = second;
        if (writer->style.stamp == STAMP_EPOCH) {
                (void)snprintf(writer->date, sizeof(writer->date), "%lld", (long long)second);
                writer->zone[0] = '\0';
                return;
        }
        if (writer->style.stamp == STAMP_UTC)
                (void)gmtime_r(&time, &parts);
        else
                (void)localtime_r(&time, &parts);
        (void)strftime(writer->date, sizeof(writer->date), "%Y-%m-%dT%H:%M:%S", &parts);
        (void)strftime(zone, sizeof(zone), "%z", &parts);
        if (writer->style.stamp == STAMP_UTC)
                (void)strcpy(writer->zone, "Z");
        else /* RFC 3339 wants a colon in it */
                (void)snprintf(writer->zone, sizeof(writer->zone), "%.3s:%.2s", zone, zone + 3);
}

static size_t make_json_head(const LineWriter *writer, unsigned micros, char *out, size_t size)
{
        const LineStyle *style = &writer->style;
        const char *quote = style->stamp == STAMP_EPOCH ? "" : "\"";
        char pid[16] = "null";

        if (style->pid > 0)
                (void)snprintf(pid, sizeof(pid), "%d", (int)style->pid);
        /* Names of pools and streams need no escapes. */
        return (size_t)snprintf(out, size,
                                "{\"time\":%s%s.%06u%s%s,\"pool\":\"%s\",\"slot\":%u,\"pid\":%s,"
                                "\"stream\":\"%s\",\"line\":\"",
                                quote, writer->date, micros, writer->zone, quote, style->pool,
                                style->slot, pid, style->stream);
}

static void make_head(LineWriter *writer, uint64_t now_usec)
{
        int64_t second = (int64_t)(now_usec / USEC_PER_SEC);
        unsigned micros = (unsigned)(now_usec % USEC_PER_SEC);

        writer->head_usec = now_usec;
        if (second != writer->second || !writer->date[0])
                make_date(writer, second);
        if (writer->style.format == LOG_FORMAT_JSON)
                writer->head_length =
                        make_json_head(writer, micros, writer->head, sizeof(writer->head));
        else if (writer->style.stamp == STAMP_NONE)
                writer->head_length = 0;
        else
                writer->head_length =
                        (size_t)snprintf(writer->head, sizeof(writer->head), "%s.%06u%s ",
                                         writer->date, micros, writer->zone);
}

void line_writer_set(LineWriter *writer, const LineStyle *style)
{
        writer->style = *style;
        writer->head_usec = 0;
        writer->date[0] = '\0';
}

/* ---- dressed ---- */

/* Bytes that JSON takes as they are. */
static bool is_plain(unsigned char c)
{
        return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

static size_t escape_one(const unsigned char *bytes, size_t length, size_t *ret_taken, char *out)
{
        static const char digits[] = "0123456789abcdef";
        unsigned char c = bytes[0];
        size_t sequence = c >= 0x80 ? utf8_sequence(bytes, length) : 1;

        *ret_taken = sequence ? sequence : 1;
        if (sequence == 0) {
                memcpy(out, "\xEF\xBF\xBD", 3); /* U+FFFD */
                return 3;
        }
        if (c >= 0x80) {
                memcpy(out, bytes, sequence);
                return sequence;
        }
        if (c == '"' || c == '\\' || c == '\t') {
                out[0] = '\\';
                out[1] = c == '\t' ? 't' : (char)c;
                return 2;
        }
        memcpy(out, "\\u00", 4);
        out[4] = digits[c >> 4];
        out[5] = digits[c & 15];
        return 6;
}

static size_t escape(const char *text, size_t length, char *out)
{
        const unsigned char *bytes = (const unsigned char *)text;
        size_t written = 0, i = 0, taken;

        while (i < length) {
                size_t begin = i;

                while (i < length && is_plain(bytes[i]))
                        i++;
                memcpy(out + written, bytes + begin, i - begin);
                written += i - begin;
                if (i == length)
                        break;
                written += escape_one(bytes + i, length - i, &taken, out + written);
                i += taken;
        }
        return written;
}

static size_t put_json(LineWriter *writer, const LinePiece *piece, char *out)
{
        static const char whole[] = "\"}\n", partial[] = "\",\"partial\":true}\n";
        bool is_whole = piece->has_end && !writer->is_mid_line;
        size_t length;

        memcpy(out, writer->head, writer->head_length);
        length = writer->head_length;
        length += escape(piece->bytes, piece->length, out + length);
        memcpy(out + length, is_whole ? whole : partial, is_whole ? 3 : sizeof(partial) - 1);
        return length + (is_whole ? 3 : sizeof(partial) - 1);
}

static size_t put_text(LineWriter *writer, const LinePiece *piece, char *out)
{
        size_t length = 0;

        if (!writer->is_mid_line) {
                memcpy(out, writer->head, writer->head_length);
                length = writer->head_length;
        }
        memcpy(out + length, piece->bytes, piece->length);
        length += piece->length;
        if (piece->has_end)
                out[length++] = '\n';
        return length;
}

size_t line_writer_put(LineWriter *writer, const LinePiece *piece, uint64_t now_usec, char *out)
{
        size_t length;

        if (writer->head_usec != now_usec || now_usec == 0)
                make_head(writer, now_usec);
        length = writer->style.format == LOG_FORMAT_JSON ? put_json(writer, piece, out)
                                                         : put_text(writer, piece, out);
        writer->is_mid_line = !piece->has_end;
        return length;
}
