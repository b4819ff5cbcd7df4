/* All rungs of the ladder on the same living threads: each field means the same on each of them. */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/units.h"
#include "sample/bpf_load.h"
#include "sample/bpf_record.h"
#include "sys/clock.h"
#include "sys/directory.h"
#include "sys/fd.h"
#include "sys/packet.h"
#include "waiters.h"

/* The rungs above "process"; those that cannot be had here fall to procfs, and say so. */
static const SampleRung rungs[] = { RUNG_PROGRAM, RUNG_ITERATOR, RUNG_PROCFS };

static SampleTarget process;

static int start(void **state)
{
        process = waiters_start();
        return 0;
}

static int end(void **state)
{
        waiters_end(&process);
        return 0;
}

static void test_each_rung_is_had_where_it_can_be(void **state)
{
        for (size_t i = 0; i < COUNT_OF(rungs); i++) {
                AUTO(Sampler) *sampler = sampler_on(rungs[i], 0);

                print_message("# %s: %s, %s\n", sample_rung_to_name(rungs[i]),
                              sample_rung_to_name(sampler_rung(sampler)), sampler_reason(sampler));
                assert_true(sampler_rung(sampler) <= rungs[i]);
                assert_true(sampler_rung(sampler) >= RUNG_PROCFS);
                assert_true(strlen(sampler_reason(sampler)) > 0);
                if (is_bpf_allowed() && rungs[i] >= RUNG_ITERATOR)
                        assert_true(sampler_rung(sampler) >= RUNG_ITERATOR);
        }
}

static void check_waits(const Seen *seen, SampleRung rung)
{
        for (size_t i = 0; i < waiter_count; i++) {
                const Sample *sample = seen_find(seen, waiters[i].name);

                if (!sample)
                        fail_msg("%s does not see %s", sample_rung_to_name(rung), waiters[i].name);
                assert_int_equal(thread_gap(sample->gaps, THREAD_WAITING_ON), THREAD_GAP_NONE);
                if (sample->waiting_on != waiters[i].word || sample->state != waiters[i].state)
                        fail_msg("%s: %s is %s and waits on %s", sample_rung_to_name(rung),
                                 waiters[i].name, thread_state_to_name(sample->state),
                                 waiting_on_to_name(sample->waiting_on));
                if (waiters[i].channel)
                        assert_string_equal(sample->wait_channel, waiters[i].channel);
        }
}

static void test_each_kind_of_wait_has_its_word(void **state)
{
        for (size_t i = 0; i < COUNT_OF(rungs); i++) {
                AUTO(Sampler) *sampler = sampler_on(rungs[i], 0);
                Seen seen;

                seen_take(sampler, &process, 1, &seen);
                assert_int_equal(seen.count, waiter_count + 1);
                check_waits(&seen, sampler_rung(sampler));
        }
}

static void compare(const Sample *a, const Sample *b)
{
        const uint64_t tick_usec = USEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK);

        assert_int_equal(a->tid, b->tid);
        assert_int_equal(a->start_ticks, b->start_ticks);
        assert_string_equal(a->name, b->name);
        assert_int_equal(a->state, b->state);
        assert_int_equal(a->waiting_on, b->waiting_on);
        assert_int_equal(a->last_cpu, b->last_cpu);
        assert_int_equal(a->cpu_nsec, b->cpu_nsec);
        assert_int_equal(a->user_usec + a->system_usec, a->cpu_nsec / NSEC_PER_USEC);
        assert_int_equal(b->user_usec + b->system_usec, b->cpu_nsec / NSEC_PER_USEC);
        assert_true(a->user_usec <= b->user_usec + tick_usec
                    && b->user_usec <= a->user_usec + tick_usec);
        assert_int_equal(a->run_delay_nsec, b->run_delay_nsec);
        assert_int_equal(a->voluntary_switches, b->voluntary_switches);
        assert_int_equal(a->involuntary_switches, b->involuntary_switches);
        assert_int_equal(a->minor_faults, b->minor_faults);
        assert_int_equal(a->major_faults, b->major_faults);
        assert_int_equal(thread_gap(a->gaps, THREAD_RUN_DELAY),
                         thread_gap(b->gaps, THREAD_RUN_DELAY));
        assert_int_equal(thread_gap(a->gaps, THREAD_SWITCHES),
                         thread_gap(b->gaps, THREAD_SWITCHES));
}

