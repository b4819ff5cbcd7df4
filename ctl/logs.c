/* logs.c - reevectl logs: what workers wrote
 *
 * One pool is a plain copy of the server's stream. Several pools followed at once are one child
 * process each, so that a busy one does not hold up the others; their lines carry the pool's
 * name and go out whole. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ctl/api.h"
#include "ctl/interrupt.h"
#include "ctl/outcome.h"
#include "ctl/pick.h"
#include "ctl/stream.h"
#include "ctl/verbs.h"

/* What is kept of one line: a worker that never ends it must not fill our memory. */
enum { LINE_KEPT_MAX = 64 * 1024 };

typedef struct LogOutput {
        const Context *context;
        const char *prefix; /* NULL: none */
        Text line;          /* a line begun, when there is a prefix */
        uint64_t left_out;  /* bytes of it that were not kept */
        Error *reterr;
} LogOutput;

static int output_flush(LogOutput *output)
{
        if (fflush(output->context->out) == 0 && !ferror(output->context->out))
                return 0;
        return stream_write_failed(errno, output->reterr);
}

static void line_keep(LogOutput *output, const char *bytes, size_t length)
{
        size_t room = LINE_KEPT_MAX - MIN(output->line.length, (size_t)LINE_KEPT_MAX);
        size_t kept = MIN(length, room);

        text_append_bytes(&output->line, bytes, kept);
        output->left_out += length - kept;
}

/* Goes out whole, with its end. */
static void line_end(LogOutput *output)
{
        FILE *out = output->context->out;

        fprintf(out, "%s: ", output->prefix);
        (void)fwrite(output->line.bytes, 1, output->line.length, out); /* ferror() tells */
        if (output->left_out > 0)
                fprintf(out, " [and %" PRIu64 " bytes more]", output->left_out);
        (void)putc('\n', out);
        text_done(&output->line);
        output->left_out = 0;
}

static void lines_write(LogOutput *output, const char *bytes, size_t length)
{
        while (length > 0) {
                const char *end = memchr(bytes, '\n', length);
                size_t part = end ? (size_t)(end - bytes) : length;

                line_keep(output, bytes, part);
                if (end)
                        line_end(output);
                part += end != NULL;
                bytes += part;
                length -= part;
        }
}

static int on_bytes(void *userdata, const char *bytes, size_t length)
{
        LogOutput *output = userdata;

        if (output->prefix)
                lines_write(output, bytes, length);
        else
                (void)fwrite(bytes, 1, length, output->context->out); /* ferror() tells below */
        return output_flush(output);
}

static void logs_path(const Options *options, const char *pool, int64_t slot, Text *path)
{
        text_append(path, "/v1/pools/");
        api_path(path, pool);
        if (options->lines == UINT64_MAX)
                text_append(path, "/logs?lines=all");
        else
                text_printf(path, "/logs?lines=%" PRIu64, options->lines);
        if (options->is_follow)
                text_append(path, "&follow=true");
        if (slot >= 0)
                text_printf(path, "&slot=%" PRId64, slot);
}

/* @slot: -1: all of the pool's */
static int pool_logs(const Context *context, const char *pool, int64_t slot, bool has_prefix)
{
        Error error = { 0 };
        LogOutput output = { .context = context,
                             .prefix = has_prefix ? pool : NULL,
                             .reterr = &error };
        AUTO_TEXT path = { 0 };
        int r;

        logs_path(context->options, pool, slot, &path);
        if (path.error)
                r = error_set(&error, path.error, OUTCOME_FAILED, "out of memory");
        else
                r = stream_run(context,
                               &(Request){ .path = path.bytes,
                                           .accept = "text/plain",
                                           .is_endless = true,
                                           .reader_fd = context->out_fd },
                               on_bytes, &output, &error);
        if (output.line.length > 0)
                line_end(&output);
        text_done(&output.line);
        return r < 0 ? context_fail(context, &error) : REEVE_EXIT_OK;
}

