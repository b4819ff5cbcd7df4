/* flow.c - see flow.h */
#include "logs/flow.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "logs/scratch.h"
#include "sys/clock.h"

/* One write takes what one look gives, dressed; a line alone always fits. */
enum { OUT_SIZE = 384 * 1024, NOTE_SIZE = 96 };
_Static_assert((int)OUT_SIZE >= (int)LINE_OUT_MAX, "a piece fits, however it is escaped");

static char out[OUT_SIZE]; /* pages of it are taken as they are used */

/* What one look gave, and how far we have come with it. */
typedef struct Look {
        const char *bytes;
        size_t length, taken;
        LineRest rest;
        bool is_final;
        uint64_t now_usec, realtime_usec;
} Look;

static bool look_next(const Look *look, LinePiece *ret)
{
        return line_next(look->bytes + look->taken, look->length - look->taken, look->rest, ret);
}

/* ---- the rate ---- */

static bool has_rate(const LineFlow *flow)
{
        return flow->rate_interval_usec > 0 && flow->rate_burst > 0;
}

static bool is_over_rate(const LineFlow *flow)
{
        return has_rate(flow) && flow->window_lines >= flow->rate_burst;
}

static void roll_window(LineFlow *flow, uint64_t now_usec)
{
        if (!has_rate(flow) || now_usec - flow->window_usec < flow->rate_interval_usec)
                return;
        flow->window_usec = now_usec;
        flow->window_lines = 0;
}

static void count_piece(LineFlow *flow, const LinePiece *piece)
{
        flow->window_lines += piece->has_end;
}

static void suppress(LineFlow *flow, Look *look, const LinePiece *piece)
{
        look->taken += piece->taken;
        flow->suppressed_lines += piece->has_end;
        flow->untold_lines += piece->has_end;
}

static LinePiece make_note(const LineFlow *flow, char *note, size_t size)
{
        int length = snprintf(note, size, "[reeve: %llu lines were suppressed here]",
                              (unsigned long long)flow->untold_lines);

        return (LinePiece){ note, (size_t)length, (size_t)length, true };
}

static bool wants_note(const LineFlow *flow)
{
        return flow->untold_lines > 0 && !is_over_rate(flow) && !flow->writer.is_mid_line;
}

/* ---- into the file ---- */

static size_t worst_size(const LineFlow *flow, const LinePiece *piece)
{
        size_t each = flow->writer.style.format == LOG_FORMAT_JSON ? 6 : 1;

        return sizeof(flow->writer.head) + 32 + each * piece->length;
}

typedef struct Batch {
        size_t length; /* of `out` */
        uint64_t lines;
        bool is_full; /* of the file: the next line does not fit in it */
} Batch;

/* Return: whether it was put; not if the file has no room for it */
static bool batch_put(LineFlow *flow, const Look *look, const LinePiece *piece, Batch *batch)
{
        bool was_mid_line = flow->writer.is_mid_line;
        size_t written =
                line_writer_put(&flow->writer, piece, look->realtime_usec, out + batch->length);
        bool is_first = batch->length == 0 && flow->file->size == 0;

        /* A line that is longer than a file has to begin one at least. */
        if (batch->length + written > log_file_room(flow->file) && !is_first) {
                flow->writer.is_mid_line = was_mid_line;
                batch->is_full = true;
                return false;
        }
        batch->length += written;
        batch->lines += piece->has_end;
        return true;
}

static void fill_batch(LineFlow *flow, Look *look, Batch *batch)
{
        LinePiece piece;

        while (look_next(look, &piece)) {
                if (is_over_rate(flow)) {
                        suppress(flow, look, &piece);
                        continue;
                }
                if (worst_size(flow, &piece) > sizeof(out) - batch->length
                    || !batch_put(flow, look, &piece, batch))
                        return;
                count_piece(flow, &piece);
                look->taken += piece.taken;
        }
}

/* Return: whether the note is in the batch, where it is the first */
static bool begin_batch(LineFlow *flow, const Look *look, Batch *batch)
{
        char note[NOTE_SIZE];
        LinePiece piece = make_note(flow, note, sizeof(note));

        /* Another stream, or a life before this one, may have left a line without its end. */
        if (!flow->writer.is_mid_line && !log_file_at_line_start(flow->file))
                out[batch->length++] = '\n';
        return wants_note(flow) && batch_put(flow, look, &piece, batch);
}

