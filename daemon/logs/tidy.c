/* tidy.c - see tidy.h */
#include "logs/tidy.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

static int compare_age(const void *a, const void *b)
{
        const TidyFile *one = a, *other = b;

        if (one->written_usec != other->written_usec)
                return one->written_usec < other->written_usec ? -1 : 1;
        /* Several in one tick of the clock: the higher number is older. */
        return one->name.number < other->name.number   ? 1
               : one->name.number > other->name.number ? -1
                                                       : 0;
}

size_t tidy_plan_removals(TidyFile *files, size_t count, uint64_t limit_bytes, TidyStep *ret,
                          size_t max)
{
        uint64_t sum = 0;
        size_t steps = 0;

        qsort(files, count, sizeof(*files), compare_age);
        for (size_t i = 0; i < count; i++)
                sum += files[i].bytes;
        for (size_t i = 0; i < count && sum > limit_bytes && steps < max; i++) {
                if (files[i].name.number == 0)
                        continue; /* it is being written */
                ret[steps++] = (TidyStep){ .kind = TIDY_REMOVE,
                                           .slot = files[i].name.slot,
                                           .number = files[i].name.number,
                                           .inode = files[i].inode,
                                           .bytes = files[i].plain_bytes };
                sum -= files[i].bytes;
        }
        return steps;
}

static bool is_file(int directory_fd, LogName name, const TidyStep *step)
{
        struct stat status;

        return fstatat(directory_fd, name.text, &status, AT_SYMLINK_NOFOLLOW) == 0
               && status.st_ino == step->inode && (uint64_t)status.st_size == step->bytes;
}

/* Its number has grown by the rotations since, of which there are few. */
static bool find(int directory_fd, const TidyStep *step, LogNumber *ret)
{
        for (unsigned number = MAX(step->number, 1U); number <= TIDY_NUMBER_MAX; number++)
                for (int is_packed = 0; is_packed < 2; is_packed++)
                        if (is_file(directory_fd, log_name(step->slot, number, is_packed), step)) {
                                *ret = (LogNumber){ step->slot, number, is_packed };
                                return true;
                        }
        return false;
}

/* In this order: a crash in between leaves both, of which the plain one goes at the next run. */
static bool replace(int directory_fd, const TidyStep *step, const LogNumber *place)
{
        LogName packing = log_name_of_packing(step->inode);

        return renameat(directory_fd, packing.text, directory_fd,
                        log_name(place->slot, place->number, true).text)
                       == 0
               && unlinkat(directory_fd, log_name(place->slot, place->number, false).text, 0) == 0;
}

static bool take_step(int directory_fd, const TidyStep *step)
{
        LogNumber place;
        bool is_found = find(directory_fd, step, &place);

        if (is_found && step->kind == TIDY_REMOVE)
                return unlinkat(directory_fd,
                                log_name(place.slot, place.number, place.is_packed).text, 0)
                       == 0;
        if (is_found && step->kind == TIDY_REPLACE && !place.is_packed)
                return replace(directory_fd, step, &place);
        if (step->kind == TIDY_REPLACE)
                (void)unlinkat(directory_fd, log_name_of_packing(step->inode).text, 0);
        return false;
}

size_t tidy_apply(int directory_fd, const TidyStep *steps, size_t count)
{
        size_t taken = 0;

        for (size_t i = 0; i < count; i++)
                taken += take_step(directory_fd, &steps[i]);
        return taken;
}
