/* live.c - see live.h */
#include "engine/live.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/text.h"
#include "base/units.h"
#include "engine/pool.h"
#include "engine/priority.h"
#include "engine/progress.h"
#include "engine/publish.h"
#include "engine/recycle.h"
#include "engine/report.h"
#include "sample/vanished.h"
#include "spawn/dialogue.h"
#include "sys/clock.h"
#include "sys/fd.h"
#include "sys/packet.h"

/* A worker that starts threads needs some 50 us for each; one that lost its reeved looks for it once a
 * second. */
#define ANSWER_USEC  (2 * USEC_PER_SEC)
#define AVERAGE_USEC (10 * USEC_PER_SEC)

/* Threads of the program's own are to be seen beside those of its pool. */
enum { OWN_THREADS = 16, WORDS_PER_ROUND = 8 };

struct Live {
        Telemetry telemetry;
        TelemetrySample sample; /* the last valid one of this life */
        uint32_t state;         /* BOARD_TELEMETRY_... */
        uint64_t lost;
        double busy_mean; /* threads with a task */
        uint64_t averaged_usec;
        Vanished vanished;
        char path[108];
        int listener, connection;
        uint64_t alone_usec; /* since when nobody is connected */
        sd_event_source *listener_source, *connection_source, *deadline;
        uint64_t sequence;   /* of the last question */
        Definition *asked;   /* the counts that it was asked for; NULL: nothing is open */
        Definition *refused; /* the ones that it did not take: it is replaced */
};

/* ---- asking ---- */

static void set_definition(Definition **place, Definition *definition)
{
        Definition *before = *place;

        *place = definition ? definition_ref(definition) : NULL;
        definition_unref(before);
}

static void stop_waiting(Live *live)
{
        live->deadline = sd_event_source_disable_unref(live->deadline);
        set_definition(&live->asked, NULL);
}

static void refuse(Slot *slot, const char *why)
{
        Live *live = slot->live;

        report(LOG_WARNING, "%s: worker %u keeps its threads and is replaced: %s",
               slot->pool->subject, slot->number, why);
        publish_event(slot->pool->engine, EVENT_WORKER_STATE, slot->pool, slot, NULL, "state",
                      worker_state_to_name(slot->worker.state), "error", why, NULL);
        set_definition(&live->refused, live->asked);
        stop_waiting(live);
        engine_touch(slot->pool->engine, slot->pool);
}

static int on_deadline(sd_event_source *source, uint64_t usec, void *userdata)
{
        refuse(userdata, "it did not answer in 2 s");
        return 0;
}

/* Only what differs: a worker of greenlets alone has no threads to change, and need not say so. */
static size_t write_question(const Slot *slot, const Definition *to, char *buffer, size_t size)
{
        const Definition *now = slot->definition;
        int length = snprintf(buffer, size, "SEQUENCE=%" PRIu64 "\n", ++slot->live->sequence);

        if (to->threads != now->threads)
                length += snprintf(buffer + length, size - (size_t)length, "THREADS=%u\n",
                                   to->threads);
        if (to->greenlets != now->greenlets)
                length += snprintf(buffer + length, size - (size_t)length, "GREENLETS=%u\n",
                                   to->greenlets);
        return (size_t)length;
}

/* Return: 0, negative errno */
static int ask(Slot *slot, Definition *to)
{
        Live *live = slot->live;
        char question[96];
        size_t length = write_question(slot, to, question, sizeof(question));
        int r;

        stop_waiting(live);
        set_definition(&live->asked, to);
        r = sd_event_add_time_relative(slot->pool->engine->event, &live->deadline, CLOCK_MONOTONIC,
                                       ANSWER_USEC, 0, on_deadline, slot);
        if (r >= 0)
                r = sd_event_source_set_priority(live->deadline, PRIORITY_TIMER);
        if (r >= 0)
                r = packet_send(live->connection, question, length, NULL, 0);
        return r;
}

/* It has the counts of the definition that it was asked for. */
static void follow(Slot *slot)
{
        Live *live = slot->live;
        AUTO(Definition) *to = definition_ref(live->asked);
        char threads[16];

        stop_waiting(live);
        slot_define(slot, to);
        progress_step(slot->pool);
        (void)snprintf(threads, sizeof(threads), "%u", to->threads);
        publish_event(slot->pool->engine, EVENT_WORKER_STATE, slot->pool, slot, NULL, "state",
                      worker_state_to_name(slot->worker.state), "threads", threads, NULL);
        publish_slot(slot);
        slot->pool->engine->is_state_dirty = true;
        engine_touch(slot->pool->engine, slot->pool);
}

