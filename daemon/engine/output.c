/* output.c - see output.h */
#include "engine/output.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "engine/face.h"
#include "engine/intake.h"
#include "engine/pool.h"
#include "engine/publish.h"
#include "engine/tidy.h"
#include "sys/fd.h"

enum { APPEND_MODE = 0640 };

/* ---- news ---- */

static void tell(Slot *slot, bool is_on, const char *sentence)
{
        Pool *pool = slot->pool;

        if (is_on)
                publish_warning(pool->engine, pool->name, sentence, slot->number);
        else
                publish_drop_warning(pool->engine, pool->name, sentence, slot->number);
}

static void tell_changes(Slot *slot, const LogCounters *counters)
{
        Pool *pool = slot->pool;
        char dropped[32], missed[32];
        const char *state = counters->is_dropping   ? "dropping"
                            : counters->is_fallback ? "fallback"
                                                    : "writing";

        (void)snprintf(dropped, sizeof(dropped), "%" PRIu64, counters->dropped_bytes);
        (void)snprintf(missed, sizeof(missed), "%" PRIu64, counters->fallback_lines);
        publish_event(pool->engine, EVENT_POOL_LOG, pool, slot, NULL, "state", state,
                      "dropped_bytes", dropped, "fallback_lines", missed, NULL);
        tell(slot, counters->is_dropping,
             "The output of worker %u is dropped: there is no room for it.");
        tell(slot, counters->is_fallback,
             "The journal does not take the output of worker %u: it goes to reeve's log files.");
}

static void take_moved(Slot *slot, int moved)
{
        LogCounters counters;

        if (moved > 0 && (moved & LOG_MOVE_CHANGED) && output_counters(slot, &counters))
                tell_changes(slot, &counters);
        if (moved > 0 && (moved & LOG_MOVE_ROTATED))
                tidy_ask(slot->pool);
        publish_slot(slot);
}

void output_take(Stream *stream)
{
        int moved = log_capture_move(stream->capture);

        if (moved > 0 && (moved & LOG_MOVE_MORE))
                intake_again(stream->slot->pool->engine, log_capture_fd(stream->capture), stream);
        take_moved(stream->slot, moved);
}

/* ---- captures ---- */

static gid_t reader_group(const Engine *engine)
{
        return engine->settings.is_user_mode ? (gid_t)-1 : face_group(engine->face);
}

static LogSettings settings_of(const Slot *slot, const Stream *stream)
{
        const Pool *pool = slot->pool;
        const PoolConfig *config = pool->config;

        return (LogSettings){ .directory_fd = pool->log_directory_fd,
                              .subject = pool->subject,
                              .pool = pool->name,
                              .stream = stream->label,
                              .slot = slot->number,
                              .to_journal = stream->to_journal,
                              .max_bytes = config->log_max_bytes,
                              .max_files = config->log_max_files - 1,
                              .max_age_usec = config->log_max_age_usec,
                              .reader_group = reader_group(pool->engine),
                              .style = { .stamp = config->log_stamp,
                                         .format = config->log_format,
                                         .rate_interval_usec = config->log_rate_interval_usec,
                                         .rate_burst = config->log_rate_burst } };
}

static void stream_drop(Stream *stream)
{
        if (stream->capture)
                intake_remove(stream->slot->pool->engine, log_capture_fd(stream->capture));
        stream->capture = log_capture_free(stream->capture);
}

static int open_directory(Pool *pool, Error *reterr)
{
        if (pool->log_directory_fd < 0)
                pool->log_directory_fd =
                        log_directory_open(pool->engine->settings.log_dir, pool->name, reterr);
        return pool->log_directory_fd < 0 ? pool->log_directory_fd : 0;
}

/* @pipe_fd_take: the pipe of an adopted worker, -1 afterwards; NULL: a new one */
static int stream_open(Slot *slot, unsigned index, int *pipe_fd_take, Error *reterr)
{
        Stream *stream = &slot->output.streams[index];
        LogSettings settings;
        int r = open_directory(slot->pool, reterr);

        if (r < 0)
                return r;
        settings = settings_of(slot, stream);
        settings.beside = slot->output.streams[!index].capture;
        r = pipe_fd_take ? log_capture_new_from(&settings, *pipe_fd_take, &stream->capture, reterr)
                         : log_capture_new(&settings, &stream->capture, reterr);
        if (r < 0)
                return r;
        if (pipe_fd_take)
                *pipe_fd_take = -1;
        stream->slot = slot;
        r = intake_add(slot->pool->engine, log_capture_fd(stream->capture), stream);
        if (r >= 0)
                return 0;
        /* Unread it would fill up, and the worker block. */
        stream_drop(stream);
        return error_set(reterr, r, "spawn-failed", "%s: cannot watch its output: %s",
                         slot->pool->subject, strerror(-r));
}

