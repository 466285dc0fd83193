/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for secrets, and comparing without telling where two secrets differ; by libsodium. Random
 * bytes are the kernel's: bfci_random(). */
#ifndef BFCI_CODEC_SECRET_H
#define BFCI_CODEC_SECRET_H

#include "sys/clock.h"

/* Every symmetric key, X25519 key and Ed25519 seed of the format has this size in bytes. */
#define BFCI_KEY_SIZE 32

/* To be called before anything else of libsodium but its SHA-256; by any thread, as often as
 * wanted.
 */
int bfci_sodium_start(bfc_err *err);

/* `size` zero bytes between guard pages, kept out of swap and of core dumps as far as the system
 * allows. It costs some pages and system calls: for keys, not for contents. */
int bfci_secret_new(size_t size, uint8_t **out, bfc_err *err);
void bfci_secret_free(uint8_t *secret); /* wipes; NULL is allowed */

static inline void bfci_cleanup_secret(uint8_t **secret)
{
    bfci_secret_free(*secret);
}
#define AUTO_SECRET __attribute__((cleanup(bfci_cleanup_secret)))

/* Zeros that no compiler takes for useless. */
void bfci_wipe(void *bytes, size_t len);
/* The time taken depends on len alone. */
bool bfci_same(const void *a, const void *b, size_t len);
#endif
