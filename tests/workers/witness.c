/* witness.c - usage: witness REEVED-PID POOL
 *
 * No worker: it watches those of a pool a thousand times a second, without asking reeved: the board
 * for what reeved says (whom it counts as ready), pidfds for who really lives, and the workers' own
 * telemetry for the threads that they have. It counts the moments at which less was there than promised.
 *
 *      floor R T      from now on R workers and T threads of ready ones are promised
 *      killed PID T   this one is about to be killed: until its slot has another ready worker, or
 *                     another floor is given, one worker and T threads less are promised
 *      end            what was seen, as one line of JSON
 *
 * Each order is answered by a line, so that who gave it can go on. A look at several rows is no
 * look at one moment: if the board changed meanwhile, it is looked at again. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/units.h"
#include "board/board.h"
#include "model/worker.h"
#include "reeve/telemetry.h"
#include "sample/telemetry.h"
#include "sys/clock.h"
#include "sys/memfd.h"

enum { WATCHED_MAX = 256, LOOK_USEC = 1000, ATTEMPTS = 1000 };

/* One worker's process. */
typedef struct Watched {
        pid_t pid; /* 0: free */
        unsigned slot;
        int pidfd;
        Telemetry telemetry;
} Watched;

typedef struct Killed {
        pid_t pid; /* 0: none, or replaced */
        unsigned slot, threads;
} Killed;

typedef struct Floor {
        unsigned workers, threads;
} Floor;

typedef struct Witness {
        BoardView view;
        uint32_t pool; /* its row */
        Watched watched[WATCHED_MAX];
        Killed killed[WATCHED_MAX];
        Floor floor;
        unsigned long looks, unsteady, violations;
        unsigned fewest_workers;
        uint64_t longest_gap_usec;
        char first[1024]; /* violation */
} Witness;

static void die(const char *what)
{
        (void)fprintf(stderr, "witness: %s: %s\n", what, strerror(errno));
        exit(EXIT_FAILURE);
}

/* The descriptor of @pid that is the memfd of this name, opened anew for reading; -1: it has none */
static int open_memfd(pid_t pid, const char *name)
{
        char folder[64], path[128], target[128], wanted[64];
        DIR *directory;
        int fd = -1;

        (void)snprintf(wanted, sizeof(wanted), "/memfd:%s (deleted)", name);
        (void)snprintf(folder, sizeof(folder), "/proc/%d/fd", (int)pid);
        directory = opendir(folder);
        for (struct dirent *entry; fd < 0 && directory && (entry = readdir(directory));) {
                ssize_t n;

                (void)snprintf(path, sizeof(path), "%s/%.20s", folder, entry->d_name);
                n = readlink(path, target, sizeof(target) - 1);
                target[MAX(n, 0)] = '\0';
                if (text_equal(target, wanted))
                        fd = open(path, O_RDONLY | O_CLOEXEC);
        }
        if (directory)
                (void)closedir(directory);
        return fd;
}

/* ---- who is there ---- */

static Watched *watch(Witness *witness, const BoardWorker *row)
{
        Watched *free_one = NULL;

        for (size_t i = 0; i < WATCHED_MAX; i++) {
                Watched *watched = &witness->watched[i];

                if (watched->pid == row->pid)
                        return watched;
                if (watched->pid == 0)
                        free_one = free_one ? free_one : watched;
        }
        if (!free_one)
                die("too many workers");
        *free_one = (Watched){ .pid = row->pid,
                               .slot = row->slot,
                               .pidfd = (int)syscall(SYS_pidfd_open, row->pid, 0),
                               .telemetry = TELEMETRY_UNSET };
        if (row->telemetry != BOARD_TELEMETRY_NONE) {
                int fd = open_memfd(row->pid, "reeve-telemetry");

                if (fd >= 0 && telemetry_take(fd, &free_one->telemetry) < 0)
                        die("telemetry of a worker");
        }
        return free_one;
}

static bool lives(const Watched *watched)
{
        struct pollfd poll_fd = { .fd = watched->pidfd, .events = POLLIN };

        return watched->pidfd >= 0 && poll(&poll_fd, 1, 0) == 0;
}

