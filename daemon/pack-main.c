/* pack-main.c - reeve-pack: compress log files that were put aside, and say which are too many
 *
 * Started as "reeve-pack COMPRESS LIMIT" (0 or 1; bytes) with the pool's log folder as descriptor 3.
 * It has the least of priorities, for there is no hurry. The compressed content is made under a
 * name of its own and is on the disk before it is proposed; names are given by reeved alone: see
 * logs/tidy.h. Whatever ends it midway loses nothing: the next run removes what lies about and
 * begins anew. The gzip header carries the inode of the original as comment ("reeve:INODE"), by
 * which readers who are in the midst of that file find their place again. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/cleanup.h"
#include "base/units.h"
#include "logs/tidy.h"
#include "sys/fd.h"

enum {
        BLOCK = 64 * 1024,
        GZIP_WINDOW = 15 + 16, /* of deflateInit2(): with a gzip header */
        MEMORY_LEVEL = 8,      /* its default: 256 kB */
        FILES_MAX = 1 << 20,
};

typedef struct Survey {
        TidyFile *files;
        size_t count, room;
        TidyStep steps[TIDY_STEPS_MAX];
        size_t step_count;
} Survey;

/* ---- compressing ---- */

static int write_all(int fd, const unsigned char *bytes, size_t length)
{
        while (length > 0) {
                ssize_t n = write(fd, bytes, length);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n < 0 ? -errno : -EIO;
                bytes += n;
                length -= (size_t)n;
        }
        return 0;
}

static int deflate_block(z_stream *stream, int to_fd, int flush)
{
        static unsigned char out[BLOCK];
        int r;

        do {
                stream->next_out = out;
                stream->avail_out = sizeof(out);
                if (deflate(stream, flush) == Z_STREAM_ERROR)
                        return -EIO;
                r = write_all(to_fd, out, sizeof(out) - stream->avail_out);
        } while (r == 0 && stream->avail_out == 0);
        return r;
}

static int deflate_file(z_stream *stream, int from_fd, int to_fd)
{
        static unsigned char in[BLOCK];
        ssize_t n;

        do {
                int r;

                n = read(from_fd, in, sizeof(in));
                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                stream->next_in = in;
                stream->avail_in = (uInt)n;
                r = deflate_block(stream, to_fd, n == 0 ? Z_FINISH : Z_NO_FLUSH);
                if (r < 0)
                        return r;
        } while (n != 0);
        return 0;
}

static int compress_content(int from_fd, int to_fd, uint64_t inode)
{
        char comment[40];
        gz_header header = { .comment = (Bytef *)comment, .os = 3 };
        z_stream stream = { 0 };
        int r;

        (void)snprintf(comment, sizeof(comment), "reeve:%" PRIu64, inode);
        if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, MEMORY_LEVEL,
                         Z_DEFAULT_STRATEGY)
            != Z_OK)
                return -ENOMEM;
        r = deflateSetHeader(&stream, &header) == Z_OK ? deflate_file(&stream, from_fd, to_fd)
                                                       : -EIO;
        (void)deflateEnd(&stream);
        return r;
}

/* Rights, owner and time are the original's: the limit removes by age. */
static int dress(int fd, const struct stat *original)
{
        const struct timespec times[2] = { original->st_atim, original->st_mtim };

        if (fchown(fd, original->st_uid, original->st_gid) < 0 && errno != EPERM)
                return -errno;
        return fchmod(fd, original->st_mode & 0777) < 0 || futimens(fd, times) < 0 || fsync(fd) < 0
                       ? -errno
                       : 0;
}

