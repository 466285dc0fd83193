/* SPDX-License-Identifier: Apache-2.0 */
/* bfc image sync. */
#include <inttypes.h>
#include <string.h>

#include "key_options.h"
#include "property_options.h"
#include "pull_options.h"
#include "pull_view.h"
#include "table_print.h"
#include "value.h"

struct sync {
    struct cli *cli;
    const char *file;
    bfc_images_sync_options how;
    struct pull_view view;
    struct table table;
    json_t *images; /* with --json */
    int code;       /* of the first failure that was told */
};

static const struct operand operands[] = {
    {"FILE", VALUE_FILE, false, false, NULL},
    {0},
};

static const struct option options[] = {
    {OPT_PRUNE, 0, "prune", NULL, VALUE_WORD, NULL,
     "remove images that the list has brought and names no longer, or whose tag is gone at the "
     "registry"},
    {OPT_DRY_RUN, 'n', "dry-run", NULL, VALUE_WORD, NULL,
     "only tell what would be done; registries are asked, but nothing is fetched"},
    {OPT_KEEP_GOING, 'k', "keep-going", NULL, VALUE_WORD, NULL,
     "go on with the next image when one fails"},
    {OPT_LIST, 0, "list", "NAME", VALUE_WORD, NULL,
     "what the list is called, by which the store knows what it has brought; default: the path of "
     "FILE"},
    {OPT_PLATFORM, 0, "platform", "OS/ARCH", VALUE_WORD, NULL,
     "which image of an index is taken where the line does not say; default: this machine's"},
    OPTIONS_OF_SOURCES,
    OPTION_PARALLEL("fetched"),
    OPTIONS_OF_STORING,
    OPTION_REPRODUCIBLE,
    OPTION_PROPERTY,
    OPTIONS_OF_ENCRYPTING,
    OPTIONS_OF_REGISTRIES,
    {0},
};

/* ── Telling ── */

static const char *word_of(const struct sync *s, enum bfc_sync_action action)
{
    static const char *const done[] = {"up to date", "pulled", "surplus",
                                       "removed",    "kept",   "failed"};

    if (s->how.dry_run && action == BFC_SYNC_PULLED)
        return "would pull";
    if (s->how.dry_run && action == BFC_SYNC_REMOVED)
        return "would remove";
    return done[action];
}

static void add_json(struct sync *s, const bfc_sync_step *step)
{
    static const char *const actions[] = {"up-to-date", "pulled", "surplus",
                                          "removed",    "kept",   "failed"};
    json_t *image = json_new();

    json_put_str(image, "action", actions[step->action]);
    json_put_str_or_null(image, "name", step->name);
    json_put_str_or_null(image, "reference", step->reference);
    if (step->line)
        json_put_u64(image, "line", step->line);
    else
        json_put(image, "line", json_null());
    json_put_str_or_null(image, "digest", step->pull ? step->pull->digest : "");
    json_put_u64(image, "blobs_fetched", step->pull ? step->pull->blobs : 0);
    json_put_u64(image, "bytes_fetched", step->pull ? step->pull->bytes : 0);
    json_put_str_or_null(image, "error", step->why ? step->why->msg : "");
    json_push(s->images, image);
}

static void add_row(struct sync *s, const bfc_sync_step *step)
{
    char bytes[SIZE_TEXT_MAX] = "";
    AUTO_TEXT struct text line = {0};

    if (step->pull && !s->how.dry_run)
        text_size(bytes, step->pull->bytes);
    if (step->line)
        text_fmt(&line, "%u", step->line);
    table_add(&s->table, word_of(s, step->action));
    table_add(&s->table, text_of(&line));
    table_add(&s->table, bytes);
    table_add(&s->table, *step->name ? step->name : step->reference);
}

static void tell_failure(struct sync *s, const bfc_sync_step *step)
{
    AUTO_TEXT struct text file = {0};

    text_escaped(&file, s->file, strlen(s->file), ESCAPE_QUOTED);
    int code = step->line ? cli_error(s->cli, step->why->code, "%s:%u: %s", text_of(&file),
                                      step->line, step->why->msg)
                          : cli_fail(s->cli, step->why);
    if (s->code == EXIT_DONE)
        s->code = code;
}

