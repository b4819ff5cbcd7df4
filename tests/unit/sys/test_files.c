#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "sys/fd.h"
#include "sys/files.h"

typedef struct Folder {
        char path[64];
        int fd;
} Folder;

static int make_folder(void **state)
{
        static Folder folder;

        strcpy(folder.path, "/tmp/reeve-files-XXXXXX");
        assert_non_null(mkdtemp(folder.path));
        folder.fd = open(folder.path, O_DIRECTORY | O_CLOEXEC);
        *state = &folder;
        return folder.fd < 0;
}

static int remove_folder(void **state)
{
        Folder *folder = *state;

        (void)unlinkat(folder->fd, "a", 0);
        (void)unlinkat(folder->fd, "b", 0);
        (void)unlinkat(folder->fd, "x/y", AT_REMOVEDIR);
        (void)unlinkat(folder->fd, "x", AT_REMOVEDIR);
        (void)fd_close(folder->fd);
        return rmdir(folder->path);
}

static void test_replace_and_read(void **state)
{
        Folder *folder = *state;
        AUTO_FREE char *text = NULL;
        size_t length;
        struct stat status;

        assert_int_equal(file_replace(folder->fd, "a", "one\0two", 7, 0640), 0);
        assert_int_equal(fstatat(folder->fd, "a", &status, 0), 0);
        assert_int_equal(status.st_mode & 07777, 0640);
        assert_int_equal(file_read(folder->fd, "a", 7, &text, &length), 0);
        assert_int_equal(length, 7);
        assert_memory_equal(text, "one\0two", 8);
        assert_int_equal(file_replace(folder->fd, "a", "", 0, 0600), 0);
        assert_int_equal(fstatat(folder->fd, "a.new", &status, 0), -1);
}

static void test_limit_of_length(void **state)
{
        Folder *folder = *state;
        AUTO_FREE char *text = NULL, *big = malloc(100000);
        size_t length;

        memset(big, 'x', 100000);
        assert_int_equal(file_replace(folder->fd, "a", big, 100000, 0600), 0);
        assert_int_equal(file_read(folder->fd, "a", 99999, &text, &length), -EFBIG);
        assert_null(text);
        assert_int_equal(file_read(folder->fd, "a", 100000, &text, &length), 0);
        assert_int_equal(length, 100000);
        assert_int_equal(file_read(folder->fd, "none", 10, &text, NULL), -ENOENT);
}

static void test_a_link_left_behind_is_not_followed(void **state)
{
        Folder *folder = *state;
        AUTO_FREE char *text = NULL;

        assert_int_equal(file_replace(folder->fd, "b", "mine", 4, 0600), 0);
        assert_int_equal(symlinkat("b", folder->fd, "a.new"), 0);
        assert_int_equal(file_replace(folder->fd, "a", "new", 3, 0600), 0);
        assert_int_equal(file_read(folder->fd, "b", 10, &text, NULL), 0);
        assert_string_equal(text, "mine");
}

static void test_fixed_buffer(void **state)
{
        Folder *folder = *state;
        char buffer[4];

        assert_int_equal(file_replace(folder->fd, "a", "abcdef", 6, 0600), 0);
        assert_int_equal(file_read_into(folder->fd, "a", buffer, sizeof(buffer)), 3);
        assert_string_equal(buffer, "abc");
        assert_int_equal(file_read_into(folder->fd, "none", buffer, sizeof(buffer)), -ENOENT);
        assert_int_equal(file_write_text(folder->fd, "none", "x"), -ENOENT);
        assert_int_equal(file_write_text(AT_FDCWD, "/dev/full", "x"), -ENOSPC);
}

static void test_folders(void **state)
{
        Folder *folder = *state;
        char path[128];
        struct stat status;

        (void)snprintf(path, sizeof(path), "%s/x/y", folder->path);
        assert_int_equal(directory_make(path, 0755), 0);
        assert_int_equal(directory_make(path, 0755), 0);
        assert_int_equal(stat(path, &status), 0);
        assert_true(S_ISDIR(status.st_mode));
        assert_int_equal(directory_make("/proc/none/such", 0755), -ENOENT);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(test_replace_and_read, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(test_limit_of_length, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(test_a_link_left_behind_is_not_followed,
                                                make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(test_fixed_buffer, make_folder, remove_folder),
                cmocka_unit_test_setup_teardown(test_folders, make_folder, remove_folder),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
