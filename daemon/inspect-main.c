/* inspect-main.c - reeve-inspect: look closely at one worker, as its own user, and end
 *
 * reeved starts it for one question, with the answer's file as standard output and a deadline:
 *
 *     reeve-inspect process PID START-TICKS ROLLUP-MAX-BYTES
 *     reeve-inspect descriptors PID START-TICKS FROM LIMIT
 *     reeve-inspect stack PID START-TICKS TID      descriptor 3: its kernel stack, if that can be read
 *
 * The last line is "." when all was said: an answer without it was cut off. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "inspect/inspect.h"

enum { KERNEL_STACK_FD = 3, DESCRIPTORS_PAGE_MAX = 5000 };

static uint64_t number(char **words, int index, uint64_t max)
{
        uint64_t value;

        if (!words[index] || units_parse_number(words[index], max, &value) < 0) {
                fputs("reeve-inspect: it is started by reeved, not by hand\n", stderr);
                exit(EXIT_FAILURE);
        }
        return value;
}

static void tell_process(FILE *out, const Subject *subject, char **words)
{
        inspect_memory(out, subject, number(words, 0, UINT64_MAX));
        (void)fflush(out); /* what is known is told, whatever the next one meets */
        inspect_credentials(out, subject);
        inspect_limits(out, subject);
        inspect_io(out, subject);
        inspect_scheduling(out, subject);
        inspect_cgroup(out, subject);
        inspect_children(out, subject);
        (void)fflush(out);
        inspect_descriptors(out, subject);
        inspect_image(out, subject);
}

static void tell_descriptors(FILE *out, const Subject *subject, char **words)
{
        inspect_descriptor_list(out, subject, (int)number(words, 0, INT_MAX),
                                (unsigned)number(words, 1, DESCRIPTORS_PAGE_MAX));
}

static void tell_stack(FILE *out, const Subject *subject, char **words)
{
        int fd = fcntl(KERNEL_STACK_FD, F_GETFD) < 0 ? -1 : KERNEL_STACK_FD;

        inspect_stack(out, subject, (pid_t)number(words, 0, INT_MAX), fd);
}

static const struct {
        const char *name;
        int words;
        void (*tell)(FILE *out, const Subject *subject, char **words);
} questions[] = {
        { "process", 1, tell_process },
        { "descriptors", 2, tell_descriptors },
        { "stack", 1, tell_stack },
};

int main(int argc, char **argv)
{
        AUTO_SUBJECT subject = SUBJECT_UNSET;
        size_t i = 0;

        while (i < COUNT_OF(questions)
               && (argc != 4 + questions[i].words || !text_equal(argv[1], questions[i].name)))
                i++;
        if (i == COUNT_OF(questions))
                (void)number(argv, argc, 0); /* which ends us */
        if (subject_open((pid_t)number(argv, 2, INT_MAX), number(argv, 3, UINT64_MAX), &subject)
            < 0)
                return EXIT_FAILURE;
        questions[i].tell(stdout, &subject, argv + 4);
        fputs(".\n", stdout);
        return fflush(stdout) == 0 && !ferror(stdout) ? EXIT_SUCCESS : EXIT_FAILURE;
}
