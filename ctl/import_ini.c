/* import_ini.c - see import_ini.h
 *
 * Physical lines are gathered into an entry until one comes that does not go on with it. */
#include "ctl/import_ini.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/array.h"
#include "ctl/outcome.h"

enum { ENTRY_TEXT_MAX = 72 };

typedef struct Reader {
        const char *path;
        IniFlavour flavour;
        IniFile file;
        unsigned line;
        bool is_open; /* the last value goes on in the next line (systemd) */
} Reader;

static int refuse(const Reader *reader, Error *reterr, const char *why)
{
        return error_set(reterr, -EINVAL, OUTCOME_FAILED, "%s:%u: %s", reader->path, reader->line,
                         why);
}

/* Without the blanks around it. Return: malloc'd */
static char *trimmed(const char *text, size_t length)
{
        while (length > 0 && isspace((unsigned char)*text)) {
                text++;
                length--;
        }
        while (length > 0 && isspace((unsigned char)text[length - 1]))
                length--;
        return strndup(text, length);
}

static int section_add(Reader *reader, const char *line, size_t length, Error *reterr)
{
        const char *end = memchr(line, ']', length);
        IniSection *sections, *section;

        if (!end)
                return refuse(reader, reterr, "the section has no ']' at its end");
        sections = array_room(reader->file.sections, reader->file.count, &reader->file.capacity,
                              sizeof(*sections));
        if (!sections)
                return -ENOMEM;
        reader->file.sections = sections;
        section = &sections[reader->file.count];
        *section = (IniSection){ .name = trimmed(line + 1, (size_t)(end - line - 1)),
                                 .line = reader->line };
        if (!section->name)
                return -ENOMEM;
        reader->file.count++;
        return 0;
}

/* " ;" and " #" begin a comment in Python's flavour. Return: length without it */
static size_t without_comment(const Reader *reader, const char *line, size_t length)
{
        if (reader->flavour != INI_PYTHON)
                return length;
        for (size_t i = 1; i < length; i++)
                if ((line[i] == ';' || line[i] == '#') && isspace((unsigned char)line[i - 1]))
                        return i;
        return length;
}

static bool takes_continuation(Reader *reader, const char *line, size_t *length)
{
        if (reader->flavour != INI_SYSTEMD || *length == 0 || line[*length - 1] != '\\')
                return false;
        --*length;
        return true;
}

static const char *delimiter_of(const Reader *reader, const char *line, size_t length)
{
        for (size_t i = 0; i < length; i++)
                if (line[i] == '=' || (line[i] == ':' && reader->flavour == INI_PYTHON))
                        return line + i;
        return NULL;
}

static int entry_add(Reader *reader, const char *line, size_t length, Error *reterr)
{
        const char *delimiter = delimiter_of(reader, line, length);
        IniSection *section;
        IniEntry *entries, entry = { .line = reader->line };

        if (reader->file.count == 0)
                return refuse(reader, reterr, "this stands before the first [section]");
        if (!delimiter)
                return refuse(reader, reterr, "expected KEY=VALUE");
        section = &reader->file.sections[reader->file.count - 1];
        entries =
                array_room(section->entries, section->count, &section->capacity, sizeof(*entries));
        if (!entries)
                return -ENOMEM;
        section->entries = entries;
        reader->is_open = takes_continuation(reader, line, &length);
        entry.key = trimmed(line, (size_t)(delimiter - line));
        entry.value = trimmed(delimiter + 1, (size_t)(line + length - delimiter - 1));
        if (!entry.key || !entry.value) {
                free(entry.key);
                free(entry.value);
                return -ENOMEM;
        }
        if (reader->flavour == INI_PYTHON)
                for (char *c = entry.key; *c; c++)
                        *c = (char)tolower((unsigned char)*c);
        section->entries[section->count++] = entry;
        return 0;
}

/* The entry that a line without a key of its own goes on with. */
static IniEntry *last_entry(const Reader *reader)
{
        const IniSection *section =
                reader->file.count > 0 ? &reader->file.sections[reader->file.count - 1] : NULL;

        return section && section->count > 0 ? &section->entries[section->count - 1] : NULL;
}

static int entry_continue(Reader *reader, IniEntry *entry, const char *line, size_t length)
{
        AUTO_FREE char *more = NULL;
        char *joined = NULL;

        reader->is_open = takes_continuation(reader, line, &length);
        more = trimmed(line, length);
        if (!more)
                return -ENOMEM;
        if (asprintf(&joined, "%s%s%s", entry->value, *entry->value && *more ? " " : "", more) < 0)
                return -ENOMEM;
        free(entry->value);
        entry->value = joined;
        return 0;
}

static int line_take(Reader *reader, const char *line, size_t length, Error *reterr)
{
        bool is_indented = length > 0 && (line[0] == ' ' || line[0] == '\t');
        IniEntry *open = last_entry(reader);

        while (length > 0 && isspace((unsigned char)line[length - 1]))
                length--;
        if (length > 0 && (line[0] == ';' || line[0] == '#'))
                return 0;
        length = without_comment(reader, line, length);
        if (open && (reader->is_open || (reader->flavour == INI_PYTHON && is_indented)))
                return entry_continue(reader, open, line, length);
        while (length > 0 && isspace((unsigned char)line[0])) {
                line++;
                length--;
        }
        if (length == 0 || line[0] == ';' || line[0] == '#')
                return 0;
        return line[0] == '[' ? section_add(reader, line, length, reterr)
                              : entry_add(reader, line, length, reterr);
}

int ini_read(const char *path, const char *text, IniFlavour flavour, IniFile *ret, Error *reterr)
{
        Reader reader = { .path = path, .flavour = flavour };
        int r = 0;

        while (r == 0 && *text) {
                size_t length = strcspn(text, "\n");

                reader.line++;
                r = line_take(&reader, text, length, reterr);
                text += length + (text[length] == '\n');
        }
        if (r < 0) {
                ini_done(&reader.file);
                return r;
        }
        *ret = reader.file;
        return 0;
}

void ini_done(IniFile *file)
{
        for (size_t i = 0; i < file->count; i++) {
                IniSection *section = &file->sections[i];

                for (size_t j = 0; j < section->count; j++) {
                        free(section->entries[j].key);
                        free(section->entries[j].value);
                }
                free(section->entries);
                free(section->name);
        }
        free(file->sections);
        *file = (IniFile){ 0 };
}

const IniSection *ini_section(const IniFile *file, const char *name)
{
        for (size_t i = 0; i < file->count; i++)
                if (text_equal(file->sections[i].name, name))
                        return &file->sections[i];
        return NULL;
}

const char *ini_value(const IniSection *section, const char *key)
{
        const char *value = NULL;

        for (size_t i = 0; section && i < section->count; i++)
                if (text_equal(section->entries[i].key, key))
                        value = section->entries[i].value;
        return value;
}

void ini_entry_text(const IniEntry *entry, Text *text)
{
        char line[ENTRY_TEXT_MAX];
        int length = snprintf(line, sizeof(line), "%s=%s", entry->key, entry->value);

        text_append(text, line);
        if (length >= ENTRY_TEXT_MAX)
                text_append(text, "...");
}
