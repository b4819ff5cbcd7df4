/* init.c - reevectl init: a first configuration to change, with a pool in it
 *
 * Defaults and sentences come from the table of keys, so that what is written cannot grow old.
 * Of the command little is guessed: whether it says that it is ready, and how it takes threads. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config.h"
#include "ctl/import_words.h"
#include "ctl/outcome.h"
#include "ctl/programs.h"
#include "ctl/verbs.h"
#include "sys/fd.h"
#include "sys/files.h"

/* What is known of programs by their names. */
typedef struct Guess {
        const char *name;    /* last part of the program, or the module after -m */
        const char *type;    /* NULL: exec */
        const char *timeout; /* TimeoutStopSec=, NULL: the default */
        const char *advice;  /* a comment; lines are parted by \n */
} Guess;

static const Guess guesses[] = {
        { "gunicorn", "notify", "30s",
          "gunicorn can leave its processes to reeve: --workers 1 --threads ${REEVE_THREADS}, and "
          "then\n[Scale] ThreadControl=replace. It takes the socket of [Listen] by itself." },
        { "uvicorn", NULL, "30s",
          "uvicorn has one thread with an event loop: more work needs more processes. With "
          "[Listen],"
          "\nsay --fd 3." },
        { "celery", NULL, "60s",
          "celery with --pool=threads --concurrency=${REEVE_THREADS} and [Scale] "
          "ThreadControl=replace\nleaves its processes to reeve." },
        { "puma", "notify", "30s",
          "puma with --workers 0 --threads ${REEVE_THREADS}:${REEVE_THREADS} and [Scale]\n"
          "ThreadControl=replace leaves its processes to reeve." },
        { "sidekiq", "notify", "30s",
          "sidekiq with --concurrency ${REEVE_THREADS} and [Scale] ThreadControl=replace takes "
          "its\n"
          "threads from reeve." },
        { "node", NULL, NULL,
          "node has one thread with an event loop: more work needs more processes. With [Listen], "
          "say\nserver.listen({ fd: 3 })." },
        { "java", NULL, "30s", "The JVM has no global lock: threads are cheaper than processes." },
};

