/* environment.c - see environment.h */
#include "spawn/environment.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "spawn/envfile.h"
#include "sys/files.h"

/* systemd's for system services; ours has none when the container's PID 1 was given none. */
#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
enum { FILE_MAX_BYTES = 1 << 20, VARIABLES_MAX = 8192 };

static const char *lookup(char *const *environment, const char *name, size_t length)
{
        for (char *const *item = environment; item && *item; item++)
                if (strncmp(*item, name, length) == 0 && (*item)[length] == '=')
                        return *item + length + 1;
        return NULL;
}

/* A later assignment takes the place of an earlier one: programs find only the first. */
static int put(char ***environment, const char *assignment)
{
        size_t length = strcspn(assignment, "=");

        for (char **item = *environment; item && *item; item++)
                if (strncmp(*item, assignment, length + 1) == 0) {
                        char *copy = strdup(assignment);

                        if (!copy)
                                return -ENOMEM;
                        free(*item);
                        *item = copy;
                        return 0;
                }
        if (text_list_count(*environment) >= VARIABLES_MAX)
                return -E2BIG;
        return text_list_add(environment, assignment);
}

static int set(char ***environment, const char *name, const char *value)
{
        AUTO_FREE char *assignment = NULL;

        if (!value)
                return 0;
        if (asprintf(&assignment, "%s=%s", name, value) < 0) {
                assignment = NULL; /* undefined after a failure */
                return -ENOMEM;
        }
        return put(environment, assignment);
}

static int set_number(char ***environment, const char *name, uint64_t value)
{
        char text[24];

        (void)snprintf(text, sizeof(text), "%" PRIu64, value);
        return set(environment, name, text);
}

static int set_from_file(const char *name, const char *value, void *userdata)
{
        return set(userdata, name, value);
}

/* A FIFO or a device would hold the caller up for as long as it likes. */
static int read_regular(const char *path, char **ret_text, size_t *ret_length)
{
        struct stat status;

        if (stat(path, &status) < 0)
                return -errno;
        if (S_ISDIR(status.st_mode))
                return -EISDIR;
        if (!S_ISREG(status.st_mode))
                return -EINVAL;
        return file_read(AT_FDCWD, path, FILE_MAX_BYTES, ret_text, ret_length);
}

static const char *explain_file(int r)
{
        if (r == -EINVAL)
                return "not a regular file of UTF-8 text";
        if (r == -EFBIG)
                return "larger than 1M";
        if (r == -E2BIG)
                return "more than 8192 variables";
        return strerror(-r);
}

static int load_file(const char *entry, const char *pool, char ***environment, Error *reterr)
{
        const char *path = *entry == '-' ? entry + 1 : entry;
        AUTO_FREE char *text = NULL;
        size_t length = 0;
        int r = read_regular(path, &text, &length);

        if (r == -ENOENT && path != entry)
                return 0;
        if (r == 0)
                r = envfile_parse(text, length, set_from_file, environment);
        return r == 0 ? 0
                      : error_set(reterr, r, "spawn-failed", "pool %s: EnvironmentFile=%s: %s",
                                  pool, path, explain_file(r));
}

static int set_first(const WorkerVariables *variables, char ***environment)
{
        const char *path = getenv("PATH");
        int r = set(environment, "PATH", path && *path ? path : DEFAULT_PATH);

        if (r == 0)
                r = set(environment, "LANG", getenv("LANG"));
        if (r == 0)
                r = set(environment, "TZ", getenv("TZ"));
        if (r == 0)
                r = set(environment, "HOME", variables->home);
        if (r == 0)
                r = set(environment, "USER", variables->user);
        if (r == 0)
                r = set(environment, "LOGNAME", variables->user);
        return r == 0 ? set(environment, "SHELL", variables->shell) : r;
}

