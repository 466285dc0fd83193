/* SPDX-License-Identifier: Apache-2.0 */
/* After all is closed, no key is left in this process's memory: neither the key file, nor a
 * password, nor the file key or a segment's. The keys are noted, disguised, where the library
 * derives them
 * (--wrap), and then looked for in all memory that can be read. */
#include "seal_fixture.h"

#include "codec/aead.h"
#include "codec/kdf.h"

enum {
    NOTED_MAX = 4096,
    DISGUISE = 0x5a
};

static uint8_t noted[NOTED_MAX][BFCI_KEY_SIZE];
static size_t noted_count;

static void note(const uint8_t key[BFCI_KEY_SIZE])
{
    if (noted_count < NOTED_MAX) {
        for (size_t i = 0; i < BFCI_KEY_SIZE; i++)
            noted[noted_count][i] = key[i] ^ DISGUISE;
        noted_count++;
    }
}

int __real_bfci_hkdf(uint8_t out[BFCI_KEY_SIZE], const uint8_t *key, size_t key_len,
                     const void *salt, size_t salt_len, const void *info, size_t info_len,
                     bfc_err *err);
int __wrap_bfci_hkdf(uint8_t out[BFCI_KEY_SIZE], const uint8_t *key, size_t key_len,
                     const void *salt, size_t salt_len, const void *info, size_t info_len,
                     bfc_err *err);

/* What goes in is the file key, or a key file; what comes out is a key but for the check. */
int __wrap_bfci_hkdf(uint8_t out[BFCI_KEY_SIZE], const uint8_t *key, size_t key_len,
                     const void *salt, size_t salt_len, const void *info, size_t info_len,
                     bfc_err *err)
{
    int rc = __real_bfci_hkdf(out, key, key_len, salt, salt_len, info, info_len, err);

    if (key_len == BFCI_KEY_SIZE)
        note(key);
    if (rc == 0 && !(info_len == 14 && memcmp(info, "bfc key check", 14) == 0))
        note(out);
    return rc;
}

struct area {
    unsigned long from, to;
};

/* The stack below this frame is reused by the search itself; what is above is looked through. */
static size_t look_for(const uint8_t *disguised, size_t len)
{
    static uint8_t chunk[1 << 20];
    FILE *maps = fopen("/proc/self/maps", "r");
    int mem = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    char line[512];
    size_t found = 0;

    assert_true(maps && mem >= 0);
    while (fgets(line, sizeof line, maps)) {
        struct area a;
        char mode[8] = "";
        if (sscanf(line, "%lx-%lx %7s", &a.from, &a.to, mode) != 3 || mode[0] != 'r' ||
            mode[1] != 'w')
            continue;
        for (unsigned long at = a.from; at < a.to; at += sizeof chunk - 64) {
            size_t want = MIN(sizeof chunk, (size_t)(a.to - at));
            ssize_t got = pread(mem, chunk, want, (off_t)at);
            for (ssize_t i = 0; i + (ssize_t)len <= got; i++) {
                size_t k = 0;
                while (k < len && chunk[i + (ssize_t)k] == (disguised[k] ^ DISGUISE))
                    k++;
                bool own = at + (unsigned long)i >= (unsigned long)chunk &&
                           at + (unsigned long)i < (unsigned long)chunk + sizeof chunk;
                found += k == len && !own;
            }
            memset(chunk, 0, sizeof chunk);
        }
    }
    (void)fclose(maps);
    (void)close(mem);
    return found;
}

static void use_all(struct care *c, bfc_keys *keys)
{
    bfc_compact_options o = BFC_COMPACT_OPTIONS_INIT;
    AUTO(bfc_reader) bfc_reader *r = NULL;
    static uint8_t noise[50000];
    char target[400];

    care_noise(noise, sizeof noise, 3);
    care_put(c->src, "noise", noise, sizeof noise);
    seal_commit(c, c->file, false, keys);
    care_put_text(c->src, "more", "more");
    seal_commit(c, c->file, true, keys);
    care_ok(c, seal_verify(c, c->file, true, keys, NULL));
    o.keys = keys;
    care_ok(c, bfc_compact(c->file, c->other, &o, NULL, &c->err));
    care_ok(c, seal_open_at(c, c->file, "1", keys, &r));
    (void)snprintf(target, sizeof target, "%s/out", c->root);
    care_ok(c, bfc_extract(r, target, NULL, NULL, &c->err));
}

static void test_memory__holds_no_key_after_close(void **state)
{
    static const char disguised[] = "\x39\x35\x28\x28\x3f\x39\x2e\x77\x32\x35\x28\x29\x3f\x77\x38"
                                    "\x3b\x2e\x2e\x3f\x28\x23"; /* "correct-horse-battery" */
    struct care *c = *state;
    bfc_keys *keys = seal_keys(c, 1);
    char password[sizeof disguised];

    for (size_t i = 0; i + 1 < sizeof disguised; i++)
        password[i] = (char)(disguised[i] ^ DISGUISE);
    care_ok(c, bfc_keys_add_password(keys, password, sizeof disguised - 1, &c->err));
    bfci_wipe(password, sizeof password);
    care_ok(c, bfc_keys_set_cost(keys, 1, 8192, &c->err));
    use_all(c, keys);
    /* It would be found: while the bunch is there, what is in it is. */
    assert_true(look_for((const uint8_t *)disguised, sizeof disguised - 1) > 0);
    bfc_keys_free(keys);
    assert_int_equal(look_for((const uint8_t *)disguised, sizeof disguised - 1), 0);
    assert_true(noted_count > 10);
    for (size_t i = 0; i < MIN(noted_count, 40u); i++) {
        size_t found = look_for(noted[i], BFCI_KEY_SIZE);
        if (found)
            fail_msg("key %zu of %zu stands in memory %zu times", i, noted_count, found);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CARE_TEST(test_memory__holds_no_key_after_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
