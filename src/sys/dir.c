/* SPDX-License-Identifier: Apache-2.0 */
/* Listing a folder, made for a million names: names stand in one arena, each behind a byte with its
 * type, and are sorted in place by comparing a word's worth of bytes at a time. */
#include "sys/dir.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#include "base/buf.h"
#include "sys/retry.h"

enum {
    BATCH = 64 * 1024,
    SORT_SMALL = 12
};

/* The sort needs a key where the finished list has the type: both take the same room. */
typedef union sort_item {
    struct {
        const char *name;
        uintptr_t key; /* the next bytes of the name, first byte highest; 0 behind its end */
    } sort;
    bfci_dir_name done;
} sort_item;
_Static_assert(sizeof(sort_item) == sizeof(bfci_dir_name), "a list is sorted in place");

static uintptr_t key_at(const char *name, size_t depth)
{
    uintptr_t key = 0;
    const unsigned char *p = (const unsigned char *)name + depth;
    for (size_t i = 0; i < sizeof key; i++) {
        key = key << 8 | *p;
        p += *p != 0; /* stays on the NUL */
    }
    return key;
}

static void swap(sort_item *a, sort_item *b)
{
    sort_item kept = *a;
    *a = *b;
    *b = kept;
}

static bool before(const sort_item *a, const sort_item *b, size_t depth)
{
    if (a->sort.key != b->sort.key)
        return a->sort.key < b->sort.key;
    if ((a->sort.key & 0xff) == 0) /* both end in here */
        return false;
    depth += sizeof(uintptr_t);
    return strcmp(a->sort.name + depth, b->sort.name + depth) < 0;
}

static void sort_few(sort_item *item, size_t count, size_t depth)
{
    for (size_t i = 1; i < count; i++)
        for (size_t j = i; j > 0 && before(&item[j], &item[j - 1], depth); j--)
            swap(&item[j], &item[j - 1]);
}

/* A key from the middle of three places. Where they are nobody can foretell: an order of names that
 * is bad for every choice cannot be prepared. */
static uintptr_t choose_pivot(const sort_item *item, size_t count, uint64_t *random)
{
    uintptr_t key[3];
    for (size_t i = 0; i < 3; i++) {
        *random = *random * 0x5851f42d4c957f2du + 0x14057b7ef767814fu;
        key[i] = item[(*random >> 32) % count].sort.key;
    }
    uintptr_t low = MIN(key[0], key[1]), high = MAX(key[0], key[1]);
    return MIN(MAX(low, key[2]), high);
}

typedef struct span {
    sort_item *item;
    size_t count, depth;
} span;

/* Splits into less, equal, more than a pivot; the equal ones are then compared by their next bytes.
 */
static void split(span all, uint64_t *random, span part[3])
{
    uintptr_t pivot = choose_pivot(all.item, all.count, random);
    size_t less = 0, more = all.count;
    for (size_t i = 0; i < more;) {
        uintptr_t key = all.item[i].sort.key;
        if (key < pivot)
            swap(&all.item[i++], &all.item[less++]);
        else if (key > pivot)
            swap(&all.item[i], &all.item[--more]);
        else
            i++;
    }
    part[0] = (span){all.item, less, all.depth};
    part[1] = (span){all.item + less, more - less, all.depth + sizeof(uintptr_t)};
    part[2] = (span){all.item + more, all.count - more, all.depth};
    if ((pivot & 0xff) == 0) /* the names end here: they are the same */
        part[1].count = 0;
    for (size_t i = 0; i < part[1].count; i++)
        part[1].item[i].sort.key = key_at(part[1].item[i].sort.name, part[1].depth);
}

/* The largest part is gone on with, the others have at most half the items: recursion is shallow.
 */
static void sort_names(span all, uint64_t *random)
{
    while (all.count > SORT_SMALL) {
        span part[3];
        split(all, random, part);
        size_t largest = 0;
        for (size_t i = 1; i < 3; i++)
            if (part[i].count > part[largest].count)
                largest = i;
        for (size_t i = 0; i < 3; i++)
            if (i != largest)
                sort_names(part[i], random);
        all = part[largest];
    }
    sort_few(all.item, all.count, all.depth);
}

static bool is_dots(const char *name)
{
    return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

/* Appends all names to the arena, each as type, name, NUL. */
static int read_names(int dir_fd, buf *arena, size_t *count, bfc_err *err)
{
    AUTO_FREE char *batch = NULL;
    BFC_TRY(bfci_alloc(BATCH, 1, &batch, err));
    for (;;) {
        ssize_t n;
        BFCI_RETRY(n, getdents64(dir_fd, batch, BATCH));
        if (n < 0)
            return bfci_fail_errno(err, errno, "read the folder");
        if (n == 0)
            return buf_check(arena, err);
        for (ssize_t at = 0; at < n;) {
            const struct dirent64 *entry = (const struct dirent64 *)(const void *)(batch + at);
            at += entry->d_reclen;
            if (is_dots(entry->d_name))
                continue;
            buf_u8(arena, entry->d_type);
            bfci_buf_put(arena, entry->d_name, strlen(entry->d_name) + 1);
            ++*count;
        }
    }
}

int bfci_dir_read(int dir_fd, bfci_dir_list *out, bfc_err *err)
{
    AUTO_BUF buf arena = BUF_INIT;
    AUTO_FREE sort_item *item = NULL;
    size_t count = 0;

    BFC_TRY(read_names(dir_fd, &arena, &count, err));
    BFC_TRY(bfci_alloc(count, sizeof *item, &item, err));
    const char *name = (const char *)arena.data;
    for (size_t i = 0; i < count; i++) {
        name++; /* the type */
        item[i].sort.name = name;
        item[i].sort.key = key_at(name, 0);
        name += strlen(name) + 1;
    }
    uint64_t random = (uint64_t)(uintptr_t)item ^ (uint64_t)(uintptr_t)arena.data << 16;
    sort_names((span){item, count, 0}, &random);
    for (size_t i = 0; i < count; i++) {
        name = item[i].sort.name;
        item[i].done = (bfci_dir_name){name, (unsigned char)name[-1]};
    }
    out->count = count;
    out->item = (bfci_dir_name *)bfci_steal(&item);
    out->store = bfci_steal(&arena.data);
    return 0;
}

void bfci_dir_list_release(bfci_dir_list *list)
{
    free(list->item);
    free(list->store);
    *list = (bfci_dir_list)BFCI_DIR_LIST_INIT;
}
