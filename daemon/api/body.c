/* body.c - see body.h */
#include "api/body.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/utf8.h"

static void json_cleanup(json_t **value)
{
        json_decref(*value);
}

/* "/name", with the two escapes of RFC 6901. */
static void pointer_from_name(char *buffer, size_t size, const char *name)
{
        AUTO_TEXT text = { 0 };

        text_append(&text, "/");
        for (const char *p = name; *p; p++) {
                if (*p == '~' || *p == '/')
                        text_append(&text, *p == '~' ? "~0" : "~1");
                else
                        text_append_bytes(&text, p, 1);
        }
        (void)text_copy(buffer, size, text.error == 0 ? text.bytes : "");
}

static void point(Refusal *refusal, const char *name, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

static void point(Refusal *refusal, const char *name, const char *format, ...)
{
        char pointer[REFUSAL_POINTER_SIZE], detail[REFUSAL_DETAIL_SIZE];
        va_list arguments;

        va_start(arguments, format);
        (void)vsnprintf(detail, sizeof(detail), format, arguments);
        va_end(arguments);
        pointer_from_name(pointer, sizeof(pointer), name);
        refusal_point(refusal, pointer, "%s", detail);
}

/* jansson names a member that stands twice only in its sentence: ... near '"name"' */
static void point_at_fault(Refusal *refusal, const json_error_t *error)
{
        const char *begin = strstr(error->text, "near '\""), *end;
        char name[64] = "";

        if (json_error_code(error) == json_error_duplicate_key && begin) {
                begin += strlen("near '\"");
                end = strchr(begin, '"');
                if (end && (size_t)(end - begin) < sizeof(name))
                        memcpy(name, begin, (size_t)(end - begin));
        }
        if (name[0])
                point(refusal, name, "This member stands twice.");
        else
                refusal_point(refusal, "", "%s (line %d, column %d)", error->text, error->line,
                              error->column);
}

static json_t *load(const char *bytes, size_t length, Refusal *refusal)
{
        json_error_t error;
        json_t *root;

        if (!bytes)
                return json_object();
        root = json_loadb(bytes, length, JSON_REJECT_DUPLICATES, &error);
        if (!root) {
                (void)refusal_set(refusal, REEVE_ERROR_BAD_JSON, "The body is not valid JSON: %s.",
                                  error.text);
                point_at_fault(refusal, &error);
        }
        return root;
}

static void take_integer(const BodyMember *member, const json_t *value, BodyValue *ret,
                         Refusal *refusal)
{
        if (!json_is_integer(value))
                point(refusal, member->name, "This must be a whole number, without quotes.");
        else if (json_integer_value(value) < member->min || json_integer_value(value) > member->max)
                point(refusal, member->name, "This must be from %" PRId64 " to %" PRId64 ".",
                      member->min, member->max);
        else
                ret->integer = json_integer_value(value);
}

static void take_value(const BodyMember *member, const json_t *value, BodyValue *ret,
                       Refusal *refusal)
{
        ret->is_given = true;
        switch (member->type) {
        case BODY_INTEGER: take_integer(member, value, ret, refusal); break;
        case BODY_BOOLEAN:
                if (!json_is_boolean(value))
                        point(refusal, member->name, "This must be true or false.");
                ret->boolean = json_is_true(value);
                break;
        case BODY_WORD:
                if (!json_is_string(value)
                    || !text_copy(ret->word, sizeof(ret->word), json_string_value(value)))
                        point(refusal, member->name, "This must be a short string.");
                break;
        }
}

static const BodyMember *find_member(const BodyMember *members, size_t count, const char *name)
{
        for (size_t i = 0; i < count; i++)
                if (text_equal(members[i].name, name))
                        return &members[i];
        return NULL;
}

/* The nearest known name, if it is near. */
static void point_at_unknown(Refusal *refusal, const BodyMember *members, size_t count,
                             const char *name)
{
        const char *best = NULL;
        unsigned distance = 3;

        for (size_t i = 0; i < count; i++)
                if (text_distance(members[i].name, name) < distance) {
                        distance = text_distance(members[i].name, name);
                        best = members[i].name;
                }
        if (best)
                point(refusal, name, "There is no such member; did you mean %s?", best);
        else
                point(refusal, name, "There is no such member.");
}

int body_parse(const char *bytes, size_t length, const BodyMember *members, size_t count,
               BodyValue *ret, Refusal *refusal)
{
        CLEANUP(json_cleanup) json_t *root = load(bytes, length, refusal);
        const char *name;
        json_t *value;

        if (!root)
                return -EINVAL;
        if (!json_is_object(root)) {
                refusal_point(refusal, "", "This must be an object.");
                return refusal_set(refusal, REEVE_ERROR_INVALID, "The body must be an object.");
        }
        memset(ret, 0, count * sizeof(*ret));
        json_object_foreach(root, name, value)
        {
                const BodyMember *member = find_member(members, count, name);

                if (member)
                        take_value(member, value, &ret[member - members], refusal);
                else
                        point_at_unknown(refusal, members, count, name);
        }
        if (refusal->error_count > 0)
                return refusal_set(refusal, REEVE_ERROR_INVALID, "%s: %s",
                                   refusal->errors[0].pointer, refusal->errors[0].detail);
        return 0;
}