static const char *last_part(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

/* Any word may name it: "bundle exec puma", "python3 -m gunicorn", "/opt/venv/bin/celery". */
static const Guess *guess_of(char *const *words)
{
        for (; *words && **words != '-'; words++)
                for (size_t i = 0; i < COUNT_OF(guesses); i++)
                        if (text_equal(last_part(*words), guesses[i].name))
                                return &guesses[i];
        if (words[0] && text_equal(words[0], "-m") && words[1])
                return guess_of(words + 1);
        return NULL;
}

/* ---- texts ---- */

/* "# help" and "#Key=default", each with an empty line behind it. */
static void key_append(Text *text, const char *section, const char *name)
{
        const ConfigKey *key;

        for (size_t i = 0; (key = config_key_at(i)); i++)
                if (text_equal(key->section, section) && (!name || text_equal(key->name, name)))
                        text_printf(text, "# %s\n#%s=%s\n\n", key->help, key->name,
                                    key->initial ? key->initial : "");
}

static void keys_append(Text *text, const char *section, const char *const *names)
{
        for (; *names; names++)
                key_append(text, section, *names);
}

static void conf_make(Text *text)
{
        text_append(text, "# Settings of reeve itself; reeve.conf(5) tells all of them. Pools are "
                          "in pools.d.\n# What is commented out is the default.\n[Reeve]\n\n");
        key_append(text, "Reeve", NULL);
}

static void comment_append(Text *text, const char *comment)
{
        while (*comment) {
                size_t length = strcspn(comment, "\n");

                text_printf(text, "# %.*s\n", (int)length, comment);
                comment += length + (comment[length] == '\n');
        }
}

static void pool_make(Text *text, const char *command, const char *directory, const Guess *guess)
{
        static const char *const of_pool[] = { "User",
                                               "Environment",
                                               "Restart",
                                               "RestartSec",
                                               "StartLimitBurst",
                                               "TimeoutStartSec",
                                               "KillSignal",
                                               NULL };
        static const char *const of_scale[] = { "ProcessesMax", "ThreadsMax", "ThreadControl",
                                                "MaxSurge", NULL };
        static const char *const of_listen[] = { "ListenStream", NULL };
        static const char *const of_health[] = { "Http", "IntervalSec", "Failures", NULL };
        static const char *const of_log[] = { "MaxSize", "MaxFiles", "Timestamps", NULL };

        text_append(text, "# A pool: so many processes of one command. reeve.pool(5) tells all "
                          "keys.\n# What is commented out is the default.\n[Pool]\n");
        if (guess)
                comment_append(text, guess->advice);
        text_printf(text, "ExecStart=%s\nWorkingDirectory=%s\n", command, directory);
        if (guess && guess->type)
                text_printf(text, "# It says itself when it is ready (sd_notify).\nType=%s\n",
                            guess->type);
        if (guess && guess->timeout)
                text_printf(text, "# Work in progress is brought to its end.\nTimeoutStopSec=%s\n",
                            guess->timeout);
        text_append(text, "\n");
        keys_append(text, "Pool", of_pool);
        text_append(text, "[Scale]\nProcesses=1\nThreads=1\n\n");
        keys_append(text, "Scale", of_scale);
        text_append(text, "[Listen]\n\n");
        keys_append(text, "Listen", of_listen);
        text_append(text, "[Health]\n\n");
        keys_append(text, "Health", of_health);
        text_append(text, "[Log]\n\n");
        keys_append(text, "Log", of_log);
}

/* ---- files ---- */

/* O_EXCL: what is there stays, whoever put it there a moment ago. */
static int file_make(const char *path, const Text *text, Error *reterr)
{
        AUTO_CLOSE fd = -EBADF;

        if (text->error)
                return error_set(reterr, -ENOMEM, OUTCOME_FAILED, "out of memory");
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (fd < 0)
                return error_set(reterr, -errno, OUTCOME_FAILED, "cannot make %s: %s", path,
                                 strerror(errno));
        if (write(fd, text->bytes, text->length) == (ssize_t)text->length)
                return 0;
        (void)unlink(path);
        return error_set(reterr, -EIO, OUTCOME_FAILED, "cannot write %s: the disk may be full",
                         path);
}

/* The value of ExecStart= for words of a command line; the program is found by PATH. */
static int command_make(char **words, const char *directory, Text *value, Error *reterr)
{
        AUTO_FREE char *program =
                strchr(words[0], '/') ? import_path(directory, words[0]) : program_find(words[0]);

        if (!program || !program_is(program))
                return error_set(reterr, -ENOENT, OUTCOME_FAILED,
                                 "there is no program %s; give its path, or look at $PATH",
                                 words[0]);
        import_quote(value, program);
        for (char **word = words + 1; *word; word++) {
                AUTO_TEXT escaped = { 0 };

                import_escape(&escaped, *word);
                import_quote(value, escaped.bytes ? escaped.bytes : "");
        }
        return value->error;
}

static int pool_write(const Context *context, const char *folder, const char *name, char **words,
                      Error *reterr)
{
        AUTO_FREE char *directory = realpath(".", NULL);
        AUTO_TEXT path = { 0 }, text = { 0 }, command = { 0 };
        int r;

        if (!text_is_name(name))
                return error_set(reterr, -EINVAL, OUTCOME_USAGE,
                                 "%s cannot be the name of a pool: expected "
                                 "[a-z0-9][a-z0-9_.-]*, at most 63 characters",
                                 name);
        if (!directory)
                return error_set(reterr, -errno, OUTCOME_FAILED, "where are we? %s",
                                 strerror(errno));
        r = command_make(words, directory, &command, reterr);
        if (r < 0)
                return r;
        pool_make(&text, command.bytes, directory, guess_of(words));
        text_printf(&path, "%s/pools.d/%s.pool", folder, name);
        r = path.error ? path.error : file_make(path.bytes, &text, reterr);
        if (r == 0)
                fprintf(context->out, "wrote %s\n", path.bytes);
        return r;
}

static int conf_write(const Context *context, const char *folder, Error *reterr)
{
        AUTO_TEXT path = { 0 }, text = { 0 };
        int r;

        text_printf(&path, "%s/reeve.conf", folder);
        if (path.error)
                return error_set(reterr, -ENOMEM, OUTCOME_FAILED, "out of memory");
        conf_make(&text);
        r = file_make(path.bytes, &text, reterr);
        if (r == -EEXIST)
                fprintf(context->out, "kept %s\n", path.bytes);
        else if (r == 0)
                fprintf(context->out, "wrote %s\n", path.bytes);
        return r == -EEXIST ? 0 : r;
}

static int all_write(const Context *context, const char *folder, Error *reterr)
{
        static char *example[] = { "/bin/sh", "-c", "while :; do date; sleep 5; done", NULL };
        const Options *options = context->options;
        bool has_command = options->word_count > 1;
        AUTO_TEXT pools = { 0 };
        int r;

        text_printf(&pools, "%s/pools.d", folder);
        r = pools.error ? pools.error : directory_make(pools.bytes, 0755);
        if (r < 0)
                return error_set(reterr, r, OUTCOME_FAILED, "cannot make %s/pools.d: %s", folder,
                                 strerror(-r));
        r = pool_write(context, folder, options->word_count > 0 ? options->words[0] : "example",
                       has_command ? (char **)options->words + 1 : example, reterr);
        return r < 0 ? r : conf_write(context, folder, reterr);
}

static void next_steps_tell(const Context *context, const char *folder)
{
        bool is_own = context->options->into != NULL, is_root = geteuid() == 0;

        fprintf(context->out, "\nNext:\n  reevectl check%s%s\n", is_own ? " " : "",
                is_own ? folder : "");
        if (is_own)
                fprintf(context->out, "  reeved --config %s\n", folder);
        else
                fprintf(context->out,
                        "  systemctl %senable --now reeved    (or, when it runs: "
                        "reevectl reload)\n",
                        is_root ? "" : "--user ");
        fputs("  reevectl status\n", context->out);
}

int verb_init(const Context *context)
{
        const Options *options = context->options;
        AUTO_TEXT folder = { 0 };
        Error error = { 0 };
        int r;

        if (options->word_count == 1)
                return context_usage(context,
                                     "init needs the command too: reevectl init %s -- "
                                     "COMMAND...",
                                     options->words[0]);
        if (options->into)
                text_append(&folder, options->into);
        r = options->into ? folder.error : config_folder(&folder);
        if (r < 0)
                r = error_set(&error, r, OUTCOME_FAILED, "out of memory");
        else
                r = all_write(context, folder.bytes, &error);
        if (r < 0)
                return context_fail(context, &error);
        next_steps_tell(context, folder.bytes);
        return REEVE_EXIT_OK;
}
