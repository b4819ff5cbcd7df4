/* lists.c - the kinds of values that are several words
 *
 * A list is made beside the field and joins it when all of it was good, so a refused line leaves
 * nothing behind. A command replaces what was there: a worker runs one. */
#include <errno.h>
#include <string.h>

#include "config/fingerprint.h"
#include "config/kinds.h"
#include "config/words.h"

typedef struct WordList {
        char **items;
} WordList;

static void word_list_done(WordList *list)
{
        list->items = text_list_free(list->items);
}

#define AUTO_LIST CLEANUP(word_list_done) WordList

static void clear_list(void *field)
{
        *(char ***)field = text_list_free(*(char ***)field);
}

static bool list_is_equal(const void *a, const void *b)
{
        char *const *left = *(char *const *const *)a, *const *right = *(char *const *const *)b;
        size_t count = text_list_count(left);

        if (count != text_list_count(right))
                return false;
        for (size_t i = 0; i < count; i++)
                if (!text_equal(left[i], right[i]))
                        return false;
        return true;
}

static uint64_t list_fingerprint(uint64_t hash, const void *field)
{
        for (char *const *list = *(char *const *const *)field; list && *list; list++)
                hash = fingerprint_text(hash, *list);
        return hash;
}

static bool list_has(char *const *list, const char *item)
{
        for (; list && *list; list++)
                if (text_equal(*list, item))
                        return true;
        return false;
}

/* Append @more to @list unless it is there already, with its place. */
static int list_add_word(const Assignment *at, char ***list, const Word *word)
{
        int r;

        if (list_has(*list, word->text))
                return 0;
        if (text_list_count(*list) >= CONFIG_LIST_MAX)
                return assignment_refuse(at, word->offset, "a list has at most %d entries",
                                         CONFIG_LIST_MAX);
        r = assignment_mark(at, word->offset, word->text);
        return r < 0 ? r : text_list_add(list, word->text);
}

typedef bool (*WordIsValid)(const char *word);

/* Words between blanks, each of which must be valid, added to what is there. */
static int parse_words(const Assignment *at, char ***field, WordIsValid is_valid,
                       const char *expected)
{
        WordReader reader = { .at = at };
        AUTO_WORD word = { 0 };
        AUTO_LIST list = { text_list_copy(*field) };
        int r = list.items ? 0 : -ENOMEM;

        while (r == 0 && (r = word_next_plain(&reader, &word)) > 0) {
                if (!is_valid(word.text))
                        return assignment_refuse(at, word.offset, "%s=%s: expected %s",
                                                 at->key->shown.name, word.text, expected);
                r = list_add_word(at, &list.items, &word);
        }
        if (r < 0)
                return r;
        (void)text_list_free(*field);
        *field = TAKE_PTR(list.items);
        return 0;
}

static int parse_pools(const Assignment *at, void *field)
{
        return parse_words(at, field, text_is_name,
                           "names of pools ([a-z0-9][a-z0-9_.-]{0,62}) with blanks between them");
}

static int parse_accounts(const Assignment *at, void *field)
{
        return parse_words(at, field, account_is_valid,
                           "names or numbers of users with blanks between them");
}

/* What may stand before the port in a Host header. */
static bool host_is_valid(const char *host)
{
        static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                      "0123456789.-";
        size_t length = strlen(host);

        if (length > 2 && host[0] == '[' && host[length - 1] == ']')
                return strspn(host + 1, "0123456789abcdefABCDEF:.") == length - 2;
        return length <= 253 && !host[strspn(host, allowed)];
}

static int parse_hosts(const Assignment *at, void *field)
{
        return parse_words(at, field, host_is_valid,
                           "names of hosts without ports, with blanks between them");
}

/* ".." would mean another place once symbolic links are followed. */
static bool path_is_valid(const char *word)
{
        const char *path = word + (*word == '-');

        return *path == '/' && !strstr(path, "/../") && !text_equal(strrchr(path, '/'), "/..");
}

static int parse_paths(const Assignment *at, void *field)
{
        return parse_words(at, field, path_is_valid,
                           "absolute paths without \"..\", with '-' before those that may be "
                           "missing");
}

static int parse_environment_files(const Assignment *at, void *field)
{
        char ***list = field;

        if (at->value[at->value[0] == '-'] != '/')
                return -EINVAL;
        if (text_list_count(*list) >= CONFIG_LIST_MAX)
                return assignment_refuse(at, 0, "a list has at most %d entries", CONFIG_LIST_MAX);
        return text_list_add(list, at->value);
}

/* Length of the name in NAME=value, 0 if this is no assignment. */
static size_t variable_name_length(const char *assignment)
{
        static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
                                      "0123456789";
        size_t length = strspn(assignment, allowed);

        if (assignment[length] != '=' || (assignment[0] >= '0' && assignment[0] <= '9'))
                return 0;
        return length;
}

