/* memfd.c - see memfd.h */
#include "sys/memfd.h"

#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "sys/fd.h"

int memfd_new(const char *name, size_t size, void **ret_memory)
{
        AUTO_CLOSE fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
        void *memory;

        if (fd < 0)
                return -errno;
        if (ftruncate(fd, (off_t)size) < 0 || fchmod(fd, 0400) < 0
            || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
                return -errno;
        memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (memory == MAP_FAILED)
                return -errno;
        *ret_memory = memory;
        return TAKE_FD(fd);
}

int memfd_reopen_read_only(int fd)
{
        char path[64];
        int copy;

        (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        copy = open(path, O_RDONLY | O_CLOEXEC);
        return copy < 0 ? -errno : copy;
}

int memfd_map_read_only(int fd, const void **ret_memory, size_t *ret_size)
{
        struct stat status;
        int seals = fcntl(fd, F_GET_SEALS);
        void *memory;

        if (seals < 0 || fstat(fd, &status) < 0)
                return -errno;
        /* Without the seal the other side could shrink the file under us: SIGBUS. */
        if (!(seals & F_SEAL_SHRINK) || status.st_size <= 0)
                return -EBADMSG;
        memory = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);
        if (memory == MAP_FAILED)
                return -errno;
        *ret_memory = memory;
        *ret_size = (size_t)status.st_size;
        return 0;
}