/* Of a batch in which no line fitted. A note that fills a new file so that the next line would not go
 * in after it stands there alone: one more new file would not be larger. */
static int make_room(LineFlow *flow, const Batch *batch, bool has_note)
{
        int r;

        if (flow->file->size > 0)
                return log_file_rotate(flow->file);
        r = log_file_write(flow->file, out, batch->length);
        if (r == 0 && has_note)
                flow->untold_lines = 0;
        return r;
}

static int write_batch(LineFlow *flow, Look *look)
{
        const Look before = *look;
        const LineWriter *writer = &flow->writer;
        bool was_mid_line = writer->is_mid_line;
        Batch batch = { 0 };
        bool has_note = begin_batch(flow, look, &batch);
        int r = 0;

        if (!batch.is_full)
                fill_batch(flow, look, &batch);
        if (batch.is_full && look->taken == before.taken)
                r = make_room(flow, &batch, has_note);
        else if (batch.length > 0 && look->taken > before.taken)
                r = log_file_write(flow->file, out, batch.length);
        if (r < 0 || look->taken == before.taken) {
                flow->writer.is_mid_line = was_mid_line;
                *look = before;
                return r;
        }
        if (has_note)
                flow->untold_lines = 0;
        if (flow->is_fallback)
                flow->fallback_lines += batch.lines;
        return 0;
}

static int to_file(LineFlow *flow, Look *look)
{
        int r = flow->is_fallback ? log_file_refresh(flow->file) : 0;

        if (r == 0 && log_file_is_old(flow->file, look->now_usec) && !flow->writer.is_mid_line)
                r = log_file_rotate(flow->file);
        while (r == 0 && look->taken < look->length) {
                uint64_t rotations = flow->file->rotations, untold = flow->untold_lines;
                size_t before = look->taken;

                r = write_batch(flow, look);
                if (look->taken == before && flow->file->rotations == rotations
                    && flow->untold_lines == untold)
                        break; /* no whole line is left */
        }
        return r;
}

/* ---- into the journal ---- */

static size_t collect(LineFlow *flow, Look *look, LinePiece *pieces)
{
        Look ahead = *look;
        size_t count = 0;
        unsigned lines = flow->window_lines;

        while (count < JOURNAL_BATCH && look_next(&ahead, &pieces[count])) {
                if (has_rate(flow) && lines >= flow->rate_burst) {
                        /* Only where nothing is due before it: bytes are taken in order. */
                        if (count > 0)
                                break;
                        suppress(flow, &ahead, &pieces[count]);
                        *look = ahead;
                        continue;
                }
                lines += pieces[count].has_end;
                ahead.taken += pieces[count].taken;
                count++;
        }
        return count;
}

static int send_note(LineFlow *flow)
{
        char note[NOTE_SIZE];
        LinePiece piece = make_note(flow, note, sizeof(note));
        int r = journal_send(&flow->origin, &piece, 1);

        if (r > 0)
                flow->untold_lines = 0;
        return r;
}

/* Return: how many entries were taken; 0 if there is no line; negative errno */
static int send_batch(LineFlow *flow, Look *look)
{
        LinePiece pieces[JOURNAL_BATCH];
        size_t count = collect(flow, look, pieces);
        int r = count > 0 && wants_note(flow) ? send_note(flow) : 0;

        if (count == 0 || r < 0)
                return r;
        r = journal_send(&flow->origin, pieces, count);
        for (int i = 0; i < r; i++) {
                count_piece(flow, &pieces[i]);
                look->taken += pieces[i].taken;
        }
        return r;
}

static bool is_congestion(int r)
{
        return r == -EAGAIN || r == -ENOBUFS || r == -EINTR;
}

/* The journal did not take it. Return: whether to wait for it a little longer */
static bool has_patience(LineFlow *flow, const Look *look, int r)
{
        if (flow->stuck_usec == 0)
                flow->stuck_usec = look->now_usec;
        return is_congestion(r) && !look->is_final && !flow->is_fallback
               && look->now_usec - flow->stuck_usec < JOURNAL_PATIENCE_USEC;
}

