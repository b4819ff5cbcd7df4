/* import.h - definitions of other supervisors as pools
 *
 * A format reads text and adds pools and remarks to an Import; it opens nothing and asks nothing
 * of the machine: what it must know of it stands in ImportSource. A remark is owed for every
 * setting whose meaning is not kept whole. Failures of memory are remembered in the Import, so
 * that adding needs no checks on the way. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/text.h"

/* What became of a setting. */
typedef enum ImportKind {
        IMPORT_NOTE,    /* it means the same; there is something to know */
        IMPORT_CHANGED, /* it means something else now */
        IMPORT_DROPPED, /* it has no counterpart */
} ImportKind;

typedef struct ImportRemark {
        ImportKind kind;
        char *path; /* NULL: about the import as a whole */
        unsigned line;
        char *pool;    /* NULL: not about one pool */
        char *setting; /* as written: "numprocs=3", "[eventlistener:x]" */
        char *message; /* what to know and to do */
} ImportRemark;

typedef struct ImportSetting {
        const char *section, *key; /* static */
        char *value;
        char *path;      /* where it came from, borrowed from the pool */
        unsigned line;   /* there; 0: it stands for nothing written */
        unsigned placed; /* its line in the text of the pool */
        bool is_refused; /* reeve does not take the value: left out */
} ImportSetting;

typedef struct ImportPool {
        char *name, *path; /* the file it came from */
        char *origin;      /* "[program:web]" */
        unsigned line;
        bool is_refused;
        ImportSetting *settings;
        size_t setting_count, setting_capacity;
} ImportPool;

typedef struct Import {
        ImportPool **pools;
        size_t pool_count, pool_capacity;
        ImportRemark *remarks;
        size_t remark_count, remark_capacity;
        int error; /* first failure, 0 or -ENOMEM */
} Import;

typedef struct ImportSource {
        const char *path;   /* shown to people */
        const char *name;   /* its last part */
        const char *folder; /* absolute; where relative paths of the file begin */
        const char *text;   /* terminated, without NUL bytes in it */
        size_t length;
        const char *dotenv;                 /* path of the .env beside it; NULL: none */
        const char *environment;            /* --env; NULL: not given */
        const char *home, *user;            /* of who imports */
        const char *host;                   /* name of the machine */
        unsigned cpus;                      /* of the machine, >= 1 */
        char *(*find)(const char *program); /* malloc'd path by PATH; NULL: not there */
        char *(*home_of)(const char *user); /* malloc'd; NULL: there is no such user */
} ImportSource;

typedef struct ImportFormat {
        const char *name; /* as --format takes it */
        const char *title;
        /* Whether this looks like one. @name: of the file. */
        bool (*is_it)(const char *name, const char *text);
        /* Return: 0; -EINVAL with a sentence when the text as a whole cannot be read */
        int (*read)(const ImportSource *source, Import *import, Error *reterr);
} ImportFormat;

extern const ImportFormat import_supervisord, import_procfile, import_pm2, import_systemd;

/** import_format_find() - by @wanted (--format), else by what the file looks like
 *  @wanted: NULL: detect
 *  Return: NULL with a sentence in @reterr */
const ImportFormat *import_format_find(const char *wanted, const char *name, const char *text,
                                       Error *reterr);

/* ---- building ---- */

/** import_pool_add() - a new pool; its name is made to fit, and unlike those before
 *  Return: borrowed; NULL without memory (the error is remembered; all functions take NULL) */
ImportPool *import_pool_add(Import *import, const ImportSource *source, unsigned line,
                            const char *name, const char *origin);

/** import_set() - add KEY=@value to @section of a pool; NULL and empty values are left out */
void import_set(Import *import, ImportPool *pool, unsigned line, const char *section,
                const char *key, const char *value);

/** import_value() - what @key was set to, the last time; borrowed, NULL: it was not */
const char *import_value(const ImportPool *pool, const char *section, const char *key);

/** import_has() - whether @key was set already */
bool import_has(const ImportPool *pool, const char *section, const char *key);

/** import_remark() - tell something of a setting
 *  @pool: NULL: of the whole file */
void import_remark(Import *import, ImportKind kind, const ImportSource *source, unsigned line,
                   const ImportPool *pool, const char *setting, const char *format, ...)
        __attribute__((format(printf, 7, 8)));

/** import_pool_drop() - take the pool away that was added last */
void import_pool_drop(Import *import);

void import_done(Import *import);

#define AUTO_IMPORT CLEANUP(import_done) Import

/* ---- what came of it ---- */

/** import_check() - let the reader of configurations judge; what it refuses becomes a remark
 *  Afterwards the texts of all pools together are free of errors.
 *  Return: 0, -ENOMEM */
int import_check(Import *import);

/** import_pool_format() - the text of the pool's file, with the remarks about it as comments */
void import_pool_format(const Import *import, ImportPool *pool, Text *text);

/** import_count() - Return: the number of remarks of @kind */
size_t import_count(const Import *import, ImportKind kind);

/** import_kind_name() - "note", "changed", "dropped" */
const char *import_kind_name(ImportKind kind);
