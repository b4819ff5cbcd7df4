/* reload_plan.c - see reload_plan.h; the lines are described in engine/reload_plan.h
 *
 * They come from reeved itself; a line that is none is passed over. */
#include "api/reload_plan.h"

#include <string.h>
#include <sys/mman.h>

#include "base/units.h"
#include "sys/memfd.h"

enum { FIELDS_MAX = 6 };

typedef struct Line {
        const char *fields[FIELDS_MAX];
        size_t lengths[FIELDS_MAX];
        size_t count;
} Line;

/* @end: of the text. Return: where the next line begins; NULL at the end */
static const char *line_cut(const char *text, const char *end, Line *ret)
{
        const char *newline = memchr(text, '\n', (size_t)(end - text));

        *ret = (Line){ 0 };
        if (!newline)
                return NULL;
        while (text <= newline && ret->count < FIELDS_MAX) {
                const char *tab = memchr(text, '\t', (size_t)(newline - text));
                const char *stop = tab && ret->count < FIELDS_MAX - 1 ? tab : newline;

                ret->fields[ret->count] = text;
                ret->lengths[ret->count++] = (size_t)(stop - text);
                text = stop + 1;
        }
        return newline + 1;
}

static bool line_is(const Line *line, const char *kind, size_t count)
{
        return line->count == count && line->lengths[0] == strlen(kind)
               && memcmp(line->fields[0], kind, line->lengths[0]) == 0;
}

static void write_number(Writer *writer, const char *key, const Line *line, size_t field)
{
        char digits[24] = "";
        uint64_t number;

        if (line->lengths[field] < sizeof(digits))
                memcpy(digits, line->fields[field], line->lengths[field]);
        if (units_parse_number(digits, UINT64_MAX, &number) < 0)
                writer_null(writer, key);
        else
                writer_number(writer, key, number);
}

static void write_text(Writer *writer, const char *key, const Line *line, size_t field)
{
        writer_bytes(writer, key, line->fields[field], line->lengths[field]);
}

static void write_worker(Writer *writer, const Line *line)
{
        writer_open_object(writer, NULL);
        write_text(writer, "pool", line, 1);
        write_number(writer, "slot", line, 2);
        write_number(writer, "pid", line, 3);
        write_text(writer, "action", line, 4);
        write_text(writer, "reason", line, 5);
        writer_close_object(writer);
}

static void write_operation(Writer *writer, const Line *line)
{
        writer_open_object(writer, NULL);
        write_text(writer, "pool", line, 1);
        write_number(writer, "operation", line, 2);
        writer_close_object(writer);
}

/* Return: how many lines were of that kind */
static size_t write_lines(Writer *writer, const char *text, const char *end, const char *kind,
                          size_t fields, void (*write)(Writer *writer, const Line *line))
{
        size_t count = 0;
        Line line;

        while (text && (text = line_cut(text, end, &line)))
                if (line_is(&line, kind, fields)) {
                        write(writer, &line);
                        count++;
                }
        return count;
}

static void show(Writer *writer, const char *text, size_t size)
{
        const char *end = text ? text + size : NULL;
        size_t operations;

        writer_open_list(writer, "plan");
        (void)write_lines(writer, text, end, "worker", 6, write_worker);
        writer_close_list(writer);
        writer_open_list(writer, "operations");
        operations = write_lines(writer, text, end, "operation", 3, write_operation);
        writer_close_list(writer);
        writer_string(writer, "state", operations > 0 ? "running" : "done");
}

void reload_plan_show(Writer *writer, int fd)
{
        const void *memory = NULL;
        size_t size = 0;

        /* Without pools there is nothing to plan, and nothing is handed over. */
        if (fd < 0 || memfd_map_read_only(fd, &memory, &size) < 0)
                memory = NULL;
        show(writer, memory, size);
        if (memory)
                (void)munmap((void *)memory, size);
}
