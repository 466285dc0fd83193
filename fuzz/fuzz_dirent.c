/* SPDX-License-Identifier: Apache-2.0 */
/* Directory entries: byte 0 is the length of the key, then key and value. Numbers of other tables
 * on the way. */
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t number = 0;
    bfci_dirent dirent;
    bfci_span name;
    uint8_t again[KEY_MAX];

    if (size < 1 || data[0] > size - 1)
        return 0;
    const size_t key_len = data[0];
    const uint8_t *value = data + 1 + key_len;
    const size_t value_len = size - 1 - key_len;
    if (bfci_dirent_key_decode((bfci_span){data + 1, key_len}, &number, &name, NULL) == 0) {
        FUZZ_CHECK(bfci_name_ok((const char *)name.p, name.len));
        bfci_span key = bfci_key_dirent(again, number, (const char *)name.p, name.len);
        FUZZ_CHECK(key.len == key_len && memcmp(key.p, data + 1, key_len) == 0);
    }
    AUTO_BUF buf b = BUF_INIT;
    if (bfci_dirent_decode((bfci_span){value, value_len}, &dirent, NULL) == 0) {
        bfci_dirent_encode(&b, &dirent);
        fuzz_same(&b, value, value_len);
    }
    buf_clear(&b);
    if (bfci_number_decode((bfci_span){value, value_len}, &number, NULL) == 0) {
        bfci_number_encode(&b, number);
        fuzz_same(&b, value, value_len);
    }
    return 0;
}
