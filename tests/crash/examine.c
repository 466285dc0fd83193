/* SPDX-License-Identifier: Apache-2.0 */
/* Looks at containers as a stranger would, many in one run:
 *
 *     examine FILE…            a line each: root digest, hash of the listing; or the error
 *     examine --recover FILE…  the same after bfc_recover()
 *     examine --key KEY …      the same with a key file
 *
 * Each is opened, listed and deeply verified; a line is "ok DIGEST HASH TORN" or "bad CODE
 * MESSAGE". The program itself fails only if it cannot do its work. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <bfc/bfc.h>

enum {
    HASH_BITS_SHOWN = 16
};

/* FNV-1a */
static void mix(uint64_t *hash, const void *bytes, size_t len)
{
    const unsigned char *p = bytes;
    for (size_t i = 0; i < len; i++)
        *hash = (*hash ^ p[i]) * UINT64_C(0x100000001b3);
}

static void mix_number(uint64_t *hash, uint64_t n)
{
    mix(hash, &n, sizeof n);
}

static void mix_entry(uint64_t *hash, const bfc_entry *e)
{
    mix(hash, e->path, e->path_len + 1);
    mix(hash, e->link ? e->link : "", e->link_len);
    mix_number(hash, e->ino);
    mix_number(hash, e->nlink);
    mix_number(hash, (uint64_t)e->type);
    mix_number(hash, (uint64_t)e->mode << 32 | e->has_xattrs);
    mix_number(hash, (uint64_t)e->uid << 32 | e->gid);
    mix_number(hash, (uint64_t)e->mtime);
    mix_number(hash, e->mtime_ns);
    mix_number(hash, (uint64_t)e->major << 32 | e->minor);
    mix_number(hash, e->size);
    mix(hash, e->digest, sizeof e->digest);
}

static int hash_listing(bfc_reader *r, uint64_t *hash, bfc_err *err)
{
    bfc_walk *walk = NULL;
    const bfc_entry *entry = NULL;
    int rc = bfc_walk_open(r, NULL, &walk, err);

    *hash = UINT64_C(0xcbf29ce484222325);
    while (rc == 0 && (rc = bfc_walk_next(walk, &entry, err)) == 0 && entry)
        mix_entry(hash, entry);
    bfc_walk_close(walk);
    return rc;
}

static int look(const char *path, const bfc_keys *keys, bfc_container_info *info, uint64_t *hash,
                bfc_err *err)
{
    bfc_reader *r = NULL;
    bfc_reader_options reading = BFC_READER_OPTIONS_INIT;
    bfc_verify_options deep = BFC_VERIFY_OPTIONS_INIT;

    reading.keys = deep.keys = keys;
    int rc = bfc_reader_open(path, &reading, &r, err);
    deep.deep = true;
    deep.jobs = 1;
    if (rc == 0)
        rc = bfc_reader_info(r, info, err);
    if (rc == 0)
        rc = hash_listing(r, hash, err);
    bfc_reader_close(r);
    return rc == 0 ? bfc_verify(path, &deep, NULL, err) : rc;
}

static void examine(const char *path, const bfc_keys *keys, bool recover)
{
    bfc_err err = BFC_ERR_INIT;
    bfc_container_info info;
    uint64_t hash = 0;
    int rc = recover ? bfc_recover(path, false, NULL, &err) : 0;

    if (rc == 0)
        rc = look(path, keys, &info, &hash, &err);
    if (rc < 0) {
        printf("bad %s %s\n", bfc_code_name((enum bfc_code)rc), err.msg);
        return;
    }
    printf("ok ");
    for (size_t i = 0; i < BFC_DIGEST_SIZE; i++)
        printf("%02x", info.commit.root_digest[i]);
    printf(" %0*" PRIx64 " %" PRIu64 "\n", HASH_BITS_SHOWN, hash, info.torn_bytes);
}

static bfc_keys *read_key(const char *path)
{
    bfc_keys *keys = NULL;
    bfc_err err = BFC_ERR_INIT;

    if (bfc_keys_new(NULL, &keys, &err) < 0 || bfc_keys_add_key_file(keys, path, &err) < 0) {
        fprintf(stderr, "examine: %s\n", err.msg);
        exit(1);
    }
    return keys;
}

int main(int argc, char **argv)
{
    bfc_keys *keys = NULL;
    bool recover = false;
    int i = 1;

    for (; i < argc && argv[i][0] == '-'; i++) {
        recover |= strcmp(argv[i], "--recover") == 0;
        if (strcmp(argv[i], "--key") == 0 && i + 1 < argc)
            keys = read_key(argv[++i]);
    }
    for (; i < argc; i++)
        examine(argv[i], keys, recover);
    bfc_keys_free(keys);
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
