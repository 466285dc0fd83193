/* SPDX-License-Identifier: Apache-2.0 */
/* bfc info: facts of a container, or of one entry. */
#include <inttypes.h>
#include <string.h>

#include "commit_view.h"
#include "entry_view.h"
#include "facts.h"
#include "key_options.h"

static const struct operand operands[] = {
    {"FILE", VALUE_FILE, false, false, NULL},
    {"PATH", VALUE_WORD, true, false, NULL},
    {0},
};

static const struct option options[] = {
    {OPT_AT, 0, "at", "COMMIT", VALUE_WORD, NULL,
     "look at an earlier commit: its number, or 8 or more digits of its root digest"},
    {OPT_TREE, 0, "tree", "N", VALUE_WORD, NULL,
     "look up PATH in tree N, as a layer's, and not in tree 0; `bfc info FILE` tells which there "
     "are"},
    OPTIONS_OF_KEYS,
    {0},
};

/* ── The container ── */

/* In the form of RFC 9562. */
static void uuid_text(char out[37], const uint8_t uuid[BFC_UUID_SIZE])
{
    size_t used = 0;
    for (size_t i = 0; i < BFC_UUID_SIZE; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            out[used++] = '-';
        text_hex(out + used, uuid + i, 1);
        used += 2;
    }
}

struct trees {
    bfc_tree_info *item;
    size_t count;
};

static const struct tree_kind {
    const char *name, *words;
} tree_kinds[] = {
    {"file-system", "file system"},
    {"layer", "layer"},
    {"merged", "merged file system"},
    {"kept", "kept contents"},
};

/* Kinds that a later library knows have a number only. */
static const struct tree_kind *tree_kind(const bfc_tree_info *tree)
{
    static const struct tree_kind other = {"other", "other"};
    return tree->kind < sizeof tree_kinds / sizeof *tree_kinds ? &tree_kinds[tree->kind] : &other;
}

static json_t *trees_json(const struct trees *trees)
{
    json_t *list = json_array();
    if (!list)
        mem_out();
    for (size_t i = 0; i < trees->count; i++) {
        const bfc_tree_info *tree = &trees->item[i];
        json_t *one = json_new();
        json_put_u64(one, "id", tree->id);
        json_put_str(one, "kind", tree_kind(tree)->name);
        json_put_bytes(one, "label", tree->label, strlen(tree->label));
        json_push(list, one);
    }
    return list;
}

static void tree_facts(struct out *o, const struct trees *trees)
{
    for (size_t i = 0; i < trees->count; i++) {
        const bfc_tree_info *tree = &trees->item[i];
        AUTO_TEXT struct text key = {0};
        AUTO_TEXT struct text value = {0};
        text_fmt(&key, "tree %" PRIu32, tree->id);
        text_fmt(&value, "%s%s%s", tree_kind(tree)->words, tree->label[0] ? " " : "", tree->label);
        fact_name(o, text_of(&key), text_of(&value), strlen(text_of(&value)));
    }
}

static bool is_encrypted(const bfc_container_info *info)
{
    return info->passwords + info->key_files + info->recipients > 0;
}

static void container_json(struct cli *cli, const char *path, const bfc_container_info *info,
                           const struct trees *trees)
{
    char uuid[37];
    json_t *document = json_document("bfc.info/1");

    uuid_text(uuid, info->uuid);
    json_put_str(document, "file", path);
    json_put_str(document, "uuid", uuid);
    json_put_u64(document, "size", info->file_size);
    json_put_u64(document, "torn_bytes", info->torn_bytes);
    if (info->compression)
        json_put_str(document, "compression", info->compression);
    json_put_str(document, "encryption", info->encryption);
    if (is_encrypted(info)) {
        json_put_u64(document, "passwords", info->passwords);
        json_put_u64(document, "key_files", info->key_files);
        json_put_u64(document, "recipients", info->recipients);
    }
    json_put_bool(document, "last", info->last);
    json_put(document, "commit", commit_json(&info->commit));
    if (trees->count > 1)
        json_put(document, "trees", trees_json(trees));
    json_print(&cli->out, document);
}

static void key_facts(struct out *o, const bfc_container_info *info)
{
    const struct {
        unsigned count;
        const char *name;
    } kinds[] = {{info->passwords, "password"},
                 {info->key_files, "key file"},
                 {info->recipients, "recipient"}};
    AUTO_TEXT struct text t = {0};

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].count > 0)
            text_fmt(&t, "%s%u %s%s", t.len > 0 ? ", " : "", kinds[i].count, kinds[i].name,
                     kinds[i].count == 1 ? "" : "s");
    fact(o, "opens with", "%s", text_of(&t));
}