/* ---- the conversation ---- */

static void hang_up(Live *live)
{
        live->connection_source = sd_event_source_disable_unref(live->connection_source);
        live->connection = fd_close(live->connection);
        live->alone_usec = now_usec();
}

static bool is_agreed(const Slot *slot, const DialogueWord *word)
{
        const Definition *now = slot->definition, *asked = slot->live->asked;

        return (asked->threads == now->threads
                || (word->has_threads && word->threads == asked->threads))
               && (asked->greenlets == now->greenlets
                   || (word->has_greenlets && word->greenlets == asked->greenlets));
}

static void hear(Slot *slot, const DialogueWord *word)
{
        Live *live = slot->live;

        if (word->is_hello)
                engine_touch(slot->pool->engine, slot->pool); /* it can be asked now */
        if (!live->asked || !word->has_sequence || word->sequence != live->sequence)
                return;
        if (word->has_error)
                refuse(slot, word->error);
        else if (is_agreed(slot, word))
                follow(slot);
        else
                refuse(slot, "its answer names another number");
}

static int on_word(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        Slot *slot = userdata;

        for (unsigned i = 0; i < WORDS_PER_ROUND && slot->live->connection == fd; i++) {
                char buffer[DIALOGUE_MESSAGE_MAX];
                ssize_t n = recv(fd, buffer, sizeof(buffer), MSG_DONTWAIT | MSG_TRUNC);
                DialogueWord word;

                if (n < 0 && (errno == EAGAIN || errno == EINTR))
                        return 0;
                if (n <= 0) {
                        hang_up(slot->live); /* it may come again; a question runs into its end */
                        return 0;
                }
                if (dialogue_parse(buffer, (size_t)n, &word) == 0)
                        hear(slot, &word);
        }
        return 0;
}

/* The kernel tells who connected; the path alone is no secret. */
static bool is_of_slot(const Slot *slot, int fd)
{
        const Engine *engine = slot->pool->engine;
        struct ucred peer;
        socklen_t size = sizeof(peer);

        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || peer.pid <= 0)
                return false;
        return peer.pid == slot->process.pid
               || family_root_owner(engine->families, peer.pid) == slot;
}

static int on_connection(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
        Slot *slot = userdata;
        Live *live = slot->live;
        AUTO_CLOSE connection = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        int r;

        if (connection < 0 || !is_of_slot(slot, connection))
                return 0;
        hang_up(live); /* the newest one is the worker that lives */
        r = sd_event_add_io(slot->pool->engine->event, &live->connection_source, connection,
                            EPOLLIN, on_word, slot);
        if (r >= 0)
                r = sd_event_source_set_priority(live->connection_source, PRIORITY_NOTIFY);
        if (r < 0) {
                hang_up(live);
                return 0;
        }
        live->connection = TAKE_FD(connection);
        engine_touch(slot->pool->engine, slot->pool);
        return 0;
}

/* ---- what a slot has for it ---- */

static Live *live_free(Live *live)
{
        if (!live)
                return NULL;
        stop_waiting(live);
        set_definition(&live->refused, NULL);
        hang_up(live);
        sd_event_source_disable_unref(live->listener_source);
        if (live->listener >= 0)
                (void)unlink(live->path);
        (void)fd_close(live->listener);
        telemetry_done(&live->telemetry);
        vanished_done(&live->vanished);
        free(live);
        return NULL;
}
DEFINE_AUTO(Live, live_free);

static int listen_for(Slot *slot, Live *live, Error *reterr)
{
        Engine *engine = slot->pool->engine;
        int length = snprintf(live->path, sizeof(live->path), "%s/control/%s.%u",
                              engine->settings.runtime_dir, slot->pool->name, slot->number);
        int r;

        if ((size_t)length >= sizeof(live->path))
                return error_set(reterr, -ENAMETOOLONG, "path-too-long",
                                 "%s: the path of its control socket is longer than %zu bytes; "
                                 "use a shorter --runtime folder or pool name",
                                 slot->pool->subject, sizeof(live->path) - 1);
        live->listener = dialogue_listen(live->path, reterr);
        if (live->listener < 0)
                return live->listener;
        r = sd_event_add_io(engine->event, &live->listener_source, live->listener, EPOLLIN,
                            on_connection, slot);
        if (r >= 0)
                r = sd_event_source_set_priority(live->listener_source, PRIORITY_NOTIFY);
        return r < 0 ? error_set(reterr, r, "loop", "%s: cannot watch its control socket: %s",
                                 slot->pool->subject, strerror(-r))
                     : 0;
}

