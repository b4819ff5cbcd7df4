/* target.c - see target.h */
#include "api/http/target.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/utf8.h"

static void refuse(Target *target, unsigned status, const char *sentence)
{
        target->bad = sentence;
        target->bad_status = status;
        target->segment_count = 0;
        target->parameter_count = 0;
}

static bool is_segment_character(char c)
{
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')
               || c == '_' || c == '.' || c == '@' || c == '-';
}

static bool segment_add(Target *target, const char *segment)
{
        size_t length = strlen(segment);

        for (size_t i = 0; i < length; i++)
                if (!is_segment_character(segment[i]))
                        return refuse(target, 400,
                                      "A segment of the path may hold letters, digits and _ . @ - "
                                      "only; nothing needs an escape."),
                               false;
        if (length == 0 || length > TARGET_SEGMENT_LENGTH_MAX
            || target->segment_count == TARGET_SEGMENTS_MAX)
                return refuse(target, 404, "There is nothing at this path."), false;
        target->segments[target->segment_count++] = segment;
        return true;
}

static void parse_path(Target *target, char *path)
{
        char *segment = path + 1;
        size_t length = strlen(path);

        if (path[0] != '/') {
                refuse(target, 400, "The request target must be a path that begins with a slash.");
                return;
        }
        /* "/v1/" is how the design writes the root of the API; it is the one path that ends so. */
        if (strcmp(path, "/v1/") == 0)
                path[length - 1] = '\0';
        if (!*segment)
                return;
        while (segment) {
                char *slash = strchr(segment, '/');

                if (slash)
                        *slash = '\0';
                if (!segment_add(target, segment))
                        return;
                segment = slash ? slash + 1 : NULL;
        }
}

static int hex_digit(char c)
{
        if (c >= '0' && c <= '9')
                return c - '0';
        if (c >= 'a' && c <= 'f')
                return c - 'a' + 10;
        return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* In place: what is decoded is never longer. Control characters, %00 among them, and bytes that
 * are not UTF-8 have no meaning in any parameter. */
static bool decode(char *value)
{
        char *to = value;

        for (const char *from = value; *from; to++) {
                if (*from == '%') {
                        int high = hex_digit(from[1]), low = high < 0 ? -1 : hex_digit(from[2]);

                        if (low < 0)
                                return false;
                        *to = (char)(high << 4 | low);
                        from += 3;
                } else {
                        *to = *from == '+' ? ' ' : *from;
                        from++;
                }
                if ((unsigned char)*to < 0x20 || *to == 0x7F)
                        return false;
        }
        *to = '\0';
        return utf8_is_valid(value, (size_t)(to - value));
}

static bool is_parameter_name(const char *name)
{
        size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz_");

        return length > 0 && length <= 32 && !name[length];
}

static bool parameter_add(Target *target, char *word)
{
        char *equals = strchr(word, '=');
        char *value = equals ? equals + 1 : word + strlen(word);

        if (equals)
                *equals = '\0';
        if (!is_parameter_name(word) || !decode(value)) {
                refuse(target, 400, "The query holds a parameter that cannot be read.");
                return false;
        }
        if (target_parameter(target, word)) {
                refuse(target, 400, "The query gives a parameter twice.");
                return false;
        }
        if (target->parameter_count == TARGET_PARAMETERS_MAX) {
                refuse(target, 400, "The query has too many parameters.");
                return false;
        }
        target->parameters[target->parameter_count++] =
                (TargetParameter){ .name = word, .value = value };
        return true;
}

static void parse_query(Target *target, char *query)
{
        if (strlen(query) > TARGET_QUERY_LENGTH_MAX) {
                refuse(target, 414, "The query is too long.");
                return;
        }
        for (char *word = query; word;) {
                char *next = strchr(word, '&');

                if (next)
                        *next++ = '\0';
                if (*word && !parameter_add(target, word))
                        return;
                word = next;
        }
}

int target_parse(Target *target, const char *raw, size_t length)
{
        char *query;

        *target = (Target){ 0 };
        if (length > TARGET_LENGTH_MAX) {
                refuse(target, 414, "The request target is too long.");
                return 0;
        }
        target->text = strndup(raw, length);
        if (!target->text)
                return -ENOMEM;
        if (strlen(target->text) != length) {
                refuse(target, 400, "The request target holds a NUL byte.");
                return 0;
        }
        query = strchr(target->text, '?');
        if (query)
                *query++ = '\0';
        parse_path(target, target->text);
        if (query && !target->bad)
                parse_query(target, query);
        return 0;
}

const char *target_parameter(const Target *target, const char *name)
{
        for (unsigned i = 0; i < target->parameter_count; i++)
                if (text_equal(target->parameters[i].name, name))
                        return target->parameters[i].value;
        return NULL;
}

void target_done(Target *target)
{
        free(target->text);
        *target = (Target){ 0 };
}
