/* SPDX-License-Identifier: Apache-2.0 */
/* bfc image config: shows an image's configuration as it is stored, or changes it. */
#include <string.h>

#include "change_options.h"
#include "key_options.h"

static const struct operand operands[] = {
    {"NAME", VALUE_IMAGE, false, false, NULL},
    {0},
};

static const struct option options[] = {
    {OPT_MANIFEST, 0, "manifest", NULL, VALUE_WORD, NULL,
     "print the manifest in place of the configuration"},
    {OPT_ENTRYPOINT, 0, "entrypoint", "WORD", VALUE_WORD, NULL,
     "what is run: a JSON array, or one word each time it is given; empty: none. Without `--cmd` "
     "it takes the command away"},
    {OPT_CMD, 0, "cmd", "WORD", VALUE_WORD, NULL,
     "its arguments, or what is run where there is no entrypoint: likewise"},
    {OPT_ENV, 0, "env", "KEY=VALUE", VALUE_WORD, NULL,
     "set a variable; KEY alone takes it away; may be given several times"},
    {OPT_LABEL, 0, "label", "KEY=VALUE", VALUE_WORD, NULL,
     "set a label; KEY alone takes it away; may be given several times"},
    {OPT_USER, 0, "user", "USER[:GROUP]", VALUE_WORD, NULL,
     "who runs it: names or numbers; empty: root"},
    {OPT_WORKDIR, 0, "workdir", "PATH", VALUE_WORD, NULL, "where it is run; empty: in the root"},
    {OPT_VOLUME, 0, "volume", "PATH", VALUE_WORD, NULL, "add a volume; may be given several times"},
    {OPT_PORT, 0, "port", "PORT[/PROTO]", VALUE_WORD, NULL,
     "add an exposed port, such as 80 or 53/udp; may be given several times"},
    {OPT_STOP_SIGNAL, 0, "stop-signal", "SIGNAL", VALUE_WORD, NULL,
     "the signal that ends it, such as SIGTERM"},
    OPTIONS_OF_HISTORY,
    OPTIONS_OF_RESULT,
    OPTION_REPRODUCIBLE,
    OPTIONS_OF_KEYS,
    {0},
};

static bool any_of(const struct args *args, const enum option_id *ids, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (args_has(args, ids[i]))
            return true;
    return false;
}

/* ── Printing ── */

static int print_json(struct cli *cli, const char *name, const char *what, json_t *document)
{
    AUTO_TEXT struct text schema = {0};
    if (!document) /* deeper, or with larger numbers, than jansson has them */
        return cli_error(cli, BFC_E_UNSUPPORTED,
                         "image '%s': its %s cannot be part of another document; without --json "
                         "it is printed as it is",
                         name, what);
    text_fmt(&schema, "bfc.image.%s/1", what);
    json_t *answer = json_document(text_of(&schema));
    json_put_str(answer, "name", name);
    json_put(answer, what, document);
    json_print(&cli->out, answer);
    return EXIT_DONE;
}

static int print_document(struct cli *cli, bfc_store *store, const char *name, bool manifest)
{
    AUTO_FREE uint8_t *bytes = NULL;
    size_t len = 0;
    bfc_err err = BFC_ERR_INIT;

    if (bfc_image_document_get(store, name, manifest, &bytes, &len, &err) < 0)
        return cli_fail(cli, &err);
    if (!cli->json && !cli->out.terminal) {
        out_bytes(&cli->out, bytes, len);
        return EXIT_DONE;
    }
    json_t *document = json_loadb((const char *)bytes, len, JSON_ALLOW_NUL, NULL);
    if (cli->json)
        return print_json(cli, name, manifest ? "manifest" : "config", document);
    if (document) {
        json_print(&cli->out, document);
    } else {
        out_name(&cli->out, (const char *)bytes, len);
        out_str(&cli->out, "\n");
    }
    return EXIT_DONE;
}

/* ── Changing ── */

struct edit {
    bfc_image_config_edit edit;
    const char **entrypoint, **cmd, **env, **labels, **volumes, **ports;
    json_t *entrypoint_json, *cmd_json; /* own the words of a JSON array */
};

static void edit_free(struct edit *e)
{
    free(e->entrypoint);
    free(e->cmd);
    free(e->env);
    free(e->labels);
    free(e->volumes);
    free(e->ports);
    json_decref(e->entrypoint_json);
    json_decref(e->cmd_json);
}
#define AUTO_EDIT __attribute__((cleanup(edit_free)))

static bool looks_like_array(const char *value)
{
    size_t len = strlen(value);
    return len > 1 && value[0] == '[' && value[len - 1] == ']';
}

/* The words of a JSON array of strings, in memory of *json; NULL if it is none. */
static const char **array_words(const char *value, json_t **json)
{
    *json = json_loads(value, 0, NULL);
    if (!json_is_array(*json))
        return NULL;
    AUTO_FREE const char **words = mem_alloc(json_array_size(*json) + 1, sizeof *words);
    for (size_t i = 0; i < json_array_size(*json); i++)
        if (!(words[i] = json_string_value(json_array_get(*json, i))))
            return NULL;
    const char **result = words;
    words = NULL;
    return result;
}

/* A JSON array; or words, one each time the option is given; or nothing, which takes it away. */
static int read_words(struct cli *cli, const struct args *args, enum option_id id,
                      const char *option, const char ***out, json_t **json)
{
    const char **words = *out = args_values(args, id);
    size_t count = args_times(args, id);
    if (count == 1 && !words[0][0])
        words[0] = NULL;
    for (size_t i = 0; i < count && words[i]; i++) {
        if (!looks_like_array(words[i]))
            continue;
        if (count > 1)
            return cli_usage(cli, "%s: a JSON array is all of it; it stands alone", option);
        *out = array_words(words[i], json);
        AUTO_TEXT struct text shown = {0};
        text_escaped(&shown, words[i], strlen(words[i]), ESCAPE_QUOTED);
        free(words);
        return *out ? EXIT_DONE
                    : cli_usage(cli, "%s '%s': a JSON array of strings is needed, or a word",
                                option, text_of(&shown));
    }
    return EXIT_DONE;
}

