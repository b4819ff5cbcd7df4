/* procfs_text.c - see procfs_text.h */
#include "sample/procfs_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

/* One number and the blank or newline that ends it. */
static int take_number(const char **text, int base, uint64_t *ret)
{
        char *end;
        unsigned long long number;

        errno = 0;
        number = strtoull(*text, &end, base);
        if (end == *text || errno || (*end != ' ' && *end != '\n' && *end != '\0'))
                return -EBADMSG;
        *ret = number;
        *text = *end ? end + 1 : end;
        return 0;
}

int procfs_parse_schedule(const char *text, ProcfsSchedule *ret)
{
        ProcfsSchedule schedule;

        if (take_number(&text, 10, &schedule.cpu_nsec) < 0
            || take_number(&text, 10, &schedule.run_delay_nsec) < 0
            || take_number(&text, 10, &schedule.slices) < 0 || text[-1] != '\n')
                return -EBADMSG;
        *ret = schedule;
        return 0;
}

int procfs_parse_syscall(const char *text, int *ret_number, uint64_t ret_arguments[WAIT_ARGUMENTS])
{
        uint64_t number, arguments[WAIT_ARGUMENTS], stack, counter;

        if (text_after(text, "running")) {
                *ret_number = WAIT_UNKNOWN_SYSCALL;
                return 0;
        }
        if (text_after(text, "-1 ")) {
                *ret_number = WAIT_NO_SYSCALL;
                return 0;
        }
        if (take_number(&text, 10, &number) < 0 || number > INT32_MAX)
                return -EBADMSG;
        for (size_t i = 0; i < COUNT_OF(arguments); i++)
                if (take_number(&text, 16, &arguments[i]) < 0)
                        return -EBADMSG;
        if (take_number(&text, 16, &stack) < 0 || take_number(&text, 16, &counter) < 0)
                return -EBADMSG;
        *ret_number = (int)number;
        memcpy(ret_arguments, arguments, sizeof(arguments));
        return 0;
}

static int take_line(const char *text, const char *key, uint64_t *ret)
{
        const char *line = strstr(text, key);

        if (!line)
                return -EBADMSG;
        line += strlen(key);
        return take_number(&line, 10, ret);
}

int procfs_parse_switches(const char *text, uint64_t *ret_voluntary, uint64_t *ret_involuntary)
{
        uint64_t voluntary, involuntary;

        /* A name cannot begin a line: the kernel escapes newlines in it. */
        if (take_line(text, "\nvoluntary_ctxt_switches:\t", &voluntary) < 0
            || take_line(text, "\nnonvoluntary_ctxt_switches:\t", &involuntary) < 0)
                return -EBADMSG;
        *ret_voluntary = voluntary;
        *ret_involuntary = involuntary;
        return 0;
}

int procfs_parse_name(const char *text, char ret_name[SAMPLE_NAME_SIZE])
{
        const char *start = strchr(text, '('), *end = strrchr(text, ')');
        size_t length;

        if (!start || !end || end < start)
                return -EBADMSG;
        length = MIN((size_t)(end - start - 1), (size_t)SAMPLE_NAME_SIZE - 1);
        memset(ret_name, 0, SAMPLE_NAME_SIZE);
        memcpy(ret_name, start + 1, length);
        return 0;
}

ThreadState procfs_state(char letter)
{
        switch (letter) {
        case 'R': return THREAD_RUNNING;
        case 'D': return THREAD_DISK_WAIT;
        case 'T':
        case 't': return THREAD_STOPPED;
        case 'Z': return THREAD_ZOMBIE;
        case 'X':
        case 'x': return THREAD_DEAD;
        default: return THREAD_SLEEPING;
        }
}