/* procfs does not ask for the system call of one that cannot be interrupted. */
static void compare_wait(const Sample *a, const Sample *b)
{
        if (a->state == THREAD_DISK_WAIT)
                return;
        assert_string_equal(a->wait_channel, b->wait_channel);
        assert_int_equal(a->syscall, b->syscall);
        assert_memory_equal(a->arguments, b->arguments, sizeof(a->arguments));
        assert_int_equal(thread_gap(a->gaps, THREAD_SYSCALL), thread_gap(b->gaps, THREAD_SYSCALL));
        assert_int_equal(thread_gap(a->gaps, THREAD_WAIT_CHANNEL),
                         thread_gap(b->gaps, THREAD_WAIT_CHANNEL));
}

static void test_all_rungs_say_the_same(void **state)
{
        Seen seen[COUNT_OF(rungs)];

        for (size_t i = 0; i < COUNT_OF(rungs); i++) {
                AUTO(Sampler) *sampler = sampler_on(rungs[i], 0);

                seen_take(sampler, &process, 1, &seen[i]);
        }
        for (size_t i = 1; i < COUNT_OF(rungs); i++) {
                assert_int_equal(seen[i].count, seen[0].count);
                for (size_t j = 0; j < seen[i].count; j++) {
                        compare(&seen[i].samples[j], &seen[0].samples[j]);
                        compare_wait(&seen[i].samples[j], &seen[0].samples[j]);
                }
        }
}

/* A second round of the same sampler, which takes short cuts, says what the first said. */
static void test_threads_that_do_not_run_stay_the_same(void **state)
{
        for (size_t i = 0; i < COUNT_OF(rungs); i++) {
                AUTO(Sampler) *sampler = sampler_on(rungs[i], 0);
                Seen first, second;

                seen_take(sampler, &process, 1, &first);
                seen_take(sampler, &process, 1, &second);
                assert_int_equal(first.count, second.count);
                for (size_t j = 0; j < first.count; j++) {
                        compare(&first.samples[j], &second.samples[j]);
                        compare_wait(&first.samples[j], &second.samples[j]);
                        assert_int_equal(first.samples[j].gaps, second.samples[j].gaps);
                        assert_true(first.samples[j].taken_usec < second.samples[j].taken_usec);
                }
        }
}

static pid_t spin(void)
{
        pid_t pid = fork();

        if (pid == 0) {
                (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
                for (;;)
                        __asm__ volatile("");
        }
        return pid;
}

static void test_a_thread_that_runs(void **state)
{
        pid_t pid = spin();

        for (size_t i = 0; i < COUNT_OF(rungs); i++) {
                AUTO(Sampler) *sampler = sampler_on(rungs[i], 0);
                SampleTarget target = target_of(pid);
                Seen seen;
                uint64_t before;

                seen_take(sampler, &target, 1, &seen);
                assert_int_equal(seen.count, 1);
                before = seen.samples[0].cpu_nsec;
                while (seen.samples[0].cpu_nsec < before + 20 * 1000000UL) {
                        (void)sched_yield();
                        seen_take(sampler, &target, 1, &seen);
                        assert_true(seen.samples[0].state == THREAD_RUNNING
                                    || seen.samples[0].state == THREAD_RUNNABLE);
                        assert_true(seen.samples[0].waiting_on == WAITING_ON_NONE
                                    || seen.samples[0].waiting_on == WAITING_ON_CPU);
                }
                assert_true(seen.samples[0].user_usec > 0);
        }
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
}

static void test_several_processes_are_kept_apart(void **state)
{
        pid_t pid = spin();
        const SampleTarget targets[] = {
                target_of(pid), process, { .pid = 0x3fffffff }, target_of(getpid())
        };

        for (size_t i = 0; i < COUNT_OF(rungs); i++) {
                AUTO(Sampler) *sampler = sampler_on(rungs[i], 0);
                size_t counts[COUNT_OF(targets)] = { 0 }, last = 0;
                Seen seen;

                seen_take(sampler, targets, COUNT_OF(targets), &seen);
                for (size_t j = 0; j < seen.count; j++) {
                        assert_true(seen.targets[j] >= last);
                        last = seen.targets[j];
                        counts[last]++;
                }
                assert_int_equal(counts[0], 1);
                assert_int_equal(counts[1], waiter_count + 1);
                assert_int_equal(counts[2], 0);
                assert_int_equal(counts[3], 1);
        }
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
}

/* ---- threads that come and go ---- */

static void *be_short(void *unused)
{
        return NULL;
}

static pid_t churn(void)
{
        pid_t pid = fork();
        pthread_t threads[4];

        if (pid != 0)
                return pid;
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
                for (size_t i = 0; i < COUNT_OF(threads); i++)
                        if (pthread_create(&threads[i], NULL, be_short, NULL) != 0)
                                _exit(1);
                for (size_t i = 0; i < COUNT_OF(threads); i++)
                        (void)pthread_join(threads[i], NULL);
        }
}

