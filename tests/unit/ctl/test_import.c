/* Definitions of other supervisors as pools: what becomes of each setting, and what is said of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/import_ini.h"
#include "ctl/import_words.h"

typedef struct Case {
        Import import;
        Error error;
        Text text;    /* of all pools, without their first line */
        Text remarks; /* "LINE kind setting" a line */
        int r;
} Case;

static void case_done(Case *made)
{
        import_done(&made->import);
        text_done(&made->text);
        text_done(&made->remarks);
}

#define AUTO_CASE __attribute__((cleanup(case_done))) Case

/* A machine that has all programs but those called "nowhere". */
static char *find(const char *program)
{
        char *path = NULL;

        if (text_equal(program, "nowhere"))
                return NULL;
        assert_true(asprintf(&path, "/usr/bin/%s", program) > 0);
        return path;
}

static char *home_of(const char *user)
{
        return strcmp(user, "shop") == 0 ? strdup("/srv/shop") : NULL;
}

static void texts_make(Case *made)
{
        for (size_t i = 0; i < made->import.pool_count; i++) {
                AUTO_TEXT text = { 0 };

                import_pool_format(&made->import, made->import.pools[i], &text);
                text_printf(&made->text, "<%s>\n%s", made->import.pools[i]->name,
                            strstr(text.bytes, "[Pool]"));
        }
        for (size_t i = 0; i < made->import.remark_count; i++) {
                const ImportRemark *remark = &made->import.remarks[i];

                text_printf(&made->remarks, "%u %s %s\n", remark->line,
                            import_kind_name(remark->kind), remark->setting);
        }
        text_append(&made->text, "");
        text_append(&made->remarks, "");
}

static void import_text(Case *made, const ImportFormat *format, const char *name, const char *text)
{
        ImportSource source = { .path = name,
                                .name = name,
                                .folder = "/srv/app",
                                .text = text,
                                .length = strlen(text),
                                .home = "/home/me",
                                .user = "me",
                                .host = "box",
                                .cpus = 4,
                                .environment = "production",
                                .find = find,
                                .home_of = home_of };

        made->r = format->read(&source, &made->import, &made->error);
        if (made->r == 0)
                made->r = import_check(&made->import);
        texts_make(made);
}

#define assert_pools(made, expected)   assert_string_equal((made).text.bytes, expected)
#define assert_remarks(made, expected) assert_string_equal((made).remarks.bytes, expected)

/* ---- words ---- */

static void test_split(void **state)
{
        char **words = NULL;

        assert_int_equal(shell_split("a 'b c' \"d \\\" e\\f\" g\\ h ''", &words), 0);
        assert_int_equal(text_list_count(words), 5);
        assert_string_equal(words[1], "b c");
        assert_string_equal(words[2], "d \" e\\f");
        assert_string_equal(words[3], "g h");
        assert_string_equal(words[4], "");
        words = text_list_free(words);
        assert_int_equal(shell_split("a\f\vb", &words), 0); /* no blanks of a shell */
        assert_int_equal(text_list_count(words), 1);
        words = text_list_free(words);
        assert_int_equal(shell_split("a 'b", &words), -EINVAL);
}

static void test_what_needs_a_shell(void **state)
{
        static const char *const yes[] = { "a | b", "a && b", "a; b",     "echo $HOME", "a \"$B\"",
                                           "A=1 b", "cd x",   "a *.py",   "a > b",      "a `b`",
                                           "a ~/b", "(a)",    "a {1..2}", "a # b",      "a\nb" };
        static const char *const no[] = { "a b",       "a '$B'", "a \\$B",   "a --b=c",
                                          "a 'b | c'", "cdx y",  "a \"b;c\"" };

        for (size_t i = 0; i < COUNT_OF(yes); i++)
                assert_true(shell_is_needed(yes[i]));
        for (size_t i = 0; i < COUNT_OF(no); i++)
                assert_false(shell_is_needed(no[i]));
        assert_true(shell_is_one("a $B >c"));
        assert_false(shell_is_one("a $(b)"));
        assert_false(shell_is_one("a && b"));
        assert_false(shell_is_one("A=1 b"));
}

