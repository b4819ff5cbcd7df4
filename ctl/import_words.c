/* import_words.c - see import_words.h */
#include "ctl/import_words.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const char NAME_LETTERS[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
                                   "0123456789";

/* ---- shells ---- */

static const char BLANKS[] = " \t\n\r";

/* One word from *@line on. Return: 1; 0 at the end; -EINVAL for an open quote */
static int shell_word(const char **line, Text *word)
{
        const char *at = *line;
        char quote = '\0';

        at += strspn(at, BLANKS);
        if (!*at)
                return 0;
        for (; *at && (quote || !strchr(BLANKS, *at)); at++) {
                if (*at == '\\' && quote != '\'' && at[1] && (!quote || strchr("\"\\$`", at[1])))
                        text_append_bytes(word, ++at, 1);
                else if (quote ? *at == quote : *at == '"' || *at == '\'')
                        quote = quote ? '\0' : *at;
                else
                        text_append_bytes(word, at, 1);
        }
        *line = at;
        return quote ? -EINVAL : 1;
}

int shell_split(const char *line, char ***ret)
{
        char **words = NULL;
        int r = 1;

        while (r > 0) {
                AUTO_TEXT text = { 0 };
                AUTO_FREE char *word = NULL;

                r = shell_word(&line, &text);
                if (r > 0 && (text_take(&text, &word) < 0 || text_list_add(&words, word) < 0))
                        r = -ENOMEM;
        }
        if (r < 0) {
                (void)text_list_free(words);
                return r;
        }
        *ret = words;
        return 0;
}

static bool is_assignment(const char *line)
{
        size_t length = strspn(line, NAME_LETTERS);

        return length > 0 && line[length] == '=' && !isdigit((unsigned char)line[0]);
}

/* What only a shell can do, and what changes the shell itself. */
static bool is_builtin(const char *line)
{
        static const char *const names[] = {
                "cd",  "exec", "export", "source", ".", "set", "ulimit", "if",   "while",
                "for", "trap", "eval",   "unset",  "{", "[",   "until",  "case", "umask"
        };
        size_t length = strcspn(line, " \t");

        for (size_t i = 0; i < COUNT_OF(names); i++)
                if (strlen(names[i]) == length && strncmp(line, names[i], length) == 0)
                        return true;
        return false;
}

/* Whether one of @outside stands outside of quotes, or of @inside in double ones. */
static bool has_unquoted(const char *line, const char *outside, const char *inside)
{
        char quote = '\0';

        for (; *line; line++) {
                if (*line == '\\' && quote != '\'' && line[1])
                        line++;
                else if (quote ? *line == quote : *line == '"' || *line == '\'')
                        quote = quote ? '\0' : *line;
                else if (quote != '\'' && strchr(quote ? inside : outside, *line))
                        return true;
        }
        return false;
}

bool shell_is_needed(const char *line)
{
        line += strspn(line, " \t");
        return is_assignment(line) || is_builtin(line)
               || has_unquoted(line, "|&;<>()$`*?[]{}~#!\n", "$`");
}

bool shell_is_one(const char *line)
{
        line += strspn(line, " \t");
        return !is_assignment(line) && !is_builtin(line) && !has_unquoted(line, "|&;()`\n", "`")
               && !strstr(line, "$(");
}

/* ---- pool files ---- */

void import_escape(Text *word, const char *text)
{
        for (; *text; text++)
                text_append(word, *text == '$' ? "$$" : (char[]){ *text, '\0' });
}

void import_quote(Text *value, const char *word)
{
        static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "0123456789_@%+=:,./-~^${}";

        if (value->length > 0)
                text_append(value, " ");
        if (*word && !word[strspn(word, plain)]) {
                text_append(value, word);
                return;
        }
        text_append(value, "\"");
        for (; *word; word++) {
                unsigned char c = (unsigned char)*word;

                if (c == '"' || c == '\\')
                        text_printf(value, "\\%c", c);
                else if (c == '\n')
                        text_append(value, "\\n");
                else if (c < 0x20 || c == 0x7F)
                        text_printf(value, "\\x%02x", c);
                else
                        text_append_bytes(value, word, 1);
        }
        text_append(value, "\"");
}

