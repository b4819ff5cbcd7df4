/* memory.c - what a process has of memory */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "inspect/finding.h"
#include "inspect/inspect.h"

/* smaps_rollup holds the lock of the process' memory: measured 13 us a megabyte. */
enum { ROLLUP_NSEC_PER_MEGABYTE = 13000 };

typedef struct Field {
        const char *kernel, *name; /* of status and smaps_rollup, in kB; our name */
} Field;

static const Field status_fields[] = {
        { "VmRSS", "rss_bytes" },         { "VmHWM", "peak_rss_bytes" },
        { "VmSize", "virtual_bytes" },    { "VmSwap", "swap_bytes" },
        { "VmExe", "code_bytes" },        { "VmLib", "library_bytes" },
        { "VmData", "data_bytes" },       { "VmStk", "stack_bytes" },
        { "RssAnon", "anonymous_bytes" }, { "RssFile", "file_bytes" },
        { "RssShmem", "shmem_bytes" },    { "VmPTE", "page_table_bytes" },
        { "VmLck", "locked_bytes" },
};

static void write_fields(FILE *out, const char *text, const Field *fields, size_t count)
{
        uint64_t kilobytes;

        for (size_t i = 0; i < count; i++)
                if (field_number(text, fields[i].kernel, 10, &kilobytes))
                        finding_number(out, fields[i].name, kilobytes * 1024);
                else
                        finding_none(out, fields[i].name, "this kernel does not tell it");
}

/* ---- maps: what status does not tell ---- */

typedef struct MapSums {
        uint64_t mappings, heap_bytes, shared_mapping_bytes;
} MapSums;

static void add_mapping(const char *line, MapSums *sums)
{
        uint64_t begin, end;
        char rights[5];

        if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s", &begin, &end, rights) != 3 || end < begin)
                return;
        sums->mappings++;
        if (rights[3] == 's')
                sums->shared_mapping_bytes += end - begin;
        if (strstr(line, "[heap]"))
                sums->heap_bytes += end - begin;
}

static int read_maps(const Subject *subject, MapSums *ret)
{
        int fd = openat(subject->fd, "maps", O_RDONLY | O_CLOEXEC);
        FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
        AUTO_FREE char *line = NULL;
        size_t room = 0;
        int r = 0;

        *ret = (MapSums){ 0 };
        if (!file) {
                r = -errno;
                (void)fd_close(fd);
                return r;
        }
        while (getline(&line, &room, file) > 0)
                add_mapping(line, ret);
        (void)fclose(file);
        return ret->mappings ? 0 : -EACCES; /* of another user's process it is empty */
}

static void write_maps(FILE *out, const Subject *subject)
{
        static const char *const names[] = { "heap_bytes", "shared_mapping_bytes", "mappings" };
        MapSums sums;
        int r = read_maps(subject, &sums);

        if (r < 0) {
                for (size_t i = 0; i < COUNT_OF(names); i++)
                        finding_failed(out, names[i], r);
                return;
        }
        finding_number(out, names[0], sums.heap_bytes);
        finding_number(out, names[1], sums.shared_mapping_bytes);
        finding_number(out, names[2], sums.mappings);
}

/* ---- smaps_rollup: who shares what ---- */

static uint64_t sum_of(const char *text, const char *a, const char *b)
{
        uint64_t first = 0, second = 0;

        (void)field_number(text, a, 10, &first);
        (void)field_number(text, b, 10, &second);
        return (first + second) * 1024;
}

static void write_shares(FILE *out, const char *text)
{
        static const Field fields[] = { { "Pss", "pss_bytes" }, { "SwapPss", "swap_pss_bytes" } };

        write_fields(out, text, fields, COUNT_OF(fields));
        finding_number(out, "uss_bytes", sum_of(text, "Private_Clean", "Private_Dirty"));
        finding_number(out, "shared_bytes", sum_of(text, "Shared_Clean", "Shared_Dirty"));
}

static void withhold_shares(FILE *out, const char *reason)
{
        static const char *const names[] = { "pss_bytes", "swap_pss_bytes", "uss_bytes",
                                             "shared_bytes" };

        for (size_t i = 0; i < COUNT_OF(names); i++)
                finding_none(out, names[i], reason);
}

static void read_shares(FILE *out, const Subject *subject)
{
        AUTO_FREE char *text = NULL;
        int r = subject_read(subject, "smaps_rollup", &text, NULL);

        if (r >= 0)
                write_shares(out, text);
        else
                withhold_shares(out,
                                r == -EACCES || r == -EPERM
                                        ? "the kernel lets nobody but root read it of this process"
                                        : "it cannot be read: the process has ended, or has no "
                                          "memory of its own any more");
}

void inspect_memory(FILE *out, const Subject *subject, uint64_t rollup_max_bytes)
{
        AUTO_FREE char *status = NULL;
        char reason[160], size[32];
        uint64_t kilobytes = 0;
        int r = subject_read(subject, "status", &status, NULL);

        if (r < 0) {
                finding_failed(out, "memory", r);
                return;
        }
        finding_open_object(out, "memory");
        write_fields(out, status, status_fields, COUNT_OF(status_fields));
        write_maps(out, subject);
        (void)field_number(status, "VmRSS", 10, &kilobytes);
        if (kilobytes * 1024 <= rollup_max_bytes) {
                read_shares(out, subject);
        } else {
                (void)snprintf(
                        reason, sizeof(reason),
                        "to count the shares of %s would hold up the worker for some %" PRIu64
                        " ms",
                        units_format_size(size, sizeof(size), kilobytes * 1024),
                        kilobytes / 1024 * ROLLUP_NSEC_PER_MEGABYTE / 1000000);
                withhold_shares(out, reason);
        }
        finding_close_object(out);
}