/* Armed by each process for itself: what wakes it must not be shared with the others. */
static int pool_follow(const Context *context, const char *pool, int64_t slot, bool has_prefix)
{
        (void)interrupt_arm(); /* without it Ctrl-C just ends us */
        return pool_logs(context, pool, slot, has_prefix);
}

static int child_wait(pid_t pid)
{
        int status;

        while (waitpid(pid, &status, 0) < 0)
                if (errno != EINTR)
                        return REEVE_EXIT_FAILED;
        return WIFEXITED(status) ? WEXITSTATUS(status) : REEVE_EXIT_FAILED;
}

/* Ctrl-C reaches the children as well, since they are of our process group; a TERM that was
 * sent to us alone is passed on. */
static int children_wait(const pid_t *children, size_t count)
{
        int exit_code = -1;

        for (size_t i = 0; i < count; i++) {
                while (waitid(P_PID, (id_t)children[i], &(siginfo_t){ 0 }, WEXITED | WNOWAIT) < 0
                       && errno == EINTR)
                        for (size_t j = i; interrupt_came() && j < count; j++)
                                (void)kill(children[j], SIGTERM); /* gone is as good */
                exit_code = outcome_merge(exit_code, child_wait(children[i]));
        }
        return MAX(exit_code, REEVE_EXIT_OK);
}

static int pools_follow(const Context *context, char *const *pools, int64_t slot)
{
        size_t count = text_list_count(pools), started = 0;
        AUTO_FREE pid_t *children = calloc(count, sizeof(pid_t));

        (void)fflush(context->out); /* or children would write it again */
        for (; children && started < count; started++) {
                pid_t pid = fork();

                if (pid == 0)
                        _exit(pool_follow(context, pools[started], slot, true));
                if (pid < 0)
                        break;
                children[started] = pid;
        }
        (void)interrupt_arm(); /* without it a TERM leaves the children to their own Ctrl-C */
        if (started == count)
                return children_wait(children, count);
        for (size_t i = 0; i < started; i++)
                (void)kill(children[i], SIGTERM); /* ours, not yet waited for */
        (void)children_wait(children, started);
        return context_usage(context, "cannot follow so many pools at once");
}

/* "logs web/1" is "logs web --slot 1". */
static int slot_parse(const Context *context, int64_t *ret_slot, Target *ret, Error *reterr)
{
        const Options *options = context->options;
        int r;

        *ret_slot = options->seen & OPTION_SLOT ? (int64_t)options->slot : -1;
        *ret = (Target){ 0 };
        if (options->word_count != 1)
                return 0;
        r = target_parse(options->words[0], ret, reterr);
        if (r == 0 && ret->kind == TARGET_SLOT && !ret->is_any_slot)
                *ret_slot = ret->slot;
        return r;
}

int verb_logs(const Context *context)
{
        const Options *options = context->options;
        const char *word;
        char **pools = NULL;
        int64_t slot;
        Target target;
        Error error = { 0 };
        int r, exit_code = -1;

        if (options->is_reopen)
                return life_reopen_logs(context);
        r = slot_parse(context, &slot, &target, &error);
        word = target.pool;
        if (r == 0 && target.kind == TARGET_SLOT)
                r = pick_pools(context, &word, 1, &pools, &error);
        else if (r == 0)
                r = pick_pools(context, options->words, options->word_count, &pools, &error);
        if (r < 0)
                return context_fail(context, &error);
        if (options->is_follow && pools[1])
                exit_code = pools_follow(context, pools, slot);
        else if (options->is_follow)
                exit_code = pool_follow(context, pools[0], slot, false);
        else
                for (size_t i = 0; pools[i]; i++)
                        exit_code = outcome_merge(
                                exit_code, pool_logs(context, pools[i], slot, pools[1] != NULL));
        (void)text_list_free(pools);
        return MAX(exit_code, REEVE_EXIT_OK);
}
