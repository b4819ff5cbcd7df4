/* descriptors.c - what a process holds open
 *
 * The kind follows from where the link of a descriptor leads: a path, or a word and a number. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "inspect/finding.h"
#include "inspect/inspect.h"
#include "inspect/sockets.h"
#include "sys/files.h"

enum { DESCRIPTORS_MAX = 100000 };

typedef enum Kind {
        KIND_FILE,
        KIND_DIRECTORY,
        KIND_DEVICE,
        KIND_PIPE,
        KIND_SOCKET,
        KIND_EPOLL,
        KIND_EVENTFD,
        KIND_TIMERFD,
        KIND_SIGNALFD,
        KIND_INOTIFY,
        KIND_PIDFD,
        KIND_MEMFD,
        KIND_OTHER,
        KIND_COUNT_,
} Kind;

static const char *const kind_names[] = {
        [KIND_FILE] = "file",       [KIND_DIRECTORY] = "directory", [KIND_DEVICE] = "device",
        [KIND_PIPE] = "pipe",       [KIND_SOCKET] = "socket",       [KIND_EPOLL] = "epoll",
        [KIND_EVENTFD] = "eventfd", [KIND_TIMERFD] = "timerfd",     [KIND_SIGNALFD] = "signalfd",
        [KIND_INOTIFY] = "inotify", [KIND_PIDFD] = "pidfd",         [KIND_MEMFD] = "memfd",
        [KIND_OTHER] = "other",
};

static const struct {
        const char *begin;
        Kind kind;
} marks[] = {
        { "socket:[", KIND_SOCKET },
        { "pipe:[", KIND_PIPE },
        { "anon_inode:[eventpoll]", KIND_EPOLL },
        { "anon_inode:[eventfd]", KIND_EVENTFD },
        { "anon_inode:[timerfd]", KIND_TIMERFD },
        { "anon_inode:[signalfd]", KIND_SIGNALFD },
        { "anon_inode:[pidfd]", KIND_PIDFD },
        { "pidfd:", KIND_PIDFD }, /* Linux 6.9: a file system of its own */
        { "anon_inode:inotify", KIND_INOTIFY },
        { "/memfd:", KIND_MEMFD },
};

static Kind kind_of_mode(mode_t mode)
{
        if (S_ISREG(mode))
                return KIND_FILE;
        if (S_ISDIR(mode))
                return KIND_DIRECTORY;
        if (S_ISCHR(mode) || S_ISBLK(mode))
                return KIND_DEVICE;
        return S_ISFIFO(mode) ? KIND_PIPE : KIND_OTHER;
}

static Kind kind_of(int folder_fd, const char *name, const char *target)
{
        struct stat status;

        for (size_t i = 0; i < COUNT_OF(marks); i++)
                if (text_after(target, marks[i].begin))
                        return marks[i].kind;
        return fstatat(folder_fd, name, &status, 0) == 0 ? kind_of_mode(status.st_mode)
                                                         : KIND_OTHER;
}

