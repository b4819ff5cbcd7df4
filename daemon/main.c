/* main.c - reeved: options, folders, configuration; then the engine runs
 *
 * Exit codes: 0 after a stop, 1 failure, 2 wrong usage, 78 bad configuration (EX_CONFIG). */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "engine/engine.h"
#include "engine/report.h"
#include "model/pool.h"
#include "model/worker.h"
#include "persist/adopt.h"
#include "persist/folders.h"
#include "persist/scale.h"
#include "persist/state.h"
#include "reeve/api.h"
#include "sys/configdir.h"

typedef struct Main {
        Folders folders;
        char *api_path;
        bool is_check;
        KeptState kept;       /* what an earlier life left running */
        Config *with_control; /* as parsed with the kept scales, to look them up */
} Main;

static const char usage[] =
        "Usage: reeved [OPTION...]\n"
        "\n"
        "Supervises the pools of workers that are configured in a folder.\n"
        "\n"
        "  --config DIR     reeve.conf and pools.d/*.pool (default /etc/reeve)\n"
        "  --state DIR      what is kept across reboots (default /var/lib/reeve)\n"
        "  --runtime DIR    sockets and state until the next boot (default /run/reeve)\n"
        "  --log-dir DIR    output of workers (default /var/log/reeve)\n"
        "  --api PATH       reeve-api (default: beside reeved)\n"
        "  --check          read the configuration, say what is wrong with it, and exit\n"
        "  --dump-states    print the state machines as dot graphs and exit\n"
        "  --version        print the version and exit\n"
        "  --help           print this and exit\n"
        "\n"
        "SIGTERM stops all workers gracefully, a second one at once; SIGHUP reloads.\n";

/* ---- configuration ---- */

static void print_problems(const ProblemList *problems)
{
        for (size_t i = 0; i < problems->count; i++) {
                AUTO_FREE char *line = problem_format(&problems->items[i]);

                fprintf(stderr, "%s\n", line ? line : "out of memory");
        }
}

static int parse_folder(const char *config_dir, const char *control_dir, ProblemList *problems,
                        Config **ret)
{
        ConfigInput input = { 0 };
        Error error = { 0 };
        int r = config_directory_read(config_dir, control_dir, &input, &error);

        if (r < 0)
                (void)problem_add(problems, PROBLEM_ERROR, NULL, 0, 0, NULL, "%s", error.message);
        else
                r = config_parse(&input, problems, ret);
        config_input_done(&input);
        return r;
}

/* What is wrong with kept scales; the files themselves have been told about already. */
static void tell_kept(const Main *context, const ProblemList *kept, ProblemList *problems)
{
        for (size_t i = 0; i < kept->count; i++) {
                const Problem *problem = &kept->items[i];

                if (problem->path && text_after(problem->path, context->folders.control))
                        (void)problem_add(problems, PROBLEM_WARNING, problem->path, problem->line,
                                          problem->column, problem->pool, "%s", problem->message);
        }
}

/* The file's own values and, beside them, those with the kept scales on top. A kept scale that does
 * not fit the file any more (its limits shrank) is cut, with a warning. */
static int read_config(void *userdata, ProblemList *problems, Config **ret)
{
        Main *context = userdata;
        ProblemList kept_problems = { 0 };
        Config *with_control = NULL;
        int r = parse_folder(context->folders.config, NULL, problems, ret);

        if (r < 0)
                return r;
        if (parse_folder(context->folders.config, context->folders.control, &kept_problems,
                         &with_control)
            < 0)
                (void)problem_add(problems, PROBLEM_WARNING, context->folders.control, 0, 0, NULL,
                                  "kept scales are not used: %s",
                                  kept_problems.count ? kept_problems.items[0].message
                                                      : "they cannot be read");
        else
                tell_kept(context, &kept_problems, problems);
        problem_list_done(&kept_problems);
        config_free(context->with_control);
        context->with_control = with_control;
        return 0;
}

static int keep_scale(void *userdata, const Pool *pool, Error *reterr)
{
        const Main *context = userdata;

        return scale_keep(context->folders.control, pool, reterr);
}

