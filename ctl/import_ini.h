/* import_ini.h - sections and settings of supervisord's and systemd's files, with their lines
 *
 * The two agree on "[section]" and "key=value" and on little else: supervisord (Python) goes on
 * with indented lines and ends a value at " ;", systemd goes on after a backslash. */
#pragma once

#include "base/error.h"
#include "base/text.h"

typedef struct IniEntry {
        char *key, *value;
        unsigned line;
} IniEntry;

typedef struct IniSection {
        char *name;
        unsigned line;
        IniEntry *entries;
        size_t count, capacity;
} IniSection;

typedef struct IniFile {
        IniSection *sections;
        size_t count, capacity;
} IniFile;

typedef enum IniFlavour { INI_PYTHON, INI_SYSTEMD } IniFlavour;

/** ini_read() - all of @text
 *  @ret: ini_done()
 *  Return: 0; -EINVAL with the line in @reterr; -ENOMEM */
int ini_read(const char *path, const char *text, IniFlavour flavour, IniFile *ret, Error *reterr);
void ini_done(IniFile *file);

/** ini_section() - Return: the first section of that name, NULL */
const IniSection *ini_section(const IniFile *file, const char *name);

/** ini_value() - Return: the last value of @key, NULL */
const char *ini_value(const IniSection *section, const char *key);

/** ini_entry_text() - append "key=value", cut to fit a line of a report */
void ini_entry_text(const IniEntry *entry, Text *text);

#define AUTO_INI CLEANUP(ini_done) IniFile
