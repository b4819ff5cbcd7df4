/* stack.c - where a thread is: registers, and the calls that led there
 *
 * Unwinding works on the copy that freeze.h made, with the tables of the files that are mapped, while
 * the thread runs on. */
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "inspect/finding.h"
#include "inspect/freeze.h"
#include "inspect/inspect.h"
#include "sys/files.h"

enum { FRAMES_MAX = 200, KERNEL_FRAMES_MAX = 64 };

typedef struct Unwinding {
        const Frozen *frozen;
        pid_t pid, tid;
        FILE *out;
        Dwfl *dwfl;
        unsigned count;
} Unwinding;

/* ---- what libdwfl asks for ---- */

static pid_t next_thread(Dwfl *dwfl, void *userdata, void **thread)
{
        Unwinding *unwinding = userdata;

        if (*thread)
                return 0;
        *thread = unwinding;
        return unwinding->tid;
}

static bool get_thread(Dwfl *dwfl, pid_t tid, void *userdata, void **thread)
{
        *thread = userdata;
        return true;
}

static bool read_memory(Dwfl *dwfl, Dwarf_Addr address, Dwarf_Word *ret, void *userdata)
{
        const Unwinding *unwinding = userdata;

        return frozen_read(unwinding->frozen, unwinding->pid, address, ret);
}

static bool set_registers(Dwfl_Thread *thread, void *userdata)
{
        const Unwinding *unwinding = userdata;
        Dwarf_Word values[FROZEN_DWARF_MAX];
        size_t count = frozen_dwarf(unwinding->frozen, values, FROZEN_DWARF_MAX);

        dwfl_thread_state_register_pc(thread, unwinding->frozen->program_counter);
        return dwfl_thread_state_registers(thread, 0, (unsigned)count, values);
}

static const Dwfl_Thread_Callbacks thread_callbacks = {
        .next_thread = next_thread,
        .get_thread = get_thread,
        .memory_read = read_memory,
        .set_initial_registers = set_registers,
};

/* ---- frames ---- */

static void write_address(FILE *out, const char *name, uint64_t address)
{
        char text[24];

        (void)snprintf(text, sizeof(text), "0x%" PRIx64, address);
        finding_text(out, name, text);
}

static void write_source(FILE *out, Dwfl_Module *module, Dwarf_Addr address)
{
        Dwfl_Line *line = dwfl_module_getsrc(module, address);
        const char *file = NULL;
        int number = 0;

        if (line)
                file = dwfl_lineinfo(line, NULL, &number, NULL, NULL, NULL);
        if (!file)
                return;
        finding_text(out, "file", file);
        finding_integer(out, "line", number);
}