/* Made with the first life, kept for the next ones: the path stays the same. */
static int provide(Slot *slot, Error *reterr)
{
        AUTO(Live) *live = NULL;
        int r;

        if (slot->live)
                return 0;
        live = calloc(1, sizeof(*live));
        if (!live)
                return error_set(reterr, -ENOMEM, "no-memory", "%s: out of memory",
                                 slot->pool->subject);
        live->telemetry = TELEMETRY_UNSET;
        live->listener = live->connection = -1;
        r = listen_for(slot, live, reterr);
        if (r >= 0)
                slot->live = TAKE_PTR(live);
        return r;
}

static bool is_live(const Slot *slot)
{
        return slot->definition->config->thread_control == THREADS_LIVE && !slot->pool->is_builtin;
}

static int add_variables(const Live *live, int fd, char ***environment)
{
        char text[160];
        int r;

        (void)snprintf(text, sizeof(text), "REEVE_TELEMETRY_FD=%d", fd);
        r = text_list_add(environment, text);
        if (r < 0)
                return r;
        (void)snprintf(text, sizeof(text), "REEVE_CONTROL_SOCKET=%s", live->path);
        return text_list_add(environment, text);
}

int live_begin(Slot *slot, char ***environment, int fd, int *ret_fd, Error *reterr)
{
        unsigned most = slot->definition->config->threads_max + OWN_THREADS;
        int r;

        if (!is_live(slot)) {
                live_forget(slot);
                return 0;
        }
        r = provide(slot, reterr);
        if (r < 0)
                return r;
        live_end(slot);
        r = telemetry_new(MIN(most, (unsigned)TELEMETRY_THREADS_MAX), &slot->live->telemetry);
        if (r >= 0)
                r = add_variables(slot->live, fd, environment);
        if (r < 0)
                return error_set(reterr, r, "spawn-failed", "%s: cannot make its telemetry: %s",
                                 slot->pool->subject, strerror(-r));
        slot->live->state = BOARD_TELEMETRY_AWAITED;
        slot->live->alone_usec = now_usec();
        *ret_fd = slot->live->telemetry.fd;
        return 0;
}

void live_adopt(Slot *slot, int fd)
{
        Error error = { 0 };
        int taken, r;

        if (!is_live(slot))
                return;
        r = provide(slot, &error);
        if (r < 0) {
                report(LOG_WARNING, "%s", error.message);
                return;
        }
        slot->live->alone_usec = now_usec();
        taken = (int)syscall(SYS_pidfd_getfd, slot->process.fd, fd, 0);
        r = taken < 0 ? -errno : telemetry_take(taken, &slot->live->telemetry);
        slot->live->state = r < 0 ? BOARD_TELEMETRY_NONE : BOARD_TELEMETRY_AWAITED;
}

void live_end(Slot *slot)
{
        Live *live = slot->live;

        if (!live)
                return;
        live_sample(slot);
        if (live->state == BOARD_TELEMETRY_ATTACHED)
                live->lost += live->sample.threads_busy;
        stop_waiting(live);
        set_definition(&live->refused, NULL);
        hang_up(live);
        telemetry_done(&live->telemetry);
        vanished_done(&live->vanished);
        live->sample = (TelemetrySample){ 0 };
        live->state = BOARD_TELEMETRY_NONE;
}

void live_forget(Slot *slot)
{
        slot->live = live_free(slot->live);
}

/* ---- who is asked, and when ---- */

/* It may say READY=1 before it connects, and connects anew when reeved was away.
 * Return: until when it is waited for */
static uint64_t patience(const Slot *slot)
{
        return MAX(slot->live->alone_usec, slot->worker.ready_usec) + ANSWER_USEC;
}

bool live_can_follow(const Slot *slot)
{
        return slot->live && slot->worker.is_wanted && slot_facts(slot)->is_ready && is_live(slot)
               && (slot->live->connection >= 0 || now_usec() < patience(slot));
}

static bool has_other_counts(const Slot *slot, const Definition *to)
{
        const Definition *now = slot->definition;

        return now != to && now->life == to->life
               && (now->threads != to->threads || now->greenlets != to->greenlets);
}

