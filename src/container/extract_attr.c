/* SPDX-License-Identifier: Apache-2.0 */
/* Giving what was made its owner, mode, extended attributes and time, with no call more than needed
 * and in an order in which none undoes another: writing and chown drop setuid, setgid and
 * capabilities, so they come first; chmod changes an ACL's mask, so ACLs come after it; the time
 * comes last.
 *
 * A file never has setuid or setgid before it has its owner, nor without it. */
#include "container/extract.h"

#include <errno.h>
#include <unistd.h>

/* ── What an entry is to have ── */

void bfci_xset_unref(bfci_xset *s)
{
    if (s && atomic_fetch_sub(&s->refs, 1) == 1)
        free(s);
}

void bfci_xmeta_release(bfci_xmeta *m)
{
    bfci_xset_unref(m->xattrs);
    m->xattrs = NULL;
}

typedef struct set_copy {
    bfci_xset *set;
    uint8_t *text; /* where the next bytes go */
} set_copy;

static int copy_item(void *ctx, const bfci_xattr_item *item, bfc_err *err)
{
    (void)err;
    set_copy *c = ctx;
    bfci_attr *a = &c->set->item[c->set->count++];

    a->name = (const char *)c->text;
    memcpy(c->text, item->name.p, item->name.len);
    c->text += item->name.len;
    *c->text++ = '\0';
    a->value = c->text;
    a->value_len = item->value.len;
    memcpy(c->text, item->value.p, item->value.len);
    c->text += item->value.len;
    return 0;
}

/* One allocation: the set, its items, then names and values. */
static int load_set(bfci_extraction *x, const uint8_t key[BFC_DIGEST_SIZE], bfci_xset **out,
                    bfc_err *err)
{
    AUTO_FREE bfci_xset *set = NULL;
    size_t count = 0;

    BFC_TRY(bfci_reader_xattr_set(x->reader, key, &x->scratch, err));
    bfci_span bytes = {x->scratch.data, x->scratch.len};
    BFC_TRY(bfci_xattr_set_each(bytes, NULL, NULL, &count, err));
    size_t head = sizeof *set + count * sizeof(bfci_attr);
    size_t size = head + bytes.len + count;
    BFC_TRY(bfci_alloc_zero(1, size, &set, err));
    set_copy copy = {set, (uint8_t *)set + head};
    BFC_TRY(bfci_xattr_set_each(bytes, copy_item, &copy, NULL, err));
    memcpy(set->key, key, BFC_DIGEST_SIZE);
    set->bytes = size;
    atomic_init(&set->refs, 1);
    *out = bfci_steal(&set);
    return 0;
}

static int get_set(bfci_extraction *x, const uint8_t key[BFC_DIGEST_SIZE], bfci_xset **out,
                   bfc_err *err)
{
    bfci_xset **slot = &x->set[key[0] % XSETS_CACHED];

    if (*slot && memcmp((*slot)->key, key, BFC_DIGEST_SIZE) == 0) {
        atomic_fetch_add(&(*slot)->refs, 1);
        *out = *slot;
        return 0;
    }
    bfci_xset *set = NULL;
    BFC_TRY(load_set(x, key, &set, err));
    if (set->bytes <= XSET_CACHED_BYTES) {
        bfci_xset_unref(*slot);
        atomic_fetch_add(&set->refs, 1);
        *slot = set;
    }
    *out = set;
    return 0;
}

/* No owner was recorded: it becomes ours. A stranger's file does not become setuid for us by that,
 * but for root, to whom the owner that is shown says that it belongs. */
static int take_over(bfci_extraction *x, bfci_xmeta *m, bfc_err *err)
{
    m->uid = geteuid();
    m->gid = getegid();
    if (x->privileged || m->type != BFC_TYPE_FILE || !(m->mode & 06000))
        return 0;
    m->mode &= (uint16_t)~06000u;
    int rc = bfci_x_lose(x, &x->lost_mode, BFC_E_DENIED, err);
    return rc < 0 ? bfci_fail(err, BFC_E_DENIED,
                              "its owner was not recorded, so that setuid and setgid are dropped")
                  : 0;
}

int bfci_xmeta_load(bfci_extraction *x, const bfci_inode *inode, bfci_xmeta *out, bfc_err *err)
{
    bfci_xmeta m = {.type = inode->type,
                    .mode = inode->mode,
                    .uid = inode->uid,
                    .gid = inode->gid,
                    .mtime = inode->mtime,
                    .mtime_ns = inode->mtime_ns};

    if (x->no_owners)
        BFC_TRY(take_over(x, &m, err));
    if (inode->flags & INODE_XATTRS)
        BFC_TRY(get_set(x, inode->xattrs, &m.xattrs, err));
    *out = m;
    return 0;
}

bfci_xmade bfci_x_made_in(const bfci_xdir *dir, unsigned mode)
{
    bfci_xmade made = dir->made;

    made.strip_acl = dir->default_acl;
    made.mode = dir->default_acl ? XMODE_UNKNOWN : mode;
    return made;
}

unsigned bfci_x_create_mode(const bfci_extraction *x, const bfci_xmeta *m)
{
    unsigned mode = m->mode & 0777;

    if (m->xattrs && !x->privileged)
        mode |= 0200; /* who may not write may not set attributes either */
    return mode;
}

/* ── Owner ── */

int bfci_x_lose(bfci_extraction *x, atomic_uint_fast64_t *count, enum bfc_code code, bfc_err *err)
{
    if (x->strict) {
        err->code = code;
        return (int)code;
    }
    atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
    return 0;
}

static atomic_uint_fast64_t *refused_slot(bfci_extraction *x, uint32_t uid, uint32_t gid)
{
    return &x->refused[(uid * UINT32_C(31) + gid) % XREFUSED];
}

