/* fuzz_config.c - hostile text as each kind of file of the configuration
 *
 * The same bytes are read as reeve.conf, as a pool, as its drop-in and as a drop-in of the daemon
 * itself. Whatever they are: no crash, and a Config exactly when no error was told. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(Config *config)
{
        for (size_t i = 0; i < config->pool_count; i++) {
                const PoolConfig *pool = config->pools[i];

                assert(pool->command && pool->command[0] && pool->command[0][0] == '/');
                assert(pool->processes >= pool->processes_min);
                assert(pool->processes <= pool->processes_max);
                assert(pool->threads >= pool->threads_min && pool->threads <= pool->threads_max);
                assert(pool->restart_max_usec >= pool->restart_usec);
                assert(pool_config_same_worker(pool, pool));
        }
}

static void format_all(const ProblemList *problems)
{
        for (size_t i = 0; i < problems->count; i++)
                free(problem_format(&problems->items[i]));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        char *text = calloc(1, size + 1);
        AUTO_PROBLEMS problems = { 0 };
        AUTO(Config) *config = NULL;
        TextFile files[] = {
                { .path = (char *)"reeve.conf", .text = text, .length = size },
                { .path = (char *)"pools.d/web.pool", .text = text, .length = size },
                { .path = (char *)"pools.d/web.pool.d/a.conf", .text = text, .length = size },
                { .path = (char *)"control/web.pool.d/50-scale.conf",
                  .text = text,
                  .length = size,
                  .is_control = true },
        };
        int r;

        if (!text)
                return -1;
        memcpy(text, data, size);
        /* A text of pools is an error in reeve.conf and the other way round: try them apart. */
        for (size_t first = 0; first < 2; first++) {
                ConfigInput input = { files + first, first ? 3 : 1 };

                r = config_parse(&input, &problems, &config);
                assert((r == 0) == (config != NULL));
                assert(r == 0 || problem_list_errors(&problems) > 0);
                if (config)
                        check(config);
                format_all(&problems);
                problem_list_done(&problems);
                config = config_free(config);
        }
        free(text);
        return 0;
}
