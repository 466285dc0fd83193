/* SPDX-License-Identifier: Apache-2.0 */
/* The inside of a bfc_trust, and looking for a signature that is believed. */
#ifndef BFCI_CONTAINER_TRUST_H
#define BFCI_CONTAINER_TRUST_H

#include <bfc/sign.h>

#include "container/source.h"
#include "format/signature.h"

typedef struct bfci_signer {
    uint8_t key[BFC_SIGNER_SIZE];
    char *name;  /* "": none */
    size_t line; /* of the trust file that is being read; 0: of elsewhere */
} bfci_signer;

struct bfc_trust {
    bfci_signer *signer;
    size_t signer_count, signer_cap;
    bfc_signature *beside; /* signatures that stand beside what they sign */
    size_t beside_count, beside_cap;
};

BFCI_DEFINE_AUTO(bfc_trust, bfc_trust_free)

/* The texts of the two kinds of files; on failure `trust` is as it was. */
int bfci_trust_parse(bfc_trust *trust, const char *text, size_t len, bfc_err *err);
int bfci_trust_parse_signatures(bfc_trust *trust, const char *text, size_t len, bfc_err *err);

/* A signature over `root_digest` by somebody who is believed, in the container or beside it; as
 * bfc_reader_check_signature(). `newest` looks at the container's last commit, which has the
 * signatures of all that came before it. */
int bfci_trust_check(const bfc_trust *trust, const bfci_source *newest,
                     const uint8_t root_digest[BFC_DIGEST_SIZE], bfc_signature *by, bfc_err *err);

/* The signature of `signer` over `root_digest` that stands in the container, valid or not. */
int bfci_signature_find(const bfci_source *newest, const uint8_t root_digest[BFC_DIGEST_SIZE],
                        const uint8_t signer[BFC_SIGNER_SIZE], bool *found, bfc_signature *out,
                        bfc_err *err);

#endif