static void on_step(void *ctx, const bfc_sync_step *step)
{
    struct sync *s = ctx;

    pull_view_end(&s->view); /* the next image has lines of its own */
    s->view.cli = s->cli;
    if (step->action == BFC_SYNC_FAILED)
        tell_failure(s, step);
    if (s->images)
        add_json(s, step);
    else if (step->action != BFC_SYNC_UP_TO_DATE)
        add_row(s, step);
}

/* ── The answer ── */

static void report_json(struct sync *s, const bfc_store *store, const bfc_sync_report *r)
{
    json_t *document = json_document("bfc.image.sync/1");

    json_put_str(document, "store", bfc_store_uri(store));
    json_put_bool(document, "dry_run", s->how.dry_run);
    json_put(document, "images", s->images);
    json_put_u64(document, "up_to_date", r->up_to_date);
    json_put_u64(document, "pulled", r->pulled);
    json_put_u64(document, "surplus", r->surplus);
    json_put_u64(document, "removed", r->removed);
    json_put_u64(document, "kept", r->kept);
    json_put_u64(document, "failed", r->failed);
    json_put_u64(document, "bytes_fetched", r->bytes);
    json_print(&s->cli->out, document);
}

static void add_count(struct text *t, size_t count, const char *what)
{
    if (count > 0)
        text_fmt(t, "%s%zu %s", t->len > 0 ? ", " : "", count, what);
}

static void report_words(struct sync *s, const bfc_sync_report *r)
{
    AUTO_TEXT struct text t = {0};
    char bytes[SIZE_TEXT_MAX];

    if (s->table.count > s->table.columns && !s->cli->quiet)
        table_print(&s->table, &s->cli->out);
    text_size(bytes, r->bytes);
    add_count(&t, r->pulled, word_of(s, BFC_SYNC_PULLED));
    if (r->pulled > 0 && !s->how.dry_run)
        text_fmt(&t, " (%s)", bytes);
    add_count(&t, r->up_to_date, "up to date");
    add_count(&t, r->removed, word_of(s, BFC_SYNC_REMOVED));
    add_count(&t, r->surplus, "surplus");
    add_count(&t, r->kept, "kept");
    add_count(&t, r->failed, "failed");
    cli_notice(s->cli, "%s", t.len > 0 ? text_of(&t) : "the list names nothing");
}

/* ── Running ── */

static int sync_list(struct sync *s, const struct args *args)
{
    static const char *const titles[] = {"DONE", "LINE", "FETCHED", "NAME"};
    static const bool right[] = {false, true, true, false};
    AUTO(bfc_store) bfc_store *store = NULL;
    bfc_sync_report report;
    bfc_err err = BFC_ERR_INIT;

    int code = cli_open_store(s->cli, &store);
    if (code != EXIT_DONE)
        return code;
    if (keys_are_named(args))
        bfc_store_set_keys(store, s->cli->keys);
    if (s->cli->json && !(s->images = json_array()))
        mem_out();
    s->table = (struct table){.columns = ARRAY_LEN(titles), .right = right};
    for (size_t i = 0; i < ARRAY_LEN(titles); i++)
        table_add(&s->table, titles[i]);
    int rc = bfc_images_sync(store, s->file, &s->how, &report, &err);
    pull_view_end(&s->view);
    const bool was_told =
        s->code != EXIT_DONE && err.code != BFC_E_CANCELLED && err.code != BFC_E_NOMEM;
    if (rc < 0)
        code = was_told ? s->code : cli_fail(s->cli, &err);
    if (s->cli->json)
        report_json(s, store, &report);
    else if (rc == 0 || report.failed > 0)
        report_words(s, &report);
    return code;
}

static int read_options(struct cli *cli, const struct args *args, bfc_images_sync_options *how)
{
    how->prune = args_has(args, OPT_PRUNE);
    how->dry_run = args_has(args, OPT_DRY_RUN);
    how->keep_going = args_has(args, OPT_KEEP_GOING);
    how->list = args_value(args, OPT_LIST);
    if (how->list && !*how->list)
        return cli_usage(cli, "--list: the name is empty");
    return EXIT_DONE;
}

