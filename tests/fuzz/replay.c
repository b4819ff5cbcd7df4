/* replay.c - run a fuzzer's function once over each file of a folder
 *
 * What a fuzzer found once is tried ever after, by every compiler, without libFuzzer. The input
 * is copied to a block of exactly its size, so that a sanitizer sees a read past its end. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_stream(FILE *stream, size_t size)
{
        uint8_t *data = malloc(size ? size : 1);
        int r = -ENOMEM;

        if (data && fread(data, 1, size, stream) == size)
                r = LLVMFuzzerTestOneInput(data, size);
        free(data);
        return r;
}

static int replay_file(const char *path)
{
        FILE *stream = fopen(path, "re");
        struct stat status;
        int r = -EIO;

        if (stream && fstat(fileno(stream), &status) == 0)
                r = S_ISREG(status.st_mode) ? replay_stream(stream, (size_t)status.st_size) : 0;
        if (stream)
                (void)fclose(stream); /* only read: nothing can be lost */
        if (r < 0)
                fprintf(stderr, "%s: %s\n", path, strerror(-r));
        return r;
}

static int replay_folder(DIR *folder, const char *path)
{
        struct dirent *entry;
        int failures = 0;

        while ((entry = readdir(folder))) {
                char file[4096];

                if (snprintf(file, sizeof(file), "%s/%s", path, entry->d_name) < (int)sizeof(file))
                        failures += replay_file(file) < 0;
        }
        return failures;
}

int main(int argc, char **argv)
{
        DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
        int failures;

        /* The empty input needs no file. */
        failures = LLVMFuzzerTestOneInput((const uint8_t *)"", 0) < 0;
        if (!folder) {
                fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
                return EXIT_FAILURE;
        }
        failures += replay_folder(folder, argv[1]);
        (void)closedir(folder);
        return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