static void forget_dead(Witness *witness)
{
        for (size_t i = 0; i < WATCHED_MAX; i++) {
                Watched *watched = &witness->watched[i];

                if (watched->pid == 0 || lives(watched))
                        continue;
                telemetry_done(&watched->telemetry);
                if (watched->pidfd >= 0)
                        (void)close(watched->pidfd);
                *watched = (Watched){ 0 };
        }
}

/* ---- one look ---- */

typedef struct Look {
        Floor found, promised;
        size_t count;
        BoardWorker rows[WATCHED_MAX];
} Look;

static unsigned threads_of(const Watched *watched, const BoardWorker *row)
{
        const ReeveTelemetryTotals *totals = NULL;
        TelemetrySample sample;

        if (!watched->telemetry.memory)
                return row->threads;
        if (telemetry_read(&watched->telemetry, NULL, &sample) < 0)
                return 0;
        /* One that was made, and did not run yet, has no place in the memory. */
        totals = (const void *)((const char *)watched->telemetry.memory
                                + REEVE_TELEMETRY_HEADER_BYTES);
        return MAX(sample.threads_live, (unsigned)totals->threads_wanted);
}

/* Return: whether nothing changed meanwhile */
static bool copy_rows(const Witness *witness, Look *look)
{
        uint64_t before = board_view_changes(&witness->view);

        look->count = 0;
        for (uint32_t i = 0; i < witness->view.workers.capacity && look->count < WATCHED_MAX; i++) {
                int r = board_view_worker(&witness->view, i, &look->rows[look->count]);

                if (r < 0)
                        return false;
                look->count += r == 1 && look->rows[look->count].pool == witness->pool;
        }
        return board_view_changes(&witness->view) == before;
}

static void count_ready(Witness *witness, Look *look)
{
        look->found = (Floor){ 0 };
        for (size_t i = 0; i < look->count; i++) {
                const BoardWorker *row = &look->rows[i];
                const Watched *watched;

                if (!worker_facts((WorkerState)row->state)->is_ready || row->pid <= 0)
                        continue;
                watched = watch(witness, row);
                if (!lives(watched))
                        continue;
                look->found.workers++;
                look->found.threads += threads_of(watched, row);
        }
}

/* Its place is taken by another ready worker. */
static bool is_replaced(const Look *look, const Killed *killed)
{
        for (size_t i = 0; i < look->count; i++)
                if (look->rows[i].slot == killed->slot)
                        return look->rows[i].pid > 0 && look->rows[i].pid != killed->pid
                               && worker_facts((WorkerState)look->rows[i].state)->is_ready;
        return false;
}

static void reckon_promise(Witness *witness, Look *look)
{
        look->promised = witness->floor;
        for (size_t i = 0; i < WATCHED_MAX; i++) {
                Killed *killed = &witness->killed[i];

                if (killed->pid == 0)
                        continue;
                if (is_replaced(look, killed)) {
                        *killed = (Killed){ 0 };
                        continue;
                }
                look->promised.workers -= MIN(look->promised.workers, 1U);
                look->promised.threads -= MIN(look->promised.threads, killed->threads);
        }
}

/* What there was instead: "0 ready 4711 8, 1 starting 4712 8," */
static void describe(Witness *witness, const Look *look)
{
        AUTO_TEXT text = { 0 };

        text_printf(&text, "%u workers of %u, %u threads of %u:", look->found.workers,
                    look->promised.workers, look->found.threads, look->promised.threads);
        for (size_t i = 0; i < look->count; i++)
                text_printf(&text, " %u %s %d %u,", look->rows[i].slot,
                            worker_state_to_name((WorkerState)look->rows[i].state),
                            look->rows[i].pid, look->rows[i].threads);
        if (!text.error)
                (void)text_copy(witness->first, sizeof(witness->first), text.bytes);
}

static void judge(Witness *witness, const Look *look)
{
        witness->looks++;
        witness->fewest_workers = MIN(witness->fewest_workers, look->found.workers);
        if (look->found.workers >= look->promised.workers
            && look->found.threads >= look->promised.threads)
                return;
        if (witness->violations++ == 0)
                describe(witness, look);
}