static int to_journal(LineFlow *flow, Look *look)
{
        int r = 0;

        flow->is_stuck = false;
        while (look->taken < look->length) {
                r = send_batch(flow, look);
                if (r <= 0)
                        break;
                flow->stuck_usec = 0;
                flow->is_fallback = false;
        }
        if (r >= 0)
                return 0;
        flow->is_stuck = has_patience(flow, look, r);
        if (flow->is_stuck)
                return 0;
        flow->is_fallback = true;
        flow->retry_usec = look->now_usec + JOURNAL_RETRY_USEC;
        return to_file(flow, look);
}

/* ---- moving ---- */

static int discard(int pipe_fd, size_t length)
{
        while (length > 0) {
                ssize_t n = scratch_discard(pipe_fd, length);

                if (n == -EINTR)
                        continue;
                if (n == -EAGAIN)
                        return 0; /* the worker has read it back itself */
                if (n <= 0)
                        return n < 0 ? (int)n : -EIO;
                length -= (size_t)n;
        }
        return 0;
}

ssize_t flow_move(LineFlow *flow, int pipe_fd, size_t length, LineRest rest, bool is_final)
{
        Look look = { .is_final = is_final,
                      .now_usec = now_usec(),
                      .realtime_usec = now_realtime_usec() };
        ssize_t n = scratch_look(pipe_fd, length, &look.bytes);
        bool wants_journal =
                flow->to_journal && (!flow->is_fallback || look.now_usec >= flow->retry_usec);
        int r, left;

        if (n < 0)
                return n;
        look.length = (size_t)n;
        look.rest = rest == REST_ENDS && look.length == length ? REST_ENDS : REST_WAITS;
        roll_window(flow, look.now_usec);
        r = wants_journal ? to_journal(flow, &look) : to_file(flow, &look);
        if (r == 0 && look.taken == 0 && !flow->is_stuck && rest == REST_GOES) {
                /* Only now: more may have come since the pipe was found to be full. */
                look.rest = REST_GOES;
                r = wants_journal ? to_journal(flow, &look) : to_file(flow, &look);
        }
        left = discard(pipe_fd, look.taken);
        if (left < 0)
                return left;
        return look.taken > 0 ? (ssize_t)look.taken : r;
}

/* ---- life ---- */

bool flow_is_needed(const LogSettings *settings)
{
        const LogStyle *style = &settings->style;

        return settings->to_journal || style->stamp != STAMP_NONE
               || style->format != LOG_FORMAT_TEXT
               || (style->rate_interval_usec > 0 && style->rate_burst > 0);
}

static void dress(LineFlow *flow)
{
        LineStyle style = flow->style;

        /* In the place of the journal, which knows the time of each line. */
        if (flow->to_journal && style.stamp == STAMP_NONE)
                style.stamp = STAMP_ISO;
        line_writer_set(&flow->writer, &style);
}

void flow_set(LineFlow *flow, const LogStyle *style)
{
        flow->style.stamp = style->stamp;
        flow->style.format = style->format;
        if (style->format == LOG_FORMAT_JSON && style->stamp == STAMP_NONE)
                flow->style.stamp = STAMP_ISO;
        flow->rate_interval_usec = style->rate_interval_usec;
        flow->rate_burst = style->rate_burst;
        dress(flow);
}

void flow_set_life(LineFlow *flow, pid_t pid, const char *instance)
{
        flow->style.pid = flow->origin.pid = pid;
        (void)text_copy(flow->instance, sizeof(flow->instance), instance);
        dress(flow);
}

int flow_init(LineFlow *flow, const LogSettings *settings, LogFile *file)
{
        int r = settings->to_journal ? journal_ref() : 0;

        if (r < 0)
                return r;
        *flow = (LineFlow){ .file = file,
                            .to_journal = settings->to_journal,
                            .has_journal = settings->to_journal };
        (void)text_copy(flow->pool, sizeof(flow->pool), settings->pool);
        flow->style = (LineStyle){ .pool = flow->pool,
                                   .stream = settings->stream,
                                   .slot = settings->slot };
        flow->origin = (JournalOrigin){ .path = settings->journal_socket ? settings->journal_socket
                                                                         : JOURNAL_SOCKET,
                                        .pool = flow->pool,
                                        .instance = flow->instance,
                                        .stream = settings->stream,
                                        .slot = settings->slot };
        flow_set(flow, &settings->style);
        return 0;
}

void flow_done(LineFlow *flow)
{
        if (flow->has_journal)
                journal_unref();
        flow->has_journal = false;
}