static void container_facts(struct out *o, const char *path, const bfc_container_info *info,
                            const struct trees *trees)
{
    const bfc_commit_info *c = &info->commit;
    char uuid[37];
    AUTO_TEXT struct text counts = {0};

    uuid_text(uuid, info->uuid);
    commit_counts(&counts, c);
    fact_name(o, "file", path, strlen(path));
    fact(o, "uuid", "%s", uuid);
    fact_size(o, "size", info->file_size);
    fact(o, "commit", "%" PRIu64 "%s", c->seq, info->last ? "" : " (not the last)");
    fact_time(o, "time", c->time, c->time_ns);
    fact_hex(o, "root digest", c->root_digest, sizeof c->root_digest);
    if (c->hidden) {
        fact(o, "entries", "not known without a key");
    } else {
        fact(o, "entries", "%s", text_of(&counts));
        fact_size(o, "content", c->content_bytes);
        fact_size(o, "data stored", c->data_stored);
        fact(o, "compression", "%s", info->compression);
    }
    fact(o, "encryption", "%s", info->encryption);
    if (is_encrypted(info))
        key_facts(o, info);
    if (info->torn_bytes)
        fact(o, "torn tail", "%" PRIu64 " bytes behind the last whole commit; see bfc recover",
             info->torn_bytes);
    if (trees->count > 1)
        tree_facts(o, trees);
}

static void print_container(struct cli *cli, const char *path, const bfc_container_info *info,
                            const struct trees *trees)
{
    if (cli->json)
        container_json(cli, path, info, trees);
    else
        container_facts(&cli->out, path, info, trees);
}

/* Of an encrypted container, when no key was named. */
static bool show_from_outside(struct cli *cli, const struct args *args)
{
    bfc_container_info info;
    const struct trees none = {NULL, 0};

    if (args->count > 1 || keys_are_named(args) ||
        bfc_container_peek(args->operands[0], args_value(args, OPT_AT), &info, NULL) < 0 ||
        !is_encrypted(&info))
        return false;
    print_container(cli, args->operands[0], &info, &none);
    return true;
}

static int show_container(struct cli *cli, bfc_reader *r, const char *path)
{
    bfc_container_info info;
    AUTO_FREE bfc_tree_info *item = NULL;
    struct trees trees = {NULL, 0};
    bfc_err err = BFC_ERR_INIT;

    if (bfc_reader_info(r, &info, &err) < 0 || bfc_reader_trees(r, &item, &trees.count, &err) < 0)
        return cli_fail(cli, &err);
    trees.item = item;
    print_container(cli, path, &info, &trees);
    return EXIT_DONE;
}

/* ── An entry ── */

static void entry_document(struct cli *cli, const bfc_entry *e, const bfc_xattrs *xattrs)
{
    json_t *document = json_document("bfc.entry/1");
    json_t *list = json_array();
    if (!list)
        mem_out();

    json_put(document, "entry", entry_json(e));
    for (size_t i = 0; xattrs && i < xattrs->count; i++) {
        const bfc_xattr *x = &xattrs->item[i];
        json_t *one = json_new();
        json_put_str(one, "name", x->name);
        json_put_hex(one, "value_hex", x->value, x->value_len);
        json_push(list, one);
    }
    json_put(document, "xattrs", list);
    json_print(&cli->out, document);
}

static void file_facts(struct out *o, const bfc_entry *e)
{
    fact_size(o, "size", e->size);
    if (e->data_size < e->size) {
        fact_size(o, "data", e->data_size);
        fact_size(o, "holes", e->size - e->data_size);
    }
    fact(o, "crc32c", "%08" PRIx32, e->crc32c);
    fact_hex(o, e->data_size < e->size ? "digest" : "sha256", e->digest, sizeof e->digest);
}

/* Values that are printable text as they are, others in hexadecimal, as getfattr does. */
static void xattr_fact(struct out *o, const bfc_xattr *x)
{
    const char *value = (const char *)x->value;
    size_t name_len = strlen(x->name);
    bool text = x->value_len > 0;

    for (size_t i = 0; i < x->value_len && text; i++)
        text = x->value[i] >= 0x20 && x->value[i] < 0x7f;
    out_str(o, "xattr:          ");
    out_name(o, x->name, name_len);
    out_str(o, "=");
    if (text) {
        out_fmt(o, "\"%.*s\"\n", (int)x->value_len, value);
        return;
    }
    AUTO_FREE char *hex = mem_alloc(2 * x->value_len + 1, 1);
    text_hex(hex, x->value, x->value_len);
    out_fmt(o, "%s%s\n", x->value_len ? "0x" : "\"\"", hex);
}