bool live_is_following(const Slot *slot)
{
        Definition *to = slot->pool->definition;

        return slot->number < slot->pool->grid.processes && has_other_counts(slot, to)
               && live_can_follow(slot) && slot->live->refused != to;
}

static bool is_grid_ready(const Pool *pool)
{
        unsigned ready = 0;

        for (size_t i = 0; i < pool->slot_count; i++)
                ready += pool->slots[i]->number < pool->grid.processes
                         && slot_facts(pool->slots[i])->is_ready;
        return ready == pool->grid.processes;
}

bool live_check(Pool *pool)
{
        Definition *to = pool->definition;
        bool are_growing = false, may_shrink = is_grid_ready(pool);

        for (size_t i = 0; i < pool->slot_count; i++) {
                Slot *slot = pool->slots[i];
                bool grows = slot->definition->threads < to->threads;

                if (!live_is_following(slot))
                        continue;
                are_growing |= grows;
                if (slot->live->connection < 0) {
                        pool_look_again(pool, patience(slot) - MIN(now_usec(), patience(slot)));
                        continue;
                }
                if (slot->live->asked == to || (!grows && !may_shrink))
                        continue;
                if (ask(slot, to) < 0)
                        refuse(slot, "it does not read what it is asked");
        }
        return are_growing;
}

/* ---- reading ---- */

/* Of threads that are no more, while their process goes on. */
static void count_vanished(Slot *slot)
{
        Live *live = slot->live;
        unsigned found = vanished_look(&live->vanished, &live->telemetry, slot->process.pid,
                                       now_usec(), &live->sample);
        char count[16];

        if (found == 0)
                return;
        live->lost += found;
        (void)snprintf(count, sizeof(count), "%u", found);
        report(LOG_WARNING, "%s: worker %u: threads ended in the midst of their tasks: %s",
               slot->pool->subject, slot->number, count);
        publish_event(slot->pool->engine, EVENT_WORKER_STATE, slot->pool, slot, NULL, "state",
                      worker_state_to_name(slot->worker.state), "lost_tasks", count, NULL);
}

/* What a person understands by "now": samples weigh less as they grow older, in 10 s by e. */
static void average(Live *live, bool is_first)
{
        uint64_t now = now_usec();
        double elapsed = (double)(now - live->averaged_usec);
        double share = is_first ? 1 : elapsed / (elapsed + (double)AVERAGE_USEC);

        live->busy_mean += share * ((double)live->sample.threads_busy - live->busy_mean);
        live->averaged_usec = now;
}

void live_sample(Slot *slot)
{
        Live *live = slot->live;
        bool is_first;

        if (!live || !live->telemetry.memory || live->state == BOARD_TELEMETRY_INVALID)
                return;
        is_first = live->state != BOARD_TELEMETRY_ATTACHED;
        if (telemetry_read(&live->telemetry, is_first ? NULL : &live->sample, &live->sample) < 0) {
                live->state = BOARD_TELEMETRY_INVALID;
                report(LOG_WARNING,
                       "%s: worker %u wrote into its telemetry what cannot be true; it is seen by "
                       "/proc alone from now on",
                       slot->pool->subject, slot->number);
                return;
        }
        live->state = live->sample.is_attached ? BOARD_TELEMETRY_ATTACHED : BOARD_TELEMETRY_AWAITED;
        if (live->state != BOARD_TELEMETRY_ATTACHED)
                return;
        average(live, is_first);
        count_vanished(slot);
        recycle_told(slot, telemetry_tasks(&live->sample));
}

size_t live_labels(const Slot *slot, TelemetryLabel *ret_labels, size_t max)
{
        const Live *live = slot->live;

        return live && live->state == BOARD_TELEMETRY_ATTACHED
                       ? telemetry_read_labels(&live->telemetry, ret_labels, max)
                       : 0;
}

void live_describe(const Slot *slot, BoardWorker *row)
{
        const Live *live = slot->live;

        if (!live)
                return;
        row->telemetry = live->state;
        row->lost_tasks = live->lost;
        if (live->state != BOARD_TELEMETRY_ATTACHED)
                return;
        row->threads_live = live->sample.threads_live;
        row->threads_busy = live->sample.threads_busy;
        row->busy_mean = live->busy_mean;
        row->greenlets_live = live->sample.greenlets_live;
        row->tasks_done = live->sample.done;
        row->tasks_failed = live->sample.failed;
        row->queue_length = live->sample.queue_length;
}
