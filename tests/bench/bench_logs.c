/* bench_logs.c - what capturing a worker's output costs, beside `cat >file`
 *
 * A child writes numbered lines of 100 bytes through stdio; once a cat takes them from a pipe to
 * one file, then the capture takes them to files of 50 MB: as they are, with the time before each,
 * and as JSON. All read in a process of their own, of which CPU time and peak memory are taken;
 * rounds alternate, medians are shown, and every line is counted afterwards.
 *
 * Usage: bench_logs [MEGABYTES [FOLDER]], default 256 MB in /tmp */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/units.h"
#include "logs/capture.h"
#include "sys/clock.h"
#include "sys/fd.h"

enum { ROUNDS = 3, LINE_SIZE = 100, FILE_SIZE = 50 * 1024 * 1024, FILES_MAX = 1000 };

typedef struct Cost {
        double cpu_sec, wall_sec, peak_mb;
} Cost;

/* What a line is preceded by is skipped up to here when lines are counted. */
typedef struct Side {
        const char *name;
        bool is_cat;
        LogStamp stamp;
        LogFormat format;
        const char *skip_to;
} Side;

static const Side sides[] = {
        { "cat >file", true, STAMP_NONE, LOG_FORMAT_TEXT, NULL },
        { "capture", false, STAMP_NONE, LOG_FORMAT_TEXT, NULL },
        { "timestamps", false, STAMP_ISO, LOG_FORMAT_TEXT, " " },
        { "JSON", false, STAMP_ISO, LOG_FORMAT_JSON, "\"line\":\"" },
};
enum { SIDES = COUNT_OF(sides) };

typedef struct Bench {
        unsigned lines;
        char directory[128];
        int directory_fd;
} Bench;

static void die(const char *what)
{
        perror(what);
        exit(1);
}

static pid_t fork_or_die(void)
{
        pid_t pid = fork();

        if (pid < 0)
                die("fork");
        return pid;
}

/* ---- the worker ---- */

static int write_lines(int fd, unsigned lines)
{
        FILE *stream = fdopen(fd, "w");
        char line[LINE_SIZE];

        memset(line, '.', sizeof(line));
        line[LINE_SIZE - 1] = '\n';
        for (unsigned i = 0; stream && i < lines; i++) {
                unsigned number = i;

                for (int digit = 9; digit >= 0; digit--, number /= 10)
                        line[digit] = (char)('0' + number % 10);
                if (fwrite_unlocked(line, sizeof(line), 1, stream) != 1)
                        return 1;
        }
        return stream && fclose(stream) == 0 ? 0 : 1;
}

static pid_t start_writer(const Bench *bench, int fd)
{
        pid_t pid = fork_or_die();

        if (pid == 0)
                _exit(write_lines(fd, bench->lines));
        (void)close(fd);
        return pid;
}

/* ---- the two sides ---- */

static pid_t start_cat(int input, int output)
{
        pid_t pid = fork_or_die();

        if (pid > 0)
                return pid;
        if (dup2(input, STDIN_FILENO) >= 0 && dup2(output, STDOUT_FILENO) >= 0)
                (void)execlp("cat", "cat", (char *)NULL);
        _exit(127);
}

