/* SPDX-License-Identifier: Apache-2.0 */
/* bfc image inspect. */
#include <inttypes.h>
#include <string.h>

#include "facts.h"
#include "registry_options.h"

static const struct operand operands[] = {
    {"REF", VALUE_IMAGE, false, false, NULL},
    {0},
};

static const struct option options[] = {
    {OPT_PLATFORM, 0, "platform", "OS/ARCH", VALUE_WORD, NULL,
     "which image of an index is looked at; default: this machine's"},
    {OPT_REFERRERS, 0, "referrers", NULL, VALUE_WORD, NULL,
     "list what refers to it, too: signatures, lists of components"},
    OPTIONS_OF_REGISTRIES,
    {0},
};

static const char *text_in(json_t *o, const char *key)
{
    const char *text = json_string_value(json_object_get(o, key));

    return text ? text : "";
}

/* A stranger's words. */
static void fact_text(struct out *o, const char *label, json_t *from, const char *key)
{
    const char *text = text_in(from, key);

    if (*text)
        fact_name(o, label, text, strlen(text));
}

static void print_layers(struct out *o, json_t *manifest)
{
    json_t *layers = json_object_get(manifest, "layers");
    uint64_t sum = 0;
    json_t *layer;
    size_t i;

    json_array_foreach(layers, i, layer)
    {
        json_int_t size = json_integer_value(json_object_get(layer, "size"));
        sum += size > 0 ? (uint64_t)size : 0;
    }
    fact(o, "layers", "%zu", json_array_size(layers));
    fact_size(o, "compressed", sum);
}

static void print_words(struct out *o, json_t *document)
{
    json_t *referrers = json_object_get(document, "referrers");
    json_t *one;
    size_t i;

    fact_text(o, "name", document, "name");
    fact_text(o, "digest", document, "digest");
    fact_text(o, "type", document, "media_type");
    if (json_object_get(document, "index"))
        fact_text(o, "manifest", document, "manifest_digest");
    fact_text(o, "platform", document, "platform");
    fact_text(o, "created", json_object_get(document, "config"), "created");
    print_layers(o, json_object_get(document, "manifest"));
    json_array_foreach(referrers, i, one)
    {
        AUTO_TEXT struct text line = {0};
        text_fmt(&line, "%s %s", text_in(one, "digest"), text_in(one, "artifactType"));
        fact_name(o, "referrer", text_of(&line), line.len);
    }
}

static int print(struct cli *cli, const char *text, size_t len)
{
    json_t *answer = json_loadb(text, len, 0, NULL);

    if (!answer)
        mem_out();
    if (cli->json) {
        json_t *document = json_document("bfc.image.inspect/1");
        if (json_object_update(document, answer) < 0)
            mem_out();
        json_print(&cli->out, document);
    } else {
        print_words(&cli->out, answer);
    }
    json_decref(answer);
    return EXIT_DONE;
}

static int run(struct cli *cli, const struct args *args)
{
    bfc_registry_options how = BFC_REGISTRY_OPTIONS_INIT;
    bfc_err err = BFC_ERR_INIT;
    AUTO_FREE char *text = NULL;
    size_t len = 0;

    int code = registry_options_read(cli, args, &how);
    if (code != EXIT_DONE)
        return code;
    if (bfc_registry_inspect(args->operands[0], args_value(args, OPT_PLATFORM),
                             args_has(args, OPT_REFERRERS), &how, &text, &len, &err) < 0)
        return cli_fail(cli, &err);
    return print(cli, text, len);
}

static const struct example examples[] = {
    {"bfc image inspect docker.io/library/debian:12",
     "Digest, platform, and how much a pull brings."},
    {"bfc image inspect --json docker.io/library/debian:12 | jq .config.config",
     "What the image says of how it is run."},
    {0},
};

const struct command cmd_image_inspect = {
    .name = "inspect",
    .summary = "Looks at an image at a registry, without its layers",
    .text = "Tells the digest that REF has now, the platform, and the layers. With `--json` the "
            "manifest, the configuration and the index that they were chosen from stand in the "
            "members `manifest`, `config` and `index`, as they came; with `--referrers` what "
            "refers to them stands in `referrers`.\n\n"
            "Nothing is kept. What is in the store is told by `bfc image info`.",
    .options = options,
    .operands = operands,
    .examples = examples,
    .exits = EXITS_OF_REGISTRIES,
    .see = "bfc-image bfc-image-tags bfc-image-pull bfc-image-info bfc-image-layers",
    .run = run,
};
