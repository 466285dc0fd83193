/* SPDX-License-Identifier: Apache-2.0 */
/* Files with logins: what is asked of them has an answer, what is put in is found again, what is
 * taken out is not, and the text that is written reads as what it was. */
#include "fuzz.h"

#include "net/auth_file.h"

static void look_up(const bfci_auth_file *f, const char *name)
{
    AUTO_CREDENTIALS bfci_credentials c = BFCI_CREDENTIALS_INIT;
    const char *helper = NULL, *server = NULL;
    bool found = false;

    if (bfci_auth_file_find(f, name, &c, &found, NULL) == 0)
        FUZZ_CHECK(found == (c.username || c.identity_token));
    if (bfci_auth_file_helper(f, name, &helper, &server, NULL) == 0)
        FUZZ_CHECK(!helper || (helper[0] && server));
    (void)bfci_auth_file_store(f, &helper, NULL);
}

static void change(bfci_auth_file *f)
{
    AUTO_AUTH_FILE bfci_auth_file again = BFCI_AUTH_FILE_INIT;
    AUTO_CREDENTIALS bfci_credentials c = BFCI_CREDENTIALS_INIT;
    AUTO_SECRET uint8_t *text = NULL;
    size_t len = 0;
    bool found = false;

    FUZZ_CHECK(bfci_auth_file_set(f, "q.io/a", "name", "pass:word", NULL) == 0);
    FUZZ_CHECK(bfci_auth_file_text(f, &text, &len, NULL) == 0);
    FUZZ_CHECK(bfci_auth_file_parse(text, len, "again", false, &again, NULL) == 0);
    FUZZ_CHECK(json_equal(f->root, again.root));
    FUZZ_CHECK(bfci_auth_file_find(&again, "q.io/a/b", &c, &found, NULL) == 0 || !found);
    FUZZ_CHECK(bfci_auth_file_remove(&again, "q.io/a"));
    FUZZ_CHECK(!bfci_auth_file_remove(&again, "q.io/a"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    for (int old = 0; old < 2; old++) {
        AUTO_AUTH_FILE bfci_auth_file f = BFCI_AUTH_FILE_INIT;
        bfc_err err = BFC_ERR_INIT;
        if (bfci_auth_file_parse(data, size, "f", old, &f, &err) < 0) {
            FUZZ_CHECK(err.msg[0]);
            continue;
        }
        look_up(&f, "q.io/a/b");
        look_up(&f, "docker.io/library/alpine");
        look_up(&f, "h:1");
        if (!old)
            change(&f);
    }
    return 0;
}
