/* text.h - strings: comparing, splitting and building them
 *
 * A Text grows as it is written to and remembers the first failure, so that a run of appends
 * needs one check at its end. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"

static inline bool text_equal(const char *a, const char *b)
{
        return a && b ? strcmp(a, b) == 0 : a == b;
}

/** text_after() - Return: what follows @prefix in @text, NULL if @text does not begin with it */
static inline const char *text_after(const char *text, const char *prefix)
{
        size_t length = strlen(prefix);
        return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

/** text_copy() - copy into a fixed buffer, always terminated, cut at a character's edge
 *  Return: true if all of it fitted */
bool text_copy(char *buffer, size_t size, const char *source);

/** text_is_name() - whether @text is a pool name: [a-z0-9][a-z0-9_.-]{0,62} */
bool text_is_name(const char *text);

/** text_matches() - shell-style match of @name: '*' any run, '?' any one character */
bool text_matches(const char *pattern, const char *name);

/** text_distance() - edits (insert, delete, change, case apart) between two short words
 *  Return: the number; 1000 if either is longer than 63 bytes */
unsigned text_distance(const char *a, const char *b);

/** text_list_free() - free a NULL-terminated array of strings; Return: NULL */
char **text_list_free(char **list);

/** text_list_add() - append a copy of @item to a NULL-terminated array that may be NULL
 *  Return: 0, -ENOMEM with the list unchanged */
int text_list_add(char ***list, const char *item);

/** text_list_count() - Return: number of strings; 0 for NULL */
size_t text_list_count(char *const *list);

/** text_list_copy() - Return: a deep copy (an empty list for NULL), NULL when out of memory */
char **text_list_copy(char *const *list);

typedef struct Text {
        char *bytes; /* NULL or terminated */
        size_t length, capacity;
        int error; /* first failure, 0 or -ENOMEM; later appends do nothing */
} Text;

/** text_append(), text_append_bytes(), text_printf() - add to the end; failures are remembered */
void text_append(Text *text, const char *string);
void text_append_bytes(Text *text, const void *bytes, size_t length);
void text_printf(Text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** text_take() - hand the string over ("" if nothing was written); the Text is empty afterwards
 *  @ret_string: from malloc
 *  Return: 0, or the remembered failure */
int text_take(Text *text, char **ret_string);

/** text_done() - free what the Text holds */
void text_done(Text *text);

#define AUTO_TEXT CLEANUP(text_done) Text
