/* value.c - see value.h */
#include "ctl/value.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "base/units.h"

const json_t *value_at(const json_t *object, const char *path)
{
        while (object && *path) {
                size_t length = strcspn(path, ".");

                object = json_object_getn(object, path, length);
                path += length + (path[length] == '.');
        }
        return json_is_null(object) ? NULL : object;
}

const char *value_text(const json_t *object, const char *path, const char *otherwise)
{
        const char *text = json_string_value(value_at(object, path));

        return text ? text : otherwise;
}

int64_t value_integer(const json_t *object, const char *path, int64_t otherwise)
{
        const json_t *value = value_at(object, path);

        return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

bool value_is(const json_t *object, const char *path)
{
        return json_is_true(value_at(object, path));
}

static int dump_append(const char *bytes, size_t length, void *data)
{
        Text *text = data;

        text_append_bytes(text, bytes, length);
        return text->error;
}

char *value_dump(const json_t *value, size_t flags)
{
        AUTO_TEXT text = { 0 };
        char *string = NULL;

        if (!value || json_dump_callback(value, dump_append, &text, flags) < 0)
                return NULL;
        return text_take(&text, &string) < 0 ? NULL : string;
}

const char *value_sentence(const json_t *entry)
{
        static const char *const keys[] = { "message", "detail", "text" };

        if (json_is_string(entry))
                return json_string_value(entry);
        for (size_t i = 0; i < COUNT_OF(keys); i++) {
                const char *text = value_text(entry, keys[i], NULL);

                if (text)
                        return text;
        }
        return NULL;
}

/* Whether @path holds a number that can be shown, in @ret. */
static bool number_at(const json_t *object, const char *path, double *ret)
{
        const json_t *value = value_at(object, path);

        *ret = json_number_value(value);
        return json_is_number(value) && isfinite(*ret) && *ret >= 0;
}

void value_write_text(Text *cell, const json_t *object, const char *path)
{
        const char *text = value_text(object, path, "");

        text_append(cell, *text ? text : VALUE_UNKNOWN);
}

void value_write_integer(Text *cell, const json_t *object, const char *path)
{
        const json_t *value = value_at(object, path);

        if (json_is_integer(value))
                text_printf(cell, "%" PRId64, (int64_t)json_integer_value(value));
        else
                text_append(cell, VALUE_UNKNOWN);
}

void value_write_cores(Text *cell, const json_t *object, const char *path)
{
        double cores;

        if (number_at(object, path, &cores))
                text_printf(cell, "%.0f%%", cores * 100);
        else
                text_append(cell, VALUE_UNKNOWN);
}

void value_write_bytes(Text *cell, const json_t *object, const char *path)
{
        char buffer[32];
        double bytes;

        if (number_at(object, path, &bytes) && bytes < 9e18)
                text_append(cell, units_format_size(buffer, sizeof(buffer), (uint64_t)bytes));
        else
                text_append(cell, VALUE_UNKNOWN);
}

void value_write_span(Text *cell, const json_t *object, const char *path)
{
        char buffer[64];
        double seconds;

        if (!number_at(object, path, &seconds) || seconds > 1e11)
                text_append(cell, VALUE_UNKNOWN);
        else if (seconds < 1)
                text_append(cell, "0s");
        else
                text_append(cell, units_format_span(buffer, sizeof(buffer),
                                                    (uint64_t)seconds * USEC_PER_SEC));
}

void value_write_grid(Text *cell, const json_t *object, const char *path)
{
        const json_t *grid = value_at(object, path);
        int64_t greenlets = value_integer(grid, "greenlets", 0);

        if (!json_is_object(grid)) {
                text_append(cell, VALUE_UNKNOWN);
                return;
        }
        value_write_integer(cell, grid, "processes");
        text_append(cell, "x");
        value_write_integer(cell, grid, "threads");
        if (greenlets > 0)
                text_printf(cell, "x%" PRId64, greenlets);
}

void value_write_time(Text *cell, const json_t *object, const char *path)
{
        const char *text = value_text(object, path, ""), *rest;
        struct tm when = { 0 }, today = { 0 };
        time_t now = time(NULL), seconds;
        char buffer[64];

        rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &when);
        if (!rest) {
                text_append(cell, *text ? text : VALUE_UNKNOWN);
                return;
        }
        rest += *rest == '.' ? 1 + strspn(rest + 1, "0123456789") : 0;
        if (*rest != 'Z' && *rest != 'z') {
                text_append(cell, text); /* the API speaks UTC; anything else stays as it is */
                return;
        }
        seconds = timegm(&when);
        (void)localtime_r(&now, &today);
        (void)localtime_r(&seconds, &when);
        (void)strftime(buffer, sizeof(buffer),
                       when.tm_yday == today.tm_yday && when.tm_year == today.tm_year
                               ? "%H:%M:%S"
                               : "%Y-%m-%d %H:%M:%S",
                       &when);
        text_append(cell, buffer);
}

void value_write_exit(Text *cell, const json_t *object, const char *path)
{
        const json_t *last = value_at(object, path), *value;

        if (!json_is_object(last)) {
                text_append(cell, VALUE_UNKNOWN);
                return;
        }
        value = value_at(last, "signal");
        if (json_is_string(value))
                text_append(cell, json_string_value(value));
        else if (json_is_integer(value))
                text_printf(cell, "signal %" PRId64, (int64_t)json_integer_value(value));
        else if (value_at(last, "code"))
                text_printf(cell, "code %" PRId64, value_integer(last, "code", -1));
        if (value_at(last, "reason"))
                text_printf(cell, value || value_at(last, "code") ? " (%s)" : "%s",
                            value_text(last, "reason", VALUE_UNKNOWN));
        if (value_at(last, "time")) {
                text_append(cell, cell->length > 0 ? ", " : "");
                value_write_time(cell, last, "time");
        }
}

void value_write_integers(Text *cell, const json_t *object, const char *path)
{
        const json_t *array = value_at(object, path);
        size_t count = json_array_size(array);

        if (count == 0)
                text_append(cell, "none");
        for (size_t i = 0; i < count; i++)
                text_printf(cell, "%s%" PRId64, i ? " " : "",
                            (int64_t)json_integer_value(json_array_get(array, i)));
}

bool value_write_waiting(Text *cell, const json_t *pool)
{
        const json_t *names = value_at(pool, "waiting_for");

        for (size_t i = 0; i < json_array_size(names); i++)
                text_printf(cell, "%s%s", i == 0 ? "waits for " : ", ",
                            json_string_value(json_array_get(names, i)));
        return json_array_size(names) > 0;
}