/* ---- what a worker is given ---- */

static bool is_captured(const Output *output)
{
        return output->kind == OUTPUT_LOG || output->kind == OUTPUT_JOURNAL;
}

static bool is_same_place(const Output *a, const Output *b)
{
        return a->kind == b->kind && text_equal(a->path, b->path);
}

/* As systemd does, with reeved's rights: the administrator wrote the path. But not through a link
 * in its last step, nor into anything that could hold us up. */
static int open_append(const Slot *slot, const char *path, Error *reterr)
{
        AUTO_CLOSE fd =
                open(path,
                     O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK,
                     APPEND_MODE);
        int flags = fd < 0 ? -1 : fcntl(fd, F_GETFL);

        if (fd < 0 || flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
                return error_set(reterr, -errno, "spawn-failed", "%s: cannot open %s: %s%s",
                                 slot->pool->subject, path, strerror(errno),
                                 errno == ENXIO ? " (nobody reads this FIFO)" : "");
        return TAKE_FD(fd);
}

/* Return: descriptor; -1: none; other negative errno, which is never -1 (EPERM), with @reterr */
static int open_writer(Slot *slot, unsigned index, const char *label, const Output *output,
                       int *ret_fd, Error *reterr)
{
        const SpawnIdentity *identity = &slot->definition->account->identity;
        Stream *stream = &slot->output.streams[index];
        bool to_journal = output->kind == OUTPUT_JOURNAL;
        int r = 0, fd = -1;

        if (stream->capture
            && (!is_captured(output) || stream->to_journal != to_journal
                || !text_equal(stream->label, label)))
                stream_drop(stream);
        stream->label = label;
        stream->to_journal = to_journal;
        if (output->kind == OUTPUT_APPEND)
                fd = r = open_append(slot, output->path, reterr);
        if (!is_captured(output)) {
                *ret_fd = r < 0 ? -1 : fd;
                return MIN(r, 0);
        }
        if (!stream->capture)
                r = stream_open(slot, index, NULL, reterr);
        if (r < 0)
                return r;
        fd = log_capture_open_writer(stream->capture, identity->is_set ? identity->uid : geteuid());
        if (fd < 0)
                return error_set(reterr, fd, "spawn-failed", "%s: cannot open its output: %s",
                                 slot->pool->subject, strerror(-fd));
        *ret_fd = fd;
        return 0;
}

int output_open(Slot *slot, int ret_fds[STREAM_COUNT], Error *reterr)
{
        const PoolConfig *config = slot->definition->config;
        bool is_one = is_same_place(&config->output, &config->error);
        int r;

        ret_fds[STREAM_OUT] = ret_fds[STREAM_ERR] = -1;
        r = open_writer(slot, STREAM_OUT, is_one ? "both" : "stdout", &config->output,
                        &ret_fds[STREAM_OUT], reterr);
        if (r < 0)
                return r;
        if (is_one) {
                stream_drop(&slot->output.streams[STREAM_ERR]);
                ret_fds[STREAM_ERR] = ret_fds[STREAM_OUT];
                return 0;
        }
        return open_writer(slot, STREAM_ERR, "stderr", &config->error, &ret_fds[STREAM_ERR],
                           reterr);
}

void output_close_fds(int fds[STREAM_COUNT])
{
        if (fds[STREAM_ERR] != fds[STREAM_OUT])
                (void)fd_close(fds[STREAM_ERR]);
        fds[STREAM_OUT] = fds[STREAM_ERR] = fd_close(fds[STREAM_OUT]);
}

/* ---- lives ---- */

int output_adopt(Slot *slot, pid_t pid, const uint64_t inodes[STREAM_COUNT], Error *reterr)
{
        const PoolConfig *config = slot->definition->config;
        bool is_one = inodes[STREAM_ERR] == 0 && config->error.kind == config->output.kind;
        int r = 0;

        for (unsigned i = 0; r >= 0 && i < STREAM_COUNT; i++) {
                Stream *stream = &slot->output.streams[i];
                /* Inode 0 would be any pipe that the worker may have put there. */
                AUTO_CLOSE pipe_fd =
                        inodes[i] ? log_pipe_reopen(pid, STDOUT_FILENO + (int)i, inodes[i]) : -1;

                if (pipe_fd < 0)
                        continue;
                stream->label = i == STREAM_ERR ? "stderr" : is_one ? "both" : "stdout";
                stream->to_journal = (i == STREAM_OUT ? config->output.kind : config->error.kind)
                                     == OUTPUT_JOURNAL;
                r = stream_open(slot, i, &pipe_fd, reterr);
        }
        return r;
}

uint64_t output_inode(const Slot *slot, unsigned stream)
{
        const LogCapture *capture = slot->output.streams[stream].capture;

        return capture ? log_capture_inode(capture) : 0;
}

void output_begin_life(Slot *slot)
{
        for (unsigned i = 0; i < STREAM_COUNT; i++)
                if (slot->output.streams[i].capture)
                        log_capture_set_life(slot->output.streams[i].capture, slot->process.pid,
                                             slot->instance);
}

void output_end_life(Slot *slot)
{
        for (unsigned i = 0; i < STREAM_COUNT; i++)
                if (slot->output.streams[i].capture)
                        log_capture_end_life(slot->output.streams[i].capture);
}

void output_drop(Slot *slot)
{
        for (unsigned i = 0; i < STREAM_COUNT; i++)
                stream_drop(&slot->output.streams[i]);
}

/* ---- the pool's ---- */

void output_take_config(Pool *pool)
{
        for (size_t i = 0; i < pool->slot_count; i++)
                for (unsigned j = 0; j < STREAM_COUNT; j++) {
                        const Stream *stream = &pool->slots[i]->output.streams[j];
                        LogSettings settings;

                        if (!stream->capture)
                                continue;
                        settings = settings_of(pool->slots[i], stream);
                        /* Without memory its lines are dressed from the next start on. */
                        (void)log_capture_set(stream->capture, &settings);
                        log_capture_reopen(stream->capture);
                        output_begin_life(pool->slots[i]);
                }
        tidy_ask(pool);
}

void output_reopen(Pool *pool)
{
        for (size_t i = 0; i < pool->slot_count; i++)
                for (unsigned j = 0; j < STREAM_COUNT; j++)
                        if (pool->slots[i]->output.streams[j].capture)
                                log_capture_reopen(pool->slots[i]->output.streams[j].capture);
}

bool output_counters(const Slot *slot, LogCounters *ret)
{
        LogCounters sum = { 0 };
        bool is_any = false;

        for (unsigned i = 0; i < STREAM_COUNT; i++) {
                const LogCapture *capture = slot->output.streams[i].capture;
                LogCounters counters;

                if (!capture)
                        continue;
                counters = log_capture_counters(capture);
                is_any = true;
                sum.captured_bytes += counters.captured_bytes;
                sum.dropped_bytes += counters.dropped_bytes;
                sum.suppressed_lines += counters.suppressed_lines;
                sum.fallback_lines += counters.fallback_lines;
                sum.file = MAX(sum.file, counters.file);
                sum.is_dropping |= counters.is_dropping;
                sum.is_fallback |= counters.is_fallback;
        }
        *ret = sum;
        return is_any;
}

static int name_place(const Pool *pool, const Output *output, char *buffer, size_t size)
{
        switch (output->kind) {
        case OUTPUT_JOURNAL:
                return snprintf(buffer, size, "the journal (journalctl REEVE_POOL=%s)", pool->name);
        case OUTPUT_NULL: return snprintf(buffer, size, "nowhere (null)");
        case OUTPUT_APPEND: return snprintf(buffer, size, "%s", output->path);
        case OUTPUT_LOG: break;
        }
        return 0;
}

char *output_place(const Pool *pool, char *buffer, size_t size)
{
        const PoolConfig *config = pool->config;
        int length;

        buffer[0] = '\0';
        if (config->output.kind == OUTPUT_LOG || config->error.kind == OUTPUT_LOG)
                return buffer;
        length = name_place(pool, &config->output, buffer, size);
        if (!is_same_place(&config->output, &config->error) && length > 0
            && (size_t)length + 16 < size) {
                length += snprintf(buffer + length, size - (size_t)length, ", its errors to ");
                if ((size_t)length < size)
                        (void)name_place(pool, &config->error, buffer + length,
                                         size - (size_t)length);
        }
        return buffer;
}
