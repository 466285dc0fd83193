/* SPDX-License-Identifier: Apache-2.0 */
/* Making images: from a directory, and one more name for an image that is there. Both put a
 * container at a work's path and then publish it: all or nothing is the backend's promise. */
#include <bfc/image.h>

#include "base/hooks.h"
#include "oci/facts.h"
#include "oci/platform.h"
#include "store/facts.h"
#include "store/image_build.h"
#include "store/target.h"

BFCI_DEFINE_AUTO(bfc_writer, bfc_writer_close)

struct creation {
    const char *dir;
    bfci_facts facts;
    char *store_below; /* where the store lies in `dir`; NULL if it does not */
    bfc_writer_options writer;
    bfci_work_how how;
};

static void creation_release(struct creation *c)
{
    bfci_facts_release(&c->facts);
    free(c->store_below);
}
#define AUTO_CREATION __attribute__((cleanup(creation_release)))

void bfci_writer_keys(const bfc_store *store, bfc_writer_options *options)
{
    if (!options->keys)
        options->keys = store->keys;
}

int bfci_publish(bfci_work *work, const bfc_hooks *hooks, const bfc_keys *keys,
                 bfc_image_info **out, bfc_err *err)
{
    AUTO(bfc_image_info) bfc_image_info *info = NULL;
    AUTO_FREE char *path = NULL;

    BFC_TRY(bfci_facts_read(work->path, work->ref.text, hooks, out ? keys : NULL, &info, err));
    BFC_TRY(bfci_check_cancel(hooks, err));
    BFC_TRY(work->store->backend->work_publish(work, info, &path, err));
    free(info->path);
    info->path = bfci_steal(&path);
    if (out)
        *out = bfci_steal(&info);
    return 0;
}

static int write_container(const struct creation *c, const char *path, bfc_err *err)
{
    AUTO(bfc_writer) bfc_writer *writer = NULL;
    AUTO_FREE char *json = NULL;

    BFC_TRY(bfci_facts_encode(&c->facts, &json, err));
    BFC_TRY(bfc_writer_create(path, &c->writer, &writer, err));
    BFC_TRY(bfc_writer_add_root(writer, c->dir, err));
    BFC_TRY(bfc_writer_put_blob(writer, BFCI_FACTS_BLOB, json, strlen(json), err));
    return bfc_writer_commit(writer, NULL, err);
}

/* A pattern that matches the store's folder only; bytes that mean something in patterns are quoted.
 */
static int store_pattern(const char *below, char **out, bfc_err *err)
{
    AUTO_FREE char *text = NULL;
    size_t len = 0;

    BFC_TRY(bfci_alloc(2 * strlen(below) + 2, 1, &text, err));
    text[len++] = '/';
    for (const char *p = below; *p; p++) {
        if (strchr("*?[]\\", *p))
            text[len++] = '\\';
        text[len++] = *p;
    }
    text[len] = '\0';
    *out = bfci_steal(&text);
    return 0;
}

/* An image of a tree that the store lies in does not hold the store. */
static int write_without_store(struct creation *c, const bfc_store *store, const char *path,
                               bfc_err *err)
{
    AUTO_FREE const char **patterns = NULL;
    AUTO_FREE char *pattern = NULL;
    size_t count = 0;

    if (!c->store_below)
        return write_container(c, path, err);
    while (c->writer.exclude && c->writer.exclude[count])
        count++;
    BFC_TRY(store_pattern(c->store_below, &pattern, err));
    BFC_TRY(bfci_alloc_zero(count + 2, sizeof *patterns, &patterns, err));
    for (size_t i = 0; i < count; i++)
        patterns[i] = c->writer.exclude[i];
    patterns[count] = pattern;
    c->writer.exclude = patterns;
    bfci_log(c->writer.hooks, BFC_LOG_INFO, "store", "the store '%s' is left out of the image",
             store->uri);
    return write_container(c, path, err);
}

