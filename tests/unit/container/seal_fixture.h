/* SPDX-License-Identifier: Apache-2.0 */
/* For the tests of sealed containers: key files, and containers under them. */
#ifndef TESTS_UNIT_CONTAINER_SEAL_FIXTURE_H
#define TESTS_UNIT_CONTAINER_SEAL_FIXTURE_H

#include "care_fixture.h"

#include <sys/xattr.h>

/* The bunch with one key file, which is made of `seed`. */
static inline bfc_keys *seal_keys(struct care *c, uint64_t seed)
{
    uint8_t bytes[BFC_KEY_FILE_SIZE];
    bfc_keys *keys = NULL;
    char path[400], name[40];

    care_noise(bytes, sizeof bytes, seed);
    (void)snprintf(name, sizeof name, "key%d", (int)seed);
    care_put(c->root, name, bytes, sizeof bytes);
    (void)snprintf(path, sizeof path, "%s/%s", c->root, name);
    assert_int_equal(chmod(path, 0600), 0);
    care_ok(c, bfc_keys_new(NULL, &keys, &c->err));
    care_ok(c, bfc_keys_add_key_file(keys, path, &c->err));
    return keys;
}

BFCI_DEFINE_AUTO(bfc_keys, bfc_keys_free)
BFCI_DEFINE_AUTO(bfc_reader, bfc_reader_close)
BFCI_DEFINE_AUTO(bfc_writer, bfc_writer_close)

/* One commit of `src`; returns what came of it. */
static inline int seal_try(struct care *c, const char *file, bool append, const bfc_keys *keys)
{
    bfc_writer_options o = BFC_WRITER_OPTIONS_INIT;
    AUTO(bfc_writer) bfc_writer *w = NULL;

    o.block_size = 4096;
    o.jobs = 2;
    o.encrypt = !append;
    o.keys = keys;
    o.replace = true;
    BFC_TRY(append ? bfc_writer_append(file, &o, &w, &c->err)
                   : bfc_writer_create(file, &o, &w, &c->err));
    BFC_TRY(bfc_writer_add_root(w, c->src, &c->err));
    return bfc_writer_commit(w, NULL, &c->err);
}

static inline void seal_commit(struct care *c, const char *file, bool append, const bfc_keys *keys)
{
    care_ok(c, seal_try(c, file, append, keys));
}

static inline int seal_open_at(struct care *c, const char *file, const char *at,
                               const bfc_keys *keys, bfc_reader **out)
{
    bfc_reader_options o = BFC_READER_OPTIONS_INIT;

    o.at = at;
    o.keys = keys;
    c->err = (bfc_err)BFC_ERR_INIT;
    return bfc_reader_open(file, &o, out, &c->err);
}

/* The content of a small file, as text; "" if there is none of that name. */
static inline const char *seal_text(struct care *c, bfc_reader *r, const char *path)
{
    static char text[8192];
    bfc_entry e;
    size_t got = 0;

    if (bfc_reader_stat(r, path, &e, &c->err) == BFC_E_NOT_FOUND)
        return "";
    care_ok(c, bfc_reader_stat(r, path, &e, &c->err));
    care_ok(c, bfc_reader_read(r, e.ino, 0, text, sizeof text - 1, &got, &c->err));
    text[got] = '\0';
    return text;
}

static inline int seal_verify(struct care *c, const char *file, bool deep, const bfc_keys *keys,
                              bfc_verify_report *report)
{
    bfc_verify_options o = BFC_VERIFY_OPTIONS_INIT;

    o.deep = deep;
    o.keys = keys;
    o.jobs = 1;
    c->err = (bfc_err)BFC_ERR_INIT;
    return bfc_verify(file, &o, report, &c->err);
}

static inline void seal_write_at(const char *path, uint64_t at, const void *bytes, size_t len)
{
    AUTO_FD int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, bytes, len, (off_t)at), (ssize_t)len);
}

#endif