/* A later value of a variable takes the earlier one's place. */
static int environment_set(char ***list, const char *assignment, size_t name_length)
{
        for (char **item = *list; item && *item; item++) {
                char *copy;

                if (strncmp(*item, assignment, name_length + 1) != 0)
                        continue;
                copy = strdup(assignment);
                if (!copy)
                        return -ENOMEM;
                free(*item);
                *item = copy;
                return 0;
        }
        return text_list_add(list, assignment);
}

static void warn_of_reserved(const Assignment *at, const Word *word, size_t name_length)
{
        static const char *const ours[] = { "NOTIFY_SOCKET=", "WATCHDOG_USEC=",  "LISTEN_FDS=",
                                            "LISTEN_PID=",    "LISTEN_FDNAMES=", "REEVE_" };

        for (size_t i = 0; i < COUNT_OF(ours); i++)
                if (text_after(word->text, ours[i]))
                        assignment_warn(at, word->offset,
                                        "%.*s is set by reeve; the value given here may be "
                                        "replaced",
                                        (int)name_length, word->text);
}

static int environment_add_word(const Assignment *at, char ***list, const Word *word)
{
        size_t name_length = variable_name_length(word->text);

        if (name_length == 0)
                return assignment_refuse(at, word->offset,
                                         "\"%s\" is not NAME=value; a value with blanks needs "
                                         "quotes around the whole: \"NAME=some value\"",
                                         word->text);
        if (text_list_count(*list) >= CONFIG_LIST_MAX)
                return assignment_refuse(at, word->offset, "a list has at most %d entries",
                                         CONFIG_LIST_MAX);
        warn_of_reserved(at, word, name_length);
        return environment_set(list, word->text, name_length);
}

static int parse_environment(const Assignment *at, void *field)
{
        WordReader reader = { .at = at };
        AUTO_WORD word = { 0 };
        AUTO_LIST list = { text_list_copy(*(char ***)field) };
        int r = list.items ? 0 : -ENOMEM;

        while (r == 0 && (r = word_next(&reader, &word)) > 0)
                r = environment_add_word(at, &list.items, &word);
        if (r < 0)
                return r;
        clear_list(field);
        *(char ***)field = TAKE_PTR(list.items);
        return 0;
}

/* What unit files allow and a pool does not. Return: 0, ALREADY_TOLD. */
static int command_word_check(const Assignment *at, const Word *word, bool is_first)
{
        if (!word->is_quoted && text_equal(word->text, ";"))
                return assignment_refuse(at, word->offset,
                                         "%s= takes one command; write \\; for a semicolon that "
                                         "is an argument",
                                         at->key->shown.name);
        if (!is_first || word->text[0] == '/')
                return 0;
        if (word->text[0] && strchr("@-:+!|", word->text[0]) && strchr(word->text, '/'))
                return assignment_refuse(at, word->offset,
                                         "%s=: the prefix '%c' is not supported; begin with the "
                                         "absolute path of the program",
                                         at->key->shown.name, word->text[0]);
        return assignment_refuse(at, word->offset,
                                 "%s=%s: the program must be an absolute path such as "
                                 "/usr/bin/%s; PATH is not searched",
                                 at->key->shown.name, word->text,
                                 word->text[0] ? word->text : "NAME");
}

static int parse_command(const Assignment *at, void *field)
{
        WordReader reader = { .at = at };
        AUTO_WORD word = { 0 };
        AUTO_LIST list = { 0 };
        size_t count = 0;
        int r = 0;

        while (r == 0 && (r = word_next(&reader, &word)) > 0) {
                if (count >= CONFIG_LIST_MAX)
                        return assignment_refuse(at, word.offset, "a command has at most %d words",
                                                 CONFIG_LIST_MAX);
                r = command_word_check(at, &word, count++ == 0);
                if (r == 0)
                        r = text_list_add(&list.items, word.text);
        }
        if (r < 0)
                return r;
        clear_list(field);
        *(char ***)field = TAKE_PTR(list.items);
        return 0;
}

#define LIST_KIND(parse, allowed) \
        { \
                allowed, sizeof(char **), parse, clear_list, list_is_equal, list_fingerprint \
        }

const Kind kind_command = LIST_KIND(parse_command, "an absolute path and arguments");
const Kind kind_environment =
        LIST_KIND(parse_environment, "NAME=value, quoted as a whole when it has blanks");
const Kind kind_environment_files = LIST_KIND(
        parse_environment_files, "an absolute path, with '-' before it when it may be missing");
const Kind kind_paths =
        LIST_KIND(parse_paths, "absolute paths, with '-' before those that may be missing");
const Kind kind_pools = LIST_KIND(parse_pools, "names of pools");
const Kind kind_accounts = LIST_KIND(parse_accounts, "names or numbers of users");
const Kind kind_hosts = LIST_KIND(parse_hosts, "names of hosts");
