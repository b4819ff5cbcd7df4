/* names.h - an enum and its spelling, kept together
 *
 * A table is an array of strings indexed by the enum; DEFINE_NAMES makes the two functions
 * x_to_name() and x_from_name(). An index without a string has no name. */
#pragma once

#include <stddef.h>

/** names_find() - Return: the index of @name in @table, -EINVAL if it is not there */
int names_find(const char *const *table, size_t count, const char *name);

/** DECLARE_NAMES(prefix, Type)
 *  prefix_to_name() - Return: static string, NULL if @value has none
 *  prefix_from_name() - Return: the value, -EINVAL if no value is called @name */
#define DECLARE_NAMES(prefix, Type) \
        const char *prefix##_to_name(Type value); \
        int prefix##_from_name(const char *name)

#define DEFINE_NAMES(prefix, Type, table) \
        const char *prefix##_to_name(Type value) \
        { \
                size_t index = (size_t)value; \
                return index < sizeof(table) / sizeof(table[0]) ? table[index] : NULL; \
        } \
        int prefix##_from_name(const char *name) \
        { \
                return names_find(table, sizeof(table) / sizeof(table[0]), name); \
        } \
        struct prefix##_names_need_a_semicolon
