/* SPDX-License-Identifier: Apache-2.0 */
/* What a new password costs to try. Measured is the processor's time that one thread takes, not the
 * clock's: a machine that is busy just now must not make passwords weaker. */
#include <pthread.h>

#include "codec/kdf.h"
#include "container/keys.h"
#include "format/key_slot.h"
#include "sys/clock.h"

enum {
    MEMORY_LEAST = 64 << 10, /* KiB */
    MEMORY_MOST = 256 << 10,
    PASSES_LEAST = 3
};

static const uint64_t AIM_NS = 1000000000;

/* Argon2id's time goes with passes times memory, or is longer where the caches end. */
void bfci_cost_of(uint64_t measured_ns, uint32_t *passes, uint32_t *memory_kib)
{
    uint64_t work_ns = measured_ns / PASSES_LEAST; /* a pass over the least memory */
    uint32_t memory = MEMORY_MOST;

    *passes = PASSES_LEAST;
    *memory_kib = MEMORY_LEAST;
    if (work_ns == 0)
        return;
    while (memory > MEMORY_LEAST && work_ns * (memory / MEMORY_LEAST) * PASSES_LEAST > AIM_NS)
        memory /= 2;
    uint64_t fit = AIM_NS / (work_ns * (memory / MEMORY_LEAST));
    *passes = (uint32_t)MIN(MAX(fit, PASSES_LEAST), KEY_SLOT_PASSES_MAX);
    *memory_kib = memory;
}

static pthread_once_t measured = PTHREAD_ONCE_INIT;
static uint32_t chosen_passes, chosen_memory_kib;

static void measure(void)
{
    static const uint8_t salt[BFCI_ARGON2_SALT_SIZE];
    uint8_t key[BFCI_KEY_SIZE];
    uint64_t before = bfci_thread_cpu_ns(), spent = 0;

    if (bfci_argon2id(key, salt, sizeof salt, salt, PASSES_LEAST, MEMORY_LEAST, NULL) == 0)
        spent = bfci_thread_cpu_ns() - before;
    bfci_cost_of(spent, &chosen_passes, &chosen_memory_kib);
}

void bfci_cost_chosen(uint32_t *passes, uint32_t *memory_kib)
{
    (void)pthread_once(&measured, measure);
    *passes = chosen_passes;
    *memory_kib = chosen_memory_kib;
}