/* chown, unless it is known that this user may not give things to that owner. A user namespace
 * answers EINVAL for owners that it has no number for. */
static int try_chown(bfci_extraction *x, bfci_place at, uint32_t uid, uint32_t gid)
{
    atomic_uint_fast64_t *slot = refused_slot(x, uid, gid);
    uint64_t owner = ((uint64_t)uid << 32 | gid) + 1; /* 0: an empty slot */

    if (atomic_load_explicit(slot, memory_order_relaxed) == owner)
        return EPERM;
    int e = bfci_node_chown(at, uid, gid);
    if (e == EINVAL)
        e = EPERM;
    if (e == EPERM)
        atomic_store_explicit(slot, owner, memory_order_relaxed);
    return e;
}

/* *mode loses what must not be without the right owner. */
static int set_owner(bfci_extraction *x, const bfci_xmeta *m, const bfci_xmade *made, bfci_place at,
                     unsigned *mode, bfc_err *err)
{
    bool uid_right = made->owner_known && made->uid == m->uid;
    bool gid_right = made->owner_known && made->gid == m->gid;

    if (uid_right && gid_right)
        return 0;
    int e = try_chown(x, at, m->uid, m->gid);
    if (e == 0)
        return 0;
    if (e == EPERM && !gid_right && try_chown(x, at, UINT32_MAX, m->gid) == 0)
        gid_right = true;
    int rc = bfci_fail_errno(err, e, "give it to owner %u, group %u", m->uid, m->gid);
    if (e != EPERM)
        return rc;
    BFC_TRY(bfci_x_lose(x, &x->lost_owner, BFC_E_DENIED, err));
    unsigned keep = *mode & ~((uid_right ? 0u : 04000u) | (gid_right ? 0u : 02000u));
    if (keep != *mode && m->type != BFC_TYPE_SYMLINK)
        atomic_fetch_add_explicit(&x->lost_mode, 1, memory_order_relaxed);
    *mode = keep;
    return 0;
}

/* ── Extended attributes ── */

static bool is_acl(const bfci_attr *a)
{
    return strncmp(a->name, "system.posix_acl_", 17) == 0;
}

/* The user or the file system does not take this attribute, however often it is tried. */
static bool not_taken(int e, bfci_place at)
{
    return e == EPERM || e == EACCES || e == EINVAL || e == ENOTSUP || e == E2BIG || e == ERANGE ||
           (e == ENOSPC && at.fd >= 0 && bfci_node_has_space(at.fd));
}

static int set_xattrs(bfci_extraction *x, const bfci_xset *set, bfci_place at, bool acls,
                      bool *lost, bfc_err *err)
{
    for (size_t i = 0; i < set->count; i++) {
        const bfci_attr *a = &set->item[i];
        if (is_acl(a) != acls)
            continue;
        int rc = at.fd >= 0 ? bfci_attr_set_fd(at.fd, a, err)
                            : bfci_attr_set_at(at.dir_fd, at.name, a, err);
        if (rc == 0)
            continue;
        int e = err->os_errno;
        if (!not_taken(e, at))
            return rc;
        if (x->strict)
            return err->code = e == EPERM || e == EACCES ? BFC_E_DENIED : BFC_E_UNSUPPORTED;
        *lost = true;
    }
    return 0;
}

/* ── All of it ── */

static int set_mode(bfci_extraction *x, bfci_place at, unsigned mode, bfc_err *err)
{
    int rc, e;

    if (at.fd >= 0) {
        e = bfci_node_chmod_fd(at.fd, mode);
        rc = e ? bfci_fail_errno(err, e, "set the mode %04o", mode) : 0;
    } else {
        rc = bfci_chmod_at(at.dir_fd, at.name, mode, err);
        e = err->os_errno;
    }
    if (rc < 0 && (e == EPERM || e == ENOTSUP)) /* a file system that keeps no modes */
        return bfci_x_lose(x, &x->lost_mode, BFC_E_DENIED, err);
    return rc;
}

static int restore_mode(bfci_extraction *x, const bfci_xmeta *m, const bfci_xmade *made,
                        bfci_place at, unsigned mode, bfc_err *err)
{
    if (m->type == BFC_TYPE_SYMLINK)
        return 0;
    if (made->strip_acl) {
        int e = bfci_node_strip_acl(at);
        int rc = e ? bfci_fail_errno(err, e, "remove the access control list it inherited") : 0;
        if (e == EPERM)
            rc = bfci_x_lose(x, &x->lost_mode, BFC_E_DENIED, err);
        BFC_TRY(rc);
    }
    return mode == made->mode ? 0 : set_mode(x, at, mode, err);
}

int bfci_x_restore(bfci_extraction *x, const bfci_xmeta *m, const bfci_xmade *made, bfci_place at,
                   bfc_err *err)
{
    unsigned mode = m->mode;
    bool lost = false;

    BFC_TRY(set_owner(x, m, made, at, &mode, err));
    if (m->xattrs)
        BFC_TRY(set_xattrs(x, m->xattrs, at, false, &lost, err));
    BFC_TRY(restore_mode(x, m, made, at, mode, err));
    if (m->xattrs)
        BFC_TRY(set_xattrs(x, m->xattrs, at, true, &lost, err));
    if (lost)
        atomic_fetch_add_explicit(&x->lost_xattrs, 1, memory_order_relaxed);
    int e = bfci_node_set_mtime(at, m->mtime, m->mtime_ns);
    int rc = e ? bfci_fail_errno(err, e, "set the time of last change") : 0;
    return e == EPERM ? bfci_x_lose(x, &x->lost_owner, BFC_E_DENIED, err)
                      : rc; /* somebody else's folder */
}
