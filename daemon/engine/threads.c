/* threads.c - see threads.h
 *
 * A thread's row is made from its sample and its row of the round before, which stands in the other
 * half of the board: nothing is kept twice. */
#include "engine/threads.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "engine/live.h"
#include "engine/pool.h"
#include "engine/priority.h"
#include "engine/publish.h"
#include "engine/report.h"
#include "engine/sampler.h"
#include "sample/sampler.h"
#include "spawn/spawn.h"
#include "sys/fd.h"
#include "sys/packet.h"

/* How far the row of the round before is looked for: threads keep their order, and those that have
 * ended leave gaps. */
enum { ROWS_LOOKED_AT = 64 };

typedef struct Threads {
        Engine *engine;
        Sampler *sampler;
        SampleRung configured;
        SampleTarget *targets; /* and the slots they belong to */
        Slot **slots;
        size_t count, capacity;
        TelemetryLabel *labels; /* of the present target */
        size_t label_count;
        /* of the present round */
        BoardThreadRound round;
        size_t target; /* whose threads come now; SIZE_MAX: none yet */
        const BoardThread *before;
        uint32_t before_count, before_next;
        /* the helper while it runs */
        PidRef helper;
        int socket;
        sd_event_source *source;
} Threads;

/* ---- one row ---- */

static const BoardThread *find_before(Threads *self, const Sample *sample)
{
        uint32_t end = MIN(self->before_count, self->before_next + ROWS_LOOKED_AT);

        for (uint32_t i = self->before_next; i < end; i++)
                if (self->before[i].tid == sample->tid
                    && self->before[i].start_ticks == sample->start_ticks) {
                        self->before_next = i + 1;
                        return &self->before[i];
                }
        return NULL;
}

static void tell_ratio(const BoardThread *before, BoardThread *row)
{
        if (before && before->sampled_monotonic_usec == row->sampled_monotonic_usec) {
                row->cpu_ratio = before->cpu_ratio;
                thread_gap_set(&row->gaps, THREAD_CPU_RATIO,
                               thread_gap(before->gaps, THREAD_CPU_RATIO));
        } else if (before && before->sampled_monotonic_usec > 0
                   && before->sampled_monotonic_usec < row->sampled_monotonic_usec
                   && before->cpu_nsec <= row->cpu_nsec) {
                row->cpu_ratio = (float)((double)(row->cpu_nsec - before->cpu_nsec) / NSEC_PER_USEC
                                         / (double)(row->sampled_monotonic_usec
                                                    - before->sampled_monotonic_usec));
        } else {
                thread_gap_set(&row->gaps, THREAD_CPU_RATIO,
                               row->sampled_monotonic_usec ? THREAD_GAP_SECOND_SAMPLE
                                                           : THREAD_GAP_NOT_YET);
        }
}

static int compare_tid(const void *key, const void *entry)
{
        pid_t tid = *(const pid_t *)key, other = ((const TelemetryLabel *)entry)->tid;

        return (tid > other) - (tid < other);
}

static void tell_task(const Threads *self, BoardThread *row)
{
        const pid_t tid = row->tid;
        const TelemetryLabel *task =
                self->label_count > 0
                        ? bsearch(&tid, self->labels, self->label_count, sizeof(*task), compare_tid)
                        : NULL;

        if (task)
                memcpy(row->task, task->label, sizeof(row->task));
        else
                thread_gap_set(&row->gaps, THREAD_TASK, THREAD_GAP_NO_TELEMETRY);
}

static void fill_row(const Sample *sample, BoardThread *row)
{
        *row = (BoardThread){ .sampled_monotonic_usec = sample->taken_usec,
                              .start_ticks = sample->start_ticks,
                              .tid = sample->tid,
                              .last_cpu = sample->last_cpu,
                              .syscall = sample->syscall,
                              .gaps = sample->gaps,
                              .state = (uint8_t)sample->state,
                              .waiting_on = (uint8_t)sample->waiting_on,
                              .cpu_nsec = sample->cpu_nsec,
                              .user_usec = sample->user_usec,
                              .system_usec = sample->system_usec,
                              .run_delay_nsec = sample->run_delay_nsec,
                              .block_delay_nsec = sample->block_delay_nsec,
                              .voluntary_switches = sample->voluntary_switches,
                              .involuntary_switches = sample->involuntary_switches,
                              .minor_faults = sample->minor_faults,
                              .major_faults = sample->major_faults };
        static_assert(sizeof(row->arguments) == sizeof(sample->arguments)
                              && sizeof(row->name) == sizeof(sample->name)
                              && sizeof(row->wait_channel) == sizeof(sample->wait_channel),
                      "samples and rows are of one size");
        memcpy(row->arguments, sample->arguments, sizeof(row->arguments));
        memcpy(row->name, sample->name, sizeof(row->name));
        memcpy(row->wait_channel, sample->wait_channel, sizeof(row->wait_channel));
}