static int read_edit(struct cli *cli, const struct args *args, struct edit *e)
{
    int code =
        read_words(cli, args, OPT_ENTRYPOINT, "--entrypoint", &e->entrypoint, &e->entrypoint_json);
    if (code == EXIT_DONE)
        code = read_words(cli, args, OPT_CMD, "--cmd", &e->cmd, &e->cmd_json);
    if (code != EXIT_DONE)
        return code;
    e->env = args_values(args, OPT_ENV);
    e->labels = args_values(args, OPT_LABEL);
    e->volumes = args_values(args, OPT_VOLUME);
    e->ports = args_values(args, OPT_PORT);
    e->edit = (bfc_image_config_edit){
        .size = sizeof e->edit,
        .user = args_value(args, OPT_USER),
        .working_dir = args_value(args, OPT_WORKDIR),
        .stop_signal = args_value(args, OPT_STOP_SIGNAL),
        .entrypoint = e->entrypoint,
        .cmd = e->cmd,
        .env = e->env,
        .labels = e->labels,
        .volumes = e->volumes,
        .ports = e->ports,
    };
    return EXIT_DONE;
}

static int change(struct cli *cli, const struct args *args)
{
    AUTO_WRITE_OPTIONS struct write_options write = {0};
    AUTO_EDIT struct edit edit = {0};
    AUTO(bfc_store) bfc_store *store = NULL;
    AUTO(bfc_image_info) bfc_image_info *info = NULL;
    bfc_image_commit_options how;
    bfc_err err = BFC_ERR_INIT;

    int code = read_edit(cli, args, &edit);
    if (code == EXIT_DONE)
        code = change_options_read(cli, args, &write, &how);
    if (code == EXIT_DONE)
        code = cli_open_store_keys(cli, args, true, &store);
    if (code != EXIT_DONE)
        return code;
    int rc = bfc_image_config_set(store, args->operands[0], &edit.edit, &how, &info, &err);
    return change_report(cli, "bfc.image.config-edit/1", rc, info, &err);
}

static int run(struct cli *cli, const struct args *args)
{
    static const enum option_id edits[] = {OPT_ENTRYPOINT, OPT_CMD,  OPT_ENV,
                                           OPT_LABEL,      OPT_USER, OPT_WORKDIR,
                                           OPT_VOLUME,     OPT_PORT, OPT_STOP_SIGNAL};
    static const enum option_id of_edits[] = {OPT_MESSAGE, OPT_AUTHOR, OPT_AS, OPT_FORCE,
                                              OPT_REPRODUCIBLE};
    AUTO(bfc_store) bfc_store *store = NULL;
    bool editing = any_of(args, edits, ARRAY_LEN(edits));

    if (editing && args_has(args, OPT_MANIFEST))
        return cli_usage(cli, "--manifest prints; it cannot stand with what changes the "
                              "configuration");
    if (editing)
        return change(cli, args);
    if (any_of(args, of_edits, ARRAY_LEN(of_edits)))
        return cli_usage(cli, "what is to be changed? Give --cmd, --env or another of its options");
    int code = cli_open_store_keys(cli, args, true, &store);
    return code == EXIT_DONE
               ? print_document(cli, store, args->operands[0], args_has(args, OPT_MANIFEST))
               : code;
}

static const struct example examples[] = {
    {"bfc image config nginx:1.25 | sha256sum", "The image's ID."},
    {"bfc image config --manifest nginx:1.25", "The manifest."},
    {"bfc image config --cmd '[\"nginx\", \"-g\", \"daemon off;\"]' --env TZ=UTC nginx:1.25",
     "Sets the command and a variable."},
    {"bfc image config --entrypoint /bin/server --cmd=-v --cmd=8080 --as app:2 app:1",
     "The same in words, in a new image: /bin/server -v 8080 is run."},
    {"bfc image config --env DEBUG --label stage=live -m 'for the shop' app",
     "Takes a variable away and sets a label."},
    {0},
};

const struct command cmd_image_config = {
    .name = "config",
    .summary = "Shows or changes the configuration of an image",
    .text =
        "Without options the configuration is printed as it is stored, byte for byte; on a "
        "terminal it is laid out to be read. With `--json` it is a member of a document. An image "
        "that was created from a directory has none; `bfc image squash` makes one.\n\n"
        "With options the configuration is changed, and the history gets an entry that says so. "
        "What is not named stays as it is, also what this program does not know. The content is "
        "shared with the image as it was.\n\n"
        "`--cmd` and `--entrypoint` take a JSON array of strings, such as '[\"ls\", \"-l\"]', or "
        "one word each time they are given. There is no shell, and a word is not split: "
        "`--cmd 'ls -l'` is a program of that name. A value that begins with `[` and ends with `]` "
        "is taken for an array. An empty value, or an empty array, takes away what is there."
        "\n\nWhat comes of an encrypted image is encrypted too, and the same keys open "
        "it. " TEXT_KEYS,
    .options = options,
    .operands = operands,
    .examples = examples,
    .exits = "1 also when NEWNAME is taken and `--force` was not given. 4 also when the image has "
             "no configuration. 6 when another program is changing the image.",
    .see = "bfc-image-info bfc-image-layers bfc-image-bundle",
    .run = run,
};