static size_t count_fds(void)
{
        AUTO_DIRECTORY *directory = opendir("/proc/self/fd");
        size_t count = 0;

        assert_non_null(directory);
        while (readdir(directory))
                count++;
        return count;
}

static void check_identities(const Seen *seen)
{
        for (size_t i = 0; i < seen->count; i++)
                for (size_t j = 0; j < i; j++)
                        assert_false(seen->samples[i].tid == seen->samples[j].tid);
}

static void test_threads_may_come_and_go(void **state)
{
        size_t fds = count_fds();
        pid_t pid = churn();

        for (size_t i = 0; i < COUNT_OF(rungs); i++) {
                AUTO(Sampler) *sampler = sampler_on(rungs[i], 0);

                for (unsigned round = 0; round < 200; round++) {
                        SampleTarget target = target_of(pid);
                        Seen seen;

                        seen_take(sampler, &target, 1, &seen);
                        check_identities(&seen);
                }
        }
        (void)kill(pid, SIGKILL);
        (void)waitpid(pid, NULL, 0);
        assert_int_equal(count_fds(), fds);
}

static void test_a_process_that_has_ended_has_no_threads(void **state)
{
        for (size_t i = 0; i < COUNT_OF(rungs); i++) {
                AUTO(Sampler) *sampler = sampler_on(rungs[i], 0);
                pid_t pid = spin();
                SampleTarget target = target_of(pid);
                Seen seen;

                seen_take(sampler, &target, 1, &seen);
                assert_int_equal(seen.count, 1);
                (void)kill(pid, SIGKILL);
                (void)waitpid(pid, NULL, 0);
                for (unsigned round = 0; round < 2; round++)
                        seen_take(sampler, &target, 1, &seen);
                assert_int_equal(seen.count, 0);
        }
}

/* ---- what cannot be had ---- */

/* CAP_SYS_ADMIN stands for the two others, and root would get all of them back with exec. */
static void test_without_rights_it_is_procfs(void **state)
{
        enum { SYS_ADMIN = 21, PERFMON = 38, BPF = 39 };
        pid_t pid = fork();
        int status;

        if (pid == 0) {
                AUTO(Sampler) *sampler = NULL;

                (void)prctl(PR_CAPBSET_DROP, SYS_ADMIN);
                (void)prctl(PR_CAPBSET_DROP, PERFMON);
                (void)prctl(PR_CAPBSET_DROP, BPF);
                sampler = sampler_on(RUNG_PROGRAM, 0);
                _exit(sampler_rung(sampler) != RUNG_PROCFS
                      || (is_bpf_allowed() && !strstr(sampler_reason(sampler), "CAP_BPF")));
        }
        (void)waitpid(pid, &status, 0);
        assert_int_equal(status, 0);
}

static void test_a_helper_that_fails_is_told(void **state)
{
        AUTO(Sampler) *sampler = NULL;
        unsigned records;
        SampleRung rung;
        int pair[2];

        assert_int_equal(sampler_new(RUNG_PROGRAM, &sampler), 0);
        assert_int_equal(sampler_rung(sampler), RUNG_PROCESS); /* until it has answered */
        assert_true(sampler_load_due(sampler, &rung, &records));
        assert_int_equal(rung, RUNG_PROGRAM);
        assert_false(sampler_load_due(sampler, &rung, &records));
        assert_int_equal(packet_pair(pair), 0);
        (void)fd_close(pair[1]);
        sampler_loaded(sampler, pair[0], NULL);
        (void)fd_close(pair[0]);
        assert_int_equal(sampler_rung(sampler), RUNG_PROCFS);
        assert_non_null(strstr(sampler_reason(sampler), "without an answer"));
        assert_false(sampler_load_due(sampler, &rung, &records));
}