static int open_folder(const Subject *subject, DIR **ret)
{
        int fd = openat(subject->fd, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        *ret = fd < 0 ? NULL : fdopendir(fd);
        if (*ret)
                return 0;
        (void)fd_close(fd);
        return -errno;
}

/* Return: its number; -1 if the entry is none */
static int descriptor_number(const struct dirent *entry)
{
        char *end;
        long number = strtol(entry->d_name, &end, 10);

        return end != entry->d_name && !*end && number >= 0 && number <= INT_MAX ? (int)number : -1;
}

static ssize_t read_target(int folder_fd, const char *name, char *target, size_t size)
{
        ssize_t n = readlinkat(folder_fd, name, target, size - 1);

        target[MAX(n, (ssize_t)0)] = '\0';
        return n;
}

/* ---- how many of each ---- */

void inspect_descriptors(FILE *out, const Subject *subject)
{
        uint64_t counts[KIND_COUNT_] = { 0 }, total = 0;
        const struct dirent *entry;
        char target[PATH_MAX];
        DIR *folder;
        int r = open_folder(subject, &folder);

        if (r < 0) {
                finding_failed(out, "descriptors", r);
                return;
        }
        while (total < DESCRIPTORS_MAX && (entry = readdir(folder))) {
                if (descriptor_number(entry) < 0
                    || read_target(dirfd(folder), entry->d_name, target, sizeof(target)) < 0)
                        continue;
                counts[kind_of(dirfd(folder), entry->d_name, target)]++;
                total++;
        }
        (void)closedir(folder);
        finding_open_object(out, "descriptors");
        finding_number(out, "count", total);
        finding_open_object(out, "kinds");
        for (size_t i = 0; i < KIND_COUNT_; i++)
                if (counts[i] > 0)
                        finding_number(out, kind_names[i], counts[i]);
        finding_close_object(out);
        finding_close_object(out);
}

/* ---- one by one ---- */

typedef struct Numbers {
        int *numbers;
        size_t count;
} Numbers;

static int by_number(const void *a, const void *b)
{
        return *(const int *)a - *(const int *)b; /* both are >= 0 */
}

/* In their order, which is the folder's only by chance. */
static int collect(DIR *folder, int from, Numbers *ret)
{
        const struct dirent *entry;

        ret->numbers = malloc(DESCRIPTORS_MAX * sizeof(int));
        if (!ret->numbers)
                return -ENOMEM;
        while (ret->count < DESCRIPTORS_MAX && (entry = readdir(folder))) {
                int number = descriptor_number(entry);

                if (number >= from)
                        ret->numbers[ret->count++] = number;
        }
        qsort(ret->numbers, ret->count, sizeof(int), by_number);
        return 0;
}

static void write_access(FILE *out, const char *info)
{
        static const char *const words[] = { "read", "write", "read-write", "path" };
        uint64_t flags, position;

        if (field_number(info, "flags", 8, &flags)) {
                finding_text(out, "access", words[flags & O_PATH ? 3 : MIN(flags & O_ACCMODE, 2U)]);
                finding_flag(out, "close_on_exec", flags & O_CLOEXEC);
                finding_flag(out, "nonblocking", flags & O_NONBLOCK);
        }
        if (field_number(info, "pos", 10, &position))
                finding_number(out, "position_bytes", position);
}

static void write_descriptor(FILE *out, const Subject *subject, int folder_fd, int number,
                             const SocketTable *sockets)
{
        char name[16], path[32], target[PATH_MAX];
        AUTO_FREE char *info = NULL;
        const char *inode;
        Kind kind;

        (void)snprintf(name, sizeof(name), "%d", number);
        (void)snprintf(path, sizeof(path), "fdinfo/%d", number);
        if (read_target(folder_fd, name, target, sizeof(target)) < 0)
                return; /* closed meanwhile */
        kind = kind_of(folder_fd, name, target);
        finding_open_object(out, "");
        finding_number(out, "fd", (uint64_t)number);
        finding_text(out, "kind", kind_names[kind]);
        finding_text(out, "target", target);
        if (subject_read(subject, path, &info, NULL) >= 0)
                write_access(out, info);
        inode = text_after(target, "socket:[");
        if (inode)
                sockets_write(out, sockets, strtoull(inode, NULL, 10));
        finding_close_object(out);
}

void inspect_descriptor_list(FILE *out, const Subject *subject, int from, unsigned limit)
{
        AUTO_SOCKETS sockets = { 0 };
        Numbers found = { 0 };
        char next[16];
        DIR *folder;
        int r = open_folder(subject, &folder);
        size_t end;

        if (r < 0) {
                finding_failed(out, "items", r);
                return;
        }
        r = collect(folder, from, &found);
        end = MIN(found.count, (size_t)limit);
        if (r >= 0)
                sockets_read(subject, &sockets);
        if (end < found.count) {
                (void)snprintf(next, sizeof(next), "%d", found.numbers[end]);
                finding_text(out, "next", next);
        }
        finding_open_list(out, "items");
        for (size_t i = 0; i < end; i++)
                write_descriptor(out, subject, dirfd(folder), found.numbers[i], &sockets);
        finding_close_list(out);
        free(found.numbers);
        (void)closedir(folder);
}
