/* SPDX-License-Identifier: Apache-2.0 */
/* Values of options. Each function returns 0 and sets *out, or -1 with words for the user in
 * *problem. */
#ifndef CLI_VALUE_H
#define CLI_VALUE_H

#include <stdint.h>

#include <bfc/container.h>

#include "text.h"

int value_number(const char *s, const char *option, uint64_t min, uint64_t max, uint64_t *out,
                 struct text *problem);
/* "4096", "128K", "1M", "128KiB": powers of 1024 */
int value_size(const char *s, const char *option, uint64_t min, uint64_t max, uint64_t *out,
               struct text *problem);
/* One of some words with a blank between them: its place among them, from 0. */
int value_choice(const char *s, const char *option, const char *choices, int *out,
                 struct text *problem);
/* "auto", "none", "zstd", "zstd:9" */
int value_compression(const char *s, enum bfc_compression *out, int *level, struct text *problem);
/* 64 hexadecimal digits */
int value_digest(const char *s, uint8_t out[BFC_DIGEST_SIZE], struct text *problem);
/* SOURCE_DATE_EPOCH: seconds */
int value_epoch(const char *s, int64_t *out, struct text *problem);

#endif
