/* draft.h - a Config or PoolConfig in the making: keys, kinds of values, and where each came from
 *
 * A Key ties a name in a section to a field; its Kind knows how to read, free and compare such
 * fields. Everything that is done to all keys (defaults, reset, freeing, comparing, the manual)
 * walks the table in keys.c. */
#pragma once

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"
#include "config/lines.h"

/* Where a value stands. Borrowed from the input. line 0: nobody wrote it, it is the default. */
typedef struct Place {
        const TextFile *file;
        unsigned line, column;
} Place;

typedef struct NameTable {
        const char *const *names;
        size_t count;
} NameTable;

typedef struct Kind Kind;

typedef struct Key {
        ConfigKey shown;
        const Kind *kind;
        size_t offset;      /* of the field in Config ([Reeve]) or PoolConfig */
        size_t flag_offset; /* of a bool that says whether the key was given; 0: none */
        bool is_workers;    /* a change of it means new workers */
        uint64_t min, max;  /* of numbers and spans; both 0: any */
        const NameTable *names;
        int variant; /* what a Kind needs to know beyond that */
} Key;

/* A list remembers where each of its items was written, for problems found later. */
typedef struct Mark {
        const Key *key;
        char *item;
        Place place;
} Mark;

typedef struct Draft {
        void *target;     /* Config or PoolConfig */
        const char *pool; /* name; NULL for Config */
        const TextFile *file;
        bool is_unread; /* its own file has no usable text: nothing more is told about it */
        Place *places;  /* one a key, in the order of the table */
        Mark *marks;
        size_t mark_count, mark_capacity;
} Draft;

/* One KEY=VALUE on its way into a field. */
typedef struct Assignment {
        Draft *draft;
        const Key *key;
        const TextFile *file;    /* NULL: the default of the table */
        const LogicalLine *line; /* NULL with it */
        size_t value_offset;     /* of @value in @line */
        const char *value;       /* never empty */
        ProblemList *problems;
} Assignment;

struct Kind {
        const char *allowed; /* completes "expected ..."; NULL: the names of the key */
        size_t size;         /* of the field */
        /* Return: 0; -EINVAL: not what is allowed; -EBADMSG: refused, and already told;
         * -ENOMEM. The field is untouched on failure; a list is added to. */
        int (*parse)(const Assignment *at, void *field);
        void (*clear)(void *field); /* frees what the field owns and empties it; NULL: zeros */
        bool (*is_equal)(const void *a, const void *b); /* NULL: bytes */
        /* Return: @hash with the value mixed in, @hash itself for an empty one. NULL: bytes. */
        uint64_t (*fingerprint)(uint64_t hash, const void *field);
};

enum { ALREADY_TOLD = -EBADMSG };

/** problem_kind_of() - what is wrong in @file stops a load only if a person wrote it */
ProblemKind problem_kind_of(const TextFile *file);

/** assignment_refuse() - tell why the value is not taken, at @offset bytes into it
 *  Return: ALREADY_TOLD */
int assignment_refuse(const Assignment *at, size_t offset, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/** assignment_warn() - tell what is odd about a value that is taken */
void assignment_warn(const Assignment *at, size_t offset, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/** assignment_mark() - remember where @item of a list was written; Return: 0, -ENOMEM */
int assignment_mark(const Assignment *at, size_t offset, const char *item);

/** draft_init() - allocate what a draft of @target needs and set all defaults
 *  Return: 0, -ENOMEM */
int draft_init(Draft *draft, void *target, const char *pool, const TextFile *file);
void draft_done(Draft *draft);

/** draft_place() - where the value of the key @name stands; line 0 for a default */
Place draft_place(const Draft *draft, const char *name);

/** draft_mark_place() - where @item of the list @name stands */
Place draft_mark_place(const Draft *draft, const char *name, const char *item);

/** draft_assign() - read one value, or reset the field for an empty one
 *  What is wrong is told to at->problems. Return: 0, -ENOMEM */
int draft_assign(Assignment *at);

/* ---- the table ---- */

/** key_find() - Return: the key @name of @section, NULL */
const Key *key_find(const char *section, const char *name);

/** key_find_anywhere() - the key @name of any section, letter case apart; NULL */
const Key *key_find_anywhere(const char *name);

/** key_find_near() - the key that @name was probably meant to be, in @section first; NULL if
 *  none is near */
const Key *key_find_near(const char *section, const char *name);

/** key_at() - Return: NULL when @index is past the last */
const Key *key_at(size_t index);

/** key_describe() - append what is allowed: "one of simple, exec, notify" */
void key_describe(const Key *key, Text *text);

/** section_exists() - whether any key stands in @section */
bool section_exists(const char *section);

/** section_is_pools() - whether @section stands in *.pool (else in reeve.conf) */
bool section_is_pools(const char *section);

static inline void *key_field(const Key *key, const void *target)
{
        return (char *)target + key->offset;
}

/** key_is_flagged() - whether the key has a flag of its own and the flag is set */
static inline bool key_is_flagged(const Key *key, const void *target)
{
        return key->flag_offset && *((const bool *)target + key->flag_offset);
}

/** key_clear(), key_is_equal() - free and empty a field; compare two */
void key_clear(const Key *key, void *target);
bool key_is_equal(const Key *key, const void *a, const void *b);