static int compress_to(int directory_fd, LogName to, int from_fd, const struct stat *original,
                       uint64_t *ret_bytes)
{
        AUTO_CLOSE fd = openat(directory_fd, to.text,
                               O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        struct stat status;
        int r = fd < 0 ? -errno : compress_content(from_fd, fd, original->st_ino);

        if (r == 0)
                r = dress(fd, original);
        if (r == 0 && fstat(fd, &status) < 0)
                r = -errno;
        if (r == 0)
                *ret_bytes = (uint64_t)status.st_size;
        return r;
}

static int compress_file(int directory_fd, TidyFile *file)
{
        AUTO_CLOSE fd =
                openat(directory_fd, log_name(file->name.slot, file->name.number, false).text,
                       O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
        LogName to = log_name_of_packing(file->inode);
        struct stat status;
        int r;

        /* Rotated since: the next run sees it under its new number. */
        if (fd < 0 || fstat(fd, &status) < 0 || status.st_ino != file->inode)
                return -ESTALE;
        file->plain_bytes = (uint64_t)status.st_size;
        r = compress_to(directory_fd, to, fd, &status, &file->bytes);
        if (r < 0)
                (void)unlinkat(directory_fd, to.text, 0);
        return r;
}

/* ---- looking ---- */

static int survey_add(Survey *survey, const TidyFile *file)
{
        if (survey->count == survey->room) {
                size_t room = survey->room ? survey->room * 2 : 64;
                TidyFile *files =
                        room > FILES_MAX ? NULL : reallocarray(survey->files, room, sizeof(*files));

                if (!files)
                        return -ENOMEM;
                survey->files = files;
                survey->room = room;
        }
        survey->files[survey->count++] = *file;
        return 0;
}

static int look_at(Survey *survey, int directory_fd, const char *name)
{
        TidyFile file = { 0 };
        struct stat status;

        if (log_name_is_packing(name)) {
                (void)unlinkat(directory_fd, name, 0); /* of a run that did not end */
                return 0;
        }
        if (!log_name_parse(name, &file.name)
            || fstatat(directory_fd, name, &status, AT_SYMLINK_NOFOLLOW) < 0
            || !S_ISREG(status.st_mode))
                return 0;
        file.inode = status.st_ino;
        file.bytes = file.plain_bytes = (uint64_t)status.st_size;
        file.written_usec = (uint64_t)status.st_mtim.tv_sec * USEC_PER_SEC
                            + (uint64_t)status.st_mtim.tv_nsec / 1000;
        return survey_add(survey, &file);
}

static int look(Survey *survey, int directory_fd)
{
        /* A description of its own: the position in the folder belongs to it. */
        int fd = openat(directory_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
        DIR *folder = fd < 0 ? NULL : fdopendir(fd);
        const struct dirent *entry;

        if (!folder) {
                r = -errno;
                (void)fd_close(fd);
                return r;
        }
        while (r == 0 && (entry = readdir(folder)))
                r = look_at(survey, directory_fd, entry->d_name);
        (void)closedir(folder);
        return r;
}

static bool has_packed(const Survey *survey, const TidyFile *file)
{
        for (size_t i = 0; i < survey->count; i++) {
                const LogNumber *name = &survey->files[i].name;

                if (name->is_packed && name->slot == file->name.slot
                    && name->number == file->name.number)
                        return true;
        }
        return false;
}

static void propose(Survey *survey, const TidyFile *file, TidyKind kind)
{
        survey->steps[survey->step_count++] = (TidyStep){ .kind = kind,
                                                          .slot = file->name.slot,
                                                          .number = file->name.number,
                                                          .inode = file->inode,
                                                          .bytes = file->plain_bytes };
}

static void pack(Survey *survey, int directory_fd)
{
        int r;

        for (size_t i = 0; i < survey->count && survey->step_count < TIDY_REPLACE_MAX; i++) {
                TidyFile *file = &survey->files[i];

                if (file->name.number == 0 || file->name.is_packed)
                        continue;
                if (has_packed(survey, file))
                        propose(survey, file, TIDY_REMOVE);
                else if ((r = compress_file(directory_fd, file)) == 0)
                        propose(survey, file, TIDY_REPLACE);
                else if (r != -ESTALE)
                        return; /* a full disk: they stay as they are until the next run */
        }
}

/* ---- */

/* Failing in these only costs politeness. */
static void step_back(void)
{
        const struct sched_param none = { 0 };

        (void)setpriority(PRIO_PROCESS, 0, 19);
        (void)sched_setscheduler(0, SCHED_IDLE, &none);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

static int run(bool is_packing, uint64_t limit_bytes)
{
        /* A description of its own, for a lock belongs to that. */
        AUTO_CLOSE directory_fd =
                openat(TIDY_DIRECTORY_FD, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        Survey survey = { 0 };
        int r;

        if (directory_fd < 0)
                return -errno;
        /* One that an earlier reeved has left may still be at it: nothing is to be done then. */
        if (flock(directory_fd, LOCK_EX | LOCK_NB) < 0)
                return errno == EWOULDBLOCK ? 0 : -errno;
        r = look(&survey, directory_fd);
        if (r == 0 && is_packing)
                pack(&survey, directory_fd);
        if (r == 0)
                survey.step_count += tidy_plan_removals(survey.files, survey.count, limit_bytes,
                                                        survey.steps + survey.step_count,
                                                        TIDY_STEPS_MAX - survey.step_count);
        if (r == 0)
                r = write_all(STDOUT_FILENO, (const unsigned char *)survey.steps,
                              survey.step_count * sizeof(TidyStep));
        free(survey.files);
        return r;
}

int main(int argc, char **argv)
{
        uint64_t is_packing, limit_bytes;
        int r;

        if (argc != 3 || units_parse_number(argv[1], 1, &is_packing) < 0
            || units_parse_number(argv[2], UINT64_MAX, &limit_bytes) < 0) {
                fputs("reeve-pack is started by reeved\n", stderr);
                return 2;
        }
        step_back();
        r = run(is_packing, limit_bytes);
        if (r < 0)
                fprintf(stderr, "reeve-pack: %s\n", strerror(-r));
        return r < 0;
}
