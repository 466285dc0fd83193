/* SPDX-License-Identifier: Apache-2.0 */
/* Key slots as JSON and as words. */
#ifndef CLI_KEY_VIEW_H
#define CLI_KEY_VIEW_H

#include "cli.h"

json_t *key_slots_json(const bfc_key_slot *slots, size_t count);
/* One line a slot below a line of titles. */
void key_slots_print(struct out *o, const bfc_key_slot *slots, size_t count);
/* "slot 3, a password" */
void key_slot_name(struct text *t, const bfc_key_slot *slot);

#endif
