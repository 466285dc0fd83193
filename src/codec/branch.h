/* SPDX-License-Identifier: Apache-2.0 */
/* Branches of x86 code. A call says how far away its target is, so that calls of one function
 * differ from place to place; with the target's position in their stead they are alike, and
 * compress better. docs/format.md, section 4, says what is done to which bytes. */
#ifndef BFCI_CODEC_BRANCH_H
#define BFCI_CODEC_BRANCH_H

#include "base/base.h"

/* Both work in place, on any bytes; the second undoes the first. Of what the first was given, it
 * can also be given the start: then all is right but the last BFCI_BRANCH_TAIL bytes, which may
 * belong to a branch that was cut. */
#define BFCI_BRANCH_TAIL 4
void bfci_branches_to_positions(uint8_t *bytes, size_t len);
void bfci_branches_from_positions(uint8_t *bytes, size_t len);
bool bfci_is_elf(const uint8_t *head, size_t len);
/* Whether a file that begins so is code of such a machine (ELF, AMD64 or 80386). */
bool bfci_has_branches(const uint8_t *head, size_t len);

#endif
