/* refusal.h - why a request was not honoured, as RFC 9457 has it
 *
 * application/problem+json with a stable `code` (include/reeve/api.h), which alone decides the
 * status, and with pointers to what is wrong in the body. */
#pragma once

#include "api/http/exchange.h"
#include "reeve/api.h"

#define JSON_TYPE    "application/json"
#define PROBLEM_TYPE "application/problem+json"

enum { REFUSAL_ERRORS_MAX = 8, REFUSAL_POINTER_SIZE = 96, REFUSAL_DETAIL_SIZE = 200 };

typedef struct RefusalError {
        char pointer[REFUSAL_POINTER_SIZE]; /* RFC 6901 into the body: "/processes" */
        char detail[REFUSAL_DETAIL_SIZE];
} RefusalError;

typedef struct Refusal {
        char code[32];
        unsigned status; /* 0: the one that belongs to the code */
        char detail[400];
        RefusalError errors[REFUSAL_ERRORS_MAX];
        unsigned error_count;
        char *current; /* JSON of the resource as it is now, owned; NULL: none */
        size_t current_length;
} Refusal;

/** refusal_set() - code and sentence; Return: -EINVAL, so that "return refusal_set(...)" reads well */
int refusal_set(Refusal *refusal, const char *code, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/** refusal_point() - add one wrong place; more than REFUSAL_ERRORS_MAX are left out */
void refusal_point(Refusal *refusal, const char *pointer, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/** refusal_status() - the HTTP status that belongs to a code; 422 for one we do not know */
unsigned refusal_status(const char *code);

/** refusal_to_reply() - Return: 0; -ENOMEM with a reply that has no body */
int refusal_to_reply(const Refusal *refusal, Reply *ret);

/** exchange_answer_refusal() - answer with a refusal; what it owns is freed */
void exchange_answer_refusal(Exchange *exchange, Refusal *refusal);

/** exchange_answer_error() - the same for the plain case: a code and a sentence */
void exchange_answer_error(Exchange *exchange, const char *code, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

void refusal_done(Refusal *refusal);
