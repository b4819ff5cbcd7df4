/* configdir.c - see configdir.h
 *
 * A folder is listed whole and sorted before anything is opened, so the order does not depend on
 * the file system. Files are opened without blocking: a FIFO among them must not hold us. */
#include "sys/configdir.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "sys/fd.h"
#include "sys/files.h"

/* ---- listing ---- */

typedef struct Listing {
        char **names;
        size_t count, capacity;
} Listing;

static void listing_done(Listing *listing)
{
        for (size_t i = 0; i < listing->count; i++)
                free(listing->names[i]);
        free(listing->names);
        *listing = (Listing){ 0 };
}

#define AUTO_LISTING CLEANUP(listing_done) Listing

static void cleanup_closedir(DIR **directory)
{
        if (*directory)
                (void)closedir(*directory); /* nothing was written */
}

static bool has_suffix(const char *name, const char *suffix)
{
        size_t length = strlen(name), cut = strlen(suffix);

        return length > cut && text_equal(name + length - cut, suffix);
}

static int compare_names(const void *a, const void *b)
{
        return strcmp(*(char *const *)a, *(char *const *)b);
}

static int listing_add(Listing *listing, const char *name)
{
        if (listing->count >= CONFIG_DIR_FILES_MAX)
                return -E2BIG;
        if (listing->count == listing->capacity) {
                size_t capacity = listing->capacity ? listing->capacity * 2 : 16;
                char **names = reallocarray(listing->names, capacity, sizeof(char *));

                if (!names)
                        return -ENOMEM;
                listing->names = names;
                listing->capacity = capacity;
        }
        listing->names[listing->count] = strdup(name);
        return listing->names[listing->count] ? (int)(listing->count++, 0) : -ENOMEM;
}

/* The names in @path that end in @suffix, sorted. Hidden ones, and "web.pool~" or
 * "web.pool.dpkg-old" with them, do not count. A missing folder is an empty one. */
static int listing_read(const char *path, const char *suffix, Listing *ret)
{
        CLEANUP(cleanup_closedir) DIR *directory = opendir(path);
        AUTO_LISTING listing = { 0 };
        const struct dirent *entry;
        int r = 0;

        if (!directory)
                return errno == ENOENT ? 0 : -errno;
        while (r == 0 && (errno = 0, entry = readdir(directory)))
                if (entry->d_name[0] != '.' && has_suffix(entry->d_name, suffix))
                        r = listing_add(&listing, entry->d_name);
        if (r == 0 && errno)
                r = -errno;
        if (r < 0)
                return r;
        if (listing.count)
                qsort(listing.names, listing.count, sizeof(char *), compare_names);
        *ret = listing;
        listing = (Listing){ 0 };
        return 0;
}

/* ---- reading ---- */

typedef struct Reading {
        ConfigInput input;
        size_t capacity;
        Error *reterr;
} Reading;

static void reading_done(Reading *reading)
{
        config_input_done(&reading->input);
}

#define AUTO_READING CLEANUP(reading_done) Reading

static int reading_fail(const Reading *reading, int r, const char *path)
{
        if (r == -E2BIG)
                return error_set(reading->reterr, r, "bad-config",
                                 "%s: more than %d files of configuration; are these all meant?",
                                 path, CONFIG_DIR_FILES_MAX);
        return error_set(reading->reterr, r, "bad-config", "%s: cannot be read: %s", path,
                         strerror(-r));
}

static int reading_reserve(Reading *reading)
{
        size_t capacity = reading->capacity ? reading->capacity * 2 : 16;
        TextFile *files;

        if (reading->input.count >= CONFIG_DIR_FILES_MAX)
                return -E2BIG;
        if (reading->input.count < reading->capacity)
                return 0;
        files = reallocarray(reading->input.files, capacity, sizeof(TextFile));
        if (!files)
                return -ENOMEM;
        reading->input.files = files;
        reading->capacity = capacity;
        return 0;
}

static int text_file_read(const char *path, TextFile *file)
{
        AUTO_CLOSE fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        char by_descriptor[sizeof("/proc/self/fd/") + 11];
        struct stat status;

        if (fd < 0 || fstat(fd, &status) < 0)
                return -errno;
        if (!S_ISREG(status.st_mode))
                return -EBADF;
        /* The file that was looked at, whatever stands at its name by now. */
        (void)snprintf(by_descriptor, sizeof(by_descriptor), "/proc/self/fd/%d", fd);
        return file_read(AT_FDCWD, by_descriptor, CONFIG_DIR_FILE_BYTES_MAX, &file->text,
                         &file->length);
}

/* A link that leads nowhere is a mistake: as "gone" it would end the workers of its pool. */
static bool is_link(const char *path)
{
        struct stat status;

        return lstat(path, &status) == 0 && S_ISLNK(status.st_mode);
}

static char *trouble_of(int r)
{
        char *sentence = NULL;

        if (r == -EFBIG)
                r = asprintf(&sentence, "is longer than %d KiB; is it a configuration file?",
                             CONFIG_DIR_FILE_BYTES_MAX / 1024);
        else
                r = asprintf(&sentence, "cannot be read: %s", strerror(-r));
        return r < 0 ? NULL : sentence;
}

