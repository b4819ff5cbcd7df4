/* test_fixtures.c - a folder as an administrator would write it, and files with every mistake
 *
 * Beside each broken NAME.pool stands NAME.expected, what is told about it line by line. */
#include "support.h"

#include <dirent.h>
#include <fcntl.h>

#include "sys/configdir.h"
#include "sys/files.h"

static Load load_folder(const char *path)
{
        AUTO_CONFIG_INPUT input = { 0 };
        Load load = { 0 };

        assert_int_equal(config_directory_read(path, NULL, &input, NULL), 0);
        load.r = config_parse(&input, &load.problems, &load.config);
        return load;
}

static void test_good_folder(void **state)
{
        AUTO_LOAD load = load_folder(FIXTURES "/good");
        const PoolConfig *api = load_first(&load);

        assert_int_equal(load.problems.count, 0);
        assert_int_equal(load.config->pool_count, 2);
        assert_int_equal(load.config->log_level, 7);
        assert_int_equal(load.config->listen_http_count, 2);
        assert_string_equal(api->name, "api");
        assert_string_equal(api->command[3], "--threads");
        assert_string_equal(api->command[5], "--access-logformat=%%h \"%%r\" %%s");
        assert_string_equal(api->command[6], "app:application");
        assert_int_equal(api->processes, 3);
        assert_string_equal(api->environment[1], "GREETING=hello world");
        assert_string_equal(api->environment[2], "STAGE=test");
        assert_int_equal(api->thread_control, THREADS_REPLACE);
        assert_true(config_find(load.config, "redis")->is_essential);
}

static char *problems_of(const char *name, const char *path)
{
        AUTO_FREE char *text = NULL;
        AUTO_LOAD load = { 0 };
        AUTO_TEXT told = { 0 };
        char *string = NULL;

        assert_int_equal(file_read(AT_FDCWD, path, 1 << 20, &text, NULL), 0);
        load = LOAD({ name, text });
        assert_int_equal(load.r, -EINVAL);
        for (size_t i = 0; i < load.problems.count; i++) {
                AUTO_FREE char *line = problem_format(&load.problems.items[i]);

                text_printf(&told, "%s\n", line);
        }
        assert_int_equal(text_take(&told, &string), 0);
        return string;
}

static void check_broken(const char *name)
{
        AUTO_FREE char *told = NULL;
        AUTO_FREE char *expected = NULL;
        char path[512], expected_path[512];
        int stem = (int)(strlen(name) - strlen(".pool"));

        (void)snprintf(path, sizeof(path), FIXTURES "/broken/%s", name);
        (void)snprintf(expected_path, sizeof(expected_path), FIXTURES "/broken/%.*s.expected", stem,
                       name);
        told = problems_of(name, path);
        assert_int_equal(file_read(AT_FDCWD, expected_path, 1 << 20, &expected, NULL), 0);
        assert_string_equal(told, expected);
}

static void test_broken_files(void **state)
{
        DIR *folder = opendir(FIXTURES "/broken");
        const struct dirent *entry;
        size_t count = 0;

        assert_non_null(folder);
        while ((entry = readdir(folder))) {
                const char *end = strrchr(entry->d_name, '.');

                if (!text_equal(end, ".pool"))
                        continue;
                check_broken(entry->d_name);
                count++;
        }
        (void)closedir(folder);
        assert_int_equal(count, 4);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_good_folder),
                cmocka_unit_test(test_broken_files),
        };
        return cmocka_run_group_tests_name("config/fixtures", tests, NULL, NULL);
}
