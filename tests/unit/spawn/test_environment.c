#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "spawn/envfile.h"
#include "spawn/environment.h"

static void free_list(char ***list)
{
        (void)text_list_free(*list);
}
#define AUTO_LIST CLEANUP(free_list) char **

static const char *value_of(char *const *environment, const char *name)
{
        size_t length = strlen(name), found = 0;
        const char *value = NULL;

        for (char *const *item = environment; *item; item++)
                if (strncmp(*item, name, length) == 0 && (*item)[length] == '=') {
                        value = *item + length + 1;
                        found++;
                }
        assert_true(found <= 1);
        return value;
}

static void test_what_every_worker_gets(void **state)
{
        PoolConfig config = { .name = "web" };
        WorkerVariables variables = { .pool = "web",
                                      .slot = 2,
                                      .threads = 4,
                                      .instance = "i-7",
                                      .notify_socket = "/run/n",
                                      .home = "/home/web",
                                      .user = "web",
                                      .shell = "/bin/sh" };
        AUTO_LIST environment = NULL;
        AUTO_LIST second = NULL;
        Error error = { 0 };

        assert_int_equal(setenv("PATH", "/opt/bin", 1), 0);
        assert_int_equal(setenv("SECRET", "of the daemon", 1), 0);
        assert_int_equal(environment_build(&config, &variables, &environment, &error), 0);
        assert_string_equal(value_of(environment, "REEVE_POOL"), "web");
        assert_string_equal(value_of(environment, "REEVE_SLOT"), "2");
        assert_string_equal(value_of(environment, "REEVE_THREADS"), "4");
        assert_string_equal(value_of(environment, "REEVE_INSTANCE"), "i-7");
        assert_string_equal(value_of(environment, "NOTIFY_SOCKET"), "/run/n");
        assert_string_equal(value_of(environment, "HOME"), "/home/web");
        assert_string_equal(value_of(environment, "USER"), "web");
        assert_string_equal(value_of(environment, "LOGNAME"), "web");
        assert_string_equal(value_of(environment, "SHELL"), "/bin/sh");
        assert_string_equal(value_of(environment, "PATH"), "/opt/bin");
        assert_null(value_of(environment, "SECRET"));
        assert_string_equal(value_of(environment, "REEVE_GREENLETS"), "0");
        assert_null(value_of(environment, "WATCHDOG_USEC"));

        assert_int_equal(unsetenv("PATH"), 0);
        variables = (WorkerVariables){ .pool = "web", .greenlets = 100, .watchdog_usec = 500000 };
        assert_int_equal(environment_build(&config, &variables, &second, &error), 0);
        assert_string_equal(value_of(second, "REEVE_GREENLETS"), "100");
        assert_string_equal(value_of(second, "WATCHDOG_USEC"), "500000");
        assert_string_equal(value_of(second, "PATH"),
                            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        assert_null(value_of(second, "HOME"));
        assert_null(value_of(second, "NOTIFY_SOCKET"));
}

static void write_file(const char *path, const char *text)
{
        FILE *file = fopen(path, "we");

        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
        assert_int_equal(fclose(file), 0);
}

static void test_later_ones_win(void **state)
{
        char folder[] = "/tmp/reeve-env-XXXXXX", path[64], optional[64];
        char *own[] = { "A=pool", "B=pool", "REEVE_SLOT=99", "PATH=/mine", NULL };
        char *files[] = { path, optional, NULL };
        PoolConfig config = { .name = "web", .environment = own, .environment_files = files };
        WorkerVariables variables = { .pool = "web", .slot = 1 };
        AUTO_LIST environment = NULL;
        Error error = { 0 };

        assert_non_null(mkdtemp(folder));
        (void)snprintf(path, sizeof(path), "%s/file", folder);
        (void)snprintf(optional, sizeof(optional), "-%s/none", folder);
        write_file(path, "B=file\nC=file\n");
        assert_int_equal(environment_build(&config, &variables, &environment, &error), 0);
        assert_string_equal(value_of(environment, "A"), "pool");
        assert_string_equal(value_of(environment, "B"), "file");
        assert_string_equal(value_of(environment, "C"), "file");
        assert_string_equal(value_of(environment, "PATH"), "/mine");
        assert_string_equal(value_of(environment, "REEVE_SLOT"), "1"); /* ours in any case */
        assert_int_equal(unlink(path), 0);
        assert_int_equal(rmdir(folder), 0);
}

static void expect_refusal(char *path, int expected, const char *sentence)
{
        char *files[] = { path, NULL };
        PoolConfig config = { .name = "web", .environment_files = files };
        WorkerVariables variables = { .pool = "web" };
        char **environment = NULL;
        Error error = { 0 };

        assert_int_equal(environment_build(&config, &variables, &environment, &error), expected);
        assert_null(environment);
        assert_non_null(strstr(error.message, sentence));
}

static void test_files_that_are_refused(void **state)
{
        char folder[] = "/tmp/reeve-env-XXXXXX", path[64];
        FILE *file;

        expect_refusal("/none/such", -ENOENT,
                       "pool web: EnvironmentFile=/none/such: No such file or directory");
        expect_refusal("-/dev/zero", -EINVAL, "EnvironmentFile=/dev/zero: not a regular file");
        expect_refusal("/tmp", -EISDIR, "EnvironmentFile=/tmp: Is a directory");
        assert_non_null(mkdtemp(folder));
        (void)snprintf(path, sizeof(path), "%s/file", folder);
        assert_int_equal(mkfifo(path, 0600), 0);
        expect_refusal(path, -EINVAL, "not a regular file"); /* and does not hang */
        assert_int_equal(unlink(path), 0);
        write_file(path, "A=\xff\n");
        expect_refusal(path, -EINVAL, "UTF-8");
        file = fopen(path, "we");
        assert_int_equal(fwrite("A=1\0B=2", 1, 7, file), 7);
        assert_int_equal(fclose(file), 0);
        expect_refusal(path, -EINVAL, "UTF-8");
        file = fopen(path, "we");
        assert_int_equal(fseek(file, 2 << 20, SEEK_SET), 0);
        assert_int_equal(fputc('x', file), 'x');
        assert_int_equal(fclose(file), 0);
        expect_refusal(path, -EFBIG, "larger than 1M");
        assert_int_equal(unlink(path), 0);
        assert_int_equal(rmdir(folder), 0);
}

static int collect(const char *name, const char *value, void *userdata)
{
        text_printf(userdata, "%s=[%s] ", name, value);
        return 0;
}

static void parsed(const char *text, const char *expected)
{
        AUTO_TEXT out = { 0 };
        AUTO_FREE char *string = NULL;

        assert_int_equal(envfile_parse(text, strlen(text), collect, &out), 0);
        assert_int_equal(text_take(&out, &string), 0);
        assert_string_equal(string, expected);
}

static void test_text_of_a_file(void **state)
{
        parsed("", "");
        parsed("A=1", "A=[1] ");
        parsed("  A = 1  \nB=\n\n# C=3\n ; D=4\n", "A=[1] B=[] ");
        parsed("A=one two # no comment\n", "A=[one two # no comment] ");
        parsed("A=\"a b\" \nB='c \\ d'\n", "A=[a b] B=[c \\ d] ");
        parsed("A=\"x\\\"y\\\\z\\$w\\n\"\n", "A=[x\"y\\z$w\\n] ");
        parsed("A=\"two\nlines\"\nB=1\n", "A=[two\nlines] B=[1] ");
        parsed("A=one\\\ntwo\nB=a\\ b\\ \n", "A=[onetwo] B=[a b ] ");
        parsed("A=\"one\"'two' three\n", "A=[onetwothree] ");
        parsed("A=it's\n", "A=[it's] ");
        parsed("no assignment\nexport A=1\n1A=2\n=3\nB=4\n", "B=[4] ");
        parsed("A=1\r\nB=2\r\n", "A=[1] B=[2] ");
        parsed("A=\"open", "A=[open] ");
        parsed("A=end\\", "A=[end\\] ");
        parsed("A=$B ${C}\n", "A=[$B ${C}] ");
}

static int stop(const char *name, const char *value, void *userdata)
{
        return -E2BIG;
}

static void test_a_refusal_ends_the_reading(void **state)
{
        assert_int_equal(envfile_parse("A=1\nB=2\n", 8, stop, NULL), -E2BIG);
}

static void expanded(char *const *words, char *const *environment, const char *expected)
{
        AUTO_LIST list = NULL;
        AUTO_TEXT text = { 0 };
        AUTO_FREE char *string = NULL;

        assert_int_equal(command_expand(words, environment, &list), 0);
        for (char **word = list; *word; word++)
                text_printf(&text, "[%s]", *word);
        assert_int_equal(text_take(&text, &string), 0);
        assert_string_equal(string, expected);
}

static void test_words_of_a_command(void **state)
{
        char *const environment[] = { "N=4", "TWO=a  b", "QUOTED=\"c d\" e'f 'g", "EMPTY=", NULL };

        expanded((char *const[]){ "/x", "--n=${N}", NULL }, environment, "[/x][--n=4]");
        expanded((char *const[]){ "/x", "${TWO}", "$TWO", NULL }, environment, "[/x][a  b][a][b]");
        expanded((char *const[]){ "/x", "$QUOTED", NULL }, environment, "[/x][c d][ef g]");
        expanded((char *const[]){ "/x", "${NONE}", "$NONE", "$EMPTY", "${EMPTY}", NULL },
                 environment, "[/x][][]");
        expanded((char *const[]){ "/x", "$$N", "a$$", "$${N}", "$N/y", "a$N", NULL }, environment,
                 "[/x][$N][a$][${N}][$N/y][a$N]");
        expanded((char *const[]){ "/x", "${N", "${}", "${1}", "$", "", NULL }, environment,
                 "[/x][${N][${}][${1}][$][]");
        expanded((char *const[]){ "/x", "${N}${N}", NULL }, environment, "[/x][44]");
        /* A value is not looked at again. */
        expanded((char *const[]){ "/x", "${A}", NULL }, (char *const[]){ "A=${B}", "B=1", NULL },
                 "[/x][${B}]");
}

static void test_nothing_to_execute(void **state)
{
        char *const environment[] = { NULL };
        char **list = NULL;

        assert_int_equal(command_expand((char *const[]){ NULL }, environment, &list), -EINVAL);
        assert_int_equal(command_expand((char *const[]){ "$NONE", NULL }, environment, &list),
                         -EINVAL);
        assert_int_equal(
                command_expand((char *const[]){ "${NONE}", "x", NULL }, environment, &list),
                -EINVAL);
        assert_null(list);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_what_every_worker_gets),
                cmocka_unit_test(test_later_ones_win),
                cmocka_unit_test(test_files_that_are_refused),
                cmocka_unit_test(test_text_of_a_file),
                cmocka_unit_test(test_a_refusal_ends_the_reading),
                cmocka_unit_test(test_words_of_a_command),
                cmocka_unit_test(test_nothing_to_execute),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