char *import_path(const char *folder, const char *path)
{
        AUTO_TEXT text = { 0 };
        char *string = NULL;
        size_t length = strlen(folder);

        if (*path == '/')
                return strdup(path);
        for (;;) {
                if (text_equal(path, ".") || text_after(path, "./")) {
                        path += path[1] ? 2 : 1;
                } else if (text_equal(path, "..") || text_after(path, "../")) {
                        path += path[2] ? 3 : 2;
                        while (length > 0 && folder[--length] != '/')
                                ;
                } else if (*path == '/') {
                        path++;
                } else {
                        break;
                }
        }
        text_append_bytes(&text, folder, length);
        if (*path && !(length > 0 && folder[length - 1] == '/'))
                text_append(&text, "/");
        text_append(&text, *path || length > 0 ? path : "/");
        return text_take(&text, &string) < 0 ? NULL : string;
}

/* The absolute path of a program, '$' doubled; NULL: let env find it. */
static char *program_path(const ImportSource *source, const char *word, const char *directory)
{
        if (*word == '/')
                return strdup(word);
        if (strchr(word, '/'))
                return import_path(directory ? directory : source->folder, word);
        return source->find ? source->find(word) : NULL;
}

void import_command(Import *import, const ImportSource *source, ImportPool *pool, unsigned line,
                    char *const *words, const char *directory)
{
        AUTO_FREE char *program = program_path(source, words[0], directory);
        AUTO_TEXT value = { 0 };

        if (!program)
                import_remark(import, IMPORT_CHANGED, source, line, pool, words[0],
                              "PATH has no such program on this machine; /usr/bin/env will look "
                              "for it at each start. Better write its absolute path");
        import_quote(&value, program ? program : "/usr/bin/env");
        for (char *const *word = program ? words + 1 : words; *word; word++)
                import_quote(&value, *word);
        if (value.error)
                import->error = value.error;
        else
                import_set(import, pool, line, "Pool", "ExecStart", value.bytes);
}

static void through_shell(Import *import, ImportPool *pool, unsigned line, const char *command)
{
        AUTO_TEXT word = { 0 }, value = { 0 };

        text_append(&value, "/bin/sh -c");
        if (shell_is_one(command))
                text_append(&word, "exec ");
        import_escape(&word, command);
        import_quote(&value, word.bytes ? word.bytes : "");
        if (word.error || value.error)
                import->error = -ENOMEM;
        else
                import_set(import, pool, line, "Pool", "ExecStart", value.bytes);
}

void import_shell(Import *import, const ImportSource *source, ImportPool *pool, unsigned line,
                  const char *command, const char *directory)
{
        char **words = NULL;
        int r = shell_split(command, &words);

        if (r == 0 && words && !shell_is_needed(command)) {
                import_command(import, source, pool, line, words, directory);
        } else if (r == -ENOMEM) {
                import->error = r;
        } else {
                import_remark(import, IMPORT_NOTE, source, line, pool, command,
                              "needs a shell, so it runs as /bin/sh -c '...'%s",
                              shell_is_one(command)
                                      ? ""
                                      : "; the shell gets the signals, so begin its last command "
                                        "with exec where that is possible");
                through_shell(import, pool, line, command);
        }
        (void)text_list_free(words);
}

void import_variable(Import *import, ImportPool *pool, unsigned line, const char *name,
                     const char *value)
{
        AUTO_TEXT assignment = { 0 }, quoted = { 0 };

        text_printf(&assignment, "%s=%s", name, value);
        import_quote(&quoted, assignment.bytes ? assignment.bytes : "");
        if (assignment.error || quoted.error)
                import->error = -ENOMEM;
        else
                import_set(import, pool, line, "Pool", "Environment", quoted.bytes);
}
