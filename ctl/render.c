/* render.c - see render.h */
#include "ctl/render.h"

#include <ctype.h>
#include <errno.h>
#include <libsmartcols.h>

#include "ctl/outcome.h"
#include "ctl/plain.h"

typedef struct Selection {
        const Column *columns[COLUMNS_MAX];
        size_t count;
} Selection;

static int no_memory(Error *reterr)
{
        return error_set(reterr, -ENOMEM, OUTCOME_FAILED, "out of memory");
}

const char *render_colour(const char *state)
{
        static const struct {
                const char *state, *colour;
        } colours[] = {
                { "ready", "green" },      { "running", "green" },   { "failed", "red" },
                { "lost", "red" },         { "degraded", "yellow" }, { "starting", "yellow" },
                { "spawning", "yellow" },  { "unready", "yellow" },  { "backoff", "yellow" },
                { "reloading", "yellow" }, { "scaling", "yellow" },  { "stopping", "yellow" },
        };

        for (size_t i = 0; i < COUNT_OF(colours); i++)
                if (text_equal(colours[i].state, state))
                        return colours[i].colour;
        return NULL;
}

/* ---- which columns ---- */

/* "LAST EXIT" is written last-exit or last_exit on a command line. */
static bool is_column_name(const char *name, const char *word, size_t length)
{
        if (strlen(name) != length)
                return false;
        for (size_t i = 0; i < length; i++) {
                int c = word[i] == '-' || word[i] == '_' ? ' ' : toupper((unsigned char)word[i]);

                if (c != name[i])
                        return false;
        }
        return true;
}

static int unknown_column(const Column *columns, size_t count, const char *word, size_t length,
                          Error *reterr)
{
        AUTO_TEXT names = { 0 };

        for (size_t i = 0; i < count; i++) {
                text_append(&names, i ? " " : "");
                for (const char *p = columns[i].name; *p; p++)
                        text_printf(&names, "%c", *p == ' ' ? '-' : tolower((unsigned char)*p));
        }
        return error_set(reterr, -EINVAL, OUTCOME_USAGE, "there is no column %.*s; there are: %s",
                         (int)MIN(length, (size_t)40), word, names.bytes ? names.bytes : "");
}

static int columns_named(const char *list, const Column *columns, size_t count,
                         Selection *selection, Error *reterr)
{
        while (*list) {
                size_t length = strcspn(list, ","), i = 0;

                while (i < count && !is_column_name(columns[i].name, list, length))
                        i++;
                if (i == count || selection->count == COLUMNS_MAX)
                        return unknown_column(columns, count, list, length, reterr);
                selection->columns[selection->count++] = &columns[i];
                list += length + (list[length] == ',');
        }
        return 0;
}

static int columns_select(const Context *context, const Column *columns, size_t count,
                          Selection *selection, Error *reterr)
{
        if (context->options->columns)
                return columns_named(context->options->columns, columns, count, selection, reterr);
        for (size_t i = 0; i < count && selection->count < COLUMNS_MAX; i++)
                if (!(columns[i].flags & COLUMN_WIDE) || context->options->format == FORMAT_WIDE)
                        selection->columns[selection->count++] = &columns[i];
        return 0;
}

int render_fields(const Context *context, const Column *columns, size_t count, Text *ret,
                  Error *reterr)
{
        Selection selection = { .count = 0 };
        int r;

        if (context->options->format == FORMAT_JSON || context->options->format == FORMAT_NAME)
                return 0;
        r = columns_select(context, columns, count, &selection, reterr);
        for (size_t i = 0; r == 0 && i < selection.count; i++)
                if (!selection.columns[i]->field)
                        return 0;
        for (size_t i = 0; r == 0 && i < selection.count; i++)
                text_printf(ret, "%s%s", i ? "," : "", selection.columns[i]->field);
        return r == 0 && ret->error ? no_memory(reterr) : r;
}

/* ---- the table ---- */

static inline void table_unref(struct libscols_table **table)
{
        scols_unref_table(*table);
}

static struct libscols_table *table_new(const Context *context, const Selection *selection)
{
        CLEANUP(table_unref) struct libscols_table *table = scols_new_table();

        if (!table || scols_table_set_column_separator(table, "  ") < 0)
                return NULL;
        for (size_t i = 0; i < selection->count; i++) {
                unsigned flags = selection->columns[i]->flags;

                if (!scols_table_new_column(table, selection->columns[i]->name, 0,
                                            (flags & COLUMN_RIGHT ? SCOLS_FL_RIGHT : 0)
                                                    | (flags & COLUMN_CUT ? SCOLS_FL_TRUNC : 0)))
                        return NULL;
        }
        (void)scols_table_set_stream(table, context->out);
        (void)scols_table_enable_noheadings(table, context->options->no_headers);
        (void)scols_table_enable_colors(table, context->has_colour);
        /* The terminal was looked at already; a pipe or a file gets full width. */
        (void)scols_table_set_termforce(table, context->width ? SCOLS_TERMFORCE_ALWAYS
                                                              : SCOLS_TERMFORCE_NEVER);
        if (context->width)
                (void)scols_table_set_termwidth(table, context->width);
        return TAKE_PTR(table);
}

