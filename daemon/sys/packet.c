/* packet.c - see packet.h */
#include "sys/packet.h"

#include <stdbool.h>
#include <string.h>

#include "sys/fd.h"

typedef union PacketControl {
        struct cmsghdr header; /* for alignment */
        char bytes[CMSG_SPACE(sizeof(int) * PACKET_FDS_MAX) + CMSG_SPACE(sizeof(struct ucred))];
} PacketControl;

int packet_pair(int ret_fds[2])
{
        int fds[2];

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) < 0)
                return -errno;
        memcpy(ret_fds, fds, sizeof(fds));
        return 0;
}

int packet_send(int fd, const void *bytes, size_t length, const int *fds, size_t fd_count)
{
        PacketControl control = { 0 };
        struct iovec part = { .iov_base = (void *)bytes, .iov_len = length };
        struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

        if (fd_count > PACKET_FDS_MAX)
                return -E2BIG;
        if (fd_count > 0) {
                struct cmsghdr *header = &control.header;

                message.msg_control = control.bytes;
                message.msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
                header->cmsg_level = SOL_SOCKET;
                header->cmsg_type = SCM_RIGHTS;
                header->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
                memcpy(CMSG_DATA(header), fds, sizeof(int) * fd_count);
        }
        return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

/* Return: how many were stored; what does not fit is closed and *ret_is_cut set. */
static size_t take_rights(const struct cmsghdr *header, int *fds, size_t count, bool *ret_is_cut)
{
        size_t length = header->cmsg_len - CMSG_LEN(0), taken = 0;

        for (size_t i = 0; i < length / sizeof(int); i++) {
                int fd;

                memcpy(&fd, CMSG_DATA(header) + i * sizeof(int), sizeof(fd));
                if (count + taken < PACKET_FDS_MAX) {
                        fds[count + taken++] = fd;
                        continue;
                }
                (void)fd_close(fd);
                *ret_is_cut = true;
        }
        return taken;
}

static size_t take_fds(struct msghdr *message, int *fds, struct ucred *ret_sender, bool *ret_is_cut)
{
        size_t count = 0;

        for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header;
             header = CMSG_NXTHDR(message, header)) {
                if (header->cmsg_level != SOL_SOCKET)
                        continue;
                if (header->cmsg_type == SCM_RIGHTS)
                        count += take_rights(header, fds, count, ret_is_cut);
                else if (header->cmsg_type == SCM_CREDENTIALS && ret_sender)
                        memcpy(ret_sender, CMSG_DATA(header), sizeof(*ret_sender));
        }
        return count;
}

ssize_t packet_receive(int fd, void *buffer, size_t size, int *fds, size_t *ret_fd_count,
                       struct ucred *ret_sender)
{
        PacketControl control;
        struct iovec part = { .iov_base = buffer, .iov_len = size };
        struct msghdr message = { .msg_iov = &part,
                                  .msg_iovlen = 1,
                                  .msg_control = control.bytes,
                                  .msg_controllen = sizeof(control.bytes) };
        bool is_cut = false;
        size_t count;
        ssize_t n;

        if (ret_sender)
                *ret_sender = (struct ucred){ 0 };
        n = recvmsg(fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (n < 0)
                return -errno;
        count = take_fds(&message, fds, ret_sender, &is_cut);
        /* Where no credentials are passed their room is filled with descriptors as well. */
        if (is_cut || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))) {
                while (count > 0)
                        (void)fd_close(fds[--count]);
                *ret_fd_count = 0;
                return -EMSGSIZE;
        }
        *ret_fd_count = count;
        return n;
}