static void wait_until(uint64_t usec)
{
        const struct timespec at = { .tv_sec = (time_t)(usec / USEC_PER_SEC),
                                     .tv_nsec = (long)(usec % USEC_PER_SEC) * 1000 };

        (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

/* As the daemon does it: woken by epoll, one call of log_capture_move() in a round at most. */
static int capture_until_end(LogCapture *capture, pid_t writer)
{
        uint64_t round_usec = 0;
        AUTO_CLOSE epoll = epoll_create1(EPOLL_CLOEXEC);
        AUTO_CLOSE end = (int)syscall(SYS_pidfd_open, writer, 0);
        struct epoll_event output = { .events = EPOLLIN | EPOLLET,
                                      .data.fd = log_capture_fd(capture) };
        struct epoll_event ended = { .events = EPOLLIN, .data.fd = end }, event;

        if (epoll < 0 || end < 0
            || epoll_ctl(epoll, EPOLL_CTL_ADD, log_capture_fd(capture), &output) < 0
            || epoll_ctl(epoll, EPOLL_CTL_ADD, end, &ended) < 0)
                return 1;
        do {
                int r;

                if (epoll_wait(epoll, &event, 1, -1) != 1)
                        return 1;
                wait_until(round_usec);
                round_usec = now_usec() + LOG_ROUND_USEC;
                r = log_capture_move(capture);
                if (r < 0)
                        return 1;
                if (r & LOG_MOVE_MORE)
                        (void)epoll_ctl(epoll, EPOLL_CTL_MOD, log_capture_fd(capture), &output);
        } while (event.data.fd != end);
        (void)log_capture_free(capture);
        return 0;
}

static pid_t start_capture(LogCapture *capture, pid_t writer)
{
        pid_t pid = fork_or_die();

        if (pid == 0)
                _exit(capture_until_end(capture, writer));
        return pid;
}

/* ---- measuring ---- */

static double seconds(struct timeval time)
{
        return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static Cost wait_for(pid_t reader, pid_t writer, uint64_t began_usec)
{
        struct rusage usage;
        int reader_status, writer_status;
        Cost cost;

        if (wait4(reader, &reader_status, 0, &usage) != reader
            || waitpid(writer, &writer_status, 0) != writer)
                die("wait");
        if (reader_status != 0 || writer_status != 0) {
                (void)fprintf(stderr, "bench_logs: a child failed\n");
                exit(1);
        }
        cost.cpu_sec = seconds(usage.ru_utime) + seconds(usage.ru_stime);
        cost.peak_mb = (double)usage.ru_maxrss / 1024;
        cost.wall_sec = (double)(now_usec() - began_usec) / (double)USEC_PER_SEC;
        return cost;
}

/* Read the files oldest first. Return: lines that follow one another from 0 up */
static unsigned count_lines(const Side *side, int *fds, int count)
{
        unsigned next = 0;

        while (count-- > 0) {
                FILE *stream = fdopen(fds[count], "r");
                char line[4 * LINE_SIZE];

                while (stream && fgets(line, sizeof(line), stream)) {
                        const char *found = side->skip_to ? strstr(line, side->skip_to) : line;

                        if (!found || !strchr(line, '\n')
                            || strtoul(found + (side->skip_to ? strlen(side->skip_to) : 0), NULL,
                                       10)
                                       != next)
                                break;
                        next++;
                }
                if (stream)
                        (void)fclose(stream);
        }
        return next;
}

static void check_and_remove(const Bench *bench, const Side *side)
{
        int fds[FILES_MAX];
        int count = log_open_files(bench->directory_fd, 0, fds, FILES_MAX);
        unsigned lines = count < 0 ? 0 : count_lines(side, fds, count);
        char name[32];

        if (lines != bench->lines) {
                (void)fprintf(stderr, "bench_logs: line %u of %u is missing\n", lines,
                              bench->lines);
                exit(1);
        }
        (void)unlinkat(bench->directory_fd, "0.log", 0);
        for (int i = 1; i < count; i++) {
                (void)snprintf(name, sizeof(name), "0.log.%d", i);
                (void)unlinkat(bench->directory_fd, name, 0);
        }
}

static Cost run_cat(const Bench *bench)
{
        uint64_t began_usec = now_usec();
        int fds[2];
        AUTO_CLOSE file =
                openat(bench->directory_fd, "0.log", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        pid_t reader, writer;

        if (file < 0 || pipe2(fds, O_CLOEXEC) < 0)
                die("open");
        /* The reader first: it must not inherit the writing end, or it would never see the end. */
        reader = start_cat(fds[0], file);
        (void)close(fds[0]);
        writer = start_writer(bench, fds[1]);
        return wait_for(reader, writer, began_usec);
}

static Cost run_capture(const Bench *bench, const Side *side)
{
        const LogSettings settings = { .directory_fd = bench->directory_fd,
                                       .subject = "bench",
                                       .pool = "bench",
                                       .stream = "both",
                                       .max_bytes = FILE_SIZE,
                                       .max_files = FILES_MAX,
                                       .reader_group = (gid_t)-1,
                                       .style = { .stamp = side->stamp, .format = side->format } };
        uint64_t began_usec = now_usec();
        AUTO(LogCapture) *capture = NULL;
        Error error = { 0 };
        pid_t reader, writer;

        if (log_capture_new(&settings, &capture, &error) < 0)
                die(error.message);
        writer = start_writer(bench, log_capture_open_writer(capture, geteuid()));
        reader = start_capture(capture, writer);
        return wait_for(reader, writer, began_usec);
}

static int compare(const void *a, const void *b)
{
        double difference = *(const double *)a - *(const double *)b;

        return difference < 0 ? -1 : difference > 0;
}

static double median(double *values)
{
        qsort(values, ROUNDS, sizeof(*values), compare);
        return values[ROUNDS / 2];
}

typedef struct Rounds {
        double cpu[ROUNDS], wall[ROUNDS], peak[ROUNDS];
} Rounds;

static void measure(const Bench *bench, const Side *side, Rounds *rounds, unsigned round)
{
        Cost cost = side->is_cat ? run_cat(bench) : run_capture(bench, side);

        rounds->cpu[round] = cost.cpu_sec;
        rounds->wall[round] = cost.wall_sec;
        rounds->peak[round] = cost.peak_mb;
        check_and_remove(bench, side);
}

static void compare_sides(const Bench *bench)
{
        Rounds rounds[SIDES];
        double cat_cpu = 0;

        for (unsigned i = 0; i < ROUNDS; i++)
                for (unsigned j = 0; j < SIDES; j++)
                        measure(bench, &sides[j], &rounds[j], i);
        printf("%u lines of %d bytes, median of %d rounds, no line lost or split\n", bench->lines,
               LINE_SIZE, ROUNDS);
        printf("%-12s %8s %8s %8s %8s\n", "", "CPU s", "ratio", "wall s", "peak MB");
        for (unsigned j = 0; j < SIDES; j++) {
                double cpu = median(rounds[j].cpu);

                if (sides[j].is_cat)
                        cat_cpu = cpu;
                printf("%-12s %8.3f %8.2f %8.3f %8.1f\n", sides[j].name, cpu, cpu / cat_cpu,
                       median(rounds[j].wall), median(rounds[j].peak));
        }
}

static void remove_directory(const Bench *bench)
{
        AUTO_CLOSE parent = open(bench->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        if (parent < 0 || unlinkat(parent, "bench", AT_REMOVEDIR) < 0
            || rmdir(bench->directory) < 0)
                perror(bench->directory);
}

int main(int argc, char **argv)
{
        uint64_t megabytes = 256;
        Bench bench = { 0 };
        Error error = { 0 };

        if (argc > 3 || (argc > 1 && units_parse_number(argv[1], 20000, &megabytes) < 0)) {
                (void)fprintf(stderr, "Usage: bench_logs [MEGABYTES [FOLDER]]\n");
                return 2;
        }
        bench.lines = (unsigned)(megabytes * 1000000 / LINE_SIZE);
        (void)snprintf(bench.directory, sizeof(bench.directory), "%s/reeve-bench-XXXXXX",
                       argc > 2 ? argv[2] : "/tmp");
        if (!mkdtemp(bench.directory))
                die(bench.directory);
        bench.directory_fd = log_directory_open(bench.directory, "bench", &error);
        if (bench.directory_fd < 0)
                die(error.message);
        compare_sides(&bench);
        remove_directory(&bench);
        return 0;
}
