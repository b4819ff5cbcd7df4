/* tokens.c - see tokens.h */
#include "engine/tokens.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>

#include "base/text.h"
#include "engine/publish.h"
#include "reeve/api.h"
#include "sys/files.h"
#include "sys/memfd.h"

enum { TOKENS_SIZE_MAX = 64 * 1024, DIGEST_HEX_LENGTH = 64 };

static int keep_tokens(const char *text)
{
        void *memory;
        size_t length = strlen(text);
        int fd = memfd_new("reeve-tokens", length + 1, &memory);

        if (fd < 0)
                return fd;
        memcpy(memory, text, length);
        (void)munmap(memory, length + 1);
        return fd;
}

static int make_token(Engine *engine, Error *reterr)
{
        unsigned char bytes[24];
        char token[2 * sizeof(bytes) + 1], line[128], path[256];
        int r;

        if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
                return error_set(reterr, -EIO, "token", "cannot make a token: no random numbers");
        for (size_t i = 0; i < sizeof(bytes); i++)
                (void)snprintf(token + 2 * i, 3, "%02x", bytes[i]);
        (void)snprintf(path, sizeof(path), "%s/" REEVE_TOKEN_FILE_NAME,
                       engine->settings.runtime_dir);
        (void)snprintf(line, sizeof(line), "%s\n", token);
        r = file_replace(AT_FDCWD, path, line, strlen(line), 0600);
        if (r < 0)
                return error_set(reterr, r, "token", "cannot write %s: %s", path, strerror(-r));
        (void)snprintf(line, sizeof(line), "default:operate:plain:%s\n", token);
        r = keep_tokens(line);
        return r < 0 ? error_set(reterr, r, "token", "cannot keep the token: %s", strerror(-r)) : r;
}

/* Return: NULL if @line is NAME:ROLE:SHA256-HEX, else what is wrong with it */
static const char *find_fault(const char *line)
{
        const char *role = strchr(line, ':'), *digest;

        if (!role || role == line)
                return "it must be NAME:ROLE:SHA256-HEX";
        digest = text_after(++role, "view:");
        if (!digest)
                digest = text_after(role, "operate:");
        if (!digest)
                return "the role must be view or operate";
        return strspn(digest, "0123456789abcdefABCDEF") == DIGEST_HEX_LENGTH
                               && !digest[DIGEST_HEX_LENGTH]
                       ? NULL
                       : "64 hexadecimal digits of SHA-256 must follow the role "
                         "(printf %s TOKEN | sha256sum)";
}

static void take_lines(Engine *engine, char *text, Text *ret)
{
        const char *path = engine->config->token_file;
        unsigned number = 0;

        for (char *line; (line = strsep(&text, "\n"));) {
                const char *fault;

                number++;
                line[strcspn(line, " \t\r")] = '\0';
                if (!*line || *line == '#')
                        continue;
                fault = find_fault(line);
                if (fault)
                        publish_warning(engine, "", "TokenFile=%s: line %u is left out: %s.", path,
                                        number, fault);
                else
                        text_printf(ret, "%s\n", line);
        }
}

static int read_tokens(Engine *engine, Error *reterr)
{
        const char *path = engine->config->token_file;
        AUTO_FREE char *text = NULL, *lines = NULL;
        AUTO_TEXT good = { 0 };
        int r = file_read(AT_FDCWD, path, TOKENS_SIZE_MAX, &text, NULL);

        if (r >= 0) {
                take_lines(engine, text, &good);
                r = text_take(&good, &lines);
        }
        if (r >= 0)
                r = keep_tokens(lines);
        return r < 0 ? error_set(reterr, r, "token", "cannot read TokenFile=%s: %s", path,
                                 strerror(-r))
                     : r;
}

int tokens_load(Engine *engine, int *ret_fd, Error *reterr)
{
        int fd;

        *ret_fd = -1;
        if (engine->config->listen_http_count == 0)
                return 0;
        fd = engine->config->token_file ? read_tokens(engine, reterr) : make_token(engine, reterr);
        if (fd < 0)
                return fd;
        *ret_fd = fd;
        return 0;
}
