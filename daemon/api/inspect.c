/* inspect.c - one process as a whole: what the board knows, and what reeve-inspect finds
 *
 * The question goes to reeved, the exchange sleeps until reeve-inspect has ended. By then the worker may
 * have, too: it is looked up again. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "api/findings.h"
#include "api/resources.h"
#include "base/units.h"
#include "sys/fd.h"

enum { FINDINGS_MAX_BYTES = 8 << 20 };

/* Members that only reeve-inspect knows. */
static const char *const sections[] = { "memory",   "credentials", "limits",
                                        "io",       "scheduling",  "cgroup",
                                        "children", "descriptors", "image" };

typedef struct Inspecting {
        Call call;
        Page page;
        ControlInspect question;
        uint64_t request;
        /* @findings: NULL: nobody has looked, for the reason in @refusal */
        void (*answer)(struct Inspecting *inspecting, Findings *findings, Refusal *refusal);
} Inspecting;

/* ---- as it was told ---- */

/* Another process writes it: it is copied before it is looked at. */
static int read_findings(int fd, char **ret_text, size_t *ret_length)
{
        AUTO_FREE char *text = NULL;
        struct stat status;
        ssize_t n;

        if (fd < 0 || fstat(fd, &status) < 0)
                return -EBADF;
        if (status.st_size > FINDINGS_MAX_BYTES)
                return -EFBIG;
        text = malloc((size_t)status.st_size + 1);
        if (!text)
                return -ENOMEM;
        n = pread(fd, text, (size_t)status.st_size, 0);
        if (n < 0)
                return -errno;
        *ret_text = TAKE_PTR(text);
        *ret_length = (size_t)n;
        return 0;
}

static void refuse(const ControlInspected *told, Refusal *ret)
{
        char code[sizeof(told->code)] = "", message[sizeof(told->message)] = "";

        if (told) {
                memcpy(code, told->code, sizeof(code) - 1);
                memcpy(message, told->message, sizeof(message) - 1);
        }
        if (*code)
                (void)refusal_set(ret, code, "%s", message);
        else
                (void)refusal_set(ret, REEVE_ERROR_CORE_UNREACHABLE,
                                  "Nobody has looked at the process in time; try again.");
}

static void on_inspected(void *userdata, const ControlInspected *told, int fd)
{
        Inspecting *inspecting = userdata;
        AUTO_FREE char *text = NULL;
        AUTO_FINDINGS findings = { 0 };
        Refusal refusal = { 0 };
        size_t length = 0;

        exchange_on_gone(inspecting->call.exchange, NULL, NULL);
        if (read_findings(fd, &text, &length) < 0 || length == 0) {
                refuse(told, &refusal);
                inspecting->answer(inspecting, NULL, &refusal);
        } else {
                findings_begin(&findings, text, length, call_is_redacted(&inspecting->call));
                inspecting->answer(inspecting, &findings, &refusal);
        }
        free(inspecting);
}

static void on_gone(void *userdata)
{
        Inspecting *inspecting = userdata;

        link_forget(inspecting->call.face->link, inspecting->request);
        free(inspecting);
}

/* ---- asking ---- */

static int ask(const Inspecting *model, bool is_admin)
{
        Inspecting *inspecting = malloc(sizeof(*inspecting));
        const Call *call = &model->call;
        int r;

        if (!inspecting)
                return -ENOMEM;
        *inspecting = *model;
        r = link_inspect(call->face->link, &inspecting->question,
                         is_admin ? call->request->peer->fd : -1, on_inspected, inspecting,
                         &inspecting->request);
        if (r < 0)
                free(inspecting);
        else
                exchange_on_gone(call->exchange, on_gone, inspecting);
        return r;
}

/* @model: with call, page, answer, question and its arguments */
static void begin(Inspecting *model, const BoardWorker *row, ControlQuestion question)
{
        int r;

        model->question.question = question;
        model->question.pid = row->pid;
        model->question.start_ticks = row->start_ticks;
        r = ask(model, question == QUESTION_STACK);
        if (r < 0)
                call_refuse(&model->call,
                            r == -EAGAIN || r == -EBUSY ? REEVE_ERROR_BUSY
                                                        : REEVE_ERROR_CORE_UNREACHABLE,
                            "The question did not reach reeved: %s.", strerror(-r));
}

/* ---- the process control block ---- */

static void write_missing(Writer *writer, const Findings *findings, const char *reason)
{
        for (size_t i = 0; i < COUNT_OF(sections); i++)
                if (!findings || !findings_has(findings, sections[i]))
                        writer_because(writer, sections[i], reason);
}

