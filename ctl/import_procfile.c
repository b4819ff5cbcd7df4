/* import_procfile.c - a Procfile, as foreman, honcho, overmind and Heroku read it
 *
 * "NAME: COMMAND" a line; the command goes through sh, in the folder of the Procfile, with the
 * variables of .env and a PORT of its own: 5000 for the first type, 5100 for the next. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>

#include "ctl/import_words.h"
#include "ctl/outcome.h"

enum { PORT_FIRST = 5000, PORT_STEP = 100 };

/* Length of NAME in "NAME: ...", 0 if the line is no entry. */
static size_t entry_name_length(const char *line)
{
        size_t length = 0;

        while (isalnum((unsigned char)line[length]) || line[length] == '_' || line[length] == '-')
                length++;
        return line[length] == ':' ? length : 0;
}

static bool procfile_is_it(const char *name, const char *text)
{
        bool has_entry = false;

        if (text_equal(name, "Procfile") || text_after(name, "Procfile.")
            || text_matches("*.procfile", name) || text_matches("*.Procfile", name))
                return true;
        for (; *text; text += strcspn(text, "\n"), text += *text == '\n') {
                size_t blanks = strspn(text, " \t\r");

                if (text[blanks] == '\n' || text[blanks] == '#' || !text[blanks])
                        continue;
                if (entry_name_length(text) == 0)
                        return false;
                has_entry = true;
        }
        return has_entry;
}

/* Types that are no services. */
static bool is_task(const char *name)
{
        return text_equal(name, "release") || text_equal(name, "console")
               || text_equal(name, "rake") || text_equal(name, "test");
}

static void pool_make(const ImportSource *source, Import *import, unsigned line, const char *name,
                      const char *command, unsigned port)
{
        ImportPool *pool = import_pool_add(import, source, line, name, name);
        char number[16];

        import_set(import, pool, 0, "Pool", "WorkingDirectory", source->folder);
        if (source->dotenv)
                import_set(import, pool, 0, "Pool", "EnvironmentFile", source->dotenv);
        (void)snprintf(number, sizeof(number), "%u", port);
        import_variable(import, pool, line, "PORT", number);
        import_shell(import, source, pool, line, command, NULL);
        if (strstr(command, "PORT"))
                import_remark(import, IMPORT_NOTE, source, line, pool, command,
                              "PORT is %u for all processes of the pool (unless .env says "
                              "otherwise): before more than one is started, let them share a "
                              "socket by ListenStream= in [Listen]",
                              port);
}

static void entry_take(const ImportSource *source, Import *import, unsigned line, char *text,
                       unsigned port)
{
        size_t length = entry_name_length(text);
        const char *command = text + length + 1;

        text[length] = '\0';
        command += strspn(command, " \t");
        if (is_task(text))
                import_remark(import, IMPORT_DROPPED, source, line, NULL, text,
                              "is run once and no service; run it yourself, before the pools are "
                              "reloaded: %s",
                              command);
        else if (!*command)
                import_remark(import, IMPORT_DROPPED, source, line, NULL, text, "has no command");
        else
                pool_make(source, import, line, text, command, port);
}

static void line_take(const ImportSource *source, Import *import, unsigned line, char *text,
                      unsigned *port)
{
        size_t length = strlen(text);

        while (length > 0 && isspace((unsigned char)text[length - 1]))
                text[--length] = '\0';
        if (!*text || *text == '#')
                return;
        if (entry_name_length(text) == 0) {
                import_remark(import, IMPORT_DROPPED, source, line, NULL, text,
                              "is not NAME: COMMAND");
                return;
        }
        entry_take(source, import, line, text, *port);
        *port += PORT_STEP;
}

static int procfile_read(const ImportSource *source, Import *import, Error *reterr)
{
        unsigned line = 0, port = PORT_FIRST;
        const char *text = source->text;

        while (*text && !import->error) {
                size_t length = strcspn(text, "\n");
                AUTO_FREE char *copy = strndup(text, length);

                if (!copy)
                        return error_set(reterr, -ENOMEM, OUTCOME_FAILED, "out of memory");
                line_take(source, import, ++line, copy, &port);
                text += length + (text[length] == '\n');
        }
        if (import->pool_count > 0)
                import_remark(import, IMPORT_NOTE, source, 1, NULL, source->name,
                              "a process that ends is started again; foreman ends all the others "
                              "instead (Restart=no and Essential=yes in a pool do that)");
        return 0;
}

const ImportFormat import_procfile = { "procfile", "Procfile", procfile_is_it, procfile_read };
