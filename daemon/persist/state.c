/* state.c - see state.h */
#include "persist/state.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "base/units.h"
#include "sys/files.h"

enum { STATE_SIZE_MAX = 64 << 20, LINE_WORDS_MAX = 24 };

/* CRC-32 of IEEE 802.3. The table is made anew each time, which is nothing beside the hundreds of
 * kilobytes that 1,000 workers make: bit by bit those took 5 ms, in which no worker is replaced. */
static uint32_t checksum(const char *bytes, size_t length)
{
        uint32_t table[256], crc = ~UINT32_C(0);

        for (uint32_t i = 0; i < COUNT_OF(table); i++) {
                table[i] = i;
                for (int bit = 0; bit < 8; bit++)
                        table[i] = table[i] >> 1 ^ (table[i] & 1 ? UINT32_C(0xEDB88320) : 0);
        }
        for (size_t i = 0; i < length; i++)
                crc = crc >> 8 ^ table[(crc ^ (unsigned char)bytes[i]) & 0xFF];
        return ~crc;
}

/* ---- writing ---- */

static void format_pool(Text *text, const KeptPool *pool)
{
        text_printf(text,
                    "pool %s up=%d overridden=%d generation=%" PRIu64 " restarts=%" PRIu64
                    " processes=%u threads=%u greenlets=%u\n",
                    pool->name, pool->is_up, pool->is_overridden, pool->generation, pool->restarts,
                    pool->grid.processes, pool->grid.threads, pool->grid.greenlets);
}

static void add_number(Text *text, const char *key, uint64_t value)
{
        char digits[24], *digit = digits + sizeof(digits);

        do
                *--digit = (char)('0' + value % 10);
        while ((value /= 10) > 0);
        text_append(text, key);
        text_append_bytes(text, digit, (size_t)(digits + sizeof(digits) - digit));
}

/* Without printf, which takes four times as long: nobody is replaced while 1,000 are written. */
static void format_worker(Text *text, const KeptWorker *worker)
{
        text_append(text, "worker ");
        text_append(text, worker->pool);
        add_number(text, " slot=", worker->slot);
        add_number(text, " pid=", (uint64_t)worker->pid);
        add_number(text, " start=", worker->start_ticks);
        text_append(text, " state=");
        text_append(text, worker_state_to_name(worker->state));
        text_append(text, " instance=");
        text_append(text, worker->instance);
        add_number(text, " threads=", worker->threads);
        add_number(text, " greenlets=", worker->greenlets);
        add_number(text, " restarts=", worker->restarts);
        add_number(text, " failures=", worker->failures_in_row);
        add_number(text, " started=", worker->started_usec);
        add_number(text, " ready=", worker->ready_usec);
        add_number(text, " realtime=", worker->started_realtime_usec);
        add_number(text, " log=", worker->log_inodes[0]);
        add_number(text, " errors=", worker->log_inodes[1]);
        add_number(text, " fingerprint=", worker->fingerprint);
        add_number(text, " current=", worker->is_current);
        text_append(text, "\n");
}

int state_format(const KeptState *state, char **ret_text, size_t *ret_length)
{
        AUTO_TEXT text = { 0 };
        size_t length;
        int r;

        text_printf(&text, "reeve-state %d\nboot %s\n", STATE_VERSION, state->boot_id);
        text_printf(&text,
                    "daemon epoch=%" PRIu64 " instances=%" PRIu64 " operations=%" PRIu64 "\n",
                    state->epoch, state->instances, state->operations);
        for (size_t i = 0; i < state->pool_count; i++)
                format_pool(&text, &state->pools[i]);
        for (size_t i = 0; i < state->worker_count; i++)
                format_worker(&text, &state->workers[i]);
        if (text.error)
                return text.error;
        length = text.length;
        text_printf(&text, "end %zu %08" PRIx32 "\n", 3 + state->pool_count + state->worker_count,
                    checksum(text.bytes, length));
        length = text.length;
        r = text_take(&text, ret_text);
        if (r >= 0)
                *ret_length = length;
        return r;
}

/* ---- reading ---- */

/* One line, cut at its blanks: the kind, a name, then key=value words. */
typedef struct Line {
        char *words[LINE_WORDS_MAX];
        size_t count;
} Line;

static int line_cut(char *text, Line *ret)
{
        ret->count = 0;
        for (char *word = strtok(text, " "); word; word = strtok(NULL, " ")) {
                if (ret->count == LINE_WORDS_MAX)
                        return -EBADMSG;
                ret->words[ret->count++] = word;
        }
        return ret->count > 0 ? 0 : -EBADMSG;
}

