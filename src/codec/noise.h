/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that no compressor makes smaller: contents that are compressed or encrypted already. To see
 * that takes a fifth of the time that trying does. */
#ifndef BFCI_CODEC_NOISE_H
#define BFCI_CODEC_NOISE_H

#include "base/base.h"

/* A block is stored as it is where compression would save less than a 64th. */
enum {
    BFCI_SAVING_SHIFT = 6
};

/* True where by all signs that is so: in no part are some values more frequent than others, nor
 * does what stood there once come again. Of some KiB it is never said: there it is cheap to try.
 * The same bytes give the same answer. */
bool bfci_is_noise(const uint8_t *bytes, size_t len);

#endif