static int create(bfc_store *store, const bfci_reference *ref, struct creation *c,
                  bfc_image_info **out, bfc_err *err)
{
    AUTO_WORK bfci_work work = BFCI_WORK_INIT;

    BFC_TRY(bfci_target_check_source(store, c->dir, &c->store_below, err));
    BFC_TRY(bfci_check_cancel(c->writer.hooks, err));
    BFC_TRY(store->backend->work_begin(store, ref, &c->how, &work, err));
    c->writer.replace = false; /* nothing is at the work's path */
    BFC_TRY(write_without_store(c, store, work.path, err));
    return bfci_publish(&work, c->writer.hooks, c->writer.keys, out, err);
}

/* The message of the first two says it all; the others come from below and do not know the name. */
int bfci_wrap_making(const bfc_store *store, const bfci_reference *ref, const char *verb, int rc,
                     bfc_err *err)
{
    if (rc == 0 || rc == BFC_E_EXISTS || rc == BFC_E_BUSY)
        return rc;
    if (rc == BFC_E_NOSPC)
        rc = bfci_wrap(err, rc, "the store '%s' is full: delete images or prune it",
                       BFCI_QUOTE_STR(store->uri));
    return bfci_wrap(err, rc, "%s image '%s'", verb, ref->text);
}

int bfc_image_create_from_dir(bfc_store *store, const char *name, const char *dir,
                              const bfc_image_create_options *options, bfc_image_info **out,
                              bfc_err *err)
{
    static const bfc_image_create_options defaults = BFC_IMAGE_CREATE_OPTIONS_INIT;
    bfci_reference ref;

    if (!options)
        options = &defaults;
    BFC_TRY(BFCI_CHECK_OPTIONS(options, BFC_IMAGE_CREATE_OPTIONS_INIT, err));
    if (options->trust)
        return bfci_fail(err, BFC_E_INVALID, "a directory has no signature");
    BFC_TRY(bfci_reference_parse(name, &ref, err));
    AUTO_CREATION struct creation c = {.dir = dir,
                                       .writer = options->writer,
                                       .how = {options->writer.replace, options->properties}};
    bfci_writer_keys(store, &c.writer);
    BFC_TRY(bfci_platform_get(options->platform, &c.facts.platform, err));
    BFC_TRY(bfci_strdup("directory", &c.facts.source, err));
    return bfci_wrap_making(store, &ref, "create", create(store, &ref, &c, out, err), err);
}

static int share(bfc_store *store, const bfci_reference *from, const bfci_reference *to,
                 bool replace, bfc_err *err)
{
    AUTO_WORK bfci_work work = BFCI_WORK_INIT;
    AUTO_FREE char *source = NULL;

    BFC_TRY(store->backend->find(store, from, &source, err));
    if (replace && strcmp(from->text, to->text) == 0)
        return 0;
    BFC_TRY(
        store->backend->work_begin(store, to, &(bfci_work_how){.replace = replace}, &work, err));
    int rc = store->backend->work_share(&work, source, err);
    if (rc == BFC_E_NOT_FOUND)
        return bfci_fail(err, rc, "image '%s' was deleted by another process", from->text);
    BFC_TRY(rc);
    return bfci_publish(&work, NULL, NULL, NULL, err);
}

int bfc_image_tag(bfc_store *store, const char *name, const char *new_name, bool replace,
                  bfc_err *err)
{
    bfci_reference from, to;

    BFC_TRY(bfci_reference_parse(name, &from, err));
    BFC_TRY(bfci_reference_parse(new_name, &to, err));
    int rc = share(store, &from, &to, replace, err);
    if (rc == 0 || rc == BFC_E_NOT_FOUND || rc == BFC_E_EXISTS || rc == BFC_E_BUSY)
        return rc;
    return bfci_wrap(err, rc, "tag '%s' as '%s'", from.text, to.text);
}
