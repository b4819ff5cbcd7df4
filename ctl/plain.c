/* plain.c - see plain.h */
#include "ctl/plain.h"

static bool is_printable(const char *cell, size_t length)
{
        for (size_t i = 0; i < length; i++)
                if (cell[i] < ' ' || cell[i] > '~')
                        return false;
        return true;
}

int plain_add_row(Plain *plain, const Text *cells)
{
        const char *cell = cells->bytes;

        for (size_t i = 0; i < plain->column_count; i++) {
                size_t length = strlen(cell);

                if (!is_printable(cell, length))
                        return 0;
                plain->widths[i] = MAX(plain->widths[i], length);
                cell += length + 1;
        }
        text_append_bytes(&plain->cells, cells->bytes, cells->length);
        plain->row_count++;
        return plain->cells.error ? plain->cells.error : 1;
}

static void print_blanks(size_t count, FILE *out)
{
        while (count-- > 0)
                (void)fputc_unlocked(' ', out);
}

static const char *print_row(const Plain *plain, const unsigned *flags, const char *cell, FILE *out)
{
        for (size_t i = 0; i < plain->column_count; i++) {
                size_t length = strlen(cell), blanks = plain->widths[i] - length;
                bool is_last = i + 1 == plain->column_count;

                if (flags[i] & COLUMN_RIGHT)
                        print_blanks(blanks, out);
                (void)fwrite_unlocked(cell, 1, length, out);
                if (!(flags[i] & COLUMN_RIGHT) && !is_last)
                        print_blanks(blanks, out);
                (void)fputs_unlocked(is_last ? "\n" : "  ", out);
                cell += length + 1;
        }
        return cell;
}

void plain_print(const Plain *plain, const unsigned *flags, bool is_headless, FILE *out)
{
        const char *cell = plain->cells.bytes;

        for (size_t i = 0; is_headless && i < plain->column_count; i++)
                cell += strlen(cell) + 1;
        for (size_t i = is_headless; i < plain->row_count; i++)
                cell = print_row(plain, flags, cell, out);
}

void plain_done(Plain *plain)
{
        text_done(&plain->cells);
}
