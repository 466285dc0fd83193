/* SPDX-License-Identifier: Apache-2.0 */
/* One step back in the chain of commit records. */
#include "container/chain.h"

#include <inttypes.h>

#include "codec/digest.h"
#include "sys/file.h"

int bfci_chain_previous(int fd, const bfci_super *super, const bfci_commit *c,
                        uint8_t record[COMMIT_SIZE], bfci_commit *out, bfc_err *err)
{
    uint8_t digest[BFC_DIGEST_SIZE];
    bfci_commit previous;

    if (c->previous == 0)
        return bfci_fail(err, BFC_E_NOT_FOUND, "there is no commit before the first");
    BFC_TRY(bfci_pread_exact(fd, record, COMMIT_SIZE, c->previous, err));
    BFC_TRY(bfci_commit_decode(record, c->previous, super, &previous, err));
    BFC_TRY(bfci_sha256(record, COMMIT_SIZE, digest, err));
    if (previous.seq + 1 != c->seq || memcmp(digest, c->previous_digest, sizeof digest) != 0)
        return bfci_fail_at(err, BFC_E_CORRUPT, c->previous,
                            "not the commit that commit %" PRIu64 " follows", c->seq);
    *out = previous;
    return 0;
}
