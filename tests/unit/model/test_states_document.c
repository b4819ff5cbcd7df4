/* docs/state-machine.md shows the tables of the code: each must stand in it, letter for letter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "model/pool.h"
#include "model/worker.h"

static char *read_document(void)
{
        FILE *file = fopen(SOURCE_ROOT "/docs/state-machine.md", "re");
        AUTO_TEXT text = { 0 };
        char block[4096], *string = NULL;
        size_t length;

        assert_non_null(file);
        while ((length = fread(block, 1, sizeof(block), file)) > 0)
                text_append_bytes(&text, block, length);
        (void)fclose(file); /* only read */
        assert_int_equal(text_take(&text, &string), 0);
        return string;
}

/* The document is written from what this prints: copy it over when a table has changed. */
static void assert_shown(const char *expected)
{
        AUTO_FREE char *document = read_document();

        if (strstr(document, expected))
                return;
        (void)fputs(expected, stderr); /* cmocka would cut it */
        fail_msg("docs/state-machine.md does not show the table on standard error");
}

static void render_worker_header(Text *text)
{
        text_append(text, "| event |");
        for (int state = 1; state < WORKER_STATE_COUNT; state++)
                text_printf(text, " %s |", worker_state_to_name(state));
        text_append(text, "\n|---|");
        for (int state = 1; state < WORKER_STATE_COUNT; state++)
                text_append(text, "---|");
        text_append(text, "\n");
}

/* What is ignored is left empty and what cannot be is a dash: the eye finds the rest. */
static const char *cell_text(const char *name)
{
        if (strcmp(name, "ignore") == 0)
                return "";
        return strcmp(name, "impossible") == 0 ? "-" : name;
}

static void test_worker_table(void **state)
{
        AUTO_TEXT text = { 0 };
        AUTO_FREE char *table = NULL;

        render_worker_header(&text);
        for (int event = 1; event < WORKER_EVENT_COUNT; event++) {
                text_printf(&text, "| %s |", worker_event_to_name(event));
                for (int from = 1; from < WORKER_STATE_COUNT; from++)
                        text_printf(&text, " %s |", cell_text(worker_move_name(from, event)));
                text_append(&text, "\n");
        }
        assert_int_equal(text_take(&text, &table), 0);
        assert_shown(table);
}

static void test_worker_facts(void **state)
{
        AUTO_TEXT text = { 0 };
        AUTO_FREE char *table = NULL;

        text_append(&text, "| state | has_process | is_ready | is_rising | is_settled | "
                           "has_watchdog | can_extend | is_probed |\n"
                           "|---|---|---|---|---|---|---|---|\n");
        for (int i = 1; i < WORKER_STATE_COUNT; i++) {
                const WorkerFacts *facts = worker_facts(i);
                const bool columns[] = {
                        facts->has_process,  facts->is_ready,   facts->is_rising, facts->is_settled,
                        facts->has_watchdog, facts->can_extend, facts->is_probed,
                };

                text_printf(&text, "| %s |", worker_state_to_name(i));
                for (size_t column = 0; column < COUNT_OF(columns); column++)
                        text_append(&text, columns[column] ? " yes |" : " |");
                text_append(&text, "\n");
        }
        assert_int_equal(text_take(&text, &table), 0);
        assert_shown(table);
}

static void test_pool_table(void **state)
{
        AUTO_TEXT text = { 0 };
        AUTO_FREE char *table = NULL;

        text_append(&text, "| event |");
        for (int from = 1; from < POOL_STATE_COUNT; from++)
                text_printf(&text, " %s |", pool_state_to_name(from));
        text_append(&text, "\n|---|---|---|---|---|---|---|---|\n");
        for (int event = 1; event < POOL_EVENT_COUNT; event++) {
                text_printf(&text, "| %s |", pool_event_to_name(event));
                for (int from = 1; from < POOL_STATE_COUNT; from++)
                        text_printf(&text, " %s |", cell_text(pool_cell_name(from, event)));
                text_append(&text, "\n");
        }
        assert_int_equal(text_take(&text, &table), 0);
        assert_shown(table);
}

/* As `reeved --dump-states` prints them. */
static void test_graphs(void **state)
{
        AUTO_FREE char *worker = worker_dump_states();
        AUTO_FREE char *pool = pool_dump_states();
        AUTO_TEXT text = { 0 };
        AUTO_FREE char *graphs = NULL;

        assert_non_null(worker);
        assert_non_null(pool);
        text_printf(&text, "```dot\n%s\n%s```\n", worker, pool);
        assert_int_equal(text_take(&text, &graphs), 0);
        assert_shown(graphs);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_worker_table),
                cmocka_unit_test(test_worker_facts),
                cmocka_unit_test(test_pool_table),
                cmocka_unit_test(test_graphs),
        };
        return cmocka_run_group_tests_name("model/states-document", tests, NULL, NULL);
}