static void test_quoting(void **state)
{
        AUTO_TEXT value = { 0 };

        import_quote(&value, "/bin/x");
        import_quote(&value, "");
        import_quote(&value, "a b");
        import_quote(&value, "\"\\\n\t'");
        import_quote(&value, "${REEVE_SLOT}");
        assert_string_equal(value.bytes, "/bin/x \"\" \"a b\" \"\\\"\\\\\\n\\x09'\" ${REEVE_SLOT}");
}

static void test_paths(void **state)
{
        static const struct {
                const char *folder, *path, *expected;
        } cases[] = { { "/a/b", "c", "/a/b/c" },   { "/a/b", "/c", "/c" },
                      { "/a/b", ".", "/a/b" },     { "/a/b", "./c", "/a/b/c" },
                      { "/a/b", "../c", "/a/c" },  { "/a", "../../c", "/c" },
                      { "/", "c", "/c" },          { "/a", "..", "/" },
                      { "/a/b", ".//c", "/a/b/c" } };

        for (size_t i = 0; i < COUNT_OF(cases); i++) {
                AUTO_FREE char *path = import_path(cases[i].folder, cases[i].path);

                assert_string_equal(path, cases[i].expected);
        }
}

static void test_ini(void **state)
{
        AUTO_INI python = { 0 }, systemd = { 0 };
        Error error = { 0 };

        assert_int_equal(ini_read("f", "[a] ; x\nK: b ; c\n  d\n\n# e\nempty=\n", INI_PYTHON,
                                  &python, &error),
                         0);
        assert_string_equal(ini_value(ini_section(&python, "a"), "k"), "b d");
        assert_string_equal(ini_value(ini_section(&python, "a"), "empty"), "");
        assert_int_equal(
                ini_read("f", "[a]\nK=b \\\n# no\n  c;d\nK=e\n", INI_SYSTEMD, &systemd, &error), 0);
        assert_int_equal(systemd.sections[0].count, 2);
        assert_string_equal(systemd.sections[0].entries[0].value, "b c;d");
        assert_int_equal(systemd.sections[0].entries[1].line, 5);
        assert_int_equal(ini_read("f", "\nk=v\n", INI_PYTHON, &python, &error), -EINVAL);
        assert_string_equal(error.message, "f:2: this stands before the first [section]");
        assert_int_equal(ini_read("f", "[a\n", INI_PYTHON, &python, &error), -EINVAL);
        assert_int_equal(ini_read("f", "[a]\nb\n", INI_SYSTEMD, &python, &error), -EINVAL);
}

/* ---- names ---- */

static void test_names_are_made_to_fit(void **state)
{
        AUTO_CASE made = { 0 };

        import_text(&made, &import_supervisord, "s.conf",
                    "[program:A B]\ncommand=/bin/a\n[program:a-b]\ncommand=/bin/b\n"
                    "[program:__]\ncommand=/bin/c\n");
        assert_int_equal(made.import.pool_count, 3);
        assert_string_equal(made.import.pools[0]->name, "a-b");
        assert_string_equal(made.import.pools[1]->name, "a-b-2");
        assert_string_equal(made.import.pools[2]->name, "pool");
}

/* ---- Procfile ---- */

static void test_procfile(void **state)
{
        AUTO_CASE made = { 0 };

        import_text(&made, &import_procfile, "Procfile",
                    "# comment\nweb: run -p $PORT\n\nworker: nowhere 'a b'\nrelease: migrate\n"
                    "jobs: a && b\nwhat\nempty:\n");
        assert_pools(made, "<web>\n[Pool]\nWorkingDirectory=/srv/app\nEnvironment=PORT=5000\n"
                           "ExecStart=/bin/sh -c \"exec run -p $$PORT\"\n"
                           "<worker>\n[Pool]\nWorkingDirectory=/srv/app\nEnvironment=PORT=5100\n"
                           "ExecStart=/usr/bin/env nowhere \"a b\"\n"
                           "<jobs>\n[Pool]\nWorkingDirectory=/srv/app\nEnvironment=PORT=5300\n"
                           "ExecStart=/bin/sh -c \"a && b\"\n");
        assert_remarks(made, "2 note run -p $PORT\n2 note run -p $PORT\n4 changed nowhere\n"
                             "5 dropped release\n6 note a && b\n7 dropped what\n8 dropped empty\n"
                             "1 note Procfile\n");
}

