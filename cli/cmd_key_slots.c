/* SPDX-License-Identifier: Apache-2.0 */
/* bfc key list, add and remove: who can open a container. */
#include "key_options.h"
#include "key_view.h"
#include "value.h"

static const struct operand file_operand[] = {
    {"FILE", VALUE_FILE, false, false, NULL},
    {0},
};

/* The slots as they are now; `schema` names the document. */
static int show_slots(struct cli *cli, const char *schema, const char *path, bool words)
{
    bfc_key_slot slots[BFC_KEY_SLOTS];
    size_t count = 0;
    bfc_err err = BFC_ERR_INIT;

    if (!cli->json && !words)
        return EXIT_DONE;
    if (bfc_key_slots(path, slots, &count, &err) < 0)
        return cli_fail(cli, &err);
    if (!cli->json) {
        key_slots_print(&cli->out, slots, count);
        return EXIT_DONE;
    }
    json_t *document = json_document(schema);
    json_put_str(document, "file", path);
    json_put(document, "slots", key_slots_json(slots, count));
    json_print(&cli->out, document);
    return EXIT_DONE;
}

/* ── list ── */

static int run_list(struct cli *cli, const struct args *args)
{
    return show_slots(cli, "bfc.key.list/1", args->operands[0], true);
}

static const struct example list_examples[] = {
    {"bfc key list app.bfc", "One line a key."},
    {0},
};

const struct command cmd_key_list = {
    .name = "list",
    .summary = "Lists the keys that open a container",
    .text = "For each key slot that is used: its number, its type, when it was made, and what it "
            "costs to try a password, or the recipient's public key. It is read without a key, and "
            "so is what anybody sees of the file, and what nobody vouches for.",
    .operands = file_operand,
    .examples = list_examples,
    .exits = "2 also when FILE is not encrypted.",
    .see = "bfc-key-add bfc-key-remove bfc-info",
    .run = run_list,
};

/* ── add ── */

static const struct option add_options[] = {
    OPTIONS_OF_NEW_KEYS,
    OPTIONS_OF_KEYS,
    {0},
};

static int run_add(struct cli *cli, const struct args *args)
{
    AUTO(bfc_keys) bfc_keys *added = NULL;
    bfc_err err = BFC_ERR_INIT;

    int code = key_options_read(cli, args);
    if (code == EXIT_DONE)
        code = new_key_options_read(cli, args, &added);
    if (code != EXIT_DONE)
        return code;
    if (bfc_key_add(args->operands[0], cli->keys, added, &err) < 0)
        return cli_fail(cli, &err);
    return show_slots(cli, "bfc.key.add/1", args->operands[0], false);
}

static const struct example add_examples[] = {
    {"bfc key add --recipient you.pub app.bfc",
     "Asks for the password that opens it, and lets the owner of you.pub open it too."},
    {"bfc key add --key-file key --new-password-file pw app.bfc", "The password in pw, too."},
    {0},
};

const struct command cmd_key_add = {
    .name = "add",
    .summary = "Lets one more key open a container",
    .text = "With a key that opens it, each key that is named gets a key slot, of which there are "
            "20. Where none is named a new password is asked for on the terminal, twice. It is one "
            "more commit, which touches no data: contents and root digest stay.\n\n" TEXT_KEYS,
    .options = add_options,
    .operands = file_operand,
    .examples = add_examples,
    .exits = "1 also when there is no free slot, or the recipient has one. 2 also when FILE is not "
             "encrypted.",
    .see = "bfc-key-list bfc-key-remove bfc-key-generate",
    .run = run_add,
};

/* ── remove ── */

static const struct option remove_options[] = {
    OPTIONS_OF_KEYS,
    {0},
};

static const struct operand remove_operands[] = {
    {"FILE", VALUE_FILE, false, false, NULL},
    {"SLOT", VALUE_WORD, false, true, NULL},
    {0},
};

static int read_numbers(struct cli *cli, const struct args *args, unsigned *numbers, size_t *count)
{
    AUTO_TEXT struct text problem = {0};

    if (args->count - 1 > BFC_KEY_SLOTS)
        return cli_usage(cli, "key remove: there are %d slots", BFC_KEY_SLOTS);
    for (size_t i = 1; i < args->count; i++) {
        uint64_t number = 0;
        if (value_number(args->operands[i], "SLOT", 0, BFC_KEY_SLOTS - 1, &number, &problem) < 0)
            return cli_usage(cli, "%s", text_of(&problem));
        numbers[i - 1] = (unsigned)number;
    }
    *count = args->count - 1;
    return EXIT_DONE;
}

static int run_remove(struct cli *cli, const struct args *args)
{
    unsigned numbers[BFC_KEY_SLOTS];
    size_t count = 0;
    bfc_err err = BFC_ERR_INIT;

    int code = read_numbers(cli, args, numbers, &count);
    if (code == EXIT_DONE)
        code = key_options_read(cli, args);
    if (code != EXIT_DONE)
        return code;
    if (bfc_key_remove(args->operands[0], cli->keys, numbers, count, &err) < 0)
        return cli_fail(cli, &err);
    cli_notice(cli, "%s",
               "what was removed still opens older copies of the file, and the earlier "
               "commits in it; bfc key rotate writes it anew under another file key");
    return show_slots(cli, "bfc.key.remove/1", args->operands[0], false);
}

static const struct example remove_examples[] = {
    {"bfc key remove --key-file key app.bfc 0", "The key in slot 0 opens it no more."},
    {0},
};

const struct command cmd_key_remove = {
    .name = "remove",
    .summary = "Takes keys of a container away",
    .text = "SLOT is a number that `bfc key list` tells. It is one more commit, which touches no "
            "data. The last key cannot be removed.\n\n"
            "This is for keys that are not used any more. It is no answer to a key that got into "
            "wrong hands: it still opens every older copy, and the earlier commits of this file, "
            "whose records have its slot, and so what is in them. Use `bfc key rotate` "
            "then.\n\n" TEXT_KEYS,
    .options = remove_options,
    .operands = remove_operands,
    .examples = remove_examples,
    .exits = "2 also when no key would be left, or FILE is not encrypted. 4 also when the slot is "
             "not used.",
    .see = "bfc-key-list bfc-key-rotate bfc-key-add",
    .run = run_remove,
};