static void begin_target(Threads *self, size_t target)
{
        const Slot *slot = self->slots[target];

        self->target = target;
        self->before_count = self->before_next = 0;
        self->before = board_threads_before(self->engine->board, slot->row, &self->before_count);
        self->label_count = slot->live && self->labels
                                    ? live_labels(slot, self->labels, TELEMETRY_THREADS_MAX)
                                    : 0;
        (void)board_threads_worker(&self->round, slot->row); /* each slot has a row */
}

static void on_thread(void *userdata, size_t target, const Sample *sample)
{
        Threads *self = userdata;
        BoardThread row;

        if (target != self->target)
                begin_target(self, target);
        fill_row(sample, &row);
        tell_ratio(find_before(self, sample), &row);
        tell_task(self, &row);
        (void)board_threads_add(&self->round, &row); /* counted, if there is no room */
}

/* ---- a round ---- */

static int add_target(Threads *self, Slot *slot)
{
        if (self->count == self->capacity) {
                size_t capacity = self->capacity ? self->capacity * 2 : 16;
                SampleTarget *targets = reallocarray(self->targets, capacity, sizeof(*targets));
                Slot **slots;

                if (!targets)
                        return -ENOMEM;
                self->targets = targets;
                slots = reallocarray(self->slots, capacity, sizeof(Slot *));
                if (!slots)
                        return -ENOMEM;
                self->slots = slots;
                self->capacity = capacity;
        }
        self->targets[self->count] = (SampleTarget){ .pid = slot->process.pid,
                                                     .start_ticks = slot->process.start_ticks,
                                                     .thread_count = slot->sample.thread_count };
        self->slots[self->count++] = slot;
        if (slot->live && !self->labels) /* without memory: without tasks */
                self->labels = calloc(TELEMETRY_THREADS_MAX, sizeof(*self->labels));
        return 0;
}

/* Return: how many threads there are likely to be */
static size_t collect(Threads *self)
{
        size_t threads = 0;

        self->count = 0;
        for (size_t i = 0; i < self->engine->pool_count; i++)
                for (size_t j = 0; j < self->engine->pools[i]->slot_count; j++) {
                        Slot *slot = self->engine->pools[i]->slots[j];

                        if (!pidref_is_set(&slot->process) || !slot->has_sample)
                                continue;
                        if (add_target(self, slot) < 0)
                                return threads; /* the others are left out of this round */
                        threads += slot->sample.thread_count;
                }
        return threads;
}

static void tell_sampler(const Threads *self)
{
        publish_sampler(self->engine, sample_rung_to_name(sampler_rung(self->sampler)),
                        sampler_reason(self->sampler));
}

static void start_helper(Threads *self, SampleRung rung, unsigned records);

void threads_sample(Engine *engine, uint64_t now_usec, uint64_t budget_usec)
{
        Threads *self = engine->threads;
        unsigned records;
        SampleRung rung;

        if (!self)
                return;
        if (sampler_rung(self->sampler) != RUNG_PROCESS) {
                publish_reserve_threads(engine, collect(self));
                self->target = SIZE_MAX;
                board_threads_begin(engine->board, &self->round);
                (void)sampler_take(self->sampler, self->targets, self->count, now_usec, budget_usec,
                                   on_thread, self); /* what failed is told by its reason */
                board_threads_end(&self->round);
        }
        if (sampler_load_due(self->sampler, &rung, &records))
                start_helper(self, rung, records);
        tell_sampler(self);
}

void threads_tell_interval(Engine *engine)
{
        BoardHeader *header = board_header(engine->board);
        uint64_t pass = engine->threads ? sampler_pass_usec(engine->threads->sampler) : 0;

        header->sample_interval_usec = engine->threads ? engine->sample_interval_usec : 0;
        header->thread_interval_usec = MAX(pass, header->sample_interval_usec);
}

/* ---- the helper ---- */

