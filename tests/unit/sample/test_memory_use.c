/* /proc/PID/statm, and the children of a process. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sample/memory_use.h"

enum { EATEN = 8 << 20 };

static void test_the_text(void **state)
{
        uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
        MemoryUse use = { 7, 7 };

        assert_int_equal(memory_use_parse("783 342 200 5 0 91 0\n", &use), 0);
        assert_int_equal(use.private_bytes, 142 * page);
        assert_int_equal(use.shared_bytes, 200 * page);
        assert_int_equal(memory_use_parse("783 342 400 5 0 91 0\n", &use), 0);
        assert_int_equal(use.private_bytes, 0);
        assert_int_equal(use.shared_bytes, 342 * page);
        assert_int_equal(memory_use_parse("783 342", &use), -EBADMSG);
        assert_int_equal(memory_use_parse("", &use), -EBADMSG);
        assert_int_equal(memory_use_parse("a b c", &use), -EBADMSG);
}

static void eat(void)
{
        char *memory =
                mmap(NULL, EATEN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        assert_true(memory != MAP_FAILED);
        memset(memory, 1, EATEN);
}

/* A child that eats so much, says so, and lives until its pipe is closed. */
static pid_t start(int gate[2])
{
        int said[2];
        char byte;
        pid_t pid;

        assert_int_equal(pipe(said), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
                (void)close(gate[1]);
                eat();
                (void)!write(said[1], "", 1);
                (void)!read(gate[0], &byte, 1);
                _exit(0);
        }
        assert_int_equal(read(said[0], &byte, 1), 1);
        (void)close(said[0]);
        (void)close(said[1]);
        return pid;
}

static void test_children_count(void **state)
{
        MemoryUse before, with, child;
        int gate[2];
        pid_t pids[2];

        assert_int_equal(pipe(gate), 0);
        assert_int_equal(memory_use_take(getpid(), &before), 0);
        for (size_t i = 0; i < 2; i++)
                pids[i] = start(gate);
        assert_int_equal(memory_use_take(pids[0], &child), 0);
        assert_true(child.private_bytes >= EATEN);
        assert_int_equal(memory_use_take(getpid(), &with), 0);
        assert_true(with.private_bytes >= before.private_bytes + 2 * EATEN);
        (void)close(gate[1]);
        (void)close(gate[0]);
        for (size_t i = 0; i < 2; i++)
                assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);
        assert_int_equal(memory_use_take(pids[0], &child), -ESRCH);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_the_text),
                cmocka_unit_test(test_children_count),
        };

        return cmocka_run_group_tests_name("sample/memory_use", tests, NULL, NULL);
}
