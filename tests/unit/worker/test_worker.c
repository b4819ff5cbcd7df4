/* include/reeve/worker.h, as a program uses it: alone, and with a reeve of this test at the other
 * end of its memory and its control socket.
 *
 * The SDK is one a process, so every case is a process: the test makes what reeve would make,
 * forks, and the child, which is the worker, says by its exit status whether it was content. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "reeve/worker.h"
#include "sample/telemetry.h"

enum { SLOTS = 16 };

typedef struct Worker {
        Telemetry telemetry;
        int control_listener, control;
        int to_worker[2], from_worker[2];
        char directory[64], control_path[96];
        pid_t pid;
} Worker;

/* What the child sees of it. */
static Worker worker;

#define EXPECT(truth) \
        do { \
                if (!(truth)) { \
                        (void)dprintf(2, "%s:%d: not so: %s\n", __FILE__, __LINE__, #truth); \
                        _exit(1); \
                } \
        } while (0)

/* ---- the reeve of this test ---- */

static int set_up(void **state)
{
        struct sockaddr_un address = { .sun_family = AF_UNIX };

        worker = (Worker){ .telemetry = TELEMETRY_UNSET, .control = -1 };
        assert_int_equal(telemetry_new(SLOTS, &worker.telemetry), 0);
        (void)strcpy(worker.directory, "/tmp/reeve-worker-XXXXXX");
        assert_non_null(mkdtemp(worker.directory));
        (void)snprintf(worker.control_path, sizeof(worker.control_path), "%s/control",
                       worker.directory);
        (void)strcpy(address.sun_path, worker.control_path);
        worker.control_listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
        assert_return_code(bind(worker.control_listener, (void *)&address, sizeof(address)), errno);
        assert_return_code(listen(worker.control_listener, 1), errno);
        assert_return_code(pipe2(worker.to_worker, O_CLOEXEC), errno);
        assert_return_code(pipe2(worker.from_worker, O_CLOEXEC), errno);
        *state = &worker;
        return 0;
}

static int tear_down(void **state)
{
        const int descriptors[] = { worker.control_listener, worker.control,
                                    worker.to_worker[0],     worker.to_worker[1],
                                    worker.from_worker[0],   worker.from_worker[1] };

        (void)state;
        for (size_t i = 0; i < sizeof(descriptors) / sizeof(descriptors[0]); i++)
                if (descriptors[i] >= 0)
                        (void)close(descriptors[i]);
        telemetry_done(&worker.telemetry);
        (void)unlink(worker.control_path);
        (void)rmdir(worker.directory);
        return 0;
}

/* Environment of a worker; @run in it */
static void start(void (*run)(void))
{
        char number[16];

        (void)snprintf(number, sizeof(number), "%d", worker.telemetry.fd);
        worker.pid = fork();
        assert_true(worker.pid >= 0);
        if (worker.pid)
                return;
        (void)alarm(300);
        EXPECT(setenv("REEVE_TELEMETRY_FD", number, 1) == 0);
        EXPECT(setenv("REEVE_CONTROL_SOCKET", worker.control_path, 1) == 0);
        EXPECT(setenv("REEVE_THREADS", "3", 1) == 0);
        run();
        _exit(0);
}

static void finish(void)
{
        int status;

        assert_int_equal(waitpid(worker.pid, &status, 0), worker.pid);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
}

static TelemetrySample look(void)
{
        TelemetrySample sample;

        assert_int_equal(telemetry_read(&worker.telemetry, NULL, &sample), 0);
        return sample;
}

/* The worker says that it has come so far, and waits until it may go on. */
static void halt(void)
{
        char byte = 0;

        EXPECT(write(worker.from_worker[1], &byte, 1) == 1);
        EXPECT(read(worker.to_worker[0], &byte, 1) == 1);
}

static void await_halt(void)
{
        char byte;

        assert_int_equal(read(worker.from_worker[0], &byte, 1), 1);
}

static void go_on(void)
{
        assert_int_equal(write(worker.to_worker[1], "", 1), 1);
}

static const char *hear(char *message, size_t size)
{
        ssize_t n = recv(worker.control, message, size - 1, 0);

        assert_true(n > 0);
        message[n] = 0;
        return message;
}

static const char *ask(const char *question, char *message, size_t size)
{
        assert_int_equal(send(worker.control, question, strlen(question), MSG_NOSIGNAL),
                         strlen(question));
        return hear(message, size);
}

static void accept_control(void)
{
        char message[256];

        worker.control = accept4(worker.control_listener, NULL, NULL, SOCK_CLOEXEC);
        assert_true(worker.control >= 0);
        assert_non_null(strstr(hear(message, sizeof(message)), "HELLO=1\n"));
}

/* ---- tasks ---- */

static atomic_uint ran;

static void count_task(void *argument)
{
        (void)argument;
        atomic_fetch_add(&ran, 1);
}

/* Runs until the pipe is written to or closed. */
static int gate[2];
static atomic_uint at_gate;

static void wait_task(void *argument)
{
        char byte;

        (void)argument;
        atomic_fetch_add(&at_gate, 1);
        EXPECT(read(gate[0], &byte, 1) >= 0);
        atomic_fetch_add(&ran, 1);
}

static void await_count(const atomic_uint *counter, unsigned count)
{
        while (atomic_load(counter) < count)
                (void)sched_yield();
}

/* ---- alone ---- */

static void run_alone(void)
{
        ReevePoolOptions options = { .threads = 4 };
        ReevePool *pool;

        (void)unsetenv("REEVE_TELEMETRY_FD");
        (void)unsetenv("REEVE_CONTROL_SOCKET");
        pool = reeve_pool_new(&options);
        EXPECT(pool && reeve_pool_threads(pool) == 4);
        for (int i = 0; i < 10000; i++)
                EXPECT(reeve_submit(pool, count_task, NULL) == 0);
        EXPECT(reeve_pool_drain(pool, -1) == 0);
        EXPECT(atomic_load(&ran) == 10000);
        EXPECT(reeve_attach() == 0);
        EXPECT(reeve_submit(pool, count_task, NULL) == -ESHUTDOWN);
        EXPECT(!reeve_pool_free(pool));
}

static void test_alone(void **state)
{
        (void)state;
        start(run_alone);
        finish();
        assert_false(look().is_attached);
}

static void run_stale(void)
{
        EXPECT(setenv("REEVE_TELEMETRY_FD", "999", 1) == 0);
        EXPECT(reeve_attach() == 0);
}

static void test_a_descriptor_that_is_none_is_no_harm(void **state)
{
        (void)state;
        start(run_stale);
        finish();
}

/* ---- telemetry ---- */

static void run_counted(void)
{
        ReevePool *pool = reeve_pool_new(NULL);

        for (int i = 0; i < 5000; i++)
                EXPECT(reeve_submit(pool, count_task, NULL) == 0);
        EXPECT(reeve_pool_drain(pool, -1) == 0);
        EXPECT(!reeve_pool_free(pool));
}

static void test_every_task_is_counted(void **state)
{
        TelemetrySample sample;

        (void)state;
        start(run_counted);
        finish();
        sample = look();
        assert_true(sample.is_attached);
        assert_int_equal(sample.attached_pid, worker.pid);
        assert_int_equal(sample.submitted, 5000);
        assert_int_equal(sample.started, 5000);
        assert_int_equal(sample.done, 5000);
        assert_int_equal(sample.queue_length, 0);
        assert_int_equal(sample.threads_live, 0);
}

static void run_gated(void)
{
        ReevePoolOptions options = { .threads = 2, .queue_capacity = 3 };
        ReevePool *pool;

        EXPECT(pipe(gate) == 0);
        pool = reeve_pool_new(&options);
        for (int i = 0; i < 2; i++)
                EXPECT(reeve_submit(pool, wait_task, NULL) == 0);
        await_count(&at_gate, 2);
        for (int i = 0; i < 3; i++)
                EXPECT(reeve_try_submit(pool, count_task, NULL) == 0);
        EXPECT(reeve_try_submit(pool, count_task, NULL) == -EAGAIN);
        EXPECT(reeve_submit_within(pool, count_task, NULL, 1) == -ETIMEDOUT);
        EXPECT(reeve_pool_drain(pool, 0) == -ETIMEDOUT);
        halt();
        EXPECT(close(gate[1]) == 0);
        EXPECT(reeve_pool_drain(pool, -1) == 0);
        EXPECT(atomic_load(&ran) == 5);
        EXPECT(!reeve_pool_free(pool));
}

static void test_a_full_queue_pushes_back(void **state)
{
        TelemetrySample sample;

        (void)state;
        start(run_gated);
        await_halt();
        sample = look();
        assert_int_equal(sample.threads_busy, 2);
        assert_int_equal(sample.queue_length, 3);
        assert_int_equal(sample.queue_high_water, 3);
        assert_int_equal(sample.queue_capacity, 3);
        assert_int_equal(sample.rejected, 1);
        assert_int_equal(sample.timed_out, 1);
        assert_true(sample.oldest_task_nsec > 0);
        go_on();
        finish();
        assert_int_equal(look().done, 5);
}

static void task_that_fails(void *argument)
{
        (void)argument;
        reeve_wait_begin(REEVE_THREAD_LOCK);
        reeve_wait_end();
        reeve_wait_begin(REEVE_THREAD_IO);
        reeve_wait_end();
        reeve_work(7);
        reeve_fail();
}

static void run_failing(void)
{
        ReevePool *pool = reeve_pool_new(NULL);

        EXPECT(reeve_submit(pool, task_that_fails, NULL) == 0);
        EXPECT(reeve_submit(pool, count_task, NULL) == 0);
        EXPECT(!reeve_pool_free(pool));
}

static void test_failures_waits_and_work_are_told(void **state)
{
        TelemetrySample sample;

        (void)state;
        start(run_failing);
        finish();
        sample = look();
        assert_int_equal(sample.failed, 1);
        assert_int_equal(sample.done, 1);
        assert_int_equal(sample.work_units, 7);
        assert_true(sample.lock_wait_nsec > 0 && sample.io_wait_nsec > 0);
        assert_true(sample.service_nsec >= sample.lock_wait_nsec + sample.io_wait_nsec);
}

static void run_own_thread(void)
{
        reeve_thread_enter(REEVE_THREAD_OTHER);
        /* 46 bytes, and a character of two bytes that would be cut in its middle. */
        reeve_task_begin("0123456789012345678901234567890123456789012345\xC3\xA9");
        halt();
        reeve_task_end(true);
        reeve_task_begin(NULL);
        reeve_task_end(false);
        reeve_thread_leave();
}

static void test_threads_of_ones_own(void **state)
{
        const ReeveTelemetryThread *slot = (void *)((char *)worker.telemetry.memory + 1408);

        (void)state;
        start(run_own_thread);
        await_halt();
        assert_int_equal(look().threads_busy, 1);
        assert_int_equal(slot->kind, REEVE_THREAD_OTHER);
        assert_int_equal(slot->tid, worker.pid);
        assert_int_equal(slot->label_sequence % 2, 0);
        assert_string_equal(slot->label, "0123456789012345678901234567890123456789012345");
        go_on();
        finish();
        assert_int_equal(look().done, 1);
        assert_int_equal(look().failed, 1);
        assert_int_equal(look().threads_live, 0);
}

static void run_forking(void)
{
        int status;
        pid_t pid;

        reeve_thread_enter(REEVE_THREAD_OTHER);
        pid = fork();
        if (pid == 0) {
                reeve_thread_enter(REEVE_THREAD_OTHER);
                reeve_task_begin("of the child");
                reeve_task_end(true);
                _exit(0);
        }
        EXPECT(waitpid(pid, &status, 0) == pid && status == 0);
        reeve_task_begin(NULL);
        reeve_task_end(true);
        reeve_thread_leave();
}

static void test_a_fork_does_not_count(void **state)
{
        (void)state;
        start(run_forking);
        finish();
        assert_int_equal(look().done, 1);
}

/* ---- size ---- */

static void run_resized(void)
{
        ReevePoolOptions options = { .threads = 8 };
        ReevePool *pool;

        EXPECT(pipe(gate) == 0);
        pool = reeve_pool_new(&options);
        for (int i = 0; i < 8; i++)
                EXPECT(reeve_submit(pool, wait_task, NULL) == 0);
        await_count(&at_gate, 8);
        EXPECT(reeve_pool_resize(pool, 2) == 0);
        EXPECT(reeve_pool_threads(pool) == 8); /* all of them are in the midst of a task */
        for (int i = 0; i < 100; i++)
                EXPECT(reeve_submit(pool, count_task, NULL) == 0);
        EXPECT(close(gate[1]) == 0);
        await_count(&ran, 108);
        EXPECT(reeve_pool_drain(pool, -1) == 0);
        EXPECT(reeve_pool_threads(pool) == 2);
        EXPECT(reeve_pool_resize(pool, 0) == -EINVAL);
        EXPECT(!reeve_pool_free(pool));
}

static void test_shrinking_waits_for_the_end_of_tasks(void **state)
{
        (void)state;
        start(run_resized);
        finish();
        assert_int_equal(look().done, 108);
}

static void run_until_told(void)
{
        ReevePool *pool = reeve_pool_new(NULL);

        EXPECT(pool);
        halt();
        EXPECT(reeve_is_draining());
        EXPECT(!reeve_pool_free(pool));
}

static void test_reeve_sets_the_size(void **state)
{
        char message[256];

        (void)state;
        start(run_until_told);
        await_halt();
        accept_control();
        assert_string_equal(ask("SEQUENCE=1\nTHREADS=9\n", message, sizeof(message)),
                            "SEQUENCE=1\nTHREADS_OK=9\n");
        assert_string_equal(ask("SEQUENCE=2\nTHREADS=2\n", message, sizeof(message)),
                            "SEQUENCE=2\nTHREADS_OK=2\n");
        assert_string_equal(ask("SEQUENCE=2\nTHREADS=2\n", message, sizeof(message)),
                            "SEQUENCE=2\nTHREADS_OK=2\n");
        assert_string_equal(ask("PING=abc\n", message, sizeof(message)), "PONG=abc\n");
        assert_string_equal(ask("THREADS=0\n", message, sizeof(message)),
                            "ERROR=THREADS= must be between 1 and 65535\n");
        assert_string_equal(ask("DRAIN=1\nSEQUENCE=3\n", message, sizeof(message)), "SEQUENCE=3\n");
        go_on();
        finish();
}

static void test_the_worker_comes_back(void **state)
{
        char message[256];

        (void)state;
        start(run_until_told);
        await_halt();
        accept_control();
        (void)close(worker.control);
        accept_control();
        assert_string_equal(ask("DRAIN=1\nPING=1\n", message, sizeof(message)), "PONG=1\n");
        go_on();
        finish();
}

static int refuse(unsigned threads, void *userdata)
{
        (void)userdata;
        return threads > 10 ? -EAGAIN : 0;
}

static void run_with_callback(void)
{
        reeve_on_threads(refuse, NULL);
        EXPECT(reeve_attach() == 1);
        halt();
}

static void test_a_program_may_follow_by_itself(void **state)
{
        char message[256];

        (void)state;
        start(run_with_callback);
        await_halt();
        accept_control();
        assert_string_equal(ask("THREADS=5\n", message, sizeof(message)), "THREADS_OK=5\n");
        assert_non_null(strstr(ask("THREADS=50\n", message, sizeof(message)),
                               "ERROR=cannot have 50 threads: "));
        go_on();
        finish();
}

/* ---- listeners ---- */

static void run_listeners(void)
{
        char pid[32];

        (void)snprintf(pid, sizeof(pid), "%ld", (long)getpid());
        EXPECT(reeve_listener(NULL) == -ENOENT);
        EXPECT(setenv("LISTEN_PID", pid, 1) == 0 && setenv("LISTEN_FDS", "2", 1) == 0);
        EXPECT(reeve_listener(NULL) == 3);
        EXPECT(setenv("LISTEN_FDNAMES", "web:admin", 1) == 0);
        EXPECT(reeve_listener("web") == 3 && reeve_listener("admin") == 4);
        EXPECT(reeve_listener("adm") == -ENOENT);
        EXPECT(setenv("LISTEN_PID", "1", 1) == 0);
        EXPECT(reeve_listener("web") == -ENOENT);
}

static void test_listeners_by_name(void **state)
{
        (void)state;
        start(run_listeners);
        finish();
}

#define CASE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
        const struct CMUnitTest tests[] = {
                CASE(test_alone),
                CASE(test_a_descriptor_that_is_none_is_no_harm),
                CASE(test_every_task_is_counted),
                CASE(test_a_full_queue_pushes_back),
                CASE(test_failures_waits_and_work_are_told),
                CASE(test_threads_of_ones_own),
                CASE(test_a_fork_does_not_count),
                CASE(test_shrinking_waits_for_the_end_of_tasks),
                CASE(test_reeve_sets_the_size),
                CASE(test_the_worker_comes_back),
                CASE(test_a_program_may_follow_by_itself),
                CASE(test_listeners_by_name),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
