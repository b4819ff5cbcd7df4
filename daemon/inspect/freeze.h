/* freeze.h - a thread's registers and the top of its stack, copied while it stands still
 *
 * The thread is stopped for the copy alone, some 0.1 ms; symbols are looked up when it runs again. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/user.h>

enum { FREEZE_STACK_MAX = 256 * 1024, FREEZE_WAIT_MSEC = 500 };

typedef struct Frozen {
        struct user_regs_struct registers;
        uint64_t program_counter, stack_pointer;
        unsigned char *stack; /* from stack_pointer upward */
        size_t stack_length;
        uint64_t stopped_usec; /* how long it stood still because of us */
} Frozen;

/** freeze_thread() - stop it, copy, let it go on
 *  A signal that came meanwhile is delivered as if we had not been there.
 *  @ret: frozen_done()
 *  Return: 0; -EPERM: no right to trace it; -EBUSY: somebody else traces it; -ETIMEDOUT: it does not
 *  come to a stop within FREEZE_WAIT_MSEC, as in an uninterruptible wait; -ESRCH; -ENOTSUP: the
 *  registers of this machine are not known here */
int freeze_thread(pid_t pid, pid_t tid, Frozen *ret);
void frozen_done(Frozen *frozen);

/** frozen_read() - a word of the process' memory, from the copy where it reaches
 *  Return: whether it could be read */
bool frozen_read(const Frozen *frozen, pid_t pid, uint64_t address, uint64_t *ret);

/* A register by the name that people know. */
typedef struct RegisterName {
        const char *name;
        size_t offset; /* in struct user_regs_struct */
} RegisterName;

/** frozen_registers() - all of this machine; Return: how many */
size_t frozen_registers(const RegisterName **ret);

/** frozen_dwarf() - registers in the order of DWARF for this machine, for the unwinder
 *  Return: how many were stored */
size_t frozen_dwarf(const Frozen *frozen, uint64_t *ret, size_t max);
enum { FROZEN_DWARF_MAX = 40 };
