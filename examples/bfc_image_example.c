/* SPDX-License-Identifier: Apache-2.0 */
/* Images with libbfc, from a directory or an OCI manifest and back: open a store, create, list, get
 * info, look at the layers, extract, delete.
 *
 *     cc bfc_image_example.c $(pkg-config --cflags --libs bfc) -o bfc_image_example
 *     ./bfc_image_example [--store URI] SOURCE TARGET-DIRECTORY
 *
 * SOURCE is a directory, or the file of an image manifest (in the blobs/ of an OCI layout).
 *
 * Long operations take hooks: a log callback, a progress callback, and a flag that stops them, set
 * here by Ctrl-C. What was begun and not finished leaves nothing behind. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <bfc/bfc.h>

#define NAME "example/hello:1.0"

static int cancelled; /* bfc_hooks.cancel */

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    __atomic_store_n(&cancelled, 1, __ATOMIC_RELAXED);
}

static void on_log(void *ctx, enum bfc_log_level level, const char *module, const char *msg)
{
    (void)ctx;
    if (level <= BFC_LOG_INFO)
        fprintf(stderr, "%s: %s\n", module, msg);
}

static void on_progress(void *ctx, const bfc_progress *progress)
{
    unsigned *calls = ctx;

    ++*calls;
    fprintf(stderr, "%s: %" PRIu64 " bytes, %" PRIu64 " files\n", progress->phase,
            progress->bytes_done, progress->files_done);
}

static void print_info(const bfc_image_info *info)
{
    printf("%s  %s  %" PRIu64 " bytes in %" PRIu64 " (%s, encryption %s), %" PRIu64 " files\n",
           info->name, info->platform, info->content_bytes, info->size, info->compression,
           info->encryption, info->files);
    printf("  root digest ");
    for (size_t i = 0; i < sizeof info->root_digest; i++)
        printf("%02x", info->root_digest[i]);
    printf("\n");
}

static int create(bfc_store *store, const char *source, const bfc_hooks *hooks, bfc_err *err)
{
    bfc_image_create_options options = BFC_IMAGE_CREATE_OPTIONS_INIT;
    bfc_image_info *info = NULL;
    struct stat st;

    options.writer.hooks = hooks;
    options.writer.compression = BFC_COMPRESS_ZSTD;
    options.writer.level = 6;
    bool is_file = stat(source, &st) == 0 && S_ISREG(st.st_mode);
    int rc = is_file ? bfc_image_create_from_manifest(store, NAME, source, &options, &info, err)
                     : bfc_image_create_from_dir(store, NAME, source, &options, &info, err);
    if (rc < 0)
        return rc;
    printf("created:\n");
    print_info(info);
    bfc_image_info_free(info);
    return 0;
}

static int list(bfc_store *store, const bfc_hooks *hooks, bfc_err *err)
{
    bfc_image_list *images = NULL;

    int rc = bfc_image_list_get(store, hooks, &images, err);
    if (rc < 0)
        return rc;
    printf("%zu in %s:\n", images->count, bfc_store_uri(store));
    for (size_t i = 0; i < images->count; i++)
        print_info(images->item[i]);
    bfc_image_list_free(images);
    return 0;
}

static int show(bfc_store *store, bfc_err *err)
{
    bfc_image_info *info = NULL;

    int rc = bfc_image_info_get(store, NAME, &info, err);
    if (rc < 0)
        return rc;
    printf("its file: %s\n", info->path);
    bfc_image_info_free(info);
    return 0;
}

static int show_layers(bfc_store *store, bfc_err *err)
{
    bfc_image_layers *layers = NULL;

    int rc = bfc_image_layers_get(store, NAME, &layers, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0, number = 0; i < layers->count; i++) {
        if (layers->item[i].empty) /* a step of the history that made none */
            continue;
        printf("layer %zu: %s, %" PRIu64 " entries\n", ++number,
               *layers->item[i].diff_id ? layers->item[i].diff_id : "without a digest",
               layers->item[i].entries);
    }
    bfc_image_layers_free(layers);
    return 0;
}

static int extract(bfc_store *store, const char *target, const bfc_hooks *hooks, bfc_err *err)
{
    bfc_extract_options options = BFC_EXTRACT_OPTIONS_INIT;
    bfc_extract_report report;

    options.hooks = hooks;
    int rc = bfc_image_extract(store, NAME, target, &options, &report, err);
    if (rc < 0)
        return rc;
    printf("extracted: %" PRIu64 " files, %" PRIu64 " bytes\n", report.files, report.content_bytes);
    return 0;
}

static int run(const char *uri, const char *source, const char *target, bfc_err *err)
{
    unsigned calls = 0;
    const bfc_hooks hooks = {on_log, on_progress, &calls, &cancelled};
    bfc_store *store = NULL;

    int rc = bfc_store_open(uri, &store, err);
    if (rc == 0)
        rc = create(store, source, &hooks, err);
    if (rc == 0)
        rc = list(store, &hooks, err);
    if (rc == 0)
        rc = show(store, err);
    if (rc == 0)
        rc = show_layers(store, err);
    if (rc == 0)
        rc = extract(store, target, &hooks, err);
    if (rc == 0)
        rc = bfc_image_delete(store, NAME, err);
    if (rc == 0)
        printf("deleted\n");
    bfc_store_close(store);
    return rc;
}

int main(int argc, char **argv)
{
    const char *uri = NULL; /* the user's default store */
    bfc_err err = BFC_ERR_INIT;

    if (argc == 5 && strcmp(argv[1], "--store") == 0) {
        uri = argv[2];
        argv += 2;
        argc -= 2;
    }
    if (argc != 3) {
        fprintf(stderr, "usage: bfc_image_example [--store URI] SOURCE TARGET\n");
        return 2;
    }
    struct sigaction interrupt = {.sa_handler = on_interrupt};
    sigaction(SIGINT, &interrupt, NULL);
    if (run(uri, argv[1], argv[2], &err) < 0) {
        fprintf(stderr, "bfc_image_example: %s (%s)\n", err.msg, bfc_code_name(err.code));
        return 1;
    }
    return 0;
}
