/* draft.c - see draft.h */
#include "config/draft.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

ProblemKind problem_kind_of(const TextFile *file)
{
        return file->is_control ? PROBLEM_WARNING : PROBLEM_ERROR;
}

static Place assignment_place(const Assignment *at, size_t offset)
{
        Place place = { .file = at->file };

        if (at->line)
                logical_line_place(at->line, at->value_offset + offset, &place.line, &place.column);
        return place;
}

static void assignment_tell(const Assignment *at, ProblemKind kind, size_t offset,
                            const char *format, va_list arguments)
{
        Place place = assignment_place(at, offset);
        char message[PROBLEM_MESSAGE_SIZE];

        /* A default of the table that is refused is a mistake of ours. */
        assert(at->file);
        (void)vsnprintf(message, sizeof(message), format, arguments);
        (void)problem_add(at->problems, kind, place.file->path, place.line, place.column,
                          at->draft->pool, "%s", message);
}

int assignment_refuse(const Assignment *at, size_t offset, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        assignment_tell(at, problem_kind_of(at->file), offset, format, arguments);
        va_end(arguments);
        return ALREADY_TOLD;
}

void assignment_warn(const Assignment *at, size_t offset, const char *format, ...)
{
        va_list arguments;

        va_start(arguments, format);
        assignment_tell(at, PROBLEM_WARNING, offset, format, arguments);
        va_end(arguments);
}

int assignment_mark(const Assignment *at, size_t offset, const char *item)
{
        Draft *draft = at->draft;
        char *copy;

        if (draft->mark_count == draft->mark_capacity) {
                size_t capacity = draft->mark_capacity ? draft->mark_capacity * 2 : 8;
                Mark *marks = reallocarray(draft->marks, capacity, sizeof(Mark));

                if (!marks)
                        return -ENOMEM;
                draft->marks = marks;
                draft->mark_capacity = capacity;
        }
        copy = strdup(item);
        if (!copy)
                return -ENOMEM;
        draft->marks[draft->mark_count++] =
                (Mark){ .key = at->key, .item = copy, .place = assignment_place(at, offset) };
        return 0;
}

static bool *key_flag(const Key *key, void *target)
{
        return key->flag_offset ? (bool *)((char *)target + key->flag_offset) : NULL;
}

/* Give a field the value of the table, for a start and when an empty value resets it. */
static int draft_set_default(Draft *draft, const Key *key)
{
        Assignment at = { .draft = draft, .key = key, .value = key->shown.initial };
        bool *flag = key_flag(key, draft->target);
        int r = 0;

        key_clear(key, draft->target);
        if (flag)
                *flag = false;
        if (at.value)
                r = key->kind->parse(&at, key_field(key, draft->target));
        assert(r == 0 || r == -ENOMEM);
        return r;
}

static size_t key_count(void)
{
        size_t count = 0;

        while (key_at(count))
                count++;
        return count;
}

static bool key_is_of(const Key *key, const Draft *draft)
{
        return section_is_pools(key->shown.section) == (draft->pool != NULL);
}

int draft_init(Draft *draft, void *target, const char *pool, const TextFile *file)
{
        const Key *key;
        int r = 0;

        *draft = (Draft){ .target = target, .pool = pool, .file = file };
        draft->places = calloc(key_count(), sizeof(Place));
        if (!draft->places)
                return -ENOMEM;
        for (size_t i = 0; r == 0 && (key = key_at(i)); i++)
                if (key_is_of(key, draft))
                        r = draft_set_default(draft, key);
        return r;
}

void draft_done(Draft *draft)
{
        for (size_t i = 0; i < draft->mark_count; i++)
                free(draft->marks[i].item);
        free(draft->marks);
        free(draft->places);
        *draft = (Draft){ 0 };
}

static Place *place_of_key(const Draft *draft, const Key *key)
{
        return &draft->places[key - key_at(0)];
}

Place draft_place(const Draft *draft, const char *name)
{
        const Key *key = key_find_anywhere(name);

        assert(key);
        return *place_of_key(draft, key);
}

Place draft_mark_place(const Draft *draft, const char *name, const char *item)
{
        for (size_t i = draft->mark_count; i-- > 0;)
                if (text_equal(draft->marks[i].key->shown.name, name)
                    && text_equal(draft->marks[i].item, item))
                        return draft->marks[i].place;
        return draft_place(draft, name);
}

static void refuse_value(const Assignment *at)
{
        AUTO_TEXT text = { 0 };

        key_describe(at->key, &text);
        (void)assignment_refuse(at, 0, "%s=%.100s: expected %s", at->key->shown.name, at->value,
                                text.bytes ? text.bytes : "another value");
}

/* The first line of a list that has a default takes the default's place. */
static bool is_first_of_list(const Assignment *at)
{
        return at->key->shown.is_list && at->key->shown.initial
               && place_of_key(at->draft, at->key)->line == 0;
}

static int draft_read(Assignment *at)
{
        bool *flag = key_flag(at->key, at->draft->target);
        int r;

        if (is_first_of_list(at))
                key_clear(at->key, at->draft->target);
        r = at->key->kind->parse(at, key_field(at->key, at->draft->target));
        if (r == -ENOMEM)
                return r;
        if (r == 0 && flag)
                *flag = true;
        if (r < 0 && r != ALREADY_TOLD)
                refuse_value(at);
        /* A value that was refused was given all the same: it is not told as missing too. */
        *place_of_key(at->draft, at->key) = assignment_place(at, 0);
        return 0;
}

int draft_assign(Assignment *at)
{
        if (at->value[0])
                return draft_read(at);
        *place_of_key(at->draft, at->key) = (Place){ 0 };
        return draft_set_default(at->draft, at->key);
}
