/* url.c - see url.h */
#include "ctl/url.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/units.h"
#include "ctl/interrupt.h"
#include "ctl/outcome.h"
#include "sys/clock.h"
#include "sys/files.h"

enum { TOKEN_FILE_MAX = 4096 };

/* The functions used, under the names and types of curl/curl.h. */
typedef struct Curl {
        CURL *(*init)(void);
        CURLcode (*setopt)(CURL *, CURLoption, ...);
        CURLcode (*perform)(CURL *);
        CURLcode (*getinfo)(CURL *, CURLINFO, ...);
        void (*cleanup)(CURL *);
        struct curl_slist *(*slist_append)(struct curl_slist *, const char *);
        void (*slist_free_all)(struct curl_slist *);
        const char *(*strerror)(CURLcode);
} Curl;

static int curl_load(Curl *ret, Error *reterr)
{
        /* Never closed: it leaves handlers behind that must not dangle at exit. */
        void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
        const struct {
                const char *name;
                void *function;
        } wanted[] = {
                { "curl_easy_init", &ret->init },
                { "curl_easy_setopt", &ret->setopt },
                { "curl_easy_perform", &ret->perform },
                { "curl_easy_getinfo", &ret->getinfo },
                { "curl_easy_cleanup", &ret->cleanup },
                { "curl_slist_append", &ret->slist_append },
                { "curl_slist_free_all", &ret->slist_free_all },
                { "curl_easy_strerror", &ret->strerror },
        };

        for (size_t i = 0; library && i < COUNT_OF(wanted); i++) {
                void *symbol = dlsym(library, wanted[i].name);

                if (!symbol)
                        library = NULL;
                else
                        memcpy(wanted[i].function, &symbol, sizeof(symbol));
        }
        if (!library)
                return error_set(reterr, -ENOSYS, OUTCOME_FAILED,
                                 "a URL needs libcurl (Debian: libcurl4): %s. The unix socket "
                                 "needs nothing",
                                 dlerror());
        return 0;
}

int url_token(const Client *client, char **ret, Error *reterr)
{
        const char *variable = getenv("REEVE_TOKEN");
        AUTO_FREE char *token = NULL;

        if (client->token_file) {
                int r = file_read(AT_FDCWD, client->token_file, TOKEN_FILE_MAX, &token, NULL);

                if (r < 0)
                        return error_set(reterr, r, OUTCOME_FAILED,
                                         "cannot read the token in %s: %s", client->token_file,
                                         strerror(-r));
        } else if (variable) {
                token = strdup(variable);
                if (!token)
                        return error_set(reterr, -ENOMEM, OUTCOME_FAILED, "out of memory");
        }
        if (token)
                token[strcspn(token, " \t\r\n")] = '\0';
        *ret = TAKE_PTR(token);
        return 0;
}

/* One transfer under way. */
typedef struct Transfer {
        const Curl *curl;
        CURL *handle;
        const Request *request;
        const HttpSink *sink;
        HttpHead head;
        bool has_head;
        uint64_t deadline_usec;
        int stopped; /* why we ended it ourselves, 0: we did not */
} Transfer;

static size_t on_field(char *bytes, size_t size, size_t count, void *data)
{
        Transfer *transfer = data;
        size_t length = size * count;
        char line[256];

        (void)snprintf(line, sizeof(line), "%.*s", (int)MIN(length, sizeof(line)), bytes);
        line[strcspn(line, "\r\n")] = '\0';
        if (strncasecmp(line, "etag:", 5) == 0)
                (void)text_copy(transfer->head.etag, HTTP_FIELD_SIZE,
                                line + 5 + strspn(line + 5, " "));
        return length;
}

static int head_pass(Transfer *transfer)
{
        const char *type = NULL;
        long status = 0;

        if (transfer->has_head)
                return 0;
        transfer->has_head = true;
        (void)transfer->curl->getinfo(transfer->handle, CURLINFO_RESPONSE_CODE, &status);
        (void)transfer->curl->getinfo(transfer->handle, CURLINFO_CONTENT_TYPE, &type);
        transfer->head.status = (int)status;
        (void)text_copy(transfer->head.content_type, HTTP_FIELD_SIZE, type ? type : "");
        return transfer->sink->head(transfer->sink->data, &transfer->head);
}

static size_t on_body(char *bytes, size_t size, size_t count, void *data)
{
        Transfer *transfer = data;

        transfer->stopped = head_pass(transfer);
        if (transfer->stopped == 0)
                transfer->stopped = transfer->sink->body(transfer->sink->data, bytes, size * count);
        return transfer->stopped < 0 ? 0 : size * count;
}

