/* pool_order.c - who a pool waits for, and how its last start went, as JSON */
#include "api/resources.h"
#include "sys/clock.h"

/* The names of BoardPool.order that are wanted: those of @kind, or all that are waited for. */
static void write_names(Writer *writer, const char *key, const char *words, char kind)
{
        writer_open_list(writer, key);
        while (*words) {
                size_t blanks = strspn(words, " "), length = strcspn(words + blanks, " ");
                const char *word = words + blanks;

                if (length > 2 && (kind ? word[0] == kind : word[1] == '+'))
                        writer_bytes(writer, NULL, word + 2, length - 2);
                words = word + length;
        }
        writer_close_list(writer);
}

static void write_span(Writer *writer, const char *key, uint64_t from_usec, uint64_t to_usec)
{
        if (from_usec == 0 || to_usec < from_usec)
                writer_null(writer, key);
        else
                writer_seconds(writer, key, to_usec - from_usec);
}

void pool_order_write(Writer *writer, const BoardPool *row)
{
        uint64_t offset = now_realtime_usec() - now_usec();
        uint64_t begun = row->begun_monotonic_usec, turn = row->turn_monotonic_usec;
        uint64_t ready = row->became_ready_monotonic_usec;

        write_names(writer, "after", row->order, 'a');
        write_names(writer, "requires", row->order, 'r');
        write_names(writer, "waiting_for", row->order, 0);
        writer_time(writer, "started", begun ? begun + offset : 0);
        writer_time(writer, "became_ready", ready ? ready + offset : 0);
        write_span(writer, "waited_seconds", begun, turn);
        write_span(writer, "startup_seconds", turn, ready);
}
