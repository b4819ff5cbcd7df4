/* cleanup.h - locals that own something let go of it by themselves
 *
 * A local that owns is declared with AUTO(Type) or AUTO_FREE and initialized at once; success
 * hands it over with TAKE_PTR. Descriptors have theirs in sys/fd.h. */
#pragma once

#include <stddef.h>
#include <stdlib.h>

#define CLEANUP(function) __attribute__((cleanup(function)))

/** DEFINE_AUTO(Type, function) - give Type a cleanup that calls function(Type *) */
#define DEFINE_AUTO(Type, function) \
        static inline void Type##_cleanup(Type **pointer) \
        { \
                function(*pointer); \
        } \
        struct Type##_needs_a_semicolon

/** AUTO(Type) - a local pointer that is freed when its scope ends */
#define AUTO(Type) CLEANUP(Type##_cleanup) Type

static inline void cleanup_free(void *pointer)
{
        free(*(void **)pointer);
}

/** AUTO_FREE - a local pointer from malloc */
#define AUTO_FREE CLEANUP(cleanup_free)

/** TAKE_PTR(pointer) - the pointer's value; the variable forgets it */
#define TAKE_PTR(pointer) \
        ({ \
                __typeof__(pointer) taken_ = (pointer); \
                (pointer) = NULL; \
                taken_; \
        })

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define MIN(a, b) \
        ({ \
                __typeof__(a) a_ = (a); \
                __typeof__(b) b_ = (b); \
                a_ < b_ ? a_ : b_; \
        })
#define MAX(a, b) \
        ({ \
                __typeof__(a) a_ = (a); \
                __typeof__(b) b_ = (b); \
                a_ > b_ ? a_ : b_; \
        })
#define CONTAINER_OF(pointer, Type, member) ((Type *)((char *)(pointer)-offsetof(Type, member)))