/* ---- supervisord ---- */

static void test_supervisord(void **state)
{
        AUTO_CASE made = { 0 };

        import_text(&made, &import_supervisord, "s.conf",
                    "[supervisord]\nuser=deploy\n[program:web]\n"
                    "command=serve --n %(process_num)d --in %(here)s --cost 5$ %%\n"
                    "numprocs=3\nautorestart=false\nstopsignal=INT\nstopwaitsecs=7\n"
                    "environment=A=\"b c\",D='%(ENV_X)s'\nkillasgroup=true\npriority=10\n"
                    "stdout_logfile=NONE\nnonsense=1\nuser=www\n"
                    "[program:late]\ncommand=late\n");
        assert_pools(made, "<web>\n[Pool]\n"
                           "ExecStart=/usr/bin/serve --n ${REEVE_SLOT} --in /srv/app --cost 5$$ %\n"
                           "Restart=no\nKillSignal=SIGINT\nTimeoutStopSec=7s\n"
                           "Environment=\"A=b c\"\nEnvironment=\"D=%(ENV_X)s\"\n"
                           "StandardOutput=null\nUser=www\nKillMode=mixed\nRestartSec=1s\n"
                           "\n[Scale]\nProcesses=3\n\n[Log]\nMaxSize=50M\nMaxFiles=11\n"
                           "<late>\n[Pool]\nUser=deploy\nExecStart=/usr/bin/late\nKillMode=mixed\n"
                           "Restart=on-failure\nRestartSec=1s\nAfter=web\n"
                           "\n[Scale]\nProcesses=1\n\n[Log]\nMaxSize=50M\nMaxFiles=11\n");
        assert_remarks(made, "1 note [supervisord]\n9 changed environment=A=\"b c\",D='%(ENV_X)s'\n"
                             "13 dropped nonsense=1\n15 note priority\n");
}

static void test_supervisord_logs(void **state)
{
        AUTO_CASE made = { 0 };

        import_text(&made, &import_supervisord, "s.conf",
                    "[program:a]\ncommand=a\nstdout_logfile=/l\nstdout_logfile_maxbytes=0\n"
                    "stderr_logfile=%(program_name)s.err\nstderr_logfile_maxbytes=0MB\n"
                    "[program:b]\ncommand=b\nstdout_logfile=/dev/stdout\n"
                    "stdout_logfile_maxbytes=0\n"
                    "[program:c]\ncommand=c\nstdout_logfile=/l\nstdout_logfile_maxbytes=5KB\n"
                    "stdout_logfile_backups=2\n");
        assert_non_null(strstr(made.text.bytes, "StandardOutput=append:/l\n"
                                                "StandardError=append:/srv/app/a.err\n"));
        assert_non_null(strstr(made.text.bytes, "MaxSize=5K\nMaxFiles=3\n"));
        assert_remarks(made, "6 note stderr_logfile_maxbytes=0MB\n"
                             "9 changed stdout_logfile=/dev/stdout\n"
                             "13 changed stdout_logfile=/l\n");
}

/* What the reader of configurations refuses is left out and told, with the line it came from. */
static void test_refused_values(void **state)
{
        AUTO_CASE made = { 0 };

        import_text(&made, &import_supervisord, "s.conf",
                    "[program:a]\ncommand=a\numask=999\n\n[program:b]\ndirectory=/x\n");
        assert_int_equal(made.r, 0);
        assert_int_equal(made.import.pool_count, 1);
        assert_null(strstr(made.text.bytes, "UMask"));
        assert_remarks(made, "3 dropped UMask\n5 dropped [program:b]\n");
}

