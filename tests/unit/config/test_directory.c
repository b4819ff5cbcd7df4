/* test_directory.c - which files of a folder are read, and in which order */
#include "support.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sys/configdir.h"
#include "sys/files.h"

static char root[64];

static int make_root(void **state)
{
        strcpy(root, "/tmp/reeve-config-XXXXXX");
        return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
        char command[128];

        (void)snprintf(command, sizeof(command), "rm -rf %s", root);
        return system(command);
}

/* A file under the temporary folder, with the folders it needs. */
static void put_bytes(const char *name, const char *text, size_t length)
{
        char path[512];
        char *slash;

        (void)snprintf(path, sizeof(path), "%s/%s", root, name);
        slash = strrchr(path, '/');
        *slash = '\0';
        assert_int_equal(directory_make(path, 0755), 0);
        *slash = '/';
        assert_int_equal(file_replace(AT_FDCWD, path, text, length, 0644), 0);
}

static void put(const char *name)
{
        put_bytes(name, name, strlen(name));
}

static int read_root(bool has_control, ConfigInput *ret, Error *reterr)
{
        char config[128], control[128];

        (void)snprintf(config, sizeof(config), "%s/etc", root);
        (void)snprintf(control, sizeof(control), "%s/control", root);
        return config_directory_read(config, has_control ? control : NULL, ret, reterr);
}

static void test_order(void **state)
{
        static const char *const names[] = {
                "etc/reeve.conf",
                "etc/reeve.conf.d/10-a.conf",
                "etc/reeve.conf.d/20-b.conf",
                "etc/pools.d/api.pool",
                "control/api.pool.d/50-scale.conf",
                "etc/pools.d/web.pool",
                "etc/pools.d/web.pool.d/10-a.conf",
                "etc/pools.d/web.pool.d/90-z.conf",
                "control/web.pool.d/50-scale.conf",
                "etc/pools.d/gone.pool.d/a.conf",
                "control/lost.pool.d/50-scale.conf",
        };
        AUTO_CONFIG_INPUT input = { 0 };

        for (size_t i = COUNT_OF(names); i-- > 0;)
                put(names[i]);
        assert_int_equal(read_root(true, &input, NULL), 0);
        assert_int_equal(input.count, COUNT_OF(names));
        for (size_t i = 0; i < input.count; i++) {
                assert_string_equal(input.files[i].path + strlen(root) + 1, names[i]);
                assert_string_equal(input.files[i].text, names[i]);
                assert_int_equal(input.files[i].length, strlen(names[i]));
                assert_int_equal(input.files[i].is_control,
                                 text_after(names[i], "control") != NULL);
                assert_null(input.files[i].trouble);
        }
}

static void test_passed_over(void **state)
{
        static const char *const names[] = {
                "etc/pools.d/.hidden.pool",
                "etc/pools.d/web.pool~",
                "etc/pools.d/web.pool.dpkg-old",
                "etc/pools.d/README",
                "etc/pools.d/.pool",
                "etc/pools.d/web.pool.d/notes.txt",
                "etc/pools.d/web.pool.d/.a.conf",
                "etc/other.conf",
                "etc/pools.d/folder.pool/x",
        };
        char path[128];
        AUTO_CONFIG_INPUT input = { 0 };

        put("etc/pools.d/web.pool");
        for (size_t i = 0; i < COUNT_OF(names); i++)
                put(names[i]);
        (void)snprintf(path, sizeof(path), "%s/etc/pools.d/fifo.pool", root);
        assert_int_equal(mkfifo(path, 0644), 0);
        assert_int_equal(read_root(true, &input, NULL), 0);
        assert_int_equal(input.count, 1);
}

/* As "gone" it would end the workers of its pool at the next reload. */
static void test_a_link_that_leads_nowhere(void **state)
{
        AUTO_CONFIG_INPUT input = { 0 };
        char path[128];

        put("etc/reeve.conf");
        put("etc/pools.d/web.pool");
        (void)snprintf(path, sizeof(path), "%s/etc/pools.d/dangling.pool", root);
        assert_int_equal(symlink("/nonexistent", path), 0);
        assert_int_equal(read_root(false, &input, NULL), 0);
        assert_int_equal(input.count, 3);
        assert_string_equal(input.files[1].trouble, "cannot be read: No such file or directory");
}

static void test_missing_folders(void **state)
{
        AUTO_CONFIG_INPUT input = { 0 };
        char path[128];
        Error error = { 0 };

        assert_int_equal(read_root(false, &input, &error), -ENOENT);
        assert_non_null(strstr(error.message, "--config DIR"));
        assert_string_equal(error.code, "bad-config");
        (void)snprintf(path, sizeof(path), "%s/etc", root);
        assert_int_equal(directory_make(path, 0755), 0);
        assert_int_equal(read_root(true, &input, &error), 0);
        assert_int_equal(input.count, 0);
        assert_int_equal(rmdir(path), 0);
        put("etc");
        assert_int_equal(read_root(false, &input, &error), -ENOTDIR);
}

static void test_big_file(void **state)
{
        AUTO_FREE char *text = calloc(1, CONFIG_DIR_FILE_BYTES_MAX + 1);
        AUTO_CONFIG_INPUT input = { 0 };

        put_bytes("etc/pools.d/fits.pool", text, CONFIG_DIR_FILE_BYTES_MAX);
        put_bytes("etc/pools.d/huge.pool", text, CONFIG_DIR_FILE_BYTES_MAX + 1);
        assert_int_equal(read_root(false, &input, NULL), 0);
        assert_int_equal(input.count, 2);
        assert_int_equal(input.files[0].length, CONFIG_DIR_FILE_BYTES_MAX);
        assert_null(input.files[1].text);
        assert_string_equal(input.files[1].trouble,
                            "is longer than 1024 KiB; is it a configuration file?");
}

/* Root may read everything, so what cannot be read is a link that leads back to itself. */
static void test_unreadable_file(void **state)
{
        AUTO_CONFIG_INPUT input = { 0 };
        char path[128];

        put("etc/reeve.conf");
        put("etc/pools.d/web.pool");
        (void)snprintf(path, sizeof(path), "%s/etc/pools.d/loop.pool", root);
        assert_int_equal(symlink("loop.pool", path), 0);
        assert_int_equal(read_root(false, &input, NULL), 0);
        assert_int_equal(input.count, 3);
        assert_null(input.files[1].text);
        assert_string_equal(input.files[1].trouble,
                            "cannot be read: Too many levels of symbolic links");
}

static void test_too_many(void **state)
{
        AUTO_CONFIG_INPUT input = { 0 };
        Error error = { 0 };
        char name[64];

        for (int i = 0; i <= CONFIG_DIR_POOLS_MAX; i++) {
                (void)snprintf(name, sizeof(name), "etc/pools.d/p%d.pool", i);
                put(name);
        }
        assert_int_equal(read_root(false, &input, &error), -E2BIG);
        assert_non_null(strstr(error.message, "more than 1024 pools"));
        assert_int_equal(input.count, 0);
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)

int main(void)
{
        const struct CMUnitTest tests[] = {
                IN_A_FOLDER(test_order),
                IN_A_FOLDER(test_passed_over),
                IN_A_FOLDER(test_a_link_that_leads_nowhere),
                IN_A_FOLDER(test_missing_folders),
                IN_A_FOLDER(test_big_file),
                IN_A_FOLDER(test_unreadable_file),
                IN_A_FOLDER(test_too_many),
        };
        return cmocka_run_group_tests_name("config/directory", tests, NULL, NULL);
}
