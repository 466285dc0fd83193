/* SPDX-License-Identifier: Apache-2.0 */
/* bfc key: the group. */
#include "cli.h"

static const struct command *const commands[] = {
    &cmd_key_generate, &cmd_key_public, &cmd_key_list, &cmd_key_add,
    &cmd_key_remove,   &cmd_key_rotate, NULL};

static const struct example examples[] = {
    {"bfc key generate -o me.key", "A key pair; its public half is printed, for others to use."},
    {"bfc create -e --recipient me.pub app.bfc rootfs", "For whoever has the secret key."},
    {"bfc key list app.bfc", "Who can open it."},
    {0},
};

static const struct section sections[] = {
    {"KEYS",
     "A container is encrypted under a random file key, which nobody types. The container keeps it "
     "in up to 20 key slots, each wrapped for one of these:\n\n"
     "A password. Trying one takes about a second and 256 MiB of memory, chosen for the machine "
     "that sets it (Argon2id), so that guessing is slow.\n\n"
     "A key file: exactly 32 random bytes, for machines (`head -c 32 /dev/urandom >FILE`).\n\n"
     "A recipient: the public half of a key pair, `bfc-recipient:…`. Who encrypts needs the public "
     "half alone, who reads the secret one, the identity.\n\n"
     "Adding and removing a key takes a moment: the file key stays the same, and the data is not "
     "touched. So whoever had a key and kept a copy of the container, or of the file key, can read "
     "what was in it then. A removed key also still opens the earlier commits of the same file, "
     "whose records hold its slot. `bfc key rotate` writes the container anew, under a new file "
     "key and without earlier commits; copies elsewhere stay what they are.\n\n"
     "A file with a secret should be readable by its owner alone; if others can read it, a warning "
     "says so. While the program holds keys it leaves no core dump, and they lie in locked memory "
     "as far as the limits allow (`ulimit -l`)."},
    {0},
};

const struct command cmd_key = {
    .name = "key",
    .summary = "Makes keys, and changes who can open a container",
    .text = "Key pairs for encrypting and for signing. Keys as text are one line; the first word "
            "says what it is: `bfc-identity:` and `bfc-signing-key:` are secret, `bfc-recipient:` "
            "and `bfc-signer:` public.",
    .commands = commands,
    .examples = examples,
    .sections = sections,
    .see = "bfc-create bfc-compact",
};