static const char *line_value(const Line *line, const char *key)
{
        for (size_t i = 1; i < line->count; i++) {
                const char *rest = text_after(line->words[i], key);

                if (rest && *rest == '=')
                        return rest + 1;
        }
        return NULL;
}

static int line_number(const Line *line, const char *key, uint64_t max, uint64_t *ret)
{
        const char *value = line_value(line, key);

        return value && units_parse_number(value, max, ret) == 0 ? 0 : -EBADMSG;
}

static int line_count(const Line *line, const char *key, unsigned *ret)
{
        uint64_t number;
        int r = line_number(line, key, UINT_MAX, &number);

        if (r == 0)
                *ret = (unsigned)number;
        return r;
}

static int line_name(const Line *line, char *ret)
{
        const char *name = line->count > 1 ? line->words[1] : "";

        if (!text_is_name(name[0] == '@' ? name + 1 : name))
                return -EBADMSG;
        return text_copy(ret, STATE_NAME_SIZE, name) ? 0 : -EBADMSG;
}

static int parse_daemon(const Line *line, KeptState *state)
{
        return line_number(line, "epoch", UINT64_MAX, &state->epoch) < 0
                               || line_number(line, "instances", UINT64_MAX, &state->instances) < 0
                               || line_number(line, "operations", UINT64_MAX, &state->operations)
                                          < 0
                       ? -EBADMSG
                       : 0;
}

static int parse_pool(const Line *line, KeptState *state)
{
        KeptPool pool = { 0 }, *longer;
        unsigned is_up, is_overridden;

        if (line_name(line, pool.name) < 0 || line_count(line, "up", &is_up) < 0
            || line_count(line, "overridden", &is_overridden) < 0
            || line_number(line, "generation", UINT64_MAX, &pool.generation) < 0
            || line_number(line, "restarts", UINT64_MAX, &pool.restarts) < 0
            || line_count(line, "processes", &pool.grid.processes) < 0
            || line_count(line, "threads", &pool.grid.threads) < 0
            || line_count(line, "greenlets", &pool.grid.greenlets) < 0 || is_up > 1
            || is_overridden > 1)
                return -EBADMSG;
        pool.is_up = is_up;
        pool.is_overridden = is_overridden;
        longer = realloc(state->pools, (state->pool_count + 1) * sizeof(KeptPool));
        if (!longer)
                return -ENOMEM;
        longer[state->pool_count++] = pool;
        state->pools = longer;
        return 0;
}

static int parse_identity(const Line *line, KeptWorker *worker)
{
        const char *state = line_value(line, "state"), *instance = line_value(line, "instance");
        uint64_t pid;
        int number = state ? worker_state_from_name(state) : -EBADMSG;

        if (number < 0 || !instance || line_number(line, "pid", INT_MAX, &pid) < 0
            || strspn(instance, "0123456789abcdef-") != strlen(instance)
            || !text_copy(worker->instance, sizeof(worker->instance), instance))
                return -EBADMSG;
        worker->state = (WorkerState)number;
        worker->pid = (pid_t)pid;
        return line_number(line, "start", UINT64_MAX, &worker->start_ticks);
}

static int parse_worker(const Line *line, KeptState *state)
{
        KeptWorker worker = { 0 }, *longer;
        unsigned is_current;

        if (line_name(line, worker.pool) < 0 || parse_identity(line, &worker) < 0
            || line_count(line, "slot", &worker.slot) < 0
            || line_count(line, "threads", &worker.threads) < 0
            || line_count(line, "greenlets", &worker.greenlets) < 0
            || line_count(line, "restarts", &worker.restarts) < 0
            || line_count(line, "failures", &worker.failures_in_row) < 0
            || line_number(line, "started", UINT64_MAX, &worker.started_usec) < 0
            || line_number(line, "ready", UINT64_MAX, &worker.ready_usec) < 0
            || line_number(line, "realtime", UINT64_MAX, &worker.started_realtime_usec) < 0
            || line_number(line, "log", UINT64_MAX, &worker.log_inodes[0]) < 0
            || (line_value(line, "errors") /* older ones have none */
                && line_number(line, "errors", UINT64_MAX, &worker.log_inodes[1]) < 0)
            || line_number(line, "fingerprint", UINT64_MAX, &worker.fingerprint) < 0
            || line_count(line, "current", &is_current) < 0 || is_current > 1)
                return -EBADMSG;
        worker.is_current = is_current;
        longer = realloc(state->workers, (state->worker_count + 1) * sizeof(KeptWorker));
        if (!longer)
                return -ENOMEM;
        longer[state->worker_count++] = worker;
        state->workers = longer;
        return 0;
}