static void forget_helper(Threads *self)
{
        self->source = sd_event_source_disable_unref(self->source);
        self->socket = fd_close(self->socket);
        pidref_done(&self->helper);
}

static void take_answer(Threads *self, const char *trouble)
{
        SampleRung before = sampler_rung(self->sampler);

        sampler_loaded(self->sampler, self->socket, trouble);
        forget_helper(self);
        tell_sampler(self);
        if (sampler_rung(self->sampler) != before)
                report(LOG_INFO, "threads are sampled by %s: %s",
                       sample_rung_to_name(sampler_rung(self->sampler)),
                       sampler_reason(self->sampler));
        sampler_hurry(self->engine);
}

static int on_answer(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        take_answer(userdata, NULL);
        return 0;
}

static int spawn_helper(Threads *self, SampleRung rung, unsigned records, int socket_fd,
                        Error *reterr)
{
        const SpawnFd answer = { .fd = socket_fd, .name = "answer" };
        char number[16];
        char *words[] = { (char *)self->engine->settings.bpf_path,
                          (char *)sample_rung_to_name(rung), number, NULL };
        char *const environment[] = { NULL };
        Spawned spawned = { .process = PIDREF_UNSET, .status_fd = -1 };
        const SpawnSpec spec = { .subject = "sampler",
                                 .command = words,
                                 .executable_fd = -1,
                                 .environment = environment,
                                 .output_fd = -1,
                                 .error_fd = -1,
                                 .fds = &answer,
                                 .fd_count = 1,
                                 .cgroup_fd = -1 };
        int r;

        (void)snprintf(number, sizeof(number), "%u", records);
        r = spawn_process(&self->engine->host, &spec, &spawned, reterr);
        if (r < 0)
                return r;
        self->helper = spawned.process;
        (void)fd_close(spawned.status_fd);
        return 0;
}

static int watch_helper(Threads *self)
{
        int r = sd_event_add_io(self->engine->event, &self->source, self->socket, EPOLLIN,
                                on_answer, self);

        return r < 0 ? r : sd_event_source_set_priority(self->source, PRIORITY_SAMPLE);
}

static void start_helper(Threads *self, SampleRung rung, unsigned records)
{
        int pair[2] = { -1, -1 }, r;
        Error error = { 0 };

        if (!self->engine->settings.bpf_path || access(self->engine->settings.bpf_path, X_OK) < 0) {
                take_answer(self, "reeve-bpf is not installed");
                return;
        }
        r = packet_pair(pair);
        if (r < 0)
                (void)error_set(&error, r, "bpf", "reeve-bpf cannot be started: %s", strerror(-r));
        if (r >= 0)
                r = spawn_helper(self, rung, records, pair[1], &error);
        (void)fd_close(pair[1]);
        self->socket = pair[0];
        if (r >= 0)
                r = watch_helper(self);
        if (r < 0)
                take_answer(self, error.message[0] ? error.message : strerror(-r));
}

/* ---- opening and closing ---- */

int threads_open(Engine *engine)
{
        Threads *self = calloc(1, sizeof(*self));
        int r;

        if (!self)
                return -ENOMEM;
        self->engine = engine;
        self->socket = -1;
        self->helper = PIDREF_UNSET;
        self->configured = engine->config->sampler;
        r = sampler_new(self->configured, &self->sampler);
        if (r < 0) {
                free(self);
                return r;
        }
        engine->threads = self;
        tell_sampler(self);
        threads_tell_interval(engine);
        return 0;
}

/* A round without threads. */
static void show_none(Engine *engine)
{
        BoardThreadRound round;

        board_threads_begin(engine->board, &round);
        board_threads_end(&round);
}

void threads_close(Engine *engine)
{
        Threads *self = engine->threads;

        if (!self)
                return;
        forget_helper(self);
        sampler_free(self->sampler);
        free(self->targets);
        free(self->slots);
        free(self->labels);
        free(self);
        engine->threads = NULL;
        if (!engine->board)
                return;
        show_none(engine);
        threads_tell_interval(engine);
        publish_sampler(engine, "off", "sampling is turned off by SampleIntervalSec=0");
}

void threads_reset(Engine *engine)
{
        int r;

        if (engine->threads && engine->threads->configured == engine->config->sampler)
                return;
        threads_close(engine);
        r = threads_open(engine);
        if (r < 0)
                report(LOG_ERR, "threads are not sampled: %s", strerror(-r));
}