/* Called by libcurl about once a second and whenever something moves. */
static int on_progress(void *data, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
        Transfer *transfer = data;
        bool is_flowing = transfer->request->is_endless && transfer->has_head;

        if (interrupt_came())
                transfer->stopped = -EINTR;
        else if (!is_flowing && now_usec() > transfer->deadline_usec)
                transfer->stopped = -ETIMEDOUT;
        else if (is_flowing && transfer->request->reader_fd >= 0
                 && interrupt_poll(-1, 0, transfer->request->reader_fd, 0) == -EPIPE)
                transfer->stopped = -EPIPE;
        return transfer->stopped < 0;
}

static int fields_set(Transfer *transfer, const char *token, struct curl_slist **fields)
{
        char **lines = NULL;
        int r = request_fields(transfer->request, &lines);

        if (r == 0 && token) {
                AUTO_TEXT line = { 0 };

                text_printf(&line, "Authorization: Bearer %s", token);
                r = line.error ? line.error : text_list_add(&lines, line.bytes);
        }
        for (char **line = lines; r == 0 && line && *line; line++) {
                struct curl_slist *longer = transfer->curl->slist_append(*fields, *line);

                if (longer)
                        *fields = longer;
                else
                        r = -ENOMEM;
        }
        (void)text_list_free(lines);
        if (r == 0)
                (void)transfer->curl->setopt(transfer->handle, CURLOPT_HTTPHEADER, *fields);
        return r;
}

static void transfer_set(Transfer *transfer, const char *url)
{
        CURLcode (*set)(CURL *, CURLoption, ...) = transfer->curl->setopt;
        const Request *request = transfer->request;
        CURL *handle = transfer->handle;

        (void)set(handle, CURLOPT_URL, url);
        (void)set(handle, CURLOPT_CUSTOMREQUEST, request->method ? request->method : "GET");
        if (request->body)
                (void)set(handle, CURLOPT_POSTFIELDS, request->body);
        (void)set(handle, CURLOPT_NOSIGNAL, 1L);
        (void)set(handle, CURLOPT_CONNECTTIMEOUT, (long)CLIENT_TIMEOUT_SEC);
        (void)set(handle, CURLOPT_HEADERFUNCTION, on_field);
        (void)set(handle, CURLOPT_HEADERDATA, transfer);
        (void)set(handle, CURLOPT_WRITEFUNCTION, on_body);
        (void)set(handle, CURLOPT_WRITEDATA, transfer);
        (void)set(handle, CURLOPT_XFERINFOFUNCTION, on_progress);
        (void)set(handle, CURLOPT_XFERINFODATA, transfer);
        (void)set(handle, CURLOPT_NOPROGRESS, 0L);
}

static int transfer_end(Transfer *transfer, CURLcode code, const char *url, Error *reterr)
{
        if (code == CURLE_OK)
                return head_pass(transfer);
        if (transfer->stopped == -EINTR)
                return error_set(reterr, -EINTR, OUTCOME_INTERRUPTED, "interrupted");
        if (transfer->stopped == -EPIPE)
                return error_set(reterr, -EPIPE, OUTCOME_BROKEN_PIPE, "nobody reads the output");
        if (transfer->stopped < 0 && transfer->stopped != -ETIMEDOUT)
                return transfer->stopped;
        return error_set(
                reterr, -ECONNREFUSED, OUTCOME_UNREACHABLE,
                "cannot reach reeve at %s: %s. Is reeved running, with ListenHTTP= set?", url,
                transfer->stopped < 0 ? "no answer in time" : transfer->curl->strerror(code));
}

int url_perform(const Client *client, const Request *request, const HttpSink *sink, Error *reterr)
{
        Curl curl;
        struct curl_slist *fields = NULL;
        Transfer transfer = { .curl = &curl, .request = request, .sink = sink };
        AUTO_FREE char *token = NULL;
        AUTO_TEXT url = { 0 };
        int r;

        r = curl_load(&curl, reterr);
        if (r == 0)
                r = url_token(client, &token, reterr);
        if (r < 0)
                return r;
        transfer.deadline_usec =
                now_usec() + (CLIENT_TIMEOUT_SEC + request->wait_sec) * USEC_PER_SEC;
        text_printf(&url, "%s%s", client->url, request->path);
        transfer.handle = curl.init();
        if (url.error || !transfer.handle)
                return error_set(reterr, -ENOMEM, OUTCOME_FAILED, "out of memory");
        transfer_set(&transfer, url.bytes);
        r = fields_set(&transfer, token, &fields);
        if (r == 0)
                r = transfer_end(&transfer, curl.perform(transfer.handle), url.bytes, reterr);
        curl.cleanup(transfer.handle);
        curl.slist_free_all(fields);
        return r;
}