/* ---- PM2 ---- */

static void test_pm2(void **state)
{
        AUTO_CASE made = { 0 };

        import_text(&made, &import_pm2, "e.json",
                    "{\"apps\": [\n"
                    " {\"name\": \"a\", \"env\": {\"name\": \"x\"},\n"
                    "  \"script\": \"s.js\", \"args\": \"--x 'y z' $1\",\n"
                    "  \"instances\": -1, \"env_production\": {\"P\": 1},\n"
                    "  \"watch\": true, \"kill_timeout\": 3000,\n"
                    "  \"max_memory_restart\": \"300M\"},\n"
                    " {\"script\": \"/opt/run\", \"interpreter\": \"none\",\n"
                    "  \"watch\": false, \"restart_delay\": \"2s\", \"uid\": \"www\"},\n"
                    " {\"name\": \"c\"}\n]}\n");
        assert_pools(made, "<a>\n[Pool]\nWorkingDirectory=/srv/app\n"
                           "ExecStart=/usr/bin/node /srv/app/s.js --x \"y z\" $$1\n"
                           "Environment=name=x\nEnvironment=P=1\nTimeoutStopSec=3000ms\n"
                           "MaxMemory=300M\n"
                           "KillSignal=SIGINT\n\n[Scale]\nProcesses=3\n"
                           "<opt-run>\n[Pool]\nWorkingDirectory=/srv/app\nExecStart=/opt/run\n"
                           "RestartSec=2s\nRestartMaxDelaySec=2s\nUser=www\nKillSignal=SIGINT\n"
                           "TimeoutStopSec=1600ms\n");
        assert_remarks(made, "4 note instances: -1\n5 dropped watch: true\n"
                             "6 note max_memory_restart: \"300M\"\n7 note /opt/run\n"
                             "9 dropped c\n");
}

static void test_pm2_shapes(void **state)
{
        AUTO_CASE alone = { 0 }, list = { 0 }, broken = { 0 };

        import_text(&alone, &import_pm2, "e.json", "{\"script\": \"a.py\", \"name\": \"one\"}");
        assert_string_equal(alone.import.pools[0]->name, "one");
        import_text(&list, &import_pm2, "e.json", "[{\"script\": \"a\"}, {\"script\": \"b | c\"}]");
        assert_int_equal(list.import.pool_count, 2);
        assert_non_null(strstr(list.text.bytes, "ExecStart=/bin/sh -c \"b | c\"\n"));
        import_text(&broken, &import_pm2, "e.json", "{\n \"apps\": [,]}");
        assert_int_equal(broken.r, -EINVAL);
        assert_non_null(strstr(broken.error.message, "e.json:2:"));
}

/* ---- systemd ---- */

static void test_systemd(void **state)
{
        AUTO_CASE made = { 0 };

        import_text(&made, &import_systemd, "web@80.service",
                    "[Unit]\nDescription=%p on %i, 5%%\nAfter=network.target db.service\n"
                    "StartLimitIntervalSec=5\n[Service]\nType=notify\n"
                    "ExecStart=-serve --port %i --home %h \"a b\" \\\n  $EXTRA\n"
                    "ExecReload=/bin/kill -s USR1 $MAINPID\nRestart=always\nNice=5\n"
                    "MemoryMax=10%\nExecStop=/bin/stop\nSyslogIdentifier=x\n"
                    "[Install]\nWantedBy=multi-user.target\n");
        assert_pools(made, "<web.80>\n[Pool]\nDescription=web on 80, 5%\nStartLimitIntervalSec=5\n"
                           "Type=notify\n"
                           "ExecStart=/usr/bin/serve --port 80 --home /home/me \"a b\" $EXTRA\n"
                           "ReloadSignal=SIGUSR1\nRestart=always\nNice=5\nTimeoutStartSec=90s\n"
                           "TimeoutStopSec=90s\nStandardOutput=journal\n");
        assert_remarks(made, "3 dropped After=network.target db.service\n"
                             "7 changed ExecStart=-serve --port %i --home %h \"a b\" $EXTRA\n"
                             "13 dropped ExecStop=/bin/stop\n14 note SyslogIdentifier=x\n"
                             "12 dropped MemoryMax\n");
}

