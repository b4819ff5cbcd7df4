/* The table of sample/wait.h, word by word. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "sample/wait.h"

typedef struct Case {
        ThreadState state;
        int syscall;
        uint64_t arguments[WAIT_ARGUMENTS];
        WaitFile file;
        const char *channel;
        int word; /* negative: nothing tells */
} Case;

static const Case cases[] = {
        { THREAD_RUNNING, WAIT_UNKNOWN_SYSCALL, { 0 }, 0, "", WAITING_ON_NONE },
        { THREAD_RUNNABLE, SYS_futex, { 0 }, 0, "", WAITING_ON_CPU },
        { THREAD_STOPPED, WAIT_UNKNOWN_SYSCALL, { 0 }, 0, "", WAITING_ON_OTHER },
        { THREAD_ZOMBIE, WAIT_UNKNOWN_SYSCALL, { 0 }, 0, "", WAITING_ON_NONE },
        { THREAD_DEAD, WAIT_UNKNOWN_SYSCALL, { 0 }, 0, "", WAITING_ON_NONE },
        /* by the system call */
        { THREAD_SLEEPING, SYS_futex, { 1, 0x80, 2, 0 }, 0, "", WAITING_ON_LOCK },
        { THREAD_SLEEPING, SYS_futex, { 1, 0x89, 0, 0x7f00 }, 0, "", WAITING_ON_LOCK },
        { THREAD_SLEEPING, SYS_flock, { 3 }, 0, "", WAITING_ON_LOCK },
        { THREAD_SLEEPING, SYS_fcntl, { 3, F_SETLKW }, 0, "", WAITING_ON_LOCK },
        { THREAD_SLEEPING, SYS_fcntl, { 3, F_GETFL }, 0, "", WAITING_ON_OTHER },
        { THREAD_SLEEPING, SYS_clock_nanosleep, { 0 }, 0, "", WAITING_ON_TIMER },
        { THREAD_SLEEPING, SYS_ppoll, { 0x7f00, 0 }, 0, "", WAITING_ON_TIMER },
        { THREAD_SLEEPING, SYS_ppoll, { 0x7f00, 2 }, 0, "", WAITING_ON_NET },
        { THREAD_SLEEPING, SYS_pselect6, { 0, 0x7f00 }, 0, "", WAITING_ON_TIMER },
        { THREAD_SLEEPING, SYS_pselect6, { 5, 0x7f00 }, 0, "", WAITING_ON_NET },
        { THREAD_SLEEPING, SYS_epoll_pwait, { 3 }, 0, "", WAITING_ON_NET },
        { THREAD_SLEEPING, SYS_accept4, { 3 }, 0, "", WAITING_ON_NET },
        { THREAD_SLEEPING, SYS_recvmsg, { 3 }, 0, "", WAITING_ON_NET },
        { THREAD_SLEEPING, SYS_wait4, { 0 }, 0, "", WAITING_ON_CHILD },
        { THREAD_SLEEPING, SYS_waitid, { 0 }, 0, "", WAITING_ON_CHILD },
        { THREAD_SLEEPING, SYS_read, { 3 }, WAIT_FILE_SOCKET, "", WAITING_ON_NET },
        { THREAD_SLEEPING, SYS_read, { 3 }, WAIT_FILE_PIPE, "", WAITING_ON_PIPE },
        { THREAD_SLEEPING, SYS_write, { 3 }, WAIT_FILE_PIPE, "", WAITING_ON_PIPE },
        { THREAD_SLEEPING, SYS_read, { 3 }, WAIT_FILE_TIMER, "", WAITING_ON_TIMER },
        { THREAD_SLEEPING, SYS_read, { 3 }, WAIT_FILE_DISK, "", WAITING_ON_DISK },
        { THREAD_SLEEPING, SYS_read, { 3 }, WAIT_FILE_OTHER, "", WAITING_ON_OTHER },
        { THREAD_SLEEPING, SYS_read, { 3 }, WAIT_FILE_UNKNOWN, "anon_pipe_read", WAITING_ON_PIPE },
        { THREAD_SLEEPING, SYS_read, { 3 }, WAIT_FILE_UNKNOWN, "n_tty_read", WAITING_ON_OTHER },
        { THREAD_SLEEPING, SYS_ioctl, { 3 }, 0, "", WAITING_ON_OTHER },
        { THREAD_SLEEPING, SYS_rt_sigtimedwait, { 0 }, 0, "", WAITING_ON_OTHER },
        { THREAD_SLEEPING, 100000, { 0 }, 0, "", WAITING_ON_OTHER },
        /* one that goes on after a signal has lost its name */
        { THREAD_SLEEPING, SYS_restart_syscall, { 0 }, 0, "hrtimer_nanosleep", WAITING_ON_TIMER },
        /* by the wait channel */
        { THREAD_SLEEPING, WAIT_UNKNOWN_SYSCALL, { 0 }, 0, "futex_wait_queue", WAITING_ON_LOCK },
        { THREAD_SLEEPING, WAIT_UNKNOWN_SYSCALL, { 0 }, 0, "do_epoll_wait", WAITING_ON_NET },
        { THREAD_SLEEPING, WAIT_UNKNOWN_SYSCALL, { 0 }, 0, "do_wait", WAITING_ON_CHILD },
        { THREAD_SLEEPING, WAIT_UNKNOWN_SYSCALL, { 0 }, 0, "something_new", WAITING_ON_OTHER },
        { THREAD_SLEEPING, WAIT_UNKNOWN_SYSCALL, { 0 }, 0, "", -ENODATA },
        { THREAD_SLEEPING, WAIT_NO_SYSCALL, { 0 }, 0, "", WAITING_ON_OTHER },
        /* what cannot be interrupted */
        { THREAD_DISK_WAIT, WAIT_UNKNOWN_SYSCALL, { 0 }, 0, "", WAITING_ON_DISK },
        { THREAD_DISK_WAIT, SYS_fsync, { 3 }, 0, "", WAITING_ON_DISK },
        { THREAD_DISK_WAIT, SYS_mmap, { 0 }, 0, "", WAITING_ON_DISK },
        { THREAD_DISK_WAIT, SYS_clone, { 0 }, 0, "", WAITING_ON_CHILD },
        { THREAD_DISK_WAIT, SYS_read, { 3 }, WAIT_FILE_SOCKET, "", WAITING_ON_NET },
        { THREAD_DISK_WAIT, SYS_read, { 3 }, WAIT_FILE_PIPE, "", WAITING_ON_PIPE },
        { THREAD_DISK_WAIT, SYS_futex, { 0 }, 0, "", WAITING_ON_DISK }, /* a page of its argument */
        { THREAD_DISK_WAIT, SYS_mmap, { 0 }, 0, "rwsem_down_write_slowpath", WAITING_ON_LOCK },
        { THREAD_DISK_WAIT, SYS_clock_nanosleep, { 0 }, 0, "", WAITING_ON_DISK },
};

