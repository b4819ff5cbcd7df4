/* body.h - the body of a command, checked against the members it may have
 *
 * A member that is unknown, of another type or out of range is refused with a pointer to it;
 * nothing is guessed: 4.0, "4" and 1e2 are no counts. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/refusal.h"

enum { BODY_WORD_SIZE = 32 };

typedef enum BodyType { BODY_INTEGER, BODY_BOOLEAN, BODY_WORD } BodyType;

/* What was found; `is_given` of the others stays false. */
typedef struct BodyValue {
        bool is_given;
        bool boolean;
        int64_t integer;
        char word[BODY_WORD_SIZE];
} BodyValue;

typedef struct BodyMember {
        const char *name;
        BodyType type;
        int64_t min, max; /* of an integer */
} BodyMember;

/** body_parse() - read an object that has no member beside @members
 *  @bytes: NULL: an empty object
 *  @ret: one value for each member, in their order
 *  Return: 0; -EINVAL with @refusal */
int body_parse(const char *bytes, size_t length, const BodyMember *members, size_t count,
               BodyValue *ret, Refusal *refusal);
