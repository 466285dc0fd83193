/* SPDX-License-Identifier: Apache-2.0 */
/* Options that were not set up by their macro, or by that of an older header, are refused by every
 * function that takes some, with the macro's name, and before anything else is looked at: no file
 * that is named here is there. */
#include <bfc/bfc.h>

#include <stdio.h>
#include <string.h>

static int wrong;

static void expect(const char *function, int rc, const bfc_err *err, const char *macro)
{
    if (rc == BFC_E_INVALID && strstr(err->msg, macro))
        return;
    printf("%s: %s: %s\n", function, bfc_code_name((enum bfc_code)rc), err->msg);
    wrong++;
}

/* `call` sees `o`, options of `type` that are one byte too short, and `err`. */
#define EXPECT(type, macro, call)                                                                  \
    do {                                                                                           \
        type o = macro;                                                                            \
        bfc_err err = BFC_ERR_INIT;                                                                \
        o.size--;                                                                                  \
        expect(#call, call, &err, #macro);                                                         \
    } while (0)

static void containers(void)
{
    bfc_reader *reader = NULL;
    bfc_writer *writer = NULL;
    bfc_sign_report signed_;

    EXPECT(bfc_reader_options, BFC_READER_OPTIONS_INIT, bfc_reader_open("no", &o, &reader, &err));
    EXPECT(bfc_writer_options, BFC_WRITER_OPTIONS_INIT, bfc_writer_create("no", &o, &writer, &err));
    EXPECT(bfc_writer_options, BFC_WRITER_OPTIONS_INIT, bfc_writer_append("no", &o, &writer, &err));
    EXPECT(bfc_verify_options, BFC_VERIFY_OPTIONS_INIT, bfc_verify("no", &o, NULL, &err));
    EXPECT(bfc_compact_options, BFC_COMPACT_OPTIONS_INIT,
           bfc_compact("no", "nor this", &o, NULL, &err));
    EXPECT(bfc_sign_options, BFC_SIGN_OPTIONS_INIT, bfc_sign("no", "key", &o, NULL, &err));
    EXPECT(bfc_sign_options, BFC_SIGN_OPTIONS_INIT,
           bfc_sign_detached("no", "key", &o, &signed_, &err));
}

static void images(bfc_store *s)
{
    bfc_image_config_edit whole = BFC_IMAGE_CONFIG_EDIT_INIT;

    EXPECT(bfc_image_create_options, BFC_IMAGE_CREATE_OPTIONS_INIT,
           bfc_image_create(s, "a", "dir:no", &o, NULL, &err));
    EXPECT(bfc_image_create_options, BFC_IMAGE_CREATE_OPTIONS_INIT,
           bfc_image_create_from_dir(s, "a", "no", &o, NULL, &err));
    EXPECT(bfc_image_create_options, BFC_IMAGE_CREATE_OPTIONS_INIT,
           bfc_image_create_from_manifest(s, "a", "no", &o, NULL, &err));
    EXPECT(bfc_extract_options, BFC_EXTRACT_OPTIONS_INIT,
           bfc_image_extract(s, "a", "no", &o, NULL, &err));
    EXPECT(bfc_image_delete_options, BFC_IMAGE_DELETE_OPTIONS_INIT,
           bfc_image_delete_with(s, "a", &o, &err));
    EXPECT(bfc_verify_options, BFC_VERIFY_OPTIONS_INIT, bfc_image_verify(s, "a", &o, NULL, &err));
    EXPECT(bfc_image_commit_options, BFC_IMAGE_COMMIT_OPTIONS_INIT,
           bfc_image_commit(s, "a", "no", &o, NULL, &err));
    EXPECT(bfc_image_commit_options, BFC_IMAGE_COMMIT_OPTIONS_INIT,
           bfc_image_squash(s, "a", &o, NULL, &err));
    EXPECT(bfc_image_commit_options, BFC_IMAGE_COMMIT_OPTIONS_INIT,
           bfc_image_rebase(s, "a", NULL, "b", &o, NULL, &err));
    EXPECT(bfc_image_commit_options, BFC_IMAGE_COMMIT_OPTIONS_INIT,
           bfc_image_config_set(s, "a", &whole, &o, NULL, &err));
    EXPECT(bfc_image_config_edit, BFC_IMAGE_CONFIG_EDIT_INIT,
           bfc_image_config_set(s, "a", &o, NULL, NULL, &err));
    EXPECT(bfc_image_export_options, BFC_IMAGE_EXPORT_OPTIONS_INIT,
           bfc_image_export(s, "a", "bfc:no", &o, &err));
    EXPECT(bfc_image_bundle_options, BFC_IMAGE_BUNDLE_OPTIONS_INIT,
           bfc_image_bundle(s, "a", "no", &o, NULL, &err));
    EXPECT(bfc_image_send_options, BFC_IMAGE_SEND_OPTIONS_INIT,
           bfc_image_send(s, "a", -1, &o, &err));
    EXPECT(bfc_image_receive_options, BFC_IMAGE_RECEIVE_OPTIONS_INIT,
           bfc_image_receive(s, -1, &o, &err));
}

static void registries(bfc_store *s)
{
    bfc_image_pull_options pull = BFC_IMAGE_PULL_OPTIONS_INIT;
    bfc_image_push_options push = BFC_IMAGE_PUSH_OPTIONS_INIT;
    bfc_registry_tag_list *tags = NULL;
    bfc_images_sync_options sync = BFC_IMAGES_SYNC_OPTIONS_INIT;
    bfc_image_copy_options copy = BFC_IMAGE_COPY_OPTIONS_INIT;
    char *json = NULL;
    size_t len = 0;

    EXPECT(bfc_image_copy_options, BFC_IMAGE_COPY_OPTIONS_INIT,
           bfc_image_copy(s, "a", "b", &o, NULL, &err));
    EXPECT(bfc_image_pull_options, BFC_IMAGE_PULL_OPTIONS_INIT,
           (copy.pull = o, bfc_image_copy(s, "a", "b", &copy, NULL, &err)));
    copy.pull = (bfc_image_pull_options)BFC_IMAGE_PULL_OPTIONS_INIT;
    EXPECT(bfc_image_export_options, BFC_IMAGE_EXPORT_OPTIONS_INIT,
           (copy.out = o, bfc_image_copy(s, "a", "b", &copy, NULL, &err)));
    EXPECT(bfc_images_sync_options, BFC_IMAGES_SYNC_OPTIONS_INIT,
           bfc_images_sync(s, "no-list", &o, NULL, &err));
    EXPECT(bfc_image_pull_options, BFC_IMAGE_PULL_OPTIONS_INIT,
           (sync.pull = o, bfc_images_sync(s, "no-list", &sync, NULL, &err)));
    EXPECT(bfc_image_push_options, BFC_IMAGE_PUSH_OPTIONS_INIT,
           bfc_image_push(s, "a", NULL, &o, NULL, &err));
    EXPECT(bfc_registry_options, BFC_REGISTRY_OPTIONS_INIT,
           (push.registry = o, bfc_image_push(s, "a", NULL, &push, NULL, &err)));
    EXPECT(bfc_image_pull_options, BFC_IMAGE_PULL_OPTIONS_INIT,
           bfc_image_pull(s, "a", &o, NULL, NULL, &err));
    EXPECT(bfc_registry_options, BFC_REGISTRY_OPTIONS_INIT,
           (pull.registry = o, bfc_image_pull(s, "a", &pull, NULL, NULL, &err)));
    pull.registry = (bfc_registry_options)BFC_REGISTRY_OPTIONS_INIT;
    EXPECT(bfc_image_create_options, BFC_IMAGE_CREATE_OPTIONS_INIT,
           (pull.create = o, bfc_image_pull(s, "a", &pull, NULL, NULL, &err)));
    EXPECT(bfc_registry_options, BFC_REGISTRY_OPTIONS_INIT,
           bfc_registry_tags("a", &o, &tags, &err));
    EXPECT(bfc_registry_options, BFC_REGISTRY_OPTIONS_INIT,
           bfc_registry_inspect("a", NULL, false, &o, &json, &len, &err));
    EXPECT(bfc_registry_options, BFC_REGISTRY_OPTIONS_INIT,
           bfc_registry_login("a.example", "u", "p", &o, NULL, &err));
    EXPECT(bfc_registry_options, BFC_REGISTRY_OPTIONS_INIT,
           bfc_registry_logout_all(&o, NULL, &err));
}

/* Options within options. */
static void inner(bfc_store *s)
{
    bfc_extract_options extract = BFC_EXTRACT_OPTIONS_INIT;
    bfc_writer_options writer = BFC_WRITER_OPTIONS_INIT;
    bfc_writer *w = NULL;

    EXPECT(bfc_stats, BFC_STATS_INIT,
           (writer.stats = &o, bfc_writer_create("no", &writer, &w, &err)));
    EXPECT(bfc_stats, BFC_STATS_INIT,
           (writer.stats = &o, bfc_writer_append("no", &writer, &w, &err)));

    EXPECT(bfc_dataset_options, BFC_DATASET_OPTIONS_INIT,
           (extract.dataset = &o, bfc_image_extract(s, "a", "no", &extract, NULL, &err)));
}

int main(void)
{
    bfc_store *store = NULL;
    bfc_err err = BFC_ERR_INIT;

    if (bfc_store_open("dir:no-store-is-here", &store, &err) < 0) {
        printf("%s\n", err.msg);
        return 1;
    }
    containers();
    images(store);
    registries(store);
    inner(store);
    bfc_store_close(store);
    return wrong > 0;
}