static int parse_line(char *text, size_t index, KeptState *state)
{
        Line line;
        int r = line_cut(text, &line);

        if (r < 0)
                return r;
        if (index == 1)
                return text_equal(line.words[0], "boot") && line.count == 2
                                       && text_copy(state->boot_id, sizeof(state->boot_id),
                                                    line.words[1])
                               ? 0
                               : -EBADMSG;
        if (index == 2)
                return text_equal(line.words[0], "daemon") ? parse_daemon(&line, state) : -EBADMSG;
        if (text_equal(line.words[0], "pool"))
                return parse_pool(&line, state);
        return text_equal(line.words[0], "worker") ? parse_worker(&line, state) : -EBADMSG;
}

static int check_version(const char *text)
{
        const char *version = text_after(text, "reeve-state ");
        char expected[16];

        if (!version)
                return -EBADMSG;
        (void)snprintf(expected, sizeof(expected), "%d\n", STATE_VERSION);
        return text_after(version, expected) ? 0 : -EPROTONOSUPPORT;
}

/* The last line vouches for all before it. Return: where it begins, NULL if it does not fit. */
static const char *check_end(const char *text, size_t length)
{
        const char *end = NULL;
        char expected[64];
        size_t lines = 0;

        if (length == 0 || text[length - 1] != '\n' || memchr(text, '\0', length))
                return NULL;
        for (const char *p = text; p < text + length - 1; p++)
                if (*p == '\n') {
                        lines++;
                        end = p + 1;
                }
        if (!end || lines > STATE_LINES_MAX)
                return NULL;
        (void)snprintf(expected, sizeof(expected), "end %zu %08" PRIx32 "\n", lines,
                       checksum(text, (size_t)(end - text)));
        return text_equal(end, expected) ? end : NULL;
}

static int parse_lines(char *text, KeptState *ret)
{
        size_t index = 0;
        int r = 0;

        for (char *line = text, *next; r >= 0 && *line; line = next, index++) {
                next = strchr(line, '\n');
                *next++ = '\0';
                if (index > 0)
                        r = parse_line(line, index, ret);
        }
        return r >= 0 && index < 3 ? -EBADMSG : r;
}

int state_parse(const char *text, size_t length, KeptState *ret)
{
        KeptState state = { 0 };
        AUTO_FREE char *copy = NULL;
        const char *end;
        int r = length > 0 ? check_version(text) : -EBADMSG;

        if (r < 0)
                return r;
        end = check_end(text, length);
        if (!end)
                return -EBADMSG;
        copy = strndup(text, (size_t)(end - text));
        if (!copy)
                return -ENOMEM;
        r = parse_lines(copy, &state);
        if (r < 0)
                state_done(&state);
        else
                *ret = state;
        return r;
}

/* ---- files ---- */

static int path_of(const char *directory, const char *name, char *path)
{
        return snprintf(path, PATH_MAX, "%s/%s", directory, name) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

int state_write(const char *directory, const KeptState *state)
{
        char path[PATH_MAX], previous[PATH_MAX];
        AUTO_FREE char *text = NULL;
        size_t length;
        int r = state_format(state, &text, &length);

        if (r >= 0)
                r = path_of(directory, "state", path);
        if (r >= 0)
                r = path_of(directory, "state.prev", previous);
        if (r < 0)
                return r;
        /* A link, so that there is no moment without a state: rename then replaces only one name. */
        (void)unlink(previous);
        (void)link(path, previous);
        return file_replace(AT_FDCWD, path, text, length, 0600);
}

static int read_one(const char *path, KeptState *ret)
{
        AUTO_FREE char *text = NULL;
        size_t length;
        int r = file_read(AT_FDCWD, path, STATE_SIZE_MAX, &text, &length);

        return r < 0 ? r : state_parse(text, length, ret);
}

int state_read(const char *directory, KeptState *ret, Error *reterr)
{
        char path[PATH_MAX], previous[PATH_MAX], broken[PATH_MAX];
        int r;

        if (path_of(directory, "state", path) < 0 || path_of(directory, "state.prev", previous) < 0
            || path_of(directory, "state.broken", broken) < 0)
                return -ENAMETOOLONG;
        r = read_one(path, ret);
        if (r >= 0)
                return 1;
        if (r == -ENOENT)
                return 0;
        (void)rename(path, broken);
        (void)error_set(reterr, r, "state",
                        "%s cannot be used (%s) and is kept as %s; the one before it is tried",
                        path, strerror(-r), broken);
        return read_one(previous, ret) >= 0 ? 1 : r;
}

void state_forget(const char *directory)
{
        char path[PATH_MAX];

        if (path_of(directory, "state", path) >= 0)
                (void)unlink(path);
        if (path_of(directory, "state.prev", path) >= 0)
                (void)unlink(path);
}

void state_done(KeptState *state)
{
        free(state->pools);
        free(state->workers);
        *state = (KeptState){ 0 };
}