static void test_table(void **state)
{
        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                const WaitFacts facts = { .state = cases[i].state,
                                          .syscall = cases[i].syscall,
                                          .arguments = cases[i].arguments,
                                          .file = cases[i].file,
                                          .channel = cases[i].channel };
                int word = wait_derive(&facts);

                if (word != cases[i].word)
                        fail_msg("case %zu: %d instead of %d", i, word, cases[i].word);
        }
}

static void test_calls_have_names(void **state)
{
        assert_string_equal(wait_call_name(SYS_futex), "futex");
        assert_string_equal(wait_call_name(SYS_read), "read");
        assert_null(wait_call_name(WAIT_NO_SYSCALL));
        assert_null(wait_call_name(WAIT_UNKNOWN_SYSCALL));
        assert_null(wait_call_name(SYS_getpid)); /* never waits */
        assert_null(wait_call_name(1 << 20));
        assert_true(wait_asks_file(SYS_read));
        assert_true(wait_asks_file(SYS_writev));
        assert_false(wait_asks_file(SYS_futex));
        assert_false(wait_asks_file(-1));
}

static void test_kinds_of_files(void **state)
{
        assert_int_equal(wait_file_of_mode(S_IFREG | 0644, ""), WAIT_FILE_DISK);
        assert_int_equal(wait_file_of_mode(S_IFBLK, ""), WAIT_FILE_DISK);
        assert_int_equal(wait_file_of_mode(S_IFIFO, ""), WAIT_FILE_PIPE);
        assert_int_equal(wait_file_of_mode(S_IFSOCK, ""), WAIT_FILE_SOCKET);
        assert_int_equal(wait_file_of_mode(S_IFCHR, ""), WAIT_FILE_OTHER);
        assert_int_equal(wait_file_of_mode(0600, "[timerfd]"), WAIT_FILE_TIMER);
        assert_int_equal(wait_file_of_mode(0600, "[eventfd]"), WAIT_FILE_OTHER);
        assert_int_equal(wait_file_of_link("socket:[123]"), WAIT_FILE_SOCKET);
        assert_int_equal(wait_file_of_link("pipe:[123]"), WAIT_FILE_PIPE);
        assert_int_equal(wait_file_of_link("anon_inode:[timerfd]"), WAIT_FILE_TIMER);
        assert_int_equal(wait_file_of_link("anon_inode:[eventpoll]"), WAIT_FILE_OTHER);
        assert_int_equal(wait_file_of_link("/dev/pts/0"), WAIT_FILE_OTHER);
        assert_int_equal(wait_file_of_link("/run/fifo"), WAIT_FILE_UNKNOWN);
        assert_int_equal(wait_file_of_link(""), WAIT_FILE_UNKNOWN);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_table),
                cmocka_unit_test(test_calls_have_names),
                cmocka_unit_test(test_kinds_of_files),
        };
        return cmocka_run_group_tests_name("sample/wait", tests, NULL, NULL);
}
