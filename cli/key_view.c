/* SPDX-License-Identifier: Apache-2.0 */
/* Key slots as JSON and as words. */
#include "key_view.h"

#include <inttypes.h>
#include <stdio.h>

/* Types that a later library knows have a number only. */
static const char *type_name(enum bfc_slot_type type, bool json)
{
    switch (type) {
    case BFC_SLOT_PASSWORD:
        return "password";
    case BFC_SLOT_KEY_FILE:
        return json ? "key-file" : "key file";
    case BFC_SLOT_RECIPIENT:
        return "recipient";
    }
    return "other";
}

json_t *key_slots_json(const bfc_key_slot *slots, size_t count)
{
    json_t *list = json_array();
    if (!list)
        mem_out();
    for (size_t i = 0; i < count; i++) {
        const bfc_key_slot *slot = &slots[i];
        json_t *one = json_new();
        json_put_u64(one, "slot", slot->number);
        json_put_str(one, "type", type_name(slot->type, true));
        json_put_time(one, "time", slot->time, 0);
        if (slot->type == BFC_SLOT_PASSWORD) {
            json_put_u64(one, "passes", slot->passes);
            json_put_u64(one, "memory", (uint64_t)slot->memory_kib * 1024);
        }
        if (slot->type == BFC_SLOT_RECIPIENT)
            json_put_str(one, "recipient", slot->recipient);
        json_push(list, one);
    }
    return list;
}

void key_slots_print(struct out *o, const bfc_key_slot *slots, size_t count)
{
    out_fmt(o, "%4s  %-9s  %-19s  %s\n", "SLOT", "TYPE", "MADE (UTC)", "COST OR KEY");
    for (size_t i = 0; i < count; i++) {
        const bfc_key_slot *slot = &slots[i];
        char time[TIME_TEXT_MAX], memory[SIZE_TEXT_MAX];
        text_time(time, slot->time);
        text_size(memory, (uint64_t)slot->memory_kib * 1024);
        out_fmt(o, "%4u  %-9s  %-19s  ", slot->number, type_name(slot->type, false), time);
        if (slot->type == BFC_SLOT_PASSWORD)
            out_fmt(o, "%" PRIu32 " passes over %s\n", slot->passes, memory);
        else
            out_fmt(o, "%s\n", slot->type == BFC_SLOT_RECIPIENT ? slot->recipient : "-");
    }
}

void key_slot_name(struct text *t, const bfc_key_slot *slot)
{
    text_fmt(t, "slot %u, a %s", slot->number, type_name(slot->type, false));
}
