/* SPDX-License-Identifier: Apache-2.0 */
/* Digests in words. Anything but sha256 in its one spelling is refused, so that equal digests are
 * equal texts. */
#include "oci/digest.h"

static const char prefix[] = "sha256:";

enum {
    PREFIX_LEN = sizeof prefix - 1
};

/* The algorithm of a digest: lower-case letters and digits, with separators between them. */
static size_t algorithm_len(const char *text)
{
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789+._-");

    return text[len] == ':' ? len : 0;
}

int bfci_digest_parse(const char *text, bfci_digest *out, bfc_err *err)
{
    bfci_digest d;
    size_t algorithm = algorithm_len(text);

    if (algorithm > 0 && strncmp(text, prefix, PREFIX_LEN) != 0)
        return bfci_fail(err, BFC_E_UNSUPPORTED, "digest '%s': the algorithm is not sha256",
                         BFCI_QUOTE_STR(text));
    bool ok = algorithm > 0 && bfci_unhex(text + PREFIX_LEN, d.bytes, sizeof d.bytes);
    if (!ok)
        return bfci_fail(err, BFC_E_CORRUPT,
                         "'%s' is no digest: 'sha256:' and 64 lower-case hexadecimal digits were "
                         "expected",
                         BFCI_QUOTE_STR(text));
    *out = d;
    return 0;
}

void bfci_digest_text(const bfci_digest *d, char out[DIGEST_TEXT_SIZE])
{
    memcpy(out, prefix, PREFIX_LEN);
    bfci_hex(d->bytes, sizeof d->bytes, out + PREFIX_LEN);
}

bool bfci_digest_equal(const bfci_digest *a, const bfci_digest *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}
