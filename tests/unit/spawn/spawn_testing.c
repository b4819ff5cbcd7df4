/* spawn_testing.c - see spawn_testing.h */
#include "spawn_testing.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "base/text.h"
#include "sys/fd.h"

void trial_init(Trial *trial, const char *first, const char *second)
{
        *trial = (Trial){ .host = SPAWN_HOST_UNSET,
                          .command = { FIXTURE, (char *)first, (char *)second },
                          .environment = { "REEVE_INSTANCE=trial", "A=1" },
                          .spawned = { .process = PIDREF_UNSET, .status_fd = -1 },
                          .output = -1 };
        trial->spec = (SpawnSpec){ .subject = "pool web",
                                   .command = trial->command,
                                   .executable_fd = -1,
                                   .environment = trial->environment,
                                   .output_fd = -1,
                                   .error_fd = -1,
                                   .cgroup_fd = -1,
                                   .can_land = true };
        assert_int_equal(spawn_host_init(&trial->host, REEVE_EXEC, &trial->error), 0);
}

/* As the engine: the child of a failed start ends by itself, and is reaped. */
static int land(Trial *trial)
{
        int r;

        while ((r = spawn_land(&trial->host, &trial->spawned.child, &trial->error)) == 0)
                (void)sched_yield();
        if (r > 0)
                return 0;
        assert_int_equal(waitpid(trial->spawned.process.pid, NULL, 0), trial->spawned.process.pid);
        pidref_done(&trial->spawned.process);
        trial->spawned.status_fd = fd_close(trial->spawned.status_fd);
        return r;
}

int trial_begin(Trial *trial)
{
        AUTO_CLOSE write_end = -1;
        int ends[2];

        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        trial->output = ends[0];
        write_end = ends[1];
        trial->spec.output_fd = trial->spec.error_fd = write_end;
        return spawn_process(&trial->host, &trial->spec, &trial->spawned, &trial->error);
}

int trial_start(Trial *trial)
{
        int r = trial_begin(trial);

        return r == 0 && trial->spawned.child ? land(trial) : r;
}

int trial_settle(Trial *trial)
{
        struct pollfd status = { .fd = trial->spawned.status_fd, .events = POLLIN };
        int r;

        if (status.fd < 0)
                return 1;
        assert_int_equal(poll(&status, 1, -1), 1);
        r = spawn_read_status(status.fd, trial->spec.subject, &trial->error);
        assert_int_not_equal(r, 0);
        return r;
}

static bool read_more(Trial *trial)
{
        ssize_t n;

        assert_true(trial->length < sizeof(trial->text) - 1);
        n = read(trial->output, trial->text + trial->length,
                 sizeof(trial->text) - 1 - trial->length);
        assert_true(n >= 0);
        trial->length += (size_t)n;
        trial->text[trial->length] = '\0';
        return n > 0;
}

void trial_read_all(Trial *trial)
{
        while (read_more(trial))
                ;
}

const char *trial_read_line(Trial *trial)
{
        static char line[256];
        char *end;

        while (!(end = strchr(trial->text, '\n')))
                assert_true(read_more(trial));
        (void)snprintf(line, sizeof(line), "%.*s", (int)(end - trial->text), trial->text);
        trial->length -= (size_t)(end + 1 - trial->text);
        memmove(trial->text, end + 1, trial->length + 1);
        return line;
}

int trial_wait(Trial *trial)
{
        siginfo_t info = { 0 };

        assert_int_equal(waitid(P_PIDFD, (id_t)trial->spawned.process.fd, &info, WEXITED), 0);
        return info.si_code == CLD_EXITED ? info.si_status : 1000 + info.si_status;
}

void trial_run(Trial *trial)
{
        int r = trial_start(trial);

        if (r == 0)
                r = trial_settle(trial);
        if (r < 0)
                fail_msg("%s", trial->error.message);
        trial_read_all(trial);
        assert_int_equal(trial_wait(trial), 0);
}

const char *trial_value(const Trial *trial, const char *key)
{
        static char value[1024];
        size_t length = strlen(key);

        for (const char *line = trial->text; *line; line = strchr(line, '\n') + 1)
                if (strncmp(line, key, length) == 0 && line[length] == '=') {
                        (void)snprintf(value, sizeof(value), "%.*s",
                                       (int)strcspn(line + length + 1, "\n"), line + length + 1);
                        return value;
                }
        fail_msg("nothing said of %s in:\n%s", key, trial->text);
        return NULL;
}

bool trial_has(const Trial *trial, const char *line)
{
        size_t length = strlen(line);

        for (const char *p = trial->text; p && *p; p = strchr(p, '\n') + 1)
                if (strncmp(p, line, length) == 0 && p[length] == '\n')
                        return true;
        return false;
}

void trial_done(Trial *trial)
{
        pidref_done(&trial->spawned.process);
        trial->spawned.status_fd = fd_close(trial->spawned.status_fd);
        trial->output = fd_close(trial->output);
        spawn_host_done(&trial->host);
}
