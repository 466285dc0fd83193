/* SPDX-License-Identifier: Apache-2.0 */
/* "key: value" blocks for people: keys padded so that the values stand in one column. */
#ifndef CLI_FACTS_H
#define CLI_FACTS_H

#include "out.h"

void fact(struct out *o, const char *key, const char *fmt, ...) CLI_PRINTF(3, 4);
/* "12345678 (11.8 MiB)" */
void fact_size(struct out *o, const char *key, uint64_t bytes);
void fact_hex(struct out *o, const char *key, const uint8_t *bytes, size_t len);
/* "2026-11-23 22:30:01.5 UTC" */
void fact_time(struct out *o, const char *key, int64_t seconds, uint32_t ns);
/* Bytes from a container, escaped on a terminal. */
void fact_name(struct out *o, const char *key, const char *name, size_t len);

#endif
