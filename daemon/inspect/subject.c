/* subject.c - see subject.h */
#include "inspect/subject.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sys/files.h"
#include "sys/proc.h"

int subject_open(pid_t pid, uint64_t start_ticks, Subject *ret)
{
        char path[32], text[2048];
        AUTO_CLOSE fd = -1;
        ProcStat stat;
        ssize_t n;

        (void)snprintf(path, sizeof(path), "/proc/%d", (int)pid);
        fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? -ESRCH : -errno;
        n = file_read_into(fd, "stat", text, sizeof(text));
        if (n < 0)
                return (int)n;
        if (proc_stat_parse(text, &stat) < 0 || stat.start_ticks != start_ticks)
                return -ESRCH;
        *ret = (Subject){ .pid = pid, .fd = TAKE_FD(fd) };
        return 0;
}

int subject_read(const Subject *subject, const char *name, char **ret_text, size_t *ret_length)
{
        return file_read(subject->fd, name, SUBJECT_FILE_MAX, ret_text, ret_length);
}

ssize_t subject_link(const Subject *subject, const char *name, char *buffer, size_t size)
{
        ssize_t n = readlinkat(subject->fd, name, buffer, size - 1);

        if (n < 0)
                return -errno;
        buffer[n] = '\0';
        return n;
}

const char *field_find(const char *text, const char *name)
{
        size_t length = strlen(name);

        for (const char *line = text; line && *line; line = strchr(line, '\n')) {
                line += *line == '\n';
                if (strncmp(line, name, length) == 0 && line[length] == ':')
                        return line + length + 1 + strspn(line + length + 1, " \t");
        }
        return NULL;
}

bool field_number(const char *text, const char *name, int base, uint64_t *ret)
{
        const char *value = field_find(text, name);
        char *end;

        if (!value)
                return false;
        *ret = strtoull(value, &end, base);
        return end != value;
}