/* @findings: NULL: nobody has looked; @reason: for what is not among them */
static void answer_with(Call *call, Page *page, ptrdiff_t index, Findings *findings,
                        const char *reason)
{
        const Snapshot *snapshot = &call->face->snapshot;
        AUTO_WRITER writer = { .fields = &page->fields, .field_depth = 1 };

        writer_open_object(&writer, NULL);
        worker_write(&writer, snapshot_pool_of(snapshot, (size_t)index), snapshot->workers[index],
                     true);
        if (findings)
                findings_write(findings, &writer);
        write_missing(&writer, findings, reason);
        writer_unavailable(&writer);
        writer_close_object(&writer);
        if (fields_check(call, &page->fields))
                call_answer(call, 200, &writer);
}

/* What the board knows is told even if nobody can look at the process. */
static void answer_worker(Inspecting *inspecting, Findings *findings, Refusal *refusal)
{
        Call *call = &inspecting->call;
        ptrdiff_t index;

        (void)snapshot_refresh(&call->face->snapshot, link_board(call->face->link));
        index = call_worker(call); /* answers if it is gone */
        if (index >= 0)
                answer_with(call, &inspecting->page, index, findings,
                            findings ? "to look at it took too long" : refusal->detail);
}

static bool is_asked_for(const FieldSet *fields)
{
        for (unsigned i = 0; i < fields->count; i++)
                for (size_t k = 0; k < COUNT_OF(sections); k++)
                        if (fields->lengths[i] == strlen(sections[k])
                            && memcmp(fields->names[i], sections[k], fields->lengths[i]) == 0)
                                return true;
        return fields->count == 0;
}

void inspect_worker(Call *call)
{
        Inspecting inspecting = { .call = *call, .answer = answer_worker };
        ptrdiff_t index = call_worker(call);
        Refusal refusal = { 0 };

        if (index < 0)
                return;
        if (page_parse(call, &inspecting.page, &refusal) < 0)
                exchange_answer_refusal(call->exchange, &refusal);
        else if (is_asked_for(&inspecting.page.fields) && call->request->method != HTTP_HEAD)
                begin(&inspecting, call->face->snapshot.workers[index], QUESTION_PROCESS);
        else
                answer_with(call, &inspecting.page, index, NULL, "nobody asked for it");
}

/* ---- descriptors ---- */

static void answer_descriptors(Inspecting *inspecting, Findings *findings, Refusal *refusal)
{
        Page *page = &inspecting->page;
        AUTO_WRITER writer = { .fields = &page->fields, .field_depth = 3 };
        char next[16];
        bool has_next;

        if (!findings) {
                exchange_answer_refusal(inspecting->call.exchange, refusal);
                return;
        }
        has_next = findings_take_text(findings, "next", next, sizeof(next));
        writer_open_object(&writer, NULL);
        findings_write(findings, &writer);
        page_end(&inspecting->call, page, &writer, has_next ? next : NULL, true);
}

void inspect_descriptors(Call *call)
{
        Inspecting inspecting = { .call = *call, .answer = answer_descriptors };
        ptrdiff_t index = call_worker(call);
        Refusal refusal = { 0 };
        uint64_t from = 0;

        if (index < 0)
                return;
        if (page_parse(call, &inspecting.page, &refusal) >= 0 && inspecting.page.cursor
            && units_parse_number(inspecting.page.cursor, INT32_MAX, &from) < 0)
                (void)refusal_set(&refusal, REEVE_ERROR_BAD_REQUEST,
                                  "The cursor is the one of another list.");
        if (refusal.code[0]) {
                exchange_answer_refusal(call->exchange, &refusal);
                return;
        }
        inspecting.question.arguments[0] = (uint32_t)from;
        inspecting.question.arguments[1] = (uint32_t)inspecting.page.limit;
        begin(&inspecting, call->face->snapshot.workers[index], QUESTION_DESCRIPTORS);
}

/* ---- a thread's stack ---- */

static void answer_stack(Inspecting *inspecting, Findings *findings, Refusal *refusal)
{
        AUTO_WRITER writer = { 0 };

        if (!findings) {
                exchange_answer_refusal(inspecting->call.exchange, refusal);
                return;
        }
        writer_open_object(&writer, NULL);
        writer_integer(&writer, "pid", inspecting->question.pid);
        writer_number(&writer, "tid", inspecting->question.arguments[0]);
        findings_write(findings, &writer);
        writer_bool(&writer, "complete", findings->is_whole);
        writer_unavailable(&writer);
        writer_close_object(&writer);
        call_answer(&inspecting->call, 200, &writer);
}

void inspect_stack(Call *call)
{
        Inspecting inspecting = { .call = *call, .answer = answer_stack };
        ptrdiff_t index = call_worker(call);
        uint64_t tid;

        if (index < 0)
                return;
        if (units_parse_number(call_segment(call, 4), INT32_MAX, &tid) < 0) {
                call_refuse(call, REEVE_ERROR_NOT_FOUND, "No thread has the TID %s.",
                            call_segment(call, 4));
                return;
        }
        inspecting.question.arguments[0] = (uint32_t)tid;
        begin(&inspecting, call->face->snapshot.workers[index], QUESTION_STACK);
}
