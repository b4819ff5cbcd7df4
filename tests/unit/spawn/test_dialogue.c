/* What a worker says through its control socket: taken when it makes sense, dropped when not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "spawn/dialogue.h"

static int parse(const char *text, DialogueWord *ret)
{
        return dialogue_parse(text, strlen(text), ret);
}

static void test_hello(void **state)
{
        DialogueWord word;

        (void)state;
        assert_int_equal(parse("HELLO=1\nPID=7\nSDK=c/1\nTHREADS_OK=4\n", &word), 0);
        assert_true(word.is_hello && word.has_threads);
        assert_int_equal(word.threads, 4);
        assert_false(word.has_sequence || word.has_error || word.has_greenlets);
}

static void test_an_answer_names_its_question(void **state)
{
        DialogueWord word;

        (void)state;
        assert_int_equal(
                parse("SEQUENCE=18446744073709551615\nTHREADS_OK=8\nGREENLETS_OK=100", &word), 0);
        assert_true(word.has_sequence && word.sequence == UINT64_MAX);
        assert_int_equal(word.threads, 8);
        assert_int_equal(word.greenlets, 100);
}

static void test_an_error_is_fit_for_terminals(void **state)
{
        DialogueWord word;

        (void)state;
        assert_int_equal(parse("SEQUENCE=1\nERROR=no \033[31mroom\xFF\n", &word), 0);
        assert_true(word.has_error);
        assert_null(strchr(word.error, '\033'));
        assert_null(strchr(word.error, '\xFF'));
}

static void test_what_makes_no_sense_is_dropped(void **state)
{
        static const char *const texts[] = {
                "THREADS_OK=",      "THREADS_OK=-1", "THREADS_OK=4 ",
                "THREADS_OK=65537", "SEQUENCE=x",    "GREENLETS_OK=1e3"
        };
        char longest[DIALOGUE_MESSAGE_MAX + 1];
        DialogueWord word = { .threads = 42 };

        (void)state;
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
                assert_int_equal(parse(texts[i], &word), -EBADMSG);
        memset(longest, 'x', sizeof(longest));
        assert_int_equal(dialogue_parse(longest, sizeof(longest), &word), -EBADMSG);
        assert_int_equal(dialogue_parse("HELLO=1\0", 8, &word), -EBADMSG);
        assert_int_equal(dialogue_parse("", 0, &word), -EBADMSG);
        assert_int_equal(word.threads, 42);
}

static void test_a_path_that_is_too_long_is_told(void **state)
{
        char path[200];
        Error error = { 0 };

        (void)state;
        memset(path, 'x', sizeof(path) - 1);
        path[sizeof(path) - 1] = '\0';
        assert_int_equal(dialogue_listen(path, &error), -ENAMETOOLONG);
        assert_non_null(strstr(error.message, "--runtime"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_hello),
                cmocka_unit_test(test_an_answer_names_its_question),
                cmocka_unit_test(test_an_error_is_fit_for_terminals),
                cmocka_unit_test(test_what_makes_no_sense_is_dropped),
                cmocka_unit_test(test_a_path_that_is_too_long_is_told),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