static void look_once(Witness *witness)
{
        static Look look;

        forget_dead(witness);
        for (unsigned i = 0; i < ATTEMPTS; i++) {
                uint64_t before = board_view_changes(&witness->view);

                if (!copy_rows(witness, &look))
                        continue;
                count_ready(witness, &look);
                if (board_view_changes(&witness->view) != before)
                        continue;
                reckon_promise(witness, &look);
                judge(witness, &look);
                return;
        }
        witness->unsteady++;
}

/* ---- orders ---- */

/* Return: whether the row at this place shows @pid, and then its slot */
static bool is_in_row(const Witness *witness, uint32_t index, pid_t pid, unsigned *ret_slot)
{
        BoardWorker row;
        int r;

        do
                r = board_view_worker(&witness->view, index, &row);
        while (r == -EAGAIN);
        *ret_slot = row.slot;
        return r == 1 && row.pid == pid;
}

static void add_killed(Witness *witness, pid_t pid, unsigned threads)
{
        uint32_t at = 0, end = witness->view.workers.capacity;
        unsigned slot = 0;

        while (at < end && !is_in_row(witness, at, pid, &slot))
                at++;
        for (size_t i = 0; at < end && i < WATCHED_MAX; i++)
                if (witness->killed[i].pid == 0) {
                        witness->killed[i] = (Killed){ pid, slot, threads };
                        return;
                }
}

static void report(const Witness *witness)
{
        (void)printf("{\"looks\": %lu, \"unsteady\": %lu, \"violations\": %lu, "
                     "\"fewest_workers\": %u, \"longest_gap_usec\": %llu, \"first\": \"%s\"}\n",
                     witness->looks, witness->unsteady, witness->violations,
                     witness->fewest_workers, (unsigned long long)witness->longest_gap_usec,
                     witness->first);
}

/* Return: whether to go on */
static bool obey(Witness *witness, const char *order)
{
        unsigned workers, threads;
        int pid;

        if (sscanf(order, "floor %u %u", &workers, &threads) == 2) {
                witness->floor = (Floor){ workers, threads };
                memset(witness->killed, 0, sizeof(witness->killed));
        } else if (sscanf(order, "killed %d %u", &pid, &threads) == 2) {
                add_killed(witness, pid, threads);
        } else {
                report(witness);
                return false;
        }
        (void)puts("yes");
        return true;
}

static bool hear(Witness *witness, uint64_t until_usec)
{
        struct pollfd poll_fd = { .fd = STDIN_FILENO, .events = POLLIN };
        char order[64];
        ssize_t n;

        for (;;) {
                uint64_t now = now_usec();
                struct timespec span = { 0, (long)((until_usec - MIN(now, until_usec)) * 1000) };

                if (ppoll(&poll_fd, 1, &span, NULL) <= 0)
                        return true;
                n = read(STDIN_FILENO, order, sizeof(order) - 1); /* one line: it is answered */
                if (n <= 0)
                        return false;
                order[n] = '\0';
                if (!obey(witness, order))
                        return false;
        }
}

int main(int argc, char **argv)
{
        static Witness witness = { .fewest_workers = UINT32_MAX };
        const void *memory;
        uint64_t next = now_usec(), before;
        BoardPool pool;
        size_t size;
        int fd, r;

        if (argc != 3)
                return EXIT_FAILURE;
        (void)setvbuf(stdout, NULL, _IOLBF, 0);
        fd = open_memfd(atoi(argv[1]), "reeve-board");
        if (fd < 0 || memfd_map_read_only(fd, &memory, &size) < 0
            || board_view_init(&witness.view, memory, size) < 0)
                die("the board");
        while ((r = board_view_find_pool(&witness.view, argv[2], &pool)) == -EAGAIN)
                ;
        if (r != 1)
                die(argv[2]);
        witness.pool = pool.index;
        do {
                before = next;
                look_once(&witness);
                next = now_usec();
                witness.longest_gap_usec = MAX(witness.longest_gap_usec, next - before);
        } while (hear(&witness, next + LOOK_USEC));
        return EXIT_SUCCESS;
}
