/* dialogue.h - REEVE_CONTROL_SOCKET: what reeved asks of a worker, and what it answers
 *
 * SOCK_SEQPACKET, a socket for each worker; datagrams of KEY=VALUE lines as in sd_notify(3). What
 * a worker says is input: a datagram that is too long or makes no sense is dropped. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum { DIALOGUE_MESSAGE_MAX = 1024 };

typedef struct DialogueWord {
        bool is_hello, has_sequence, has_threads, has_greenlets, has_error;
        uint64_t sequence; /* of the question that this answers */
        unsigned threads, greenlets;
        char error[128]; /* sanitized */
} DialogueWord;

/** dialogue_listen() - @path: removed first if it is a socket; mode 0666: whoever connects must
 *  still be of the worker's family
 *  Return: descriptor, non-blocking; negative errno with @reterr */
int dialogue_listen(const char *path, Error *reterr);

/** dialogue_parse() - the text of one datagram; pure
 *  Return: 0; -EBADMSG */
int dialogue_parse(const char *bytes, size_t length, DialogueWord *ret);