static int set_last(const WorkerVariables *variables, char ***environment)
{
        int r = set(environment, "REEVE_POOL", variables->pool);

        if (r == 0)
                r = set_number(environment, "REEVE_SLOT", variables->slot);
        if (r == 0)
                r = set_number(environment, "REEVE_THREADS", variables->threads);
        if (r == 0)
                r = set_number(environment, "REEVE_GREENLETS", variables->greenlets);
        if (r == 0)
                r = set(environment, "REEVE_INSTANCE", variables->instance);
        if (r == 0)
                r = set(environment, "NOTIFY_SOCKET", variables->notify_socket);
        if (r == 0 && variables->watchdog_usec > 0)
                r = set_number(environment, "WATCHDOG_USEC", variables->watchdog_usec);
        return r;
}

static void free_list(char ***list)
{
        (void)text_list_free(*list);
}

static int out_of_memory(const char *pool, int r, Error *reterr)
{
        return error_set(reterr, r, "spawn-failed", "pool %s: cannot build the environment: %s",
                         pool, strerror(-r));
}

int environment_build(const PoolConfig *config, const WorkerVariables *variables, char ***ret,
                      Error *reterr)
{
        char **environment CLEANUP(free_list) = NULL;
        int r = set_first(variables, &environment);

        for (char **item = config->environment; r == 0 && item && *item; item++)
                r = put(&environment, *item);
        if (r < 0)
                return out_of_memory(variables->pool, r, reterr);
        for (char **file = config->environment_files; file && *file; file++) {
                r = load_file(*file, variables->pool, &environment, reterr);
                if (r < 0)
                        return r;
        }
        r = set_last(variables, &environment);
        if (r < 0)
                return out_of_memory(variables->pool, r, reterr);
        *ret = TAKE_PTR(environment);
        return 0;
}

/* ${NAME} becomes its value, "$$" a "$"; all else stays as it is. */
static int expand_word(const char *word, char *const *environment, char **ret)
{
        AUTO_TEXT out = { 0 };

        while (*word) {
                const char *end = word[0] == '$' && word[1] == '{' ? strchr(word, '}') : NULL;
                size_t length = end ? (size_t)(end - word) - 2 : 0;

                if (end && envfile_is_name(word + 2, length)) {
                        const char *value = lookup(environment, word + 2, length);

                        text_append(&out, value ? value : "");
                        word = end + 1;
                } else {
                        text_append_bytes(&out, word, 1);
                        word += word[0] == '$' && word[1] == '$' ? 2 : 1;
                }
        }
        return text_take(&out, ret);
}

/* One word off the front: blanks separate, quotes hold together and are removed. */
static int next_piece(const char **rest, char **ret)
{
        AUTO_TEXT piece = { 0 };
        const char *p = *rest + strspn(*rest, " \t\n\r");
        bool has_any = *p != '\0';
        char quote = '\0';

        for (; *p && (quote || !strchr(" \t\n\r", *p)); p++) {
                if (quote ? *p == quote : *p == '"' || *p == '\'')
                        quote = quote ? '\0' : *p;
                else
                        text_append_bytes(&piece, p, 1);
        }
        *rest = p;
        if (!has_any)
                return 0;
        return text_take(&piece, ret) < 0 ? -ENOMEM : 1;
}

static int add_pieces(char ***list, const char *value)
{
        for (;;) {
                AUTO_FREE char *piece = NULL;
                int r = next_piece(&value, &piece);

                if (r <= 0)
                        return r;
                r = text_list_add(list, piece);
                if (r < 0)
                        return r;
        }
}

static int add_expanded(char ***list, const char *word, char *const *environment)
{
        AUTO_FREE char *expanded = NULL;
        size_t length = strlen(word);
        int r;

        if (word[0] == '$' && envfile_is_name(word + 1, length - 1)) {
                const char *value = lookup(environment, word + 1, length - 1);

                return value ? add_pieces(list, value) : 0;
        }
        r = expand_word(word, environment, &expanded);
        return r < 0 ? r : text_list_add(list, expanded);
}

int command_expand(char *const *words, char *const *environment, char ***ret)
{
        char **list CLEANUP(free_list) = NULL;

        for (char *const *word = words; word && *word; word++) {
                int r = add_expanded(&list, *word, environment);

                if (r < 0)
                        return r;
        }
        if (!list || !*list[0])
                return -EINVAL;
        *ret = TAKE_PTR(list);
        return 0;
}