/* An answer of another version, or with descriptors that are no maps. */
static void test_answers_that_are_not_ours_are_refused(void **state)
{
        const BpfAnswer good = { .version = BPF_ANSWER_VERSION,
                                 .rung = RUNG_PROGRAM,
                                 .record_size = sizeof(BpfRecord),
                                 .records = 4 };

        for (unsigned kind = 0; kind < 4; kind++) {
                AUTO(Sampler) *sampler = NULL;
                BpfAnswer answer = good;
                const int fds[BPF_FDS] = { 0 };
                unsigned records;
                SampleRung rung;
                int pair[2];

                answer.version += kind == 0;
                answer.record_size += kind == 1;
                answer.records = kind == 2 ? UINT32_MAX : answer.records;
                assert_int_equal(sampler_new(RUNG_PROGRAM, &sampler), 0);
                assert_true(sampler_load_due(sampler, &rung, &records));
                assert_int_equal(packet_pair(pair), 0);
                assert_int_equal(packet_send(pair[1], &answer, sizeof(answer), fds, BPF_FDS), 0);
                sampler_loaded(sampler, pair[0], NULL);
                assert_int_equal(sampler_rung(sampler), RUNG_PROCFS);
                (void)fd_close(pair[0]);
                (void)fd_close(pair[1]);
        }
}

/* Records for 8 threads: what is left out is asked for anew. */
static void test_too_few_records_are_made_more(void **state)
{
        for (size_t i = 0; i < 2; i++) {
                AUTO(Sampler) *sampler = sampler_on(rungs[i], 8);
                Seen seen;

                for (unsigned round = 0; round < 2; round++) {
                        seen_take(sampler, &process, 1, &seen);
                        helper_run(sampler, 0);
                }
                assert_int_equal(seen.count, waiter_count + 1);
                check_waits(&seen, sampler_rung(sampler));
        }
}

/* Without any budget procfs comes round to everybody all the same, a few in each round. */
static void count_looked_at(void *userdata, size_t target, const Sample *sample)
{
        *(size_t *)userdata += sample->taken_usec > 0;
        if (sample->taken_usec == 0)
                assert_int_equal(thread_gap(sample->gaps, THREAD_RUN_DELAY), THREAD_GAP_NOT_YET);
}

static void test_a_small_budget_takes_more_rounds(void **state)
{
        AUTO(Sampler) *sampler = sampler_on(RUNG_PROCFS, 0);
        size_t seen = 0, before = 0;
        unsigned rounds = 0;

        while (seen < waiter_count + 1 && rounds++ < 100) {
                seen = 0;
                assert_int_equal(
                        sampler_take(sampler, &process, 1, now_usec(), 0, count_looked_at, &seen),
                        waiter_count + 1);
                assert_true(seen > before);
                before = seen;
        }
        assert_in_range(rounds, 2, 99);
        assert_true(sampler_pass_usec(sampler) > 0);
}

static void test_the_last_rung_sees_no_threads(void **state)
{
        AUTO(Sampler) *sampler = sampler_on(RUNG_PROCESS, 0);
        Seen seen;

        seen_take(sampler, &process, 1, &seen);
        assert_int_equal(seen.count, 0);
        assert_int_equal(sampler_rung(sampler), RUNG_PROCESS);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_each_rung_is_had_where_it_can_be),
                cmocka_unit_test(test_each_kind_of_wait_has_its_word),
                cmocka_unit_test(test_all_rungs_say_the_same),
                cmocka_unit_test(test_threads_that_do_not_run_stay_the_same),
                cmocka_unit_test(test_a_thread_that_runs),
                cmocka_unit_test(test_several_processes_are_kept_apart),
                cmocka_unit_test(test_threads_may_come_and_go),
                cmocka_unit_test(test_a_process_that_has_ended_has_no_threads),
                cmocka_unit_test(test_without_rights_it_is_procfs),
                cmocka_unit_test(test_a_helper_that_fails_is_told),
                cmocka_unit_test(test_answers_that_are_not_ours_are_refused),
                cmocka_unit_test(test_too_few_records_are_made_more),
                cmocka_unit_test(test_a_small_budget_takes_more_rounds),
                cmocka_unit_test(test_the_last_rung_sees_no_threads),
        };
        return cmocka_run_group_tests_name("sample/rungs", tests, start, end);
}