static void write_symbol(FILE *out, Dwfl *dwfl, Dwarf_Addr address)
{
        Dwfl_Module *module = dwfl_addrmodule(dwfl, address);
        const char *name, *path;
        GElf_Off offset = 0;
        GElf_Sym symbol;

        if (!module) {
                finding_none(out, "symbol", "no mapped file is there");
                return;
        }
        name = dwfl_module_addrinfo(module, address, &offset, &symbol, NULL, NULL, NULL);
        path = dwfl_module_info(module, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
        if (name) {
                finding_text(out, "symbol", name);
                finding_number(out, "offset", offset);
        } else {
                finding_none(out, "symbol", "its file has no symbols");
        }
        if (path)
                finding_text(out, "module", path);
        write_source(out, module, address);
}

static int write_frame(Dwfl_Frame *state, void *userdata)
{
        Unwinding *unwinding = userdata;
        bool is_activation;
        Dwarf_Addr address;

        if (!dwfl_frame_pc(state, &address, &is_activation) || unwinding->count++ == FRAMES_MAX)
                return DWARF_CB_ABORT;
        finding_open_object(unwinding->out, "");
        write_address(unwinding->out, "address", address);
        /* A return address may be the first one of the next function. */
        write_symbol(unwinding->out, unwinding->dwfl, is_activation ? address : address - 1);
        finding_close_object(unwinding->out);
        return DWARF_CB_OK;
}

static Dwfl *open_modules(pid_t pid)
{
        static char *debug_path;
        static const Dwfl_Callbacks callbacks = {
                .find_elf = dwfl_linux_proc_find_elf,
                .find_debuginfo = dwfl_standard_find_debuginfo,
                .debuginfo_path = &debug_path,
        };
        Dwfl *dwfl = dwfl_begin(&callbacks);

        if (dwfl && dwfl_linux_proc_report(dwfl, pid) == 0
            && dwfl_report_end(dwfl, NULL, NULL) == 0)
                return dwfl;
        dwfl_end(dwfl);
        return NULL;
}

static void write_user_stack(FILE *out, const Subject *subject, pid_t tid, const Frozen *frozen)
{
        Unwinding unwinding = { .frozen = frozen,
                                .pid = subject->pid,
                                .tid = tid,
                                .out = out,
                                .dwfl = open_modules(subject->pid) };

        if (!unwinding.dwfl
            || !dwfl_attach_state(unwinding.dwfl, NULL, subject->pid, &thread_callbacks,
                                  &unwinding)) {
                finding_none(out, "user_stack", "the files that are mapped cannot be read");
                dwfl_end(unwinding.dwfl);
                return;
        }
        finding_open_list(out, "user_stack");
        /* It ends with an error where the tables end: what was found until then is the answer. */
        (void)dwfl_getthread_frames(unwinding.dwfl, tid, write_frame, &unwinding);
        finding_close_list(out);
        dwfl_end(unwinding.dwfl);
}

/* ---- registers ---- */

static const char *why_not_frozen(int error)
{
        switch (error) {
        case -EPERM:
                return "the worker may not be traced by its own user: see "
                       "kernel.yama.ptrace_scope, or "
                       "it runs with more rights than its user";
        case -EBUSY: return "a debugger traces it";
        case -ETIMEDOUT: return "the thread did not stop in time: an uninterruptible wait";
        case -ENOTSUP: return "this version does not know the registers of this machine";
        default: return "the thread has just ended";
        }
}

static void write_registers(FILE *out, const Frozen *frozen)
{
        const RegisterName *names;
        size_t count = frozen_registers(&names);

        write_address(out, "program_counter", frozen->program_counter);
        write_address(out, "stack_pointer", frozen->stack_pointer);
        finding_number(out, "stopped_microseconds", frozen->stopped_usec);
        finding_open_object(out, "registers");
        for (size_t i = 0; i < count; i++) {
                uint64_t value;

                memcpy(&value, (const char *)&frozen->registers + names[i].offset, sizeof(value));
                write_address(out, names[i].name, value);
        }
        finding_close_object(out);
}

static void write_user_side(FILE *out, const Subject *subject, pid_t tid)
{
        static const char *const members[] = { "program_counter", "stack_pointer",
                                               "stopped_microseconds", "registers", "user_stack" };
        Frozen frozen;
        int r = freeze_thread(subject->pid, tid, &frozen);

        if (r < 0) {
                for (size_t i = 0; i < COUNT_OF(members); i++)
                        finding_none(out, members[i], why_not_frozen(r));
                return;
        }
        write_registers(out, &frozen);
        write_user_stack(out, subject, tid, &frozen);
        frozen_done(&frozen);
}

/* ---- the kernel's side ---- */

/* "[<0>] futex_wait_queue+0x60/0x90" */
static void write_kernel_stack(FILE *out, int fd)
{
        char text[8192], *save, *line;
        ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof(text) - 1, 0);
        unsigned count = 0;

        if (n < 0) {
                finding_none(out, "kernel_stack", "the kernel shows it to root alone");
                return;
        }
        text[n] = '\0';
        finding_open_list(out, "kernel_stack");
        for (line = strtok_r(text, "\n", &save); line && count < KERNEL_FRAMES_MAX;
             line = strtok_r(NULL, "\n", &save), count++) {
                const char *symbol = strchr(line, ']');

                finding_text(out, "", symbol ? symbol + 1 + strspn(symbol + 1, " ") : line);
        }
        finding_close_list(out);
}

static void write_wait(FILE *out, const Subject *subject, pid_t tid)
{
        char path[48], text[256];
        ssize_t n;

        (void)snprintf(path, sizeof(path), "task/%d/wchan", (int)tid);
        n = file_read_into(subject->fd, path, text, sizeof(text));
        if (n > 0 && strcmp(text, "0") != 0)
                finding_text(out, "wait_channel", text);
        else
                finding_none(out, "wait_channel", "the kernel does not tell, or it does not wait");
        (void)snprintf(path, sizeof(path), "task/%d/syscall", (int)tid);
        n = file_read_into(subject->fd, path, text, sizeof(text));
        if (n > 0 && text[0] >= '0' && text[0] <= '9')
                finding_integer(out, "syscall_number", strtol(text, NULL, 10));
        else
                finding_none(out, "syscall_number", "it runs, or the kernel does not tell");
}

void inspect_stack(FILE *out, const Subject *subject, pid_t tid, int kernel_stack_fd)
{
        char path[48], text[64];

        (void)snprintf(path, sizeof(path), "task/%d/comm", (int)tid);
        if (file_read_into(subject->fd, path, text, sizeof(text)) > 0)
                finding_bytes(out, "name", text, strcspn(text, "\n"));
        else
                finding_none(out, "name", "the thread has just ended");
        write_wait(out, subject, tid);
        write_kernel_stack(out, kernel_stack_fd);
        write_user_side(out, subject, tid);
        finding_none(out, "python_stack", "the worker does not tell it");
}
