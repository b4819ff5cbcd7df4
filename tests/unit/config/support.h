/* support.h - texts in, a Config or problems out, in one line */
#pragma once

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* It needs what stands above. */
#include <cmocka.h>

#include "config/config.h"

typedef struct Load {
        int r;
        Config *config; /* NULL unless r is 0 */
        ProblemList problems;
} Load;

typedef struct Source {
        const char *path, *text;
        bool is_control;
} Source;

static inline Load load_sources(const Source *sources, size_t count)
{
        TextFile *files = calloc(count + 1, sizeof(TextFile));
        ConfigInput input = { files, count };
        Load load = { 0 };

        assert_non_null(files);
        for (size_t i = 0; i < count; i++)
                files[i] = (TextFile){
                        .path = (char *)sources[i].path,
                        .text = (char *)sources[i].text,
                        .length = strlen(sources[i].text),
                        .is_control = sources[i].is_control,
                };
        load.r = config_parse(&input, &load.problems, &load.config);
        free(files);
        return load;
}

#define LOAD(...) \
        load_sources((const Source[]){ __VA_ARGS__ }, \
                     sizeof((const Source[]){ __VA_ARGS__ }) / sizeof(Source))

/* A pool called web whose command is given, so that @text is all that can be wrong. */
static inline Load load_pool(const char *text)
{
        return LOAD({ "web.pool", "[Pool]\nExecStart=/bin/true\n" }, { "web.pool.d/a.conf", text });
}

static inline void load_done(Load *load)
{
        load->config = config_free(load->config);
        problem_list_done(&load->problems);
}

#define AUTO_LOAD CLEANUP(load_done) Load

static inline const PoolConfig *load_first(const Load *load)
{
        if (load->problems.count)
                print_message("# %s\n", load->problems.items[0].message);
        assert_int_equal(load->r, 0);
        assert_true(load->config->pool_count > 0);
        return load->config->pools[0];
}

/* The first problem, as people see it. */
static inline void assert_problem(const Load *load, const char *expected)
{
        AUTO_FREE char *told = NULL;

        assert_true(load->problems.count > 0);
        told = problem_format(&load->problems.items[0]);
        assert_string_equal(told, expected);
}
