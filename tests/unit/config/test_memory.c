/* test_memory.c - every single allocation fails once, and nothing breaks or leaks
 *
 * The linker's --wrap sends the allocations of the code under test through here. Whatever fails,
 * the answer is -ENOMEM or an error that was told; a Config exists only with 0. */
#include "support.h"

#include "config/lines.h"

static size_t until_failure; /* 0: none fails */

static bool fails_now(void)
{
        return until_failure > 0 && --until_failure == 0;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *pointer, size_t size);
void *__real_reallocarray(void *pointer, size_t count, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t length);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *pointer, size_t size);
void *__wrap_reallocarray(void *pointer, size_t count, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t length);

void *__wrap_malloc(size_t size)
{
        return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
        return fails_now() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *pointer, size_t size)
{
        return fails_now() ? NULL : __real_realloc(pointer, size);
}

void *__wrap_reallocarray(void *pointer, size_t count, size_t size)
{
        return fails_now() ? NULL : __real_reallocarray(pointer, count, size);
}

char *__wrap_strdup(const char *text)
{
        return fails_now() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t length)
{
        return fails_now() ? NULL : __real_strndup(text, length);
}

static TextFile files[] = {
        { .path = (char *)"reeve.conf",
          .text = (char *)"[Reeve]\nListenHTTP=127.0.0.1:1\nAdminUsers=a b\nAllowedHosts=x\n" },
        { .path = (char *)"web.pool",
          .text = (char *)"[Pool]\nExecStart=/bin/x \"a b\" \\\n \\x41 \\q\nEnvironment=A=b A=c\n"
                          "LimitNOFILE=1:2\nCPUAffinity=0-3\nStandardOutput=append:/x\nAfter=api\n"
                          "User=a\nEnvironmentFile=/x\nExecReload=/bin/y\n[Listen]\n"
                          "ListenStream=/x\nListenStream=127.0.0.1:2\n"
                          "[Health]\nHttp=http://[::1]/\n[Scale]\n"
                          "Throughput=http://127.0.0.1:1/m x\n" },
        { .path = (char *)"api.pool", .text = (char *)"[Pool]\nExecStart=/bin/true\n" },
        { .path = (char *)"gone.pool.d/a.conf", .text = (char *)"" },
};

static TextFile bad_files[] = {
        { .path = (char *)"a.pool",
          .text = (char *)"[Pool]\nExecStart=/x\nAfter=b\nRestart=x\nBanana=1\n[Odd]\n" },
        { .path = (char *)"b.pool", .text = (char *)"[Pool]\nExecStart=/x\nRequires=a c\n" },
        { .path = (char *)"c.service", .text = (char *)"" },
};

static int parse_all(TextFile *input, size_t count, size_t failing)
{
        AUTO_PROBLEMS problems = { 0 };
        AUTO(Config) *config = NULL;
        int r;

        for (size_t i = 0; i < count; i++)
                input[i].length = strlen(input[i].text);
        until_failure = failing;
        r = config_parse(&(ConfigInput){ input, count }, &problems, &config);
        until_failure = 0;
        assert_int_equal(r == 0, config != NULL);
        if (r == -EINVAL)
                assert_true(problem_list_errors(&problems) > 0);
        return r;
}

/* A warning that found no memory is lost and the load goes on; all else says -ENOMEM. */
static void test_a_good_load(void **state)
{
        size_t failed = 0, lost = 0;

        for (size_t i = 1; i < 2000; i++) {
                int r = parse_all(files, COUNT_OF(files), i);

                assert_true(r == 0 || r == -ENOMEM);
                failed += r == -ENOMEM;
                lost += r == 0;
        }
        assert_true(failed > 100);
        assert_true(lost > 1000);
}

static void test_a_bad_load(void **state)
{
        for (size_t i = 1; i < 1000; i++) {
                int r = parse_all(bad_files, COUNT_OF(bad_files), i);

                assert_true(r == -EINVAL || r == -ENOMEM);
        }
}

static void test_documentation(void **state)
{
        char *text;

        for (size_t i = 1; i < 20; i++) {
                until_failure = i;
                text = config_format_keys();
                until_failure = 0;
                free(text);
        }
        text = config_format_keys();
        assert_non_null(text);
        free(text);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_a_good_load),
                cmocka_unit_test(test_a_bad_load),
                cmocka_unit_test(test_documentation),
        };
        return cmocka_run_group_tests_name("config/memory", tests, NULL, NULL);
}