/* @cell: room for one cell after the other */
static int row_add(const Context *context, struct libscols_table *table, const Selection *selection,
                   const json_t *item, Text *cell)
{
        struct libscols_line *line = scols_table_new_line(table, NULL);

        if (!line)
                return -ENOMEM;
        for (size_t i = 0; i < selection->count; i++) {
                cell->length = 0;
                text_append(cell, "");
                selection->columns[i]->write(cell, item);
                if (cell->error || scols_line_set_data(line, i, cell->bytes) < 0)
                        return -ENOMEM;
                if (context->has_colour && selection->columns[i]->flags & COLUMN_STATE
                    && render_colour(cell->bytes)
                    && scols_cell_set_color(scols_line_get_cell(line, i),
                                            render_colour(cell->bytes)))
                        return -ENOMEM;
        }
        return 0;
}

/* The next cell begins after the end of this one. */
static void cell_end(Text *cells)
{
        text_append_bytes(cells, "", 1);
}

static int headings_add(Plain *plain, const Selection *selection)
{
        AUTO_TEXT cells = { 0 };

        for (size_t i = 0; i < selection->count; i++) {
                text_append(&cells, selection->columns[i]->name);
                cell_end(&cells);
        }
        return cells.error ? cells.error : plain_add_row(plain, &cells);
}

/* @cell, @cells: room for one cell, one row */
static int plain_item_add(Plain *plain, const Selection *selection, const json_t *item, Text *cell,
                          Text *cells)
{
        cells->length = 0;
        for (size_t i = 0; i < selection->count; i++) {
                cell->length = 0;
                text_append(cell, "");
                selection->columns[i]->write(cell, item);
                if (cell->error)
                        return cell->error;
                text_append(cells, cell->bytes);
                cell_end(cells);
        }
        return cells->error ? cells->error : plain_add_row(plain, cells);
}

/* Return: 1 if it is printed; 0 if it takes more than plain text; -ENOMEM */
static int table_print_plain(const Context *context, const Selection *selection,
                             const json_t *items)
{
        AUTO_PLAIN plain = { .column_count = selection->count };
        AUTO_TEXT cell = { 0 };
        AUTO_TEXT cells = { 0 };
        unsigned flags[COLUMNS_MAX];
        int r;

        if (context->width || context->has_colour)
                return 0;
        for (size_t i = 0; i < selection->count; i++)
                flags[i] = selection->columns[i]->flags;
        r = headings_add(&plain, selection);
        for (size_t i = 0; r > 0 && i < json_array_size(items); i++)
                r = plain_item_add(&plain, selection, json_array_get(items, i), &cell, &cells);
        if (r > 0)
                plain_print(&plain, flags, context->options->no_headers, context->out);
        return r;
}

int render_table(const Context *context, const Column *columns, size_t count, const json_t *items,
                 Error *reterr)
{
        CLEANUP(table_unref) struct libscols_table *table = NULL;
        Selection selection = { .count = 0 };
        AUTO_TEXT cell = { 0 };
        int r;

        r = columns_select(context, columns, count, &selection, reterr);
        if (r < 0 || json_array_size(items) == 0)
                return r;
        r = table_print_plain(context, &selection, items);
        if (r != 0)
                return r < 0 ? no_memory(reterr) : 0;
        table = table_new(context, &selection);
        r = table ? 0 : -ENOMEM;
        for (size_t i = 0; r == 0 && i < json_array_size(items); i++)
                r = row_add(context, table, &selection, json_array_get(items, i), &cell);
        if (r == 0)
                r = scols_print_table(table);
        return r < 0 ? no_memory(reterr) : 0;
}

/* ---- the rest ---- */

static int json_print(const Context *context, const json_t *value, size_t flags, Error *reterr)
{
        AUTO_FREE char *text = value_dump(value, flags | JSON_ENCODE_ANY);

        if (!text)
                return no_memory(reterr);
        fprintf(context->out, "%s\n", text);
        return 0;
}

int render_json(const Context *context, const json_t *value, Error *reterr)
{
        return json_print(context, value, JSON_INDENT(2), reterr);
}

int render_json_line(const Context *context, const json_t *value, Error *reterr)
{
        return json_print(context, value, JSON_COMPACT, reterr);
}

void render_pairs(const Context *context, const Column *columns, size_t count, const json_t *item)
{
        int width = 0;

        for (size_t i = 0; i < count; i++)
                width = MAX(width, (int)strlen(columns[i].name));
        for (size_t i = 0; i < count; i++) {
                AUTO_TEXT cell = { 0 };

                columns[i].write(&cell, item);
                if (cell.length > 0 && !text_equal(cell.bytes, VALUE_UNKNOWN))
                        fprintf(context->out, "%*s: %s\n", width, columns[i].name, cell.bytes);
        }
}

static int names_print(const Context *context, const json_t *items,
                       void (*write_name)(Text *cell, const json_t *item), Error *reterr)
{
        for (size_t i = 0; i < json_array_size(items); i++) {
                AUTO_TEXT name = { 0 };

                write_name(&name, json_array_get(items, i));
                if (name.error)
                        return no_memory(reterr);
                fprintf(context->out, "%s\n", name.bytes ? name.bytes : "");
        }
        return 0;
}

int render_list(const Context *context, const Column *columns, size_t count, const json_t *list,
                void (*write_name)(Text *cell, const json_t *item), Error *reterr)
{
        const json_t *items = json_object_get(list, "items");

        switch (context->options->format) {
        case FORMAT_JSON: return render_json(context, list, reterr);
        case FORMAT_NAME: return names_print(context, items, write_name, reterr);
        case FORMAT_TABLE:
        case FORMAT_WIDE:
        case FORMAT_DOT: break;
        }
        return render_table(context, columns, count, items, reterr);
}