static void test_systemd_types(void **state)
{
        AUTO_CASE forking = { 0 }, socket = { 0 }, home = { 0 }, stranger = { 0 };

        import_text(&home, &import_systemd, "a.service",
                    "[Service]\nExecStart=/bin/a\nWorkingDirectory=~\nUser=shop\n"
                    "Restart=on-watchdog\n");
        assert_non_null(strstr(home.text.bytes, "WorkingDirectory=/srv/shop\n"));
        assert_non_null(strstr(home.text.bytes, "Restart=on-abnormal\n"));
        assert_remarks(home, "5 changed Restart=on-watchdog\n");
        import_text(&stranger, &import_systemd, "a.service",
                    "[Service]\nExecStart=/bin/a\nWorkingDirectory=~\nUser=ghost\n");
        assert_null(strstr(stranger.text.bytes, "WorkingDirectory"));
        assert_remarks(stranger, "3 dropped WorkingDirectory=~\n");
        import_text(&forking, &import_systemd, "a.service",
                    "[Service]\nType=forking\nExecStart=/bin/a\nStandardOutput=file:/x/%N.log\n"
                    "KillMode=none\nTimeoutSec=5\nRuntimeMaxSec=1h\n");
        assert_pools(forking, "<a>\n[Pool]\nType=exec\nExecStart=/bin/a\n"
                              "StandardOutput=append:/x/a.log\nKillMode=process\n"
                              "TimeoutStartSec=5\nTimeoutStopSec=5\nMaxAgeSec=1h\nRestart=no\n");
        assert_int_equal(import_count(&forking.import, IMPORT_CHANGED), 4);
        import_text(&socket, &import_systemd, "a.socket", "[Socket]\nListenStream=80\n");
        assert_int_equal(socket.r, -EINVAL);
}

/* ---- which format ---- */

static void test_detection(void **state)
{
        static const struct {
                const char *name, *text;
                const ImportFormat *format;
        } cases[] = { { "Procfile", "", &import_procfile },
                      { "Procfile.dev", "x", &import_procfile },
                      { "any", "web: x\n# c\nworker: y\n", &import_procfile },
                      { "any.conf", "\n[program:x]\n", &import_supervisord },
                      { "x.service", "", &import_systemd },
                      { "x", "[Unit]\n[Service]\n", &import_systemd },
                      { "x.json", "", &import_pm2 },
                      { "x", " {\"apps\": []}", &import_pm2 },
                      { "x", "[{\"script\": \"a\"}]", &import_pm2 },
                      { "x.yml", "services:\n  web:\n    image: x\n", NULL },
                      { "ecosystem.config.js", "module.exports = {}", NULL },
                      { "x", "", NULL } };
        Error error = { 0 };

        for (size_t i = 0; i < COUNT_OF(cases); i++)
                assert_ptr_equal(import_format_find(NULL, cases[i].name, cases[i].text, &error),
                                 cases[i].format);
        assert_ptr_equal(import_format_find("pm2", "x", "", &error), &import_pm2);
        assert_null(import_format_find("yaml", "x", "", &error));
        assert_non_null(strstr(error.message, "supervisord"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_split),
                cmocka_unit_test(test_what_needs_a_shell),
                cmocka_unit_test(test_quoting),
                cmocka_unit_test(test_paths),
                cmocka_unit_test(test_ini),
                cmocka_unit_test(test_names_are_made_to_fit),
                cmocka_unit_test(test_procfile),
                cmocka_unit_test(test_supervisord),
                cmocka_unit_test(test_supervisord_logs),
                cmocka_unit_test(test_refused_values),
                cmocka_unit_test(test_pm2),
                cmocka_unit_test(test_pm2_shapes),
                cmocka_unit_test(test_systemd),
                cmocka_unit_test(test_systemd_types),
                cmocka_unit_test(test_detection),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
