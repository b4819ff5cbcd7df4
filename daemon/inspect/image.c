/* image.c - what a process executes, and the view of the system it has */
#include <elfutils/libdwelf.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "inspect/finding.h"
#include "inspect/inspect.h"

enum { BUILD_ID_MAX = 64, ARGUMENTS_MAX = 4096 };

static void write_link(FILE *out, const Subject *subject, const char *link, const char *name)
{
        char path[PATH_MAX];
        ssize_t n = subject_link(subject, link, path, sizeof(path));

        if (n >= 0)
                finding_text(out, name, path);
        else
                finding_failed(out, name, (int)n);
}

/* The kernel marks a path whose file is gone or replaced. */
static void write_executable(FILE *out, const Subject *subject)
{
        static const char mark[] = " (deleted)";
        char path[PATH_MAX];
        ssize_t n = subject_link(subject, "exe", path, sizeof(path));
        size_t length = n < 0 ? 0 : (size_t)n;
        bool is_deleted = length >= sizeof(mark) && strcmp(path + length - strlen(mark), mark) == 0;

        if (n < 0) {
                finding_failed(out, "exe", (int)n);
                finding_failed(out, "deleted", (int)n);
                return;
        }
        finding_bytes(out, "exe", path, is_deleted ? length - strlen(mark) : length);
        finding_flag(out, "deleted", is_deleted);
}

static void write_build_id(FILE *out, const Subject *subject)
{
        AUTO_CLOSE fd = openat(subject->fd, "exe", O_RDONLY | O_CLOEXEC);
        char text[2 * BUILD_ID_MAX + 1] = "";
        const unsigned char *id = NULL;
        ssize_t length = 0;
        Elf *elf;

        if (fd < 0) {
                finding_failed(out, "build_id", -errno);
                return;
        }
        (void)elf_version(EV_CURRENT);
        elf = elf_begin(fd, ELF_C_READ, NULL);
        if (elf)
                length = dwelf_elf_gnu_build_id(elf, (const void **)&id);
        for (ssize_t i = 0; i < MIN(length, (ssize_t)BUILD_ID_MAX); i++)
                (void)snprintf(text + 2 * i, 3, "%02x", id[i]);
        (void)elf_end(elf);
        if (*text)
                finding_text(out, "build_id", text);
        else
                finding_none(out, "build_id", "the executable was built without one");
}

static void write_arguments(FILE *out, const Subject *subject)
{
        AUTO_FREE char *text = NULL;
        size_t length = 0, count = 0;
        int r = subject_read(subject, "cmdline", &text, &length);

        if (r < 0) {
                finding_failed(out, "arguments", r);
                return;
        }
        finding_open_list(out, "arguments");
        for (size_t i = 0; i < length && count < ARGUMENTS_MAX; count++) {
                size_t size = strnlen(text + i, length - i);

                finding_bytes(out, "", text + i, size);
                i += size + 1;
        }
        finding_close_list(out);
}

/* "pid:[4026531836]" */
static void write_namespaces(FILE *out, const Subject *subject)
{
        static const char *const kinds[] = { "cgroup", "ipc",  "mnt",  "net",
                                             "pid",    "time", "user", "uts" };

        finding_open_object(out, "namespaces");
        for (size_t i = 0; i < COUNT_OF(kinds); i++) {
                char link[16], target[64];
                const char *number;

                (void)snprintf(link, sizeof(link), "ns/%s", kinds[i]);
                if (subject_link(subject, link, target, sizeof(target)) < 0)
                        continue;
                number = strchr(target, '[');
                if (number)
                        finding_number(out, kinds[i], strtoull(number + 1, NULL, 10));
        }
        finding_close_object(out);
}

void inspect_image(FILE *out, const Subject *subject)
{
        finding_open_object(out, "image");
        write_executable(out, subject);
        write_build_id(out, subject);
        write_arguments(out, subject);
        write_link(out, subject, "cwd", "working_directory");
        write_link(out, subject, "root", "root_directory");
        write_namespaces(out, subject);
        finding_close_object(out);
}