static int reading_add(Reading *reading, const char *path, bool is_control)
{
        TextFile file = { .is_control = is_control };
        int r = reading_reserve(reading);

        if (r < 0)
                return reading_fail(reading, r, path);
        r = text_file_read(path, &file);
        if (r == -EBADF || (r == -ENOENT && !is_link(path)))
                return 0; /* no regular file, or gone since it was listed */
        file.path = strdup(path);
        file.trouble = r < 0 ? trouble_of(r) : NULL;
        if (!file.path || (r < 0 && !file.trouble)) {
                text_file_done(&file);
                return reading_fail(reading, -ENOMEM, path);
        }
        reading->input.files[reading->input.count++] = file;
        return 0;
}

static int path_join(char *buffer, size_t size, const char *folder, const char *name)
{
        int length = snprintf(buffer, size, "%s/%s", folder, name);

        return length < 0 || (size_t)length >= size ? -ENAMETOOLONG : 0;
}

/* All drop-ins in FOLDER/NAME.d. */
static int reading_add_drop_ins(Reading *reading, const char *folder, const char *name,
                                bool is_control)
{
        char drop_ins[PATH_MAX], path[PATH_MAX];
        AUTO_LISTING listing = { 0 };
        int r;

        if (snprintf(drop_ins, sizeof(drop_ins), "%s/%s.d", folder, name) >= PATH_MAX)
                return reading_fail(reading, -ENAMETOOLONG, folder);
        r = listing_read(drop_ins, ".conf", &listing);
        if (r == -ENOTDIR)
                return 0;
        if (r < 0)
                return reading_fail(reading, r, drop_ins);
        for (size_t i = 0; r == 0 && i < listing.count; i++) {
                r = path_join(path, sizeof(path), drop_ins, listing.names[i]);
                r = r < 0 ? reading_fail(reading, r, drop_ins)
                          : reading_add(reading, path, is_control);
        }
        return r;
}

static int reading_add_with_drop_ins(Reading *reading, const char *folder, const char *name,
                                     const char *control_dir)
{
        char path[PATH_MAX];
        int r = path_join(path, sizeof(path), folder, name);

        if (r < 0)
                return reading_fail(reading, r, folder);
        r = reading_add(reading, path, false);
        if (r == 0)
                r = reading_add_drop_ins(reading, folder, name, false);
        if (r == 0 && control_dir)
                r = reading_add_drop_ins(reading, control_dir, name, true);
        return r;
}

static bool listing_has(const Listing *listing, const char *name)
{
        return listing->count
               && bsearch(&name, listing->names, listing->count, sizeof(char *), compare_names);
}

/* Folders NAME.pool.d beside no NAME.pool: told to whoever reads the list, who says so. */
static int reading_add_orphans(Reading *reading, const char *folder, const Listing *pools,
                               bool is_control)
{
        AUTO_LISTING listing = { 0 };
        int r = listing_read(folder, ".pool.d", &listing);

        if (r < 0)
                return r == -ENOTDIR ? 0 : reading_fail(reading, r, folder);
        for (size_t i = 0; r == 0 && i < listing.count; i++) {
                char *name = listing.names[i];

                name[strlen(name) - strlen(".d")] = '\0';
                if (!listing_has(pools, name))
                        r = reading_add_drop_ins(reading, folder, name, is_control);
        }
        return r;
}

static int reading_add_pools(Reading *reading, const char *config_dir, const char *control_dir)
{
        char folder[PATH_MAX];
        AUTO_LISTING pools = { 0 };
        int r = path_join(folder, sizeof(folder), config_dir, "pools.d");

        if (r == 0)
                r = listing_read(folder, ".pool", &pools);
        if (r < 0)
                return reading_fail(reading, r, folder);
        if (pools.count > CONFIG_DIR_POOLS_MAX)
                return error_set(reading->reterr, -E2BIG, "bad-config",
                                 "%s: more than %d pools; is this the right folder?", folder,
                                 CONFIG_DIR_POOLS_MAX);
        for (size_t i = 0; r == 0 && i < pools.count; i++)
                r = reading_add_with_drop_ins(reading, folder, pools.names[i], control_dir);
        if (r == 0)
                r = reading_add_orphans(reading, folder, &pools, false);
        if (r == 0 && control_dir)
                r = reading_add_orphans(reading, control_dir, &pools, true);
        return r;
}

static int check_is_directory(const char *path, Error *reterr)
{
        struct stat status;

        if (stat(path, &status) < 0)
                return error_set(reterr, -errno, "bad-config",
                                 "the configuration folder %s cannot be used: %s; make it and put "
                                 "a pools.d/NAME.pool into it, or name another with --config DIR",
                                 path, strerror(errno));
        if (!S_ISDIR(status.st_mode))
                return error_set(reterr, -ENOTDIR, "bad-config",
                                 "%s is not a folder; --config takes the folder that holds "
                                 "reeve.conf and pools.d",
                                 path);
        return 0;
}

int config_directory_read(const char *config_dir, const char *control_dir, ConfigInput *ret,
                          Error *reterr)
{
        AUTO_READING reading = { .reterr = reterr };
        int r = check_is_directory(config_dir, reterr);

        if (r == 0)
                r = reading_add_with_drop_ins(&reading, config_dir, "reeve.conf", NULL);
        if (r == 0)
                r = reading_add_pools(&reading, config_dir, control_dir);
        if (r < 0)
                return r;
        *ret = reading.input;
        reading.input = (ConfigInput){ 0 };
        return 0;
}