static void entry_facts(struct out *o, const bfc_entry *e, const bfc_xattrs *xattrs)
{
    char mode[MODE_TEXT_MAX];

    entry_mode(mode, e->type, e->mode);
    fact_name(o, "path", e->path_len ? e->path : "/", e->path_len ? e->path_len : 1);
    fact(o, "type", "%s", entry_type_name(e->type));
    if (e->synthetic)
        fact(o, "attributes", "not recorded");
    fact(o, "mode", "%04" PRIo32 " (%s)", e->mode, mode);
    fact(o, "owner", "%" PRIu32 ":%" PRIu32, e->uid, e->gid);
    fact_time(o, "mtime", e->mtime, e->mtime_ns);
    fact(o, "inode", "%" PRIu64, e->ino);
    fact(o, "names", "%" PRIu64, e->nlink);
    if (e->type == BFC_TYPE_FILE)
        file_facts(o, e);
    if (e->type == BFC_TYPE_CHAR || e->type == BFC_TYPE_BLOCK)
        fact(o, "device", "%" PRIu32 ", %" PRIu32, e->major, e->minor);
    if (e->link)
        fact_name(o, "target", e->link, e->link_len);
    for (size_t i = 0; xattrs && i < xattrs->count; i++)
        xattr_fact(o, &xattrs->item[i]);
}

static int show_entry(struct cli *cli, bfc_reader *r, const char *path)
{
    AUTO(bfc_xattrs) bfc_xattrs *xattrs = NULL;
    bfc_err err = BFC_ERR_INIT;
    bfc_entry e;

    /* The entry is valid until the next call: its attributes are read first, by a look-up of their
     * own. */
    if (bfc_reader_stat(r, path, &e, &err) < 0 ||
        (e.has_xattrs && (bfc_reader_xattrs(r, e.ino, &xattrs, &err) < 0 ||
                          bfc_reader_stat(r, path, &e, &err) < 0)))
        return cli_fail(cli, &err);
    if (cli->json)
        entry_document(cli, &e, xattrs);
    else
        entry_facts(&cli->out, &e, xattrs);
    return EXIT_DONE;
}

static int run(struct cli *cli, const struct args *args)
{
    AUTO(bfc_reader) bfc_reader *r = NULL;

    if (show_from_outside(cli, args))
        return EXIT_DONE;
    int code = cli_open_reader(cli, args->operands[0], args, &r);
    if (code != EXIT_DONE)
        return code;
    return args->count > 1 ? show_entry(cli, r, args->operands[1])
                           : show_container(cli, r, args->operands[0]);
}

static const struct example examples[] = {
    {"bfc info app.bfc", "Size, last commit, root digest, numbers of entries."},
    {"bfc info app.bfc usr/bin/ping", "One entry with its digest and its extended attributes."},
    {"bfc info --json app.bfc | jq -r .commit.root_digest", "The root digest, for a program."},
    {0},
};

const struct command cmd_info = {
    .name = "info",
    .summary = "Tells the facts of a container, or of one entry of it",
    .text =
        "Without PATH: the container's UUID and size, the commit that is looked at with its time "
        "and root digest, how many entries it has, and how much content is stored in how many "
        "bytes. The root digest pins every byte that a reader of the commit can reach. Where there "
        "are several trees, as in a container of an image with layers, each is told with its "
        "number, its kind and its label.\n\n"
        "With PATH: all attributes of the entry: type, mode, owner, time, the number of names its "
        "inode has (in the tree where it has most), size and holes, checksum and digest of its "
        "content, device numbers, link "
        "target, extended attributes. Printable values of these are quoted, others stand in "
        "hexadecimal. The digest of a file with holes is not the SHA-256 of its bytes; it is then "
        "called `digest` and not `sha256`.\n\n"
        "Of an encrypted container, without a key, its size, its commit and how many keys of each "
        "kind open it are told. With PATH a key is needed. " TEXT_KEYS_NAMED "\n\n"
        "Only what is asked for is read: this takes milliseconds, however large the container is.",
    .options = options,
    .operands = operands,
    .examples = examples,
    .see = "bfc-list bfc-log bfc-verify",
    .run = run,
};