static int load_scale(void *userdata, const char *pool, Grid *ret)
{
        const Main *context = userdata;

        return scale_load(context->with_control, pool, ret);
}

/* ---- state ---- */

static int keep_state(void *userdata, const Engine *engine)
{
        const Main *context = userdata;
        KeptState state = { 0 };
        int r = adopt_collect(engine, &state);

        if (r >= 0)
                r = state_write(context->folders.runtime, &state);
        state_done(&state);
        return r;
}

static void adopt(void *userdata, Engine *engine)
{
        const Main *context = userdata;
        size_t adopted = adopt_all(engine, &context->kept);

        if (adopted > 0)
                report(LOG_NOTICE, "%zu workers of an earlier reeved are adopted", adopted);
}

static void load_state(Main *context)
{
        Error error = { 0 };

        (void)state_read(context->folders.runtime, &context->kept, &error);
        if (error_is_set(&error))
                report(LOG_ERR, "%s", error.message);
        adopt_wait_for_face(&context->kept);
}

/* ---- programs beside us ---- */

/* @name beside reeved, else in libexecdir. Return: malloc'd path, NULL without memory. */
static char *find_program(const char *name)
{
        char self[PATH_MAX];
        ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
        char *path = NULL;

        if (length > 0) {
                self[length] = '\0';
                *strrchr(self, '/') = '\0';
                if (asprintf(&path, "%s/%s", self, name) < 0)
                        return NULL;
                if (access(path, X_OK) == 0)
                        return path;
                free(path);
        }
        return asprintf(&path, "%s/%s", REEVE_LIBEXECDIR, name) < 0 ? NULL : path;
}

/* ---- options ---- */

static int print_states(void)
{
        AUTO_FREE char *workers = worker_dump_states();
        AUTO_FREE char *pools = pool_dump_states();

        if (!workers || !pools)
                return 1;
        printf("%s\n%s", workers, pools);
        return fflush(stdout) == 0 ? 0 : 1;
}

enum {
        OPTION_CONFIG = 256,
        OPTION_STATE,
        OPTION_RUNTIME,
        OPTION_LOGS,
        OPTION_API,
        OPTION_CHECK,
        OPTION_DUMP_STATES,
};

static const struct option options[] = {
        { "config", required_argument, NULL, OPTION_CONFIG },
        { "state", required_argument, NULL, OPTION_STATE },
        { "runtime", required_argument, NULL, OPTION_RUNTIME },
        { "log-dir", required_argument, NULL, OPTION_LOGS },
        { "api", required_argument, NULL, OPTION_API },
        { "check", no_argument, NULL, OPTION_CHECK },
        { "dump-states", no_argument, NULL, OPTION_DUMP_STATES },
        { "version", no_argument, NULL, 'V' },
        { "help", no_argument, NULL, 'h' },
        { 0 },
};

static void set_path(char **path)
{
        free(*path);
        *path = strdup(optarg);
}

/* Return: -1 to go on, else the exit code. */
static int parse_options(int argc, char **argv, Main *context)
{
        int option;

        while ((option = getopt_long(argc, argv, "hV", options, NULL)) >= 0)
                switch (option) {
                case OPTION_CONFIG: set_path(&context->folders.config); break;
                case OPTION_STATE: set_path(&context->folders.state); break;
                case OPTION_RUNTIME: set_path(&context->folders.runtime); break;
                case OPTION_LOGS: set_path(&context->folders.logs); break;
                case OPTION_API: set_path(&context->api_path); break;
                case OPTION_CHECK: context->is_check = true; break;
                case OPTION_DUMP_STATES: return print_states();
                case 'V': printf("reeved %s\n", REEVE_VERSION); return 0;
                case 'h': fputs(usage, stdout); return 0;
                default: return REEVE_EXIT_USAGE;
                }
        if (optind >= argc)
                return -1;
        fprintf(stderr, "reeved: unexpected argument '%s'; see reeved --help\n", argv[optind]);
        return REEVE_EXIT_USAGE;
}

/* ---- running ---- */

static int fail(const Error *error)
{
        fprintf(stderr, "reeved: %s\n", error->message);
        return 1;
}

