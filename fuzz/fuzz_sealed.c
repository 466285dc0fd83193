/* SPDX-License-Identifier: Apache-2.0 */
/* The same as fuzz_container.c, sealed for a key file: the inputs are of the same language. */
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

#include "codec/secret.h"
#include "sys/file.h"

/* In memory, for all inputs. */
static const bfc_keys *key(void)
{
    static bfc_keys *keys;
    static const uint8_t bytes[BFCI_KEY_SIZE] = {1, 2, 3};
    char path[40];

    if (keys)
        return keys;
    AUTO_FD int fd = memfd_create("key", MFD_CLOEXEC);
    FUZZ_CHECK(fd >= 0 && fchmod(fd, 0600) == 0);
    FUZZ_CHECK(bfci_pwrite_all(fd, bytes, sizeof bytes, 0, NULL) == 0);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    FUZZ_CHECK(bfc_keys_new(NULL, &keys, NULL) == 0);
    FUZZ_CHECK(bfc_keys_add_key_file(keys, path, NULL) == 0);
    return keys;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_items(data, size, key());
    return 0;
}
