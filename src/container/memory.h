/* SPDX-License-Identifier: Apache-2.0 */
/* How much memory the parts of a commit may take: what does not fit is written earlier, sorted in
 * a temporary file, or, of contents that were stored already, forgotten and stored again. */
#ifndef BFCI_CONTAINER_MEMORY_H
#define BFCI_CONTAINER_MEMORY_H

#include "base/base.h"

typedef struct bfci_memory {
    size_t flight;         /* bytes of blocks that are compressed or written, raw and packed */
    unsigned flight_least; /* blocks of them that there are in any case */
    size_t bins;           /* bytes of open blocks; two of them there are at least */
    unsigned batches;      /* of small files that were read ahead, 1.5 MiB each */
    unsigned scouts;       /* folders, or parts of one, that are looked at ahead, 64 KiB each */
    unsigned streams;      /* large files that are read at a time, 6 MiB each */
    unsigned layers;       /* of an image that are read at a time, 10 MiB each */
    unsigned contents;     /* that are remembered, to be stored once; 72 bytes each */
    unsigned tables_shift; /* changes of tables get their budget shifted right by it */
} bfci_memory;

/* To inflate one and to hash it takes two fifths of all work on it, and the largest of an image is
 * often half of it: so more than four bring nothing, and with two threads all have work anyway. */
static inline unsigned bfci_layers_at_a_time(unsigned jobs)
{
    return MIN(MAX(jobs / 2, 1u), 4u);
}

/* Two threads have enough to do: there it takes 1 % longer to look ahead. */
static inline unsigned bfci_scouts_at_a_time(unsigned jobs)
{
    return jobs < 4 ? 0 : 2 * jobs;
}

/* `low`: a commit of any number of files stays below 64 MiB, with two threads, blocks of up to 256
 * KiB and levels of zstd up to 9.
 *
 * Otherwise each thread has work that waits for it, and no more: what is reused soon is still in
 * the processor's cache, and need not be had from the kernel first. */
static inline bfci_memory bfci_memory_of(bool low, unsigned jobs)
{
    const bfci_memory usual = {
        .flight = MAX(jobs, 2u) * ((size_t)2 << 20),
        .flight_least = jobs + 2,
        .bins = 32 << 20,
        .batches = jobs + 2,
        .scouts = bfci_scouts_at_a_time(jobs),
        .streams = MAX(jobs / 2, 2u),
        .layers = bfci_layers_at_a_time(jobs),
        .contents = 1 << 20,
    };
    const bfci_memory little = {
        .flight = 4 << 20,
        .flight_least = 3,
        .bins = 4 << 20,
        .batches = 3,
        .streams = 1,
        .layers = 1,
        .contents = 1 << 17,
        .tables_shift = 2,
    };

    return low ? little : usual;
}

/* Blocks of 4 MiB, and a compressor's tables that go with them, take most of what there is: 256 MiB
 * with two threads (zstd's tables take 9 MiB a thread at level 3, 49 at 19, and 65 at 15, where 30
 * MiB more are needed). Two open blocks do, since files come in order; equal
 * contents mostly come close to each other. */
static inline bfci_memory bfci_memory_of_archive(unsigned jobs)
{
    return (bfci_memory){
        .flight = MAX(jobs, 2u) * ((size_t)8 << 20),
        .flight_least = jobs + 2,
        .bins = 8 << 20,
        .batches = jobs + 2,
        .scouts = bfci_scouts_at_a_time(jobs),
        .streams = MAX(jobs / 2, 2u),
        .layers = bfci_layers_at_a_time(jobs),
        .contents = 1 << 18,
        .tables_shift = 1,
    };
}

#endif
