/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target over files, so that its corpus and the inputs that once failed are ordinary
 * tests.
 *
 *   fuzz_TARGET FOLDER…    a folder that is not there has no files */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "fuzz.h"

#include "sys/file.h"

enum {
    INPUT_MAX = 16 << 20
};

static int run_file(int folder, const char *name)
{
    uint8_t *data = NULL;
    size_t len = 0;
    bfc_err err = BFC_ERR_INIT;

    if (bfci_read_file(folder, name, INPUT_MAX, &data, &len, &err) < 0) {
        fprintf(stderr, "%s\n", err.msg);
        return -1;
    }
    uint8_t *copy = fuzz_copy(data, len); /* the file's bytes have a NUL behind them */
    free(data);
    (void)LLVMFuzzerTestOneInput(copy, len);
    free(copy);
    return 1;
}

/* The number of files, or -1. */
static int run_folder(const char *path)
{
    DIR *dir = opendir(path);
    const struct dirent *e;
    int count = 0;

    if (!dir) {
        if (errno == ENOENT)
            return 0;
        perror(path);
        return -1;
    }
    while (count >= 0 && (e = readdir(dir)))
        if (e->d_name[0] != '.')
            count = run_file(dirfd(dir), e->d_name) < 0 ? -1 : count + 1;
    (void)closedir(dir);
    return count;
}

int main(int argc, char **argv)
{
    int total = 0;

    (void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++) {
        int count = run_folder(argv[i]);
        if (count < 0)
            return 1;
        total += count;
    }
    printf("%d inputs\n", total);
    return total == 0; /* a corpus that cannot be found proves nothing */
}
