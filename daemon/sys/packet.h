/* packet.h - datagrams with descriptors and credentials over unix sockets */
#pragma once

#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>

enum { PACKET_FDS_MAX = 64 };

/** packet_pair() - a SOCK_SEQPACKET pair, close-on-exec, non-blocking; Return: 0, negative errno */
int packet_pair(int ret_fds[2]);

/** packet_send() - one datagram, with @fd_count descriptors
 *  Return: 0; -EAGAIN if the other side does not read; other negative errno */
int packet_send(int fd, const void *bytes, size_t length, const int *fds, size_t fd_count);

/** packet_receive() - one datagram
 *  @fds: room for PACKET_FDS_MAX; received ones are close-on-exec and the caller's to close
 *  @ret_sender: SCM_CREDENTIALS if the socket passes them, else pid 0; may be NULL
 *  Return: its length (0: the other side closed, on SEQPACKET); -EAGAIN; -EMSGSIZE if it did not
 *  fit (descriptors are closed); other negative errno */
ssize_t packet_receive(int fd, void *buffer, size_t size, int *fds, size_t *ret_fd_count,
                       struct ucred *ret_sender);