static int run(struct cli *cli, const struct args *args)
{
    AUTO_PULL_OPTIONS struct pull_options read = {0};
    struct sync s = {.cli = cli,
                     .file = args->operands[0],
                     .how = BFC_IMAGES_SYNC_OPTIONS_INIT,
                     .view = {.cli = cli}};

    int code = read_options(cli, args, &s.how);
    if (code == EXIT_DONE)
        code = pull_options_read(cli, args, &read, &s.how.pull);
    if (code != EXIT_DONE)
        return code;
    s.how.step = on_step;
    s.how.step_ctx = &s;
    if (pull_view_wanted(cli)) {
        s.how.pull.blob = pull_view_blob;
        s.how.pull.blob_ctx = &s.view;
    }
    code = sync_list(&s, args);
    table_free(&s.table);
    return code;
}

static const struct example examples[] = {
    {"bfc image sync --dry-run images.list", "What would be done."},
    {"bfc image sync --prune --keep-going images.list",
     "All that can be had, and nothing that the list does not name any more."},
    {0},
};

static const struct section sections[] = {
    {"THE LIST",
     "A text, with a line for each image or pattern. `#` at the beginning of a line, or after a "
     "blank, begins a comment. A line begins with a REF as for `bfc image pull`: "
     "`[registry[:port]/]path[:tag][@sha256:…]`. Where the tag has one of `*`, `?` and `[`, it is "
     "a pattern as the shell has them, and the line stands for all tags of the repository that "
     "are like it: `*` is any text, `?` any letter, `[a-z]` one of these and `[!a-z]` one of the "
     "others.\n\n"
     "Behind it may stand, with blanks between:\n\n"
     "`as=NAME`: what the image is called in the store. Without a tag in NAME it has the one that "
     "it has at the registry; images of a pattern always do. Default: as REF has it.\n\n"
     "`not=PATTERN`: of a pattern's tags those are not taken that are like PATTERN. May be given "
     "several times.\n\n"
     "`platform=OS/ARCH`, `all-platforms`, `artifact`: as the options of these names, for this "
     "line.\n\n"
     "Such as:\n\n"
     "`docker.io/library/debian:12 as=debian`\n\n"
     "`quay.io/team/app:1.* not=*-rc* not=*-debug platform=linux/arm64  # what is out there`\n\n"
     "`quay.io/team/tools@sha256:0c1d…`\n\n"
     "A list has at most 1 MiB, 4096 lines that name something, and 4096 bytes in a line. All of "
     "it is read before anything is done. Where two lines make an image of one name, the first one "
     "has it; if they name different images, the second one fails."},
    {"WHAT IS DONE",
     "Each image is pulled as by `bfc image pull`: if the registry has what is here already, "
     "nothing is fetched, and an image that has the name, whoever made it, is replaced otherwise. "
     "About those of a pattern that are here, the registry is asked eight at a time, or as many as "
     "`--parallel` says. "
     "The table tells of what was done with `pulled`, `removed` and `failed`, and of two more: "
     "`surplus` is what the list has brought once and what is not wanted any more, and `kept` the "
     "same, where somebody else gave the name another content since: from then on it is not the "
     "list's. What is up to date is only counted.\n\n"
     "Without `--keep-going` the first failure ends it; what was done by then stays."},
    {"WHAT IS PRUNED",
     "The store remembers for each list which images it has brought, and with which content; "
     "`--list` gives a list that moves a name of its own. `--prune` removes those that no line "
     "names any more, and those whose tag is gone: which is believed only if the registry lists "
     "the tags of the repository, and this one is not among them. Images that were here before, "
     "that another list has brought, or that have another content by now, are never removed, nor "
     "is what was tagged, or made of them. Nothing is removed when the tags of a pattern could "
     "not be had. In a ZFS store an image goes with its history, as by `bfc image delete`."},
    {0},
};

const struct command cmd_image_sync = {
    .name = "sync",
    .summary = "Keeps the images of a list in step with their registries",
    .text = "FILE is a list of images, and of patterns of tags, at registries. What differs there "
            "from what is in the store is pulled. It is made to be run again and again, such as "
            "by a timer: when nothing has changed, only that is asked.\n\n"
            "Registries, logins and certificates are configured as for podman and skopeo: see "
            "bfc-image(1).",
    .options = options,
    .operands = operands,
    .examples = examples,
    .sections = sections,
    .exits = "That of the first image that failed, also with `--keep-going`. " EXITS_OF_REGISTRIES
             " 6 also when the list is being worked through by another program, or one of its "
             "images is being changed.",
    .see = "bfc-image bfc-image-pull bfc-image-tags bfc-image-delete skopeo-sync",
    .run = run,
};
