/* process.c - see process.h
 *
 * The parser walks over the fields behind the name and stores those that the table below asks
 * for; the field numbers are those of proc_pid_stat(5). */
#include "sample/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "sys/files.h"

enum { STAT_SIZE = 2048 }; /* 52 numbers of at most 20 digits, and the name */

enum {
        FIELD_STATE = 3,
        FIELD_MINOR_FAULTS = 10,
        FIELD_MAJOR_FAULTS = 12,
        FIELD_USER_TICKS = 14,
        FIELD_SYSTEM_TICKS = 15,
        FIELD_THREADS = 20,
        FIELD_START_TICKS = 22,
        FIELD_RSS_PAGES = 24,
        FIELD_LAST_CPU = 39,
        FIELD_BLOCK_TICKS = 42,
        FIELD_COUNT,
};

static bool is_wanted(unsigned field)
{
        switch (field) {
        case FIELD_MINOR_FAULTS:
        case FIELD_MAJOR_FAULTS:
        case FIELD_USER_TICKS:
        case FIELD_SYSTEM_TICKS:
        case FIELD_THREADS:
        case FIELD_START_TICKS:
        case FIELD_RSS_PAGES:
        case FIELD_LAST_CPU:
        case FIELD_BLOCK_TICKS: return true;
        default: return false;
        }
}

static int parse_unsigned(const char *digits, size_t length, uint64_t *ret)
{
        uint64_t number = 0;

        for (size_t i = 0; i < length; i++)
                if (digits[i] < '0' || digits[i] > '9'
                    || __builtin_mul_overflow(number, 10, &number)
                    || __builtin_add_overflow(number, (uint64_t)(digits[i] - '0'), &number))
                        return -EBADMSG;
        *ret = number;
        return length > 0 ? 0 : -EBADMSG;
}

/* The fields from number 4 on. A field ends with a blank or the newline: one that ends with the
 * text may have lost digits. */
static int parse_fields(const char *p, const char *end, uint64_t ret_fields[FIELD_COUNT])
{
        for (unsigned field = FIELD_STATE + 1; field < FIELD_COUNT; field++) {
                const char *start = p;

                while (p < end && *p != ' ' && *p != '\n')
                        p++;
                if (p == end)
                        return -EBADMSG;
                if (is_wanted(field)
                    && parse_unsigned(start, (size_t)(p - start), &ret_fields[field]) < 0)
                        return -EBADMSG;
                p++;
        }
        return 0;
}

static int scale(uint64_t number, uint64_t factor, uint64_t *ret)
{
        return __builtin_mul_overflow(number, factor, ret) ? -EBADMSG : 0;
}

int process_sample_parse(const char *text, size_t length, ProcessSample *ret)
{
        const char *end = text + length, *name_end = memrchr(text, ')', length);
        uint64_t usec_per_tick = USEC_PER_SEC / (uint64_t)sysconf(_SC_CLK_TCK);
        uint64_t fields[FIELD_COUNT] = { 0 };
        ProcessSample sample = { 0 };

        /* ") S 1": the state is one letter between blanks. */
        if (!name_end || end - name_end < 4 || name_end[1] != ' ' || name_end[2] < 'A'
            || name_end[2] > 'z' || name_end[3] != ' ')
                return -EBADMSG;
        if (parse_fields(name_end + 4, end, fields) < 0
            || scale(fields[FIELD_USER_TICKS], usec_per_tick, &sample.user_usec) < 0
            || scale(fields[FIELD_SYSTEM_TICKS], usec_per_tick, &sample.system_usec) < 0
            || scale(fields[FIELD_BLOCK_TICKS], usec_per_tick, &sample.block_delay_usec) < 0
            || scale(fields[FIELD_RSS_PAGES], (uint64_t)sysconf(_SC_PAGESIZE), &sample.rss_bytes)
                       < 0
            || fields[FIELD_THREADS] > INT32_MAX || fields[FIELD_LAST_CPU] > INT32_MAX)
                return -EBADMSG;
        sample.state = name_end[2];
        sample.start_ticks = fields[FIELD_START_TICKS];
        sample.minor_faults = fields[FIELD_MINOR_FAULTS];
        sample.major_faults = fields[FIELD_MAJOR_FAULTS];
        sample.thread_count = (unsigned)fields[FIELD_THREADS];
        sample.last_cpu = (int)fields[FIELD_LAST_CPU];
        *ret = sample;
        return 0;
}

int process_sample_take(pid_t pid, uint64_t now_usec, ProcessSample *ret)
{
        char path[32], text[STAT_SIZE];
        ProcessSample sample;
        ssize_t length;
        int r;

        (void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
        length = file_read_into(AT_FDCWD, path, text, sizeof(text));
        if (length < 0)
                return length == -ENOENT ? -ESRCH : (int)length;
        r = process_sample_parse(text, (size_t)length, &sample);
        if (r < 0)
                return r;
        sample.taken_usec = now_usec;
        *ret = sample;
        return 0;
}

double process_sample_cpu_ratio(const ProcessSample *before, const ProcessSample *after)
{
        uint64_t used_usec;

        if (before->start_ticks != after->start_ticks || after->taken_usec <= before->taken_usec
            || after->user_usec < before->user_usec || after->system_usec < before->system_usec)
                return -1;
        used_usec = after->user_usec - before->user_usec + after->system_usec - before->system_usec;
        return (double)used_usec / (double)(after->taken_usec - before->taken_usec);
}