static int check(Main *context)
{
        ProblemList problems = { 0 };
        Config *config = NULL;
        int r = parse_folder(context->folders.config, NULL, &problems, &config);

        print_problems(&problems);
        if (r >= 0)
                printf("%s: %zu pool%s, no errors\n", context->folders.config, config->pool_count,
                       config->pool_count == 1 ? "" : "s");
        problem_list_done(&problems);
        config_free(config);
        return r < 0 ? REEVE_EXIT_BAD_CONFIG : 0;
}

/* What reeved executes beside workers and reeve-api. */
typedef struct Programs {
        char *helper, *pack, *inspect;
        char *bpf; /* it may not be there */
} Programs;

static bool programs_find(Programs *ret)
{
        ret->helper = find_program("reeve-exec");
        ret->pack = find_program("reeve-pack");
        ret->inspect = find_program("reeve-inspect");
        ret->bpf = find_program("reeve-bpf");
        return ret->helper && ret->pack && ret->inspect && ret->bpf;
}

static void programs_done(Programs *programs)
{
        free(programs->helper);
        free(programs->pack);
        free(programs->inspect);
        free(programs->bpf);
}
#define AUTO_PROGRAMS CLEANUP(programs_done) Programs

static int run_engine(Main *context, Config *config, const ProblemList *problems,
                      const Programs *programs)
{
        const EngineSettings settings = { .config_dir = context->folders.config,
                                          .state_dir = context->folders.state,
                                          .runtime_dir = context->folders.runtime,
                                          .log_dir = context->folders.logs,
                                          .api_path = context->api_path,
                                          .helper_path = programs->helper,
                                          .pack_path = programs->pack,
                                          .inspect_path = programs->inspect,
                                          .bpf_path = programs->bpf,
                                          .is_user_mode = geteuid() != 0 };
        const EngineHooks hooks = { .keep_scale = keep_scale,
                                    .load_scale = load_scale,
                                    .adopt = adopt,
                                    .keep_state = keep_state,
                                    .read_config = read_config,
                                    .userdata = context };
        AUTO(Engine) *engine = NULL;
        Error error = { 0 };
        int r;

        if (engine_new(&settings, &hooks, config, problems, &engine, &error) < 0) {
                config_free(config);
                return fail(&error);
        }
        r = engine_run(engine);
        if (engine->is_stopping)
                state_forget(context->folders.runtime);
        return r;
}

/* What workers inherit from us must not depend on where and how we were started. */
static void settle_down(Main *context)
{
        char *absolute = realpath(context->api_path, NULL);

        if (absolute) {
                free(context->api_path);
                context->api_path = absolute;
        }
        (void)umask(022);
        /* As root "/" is the folder of workers without WorkingDirectory=, as in systemd. It can
         * only fail where nothing works anyway. */
        if (geteuid() == 0 && chdir("/") < 0)
                report(LOG_WARNING, "cannot change to /: %s", strerror(errno));
}

static int run(Main *context)
{
        AUTO_PROGRAMS programs = { 0 };
        ProblemList problems = { 0 };
        Config *config = NULL;
        Error error = { 0 };
        int r;

        if (!context->api_path)
                context->api_path = find_program("reeve-api");
        if (!programs_find(&programs) || !context->api_path)
                return 1;
        r = read_config(context, &problems, &config);
        print_problems(&problems);
        if (r < 0) {
                problem_list_done(&problems);
                return REEVE_EXIT_BAD_CONFIG;
        }
        report_init(config->log_level);
        settle_down(context);
        if (folders_lock(&context->folders, &error) < 0) {
                config_free(config);
                r = fail(&error);
        } else {
                load_state(context);
                r = run_engine(context, config, &problems, &programs);
        }
        problem_list_done(&problems);
        return r;
}

int main(int argc, char **argv)
{
        Main context = { .folders = { .lock_fd = -1 } };
        Error error = { 0 };
        int r = parse_options(argc, argv, &context);

        if (r >= 0)
                return r;
        if (folders_choose(&context.folders, geteuid() != 0, &error) < 0)
                r = fail(&error);
        else
                r = context.is_check ? check(&context) : run(&context);
        config_free(context.with_control);
        state_done(&context.kept);
        folders_done(&context.folders);
        free(context.api_path);
        return r;
}
