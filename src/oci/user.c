/* SPDX-License-Identifier: Apache-2.0 */
/* Reads passwd and group files that strangers wrote. Nothing is asked of this machine: its own
 * users, and whatever service knows more, have no say in a container. A field that is no number
 * never counts as 0: a torn line must not make somebody root. */
#include "oci/user.h"

#include "base/map.h"

enum {
    FIELDS_MAX = 7,
    PASSWD_NAME = 0,
    PASSWD_UID = 2,
    PASSWD_GID = 3,
    PASSWD_HOME = 5,
    GROUP_NAME = 0,
    GROUP_GID = 2,
    GROUP_MEMBERS = 3
};

typedef struct span {
    const char *text;
    size_t len;
} span;

static bool span_equal(span a, span b)
{
    return a.len == b.len && memcmp(a.text, b.text, a.len) == 0;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Takes what stands before the next `end`, or all; false if nothing is left. */
static bool take_until(span *rest, char end, span *out)
{
    if (!rest->text)
        return false;
    const char *stop = memchr(rest->text, end, rest->len);
    *out = (span){rest->text, stop ? (size_t)(stop - rest->text) : rest->len};
    *rest = stop ? (span){stop + 1, rest->len - out->len - 1} : (span){NULL, 0};
    return true;
}

typedef struct entry {
    span field[FIELDS_MAX]; /* empty where the line has fewer */
} entry;

/* The fields of the next line that is not empty. */
static bool next_entry(span *file, entry *out)
{
    span line = {NULL, 0};

    while (take_until(file, '\n', &line)) {
        while (line.len > 0 && is_blank(line.text[0]))
            line = (span){line.text + 1, line.len - 1};
        while (line.len > 0 && is_blank(line.text[line.len - 1]))
            line.len--;
        if (line.len == 0)
            continue;
        *out = (entry){0};
        for (int i = 0; i < FIELDS_MAX && take_until(&line, ':', &out->field[i]); i++)
            ;
        return true;
    }
    return false;
}

static bool is_number(span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.text[i] < '0' || s.text[i] > '9')
            return false;
    return s.len > 0;
}

/* An id, which is any number but the one that stands for "none" in system calls. */
static bool read_id(span s, uint32_t *out)
{
    uint64_t value = 0;

    if (!is_number(s))
        return false;
    for (size_t i = 0; i < s.len; i++) {
        value = 10 * value + (unsigned)(s.text[i] - '0');
        if (value >= UINT32_MAX)
            return false;
    }
    *out = (uint32_t)value;
    return true;
}

/* ── What is asked for ── */

/* One half of "user[:group]". */
typedef struct wanted {
    span name; /* empty: not told */
    bool is_id;
    uint32_t id;
} wanted;

static int read_wanted(const char *spec, span name, wanted *out, bfc_err *err)
{
    *out = (wanted){.name = name, .is_id = is_number(name)};
    if (out->is_id && !read_id(name, &out->id))
        return bfci_fail(err, BFC_E_UNSUPPORTED,
                         "the image's user '%s' has an id above the largest possible one, %u",
                         BFCI_QUOTE_STR(spec), UINT32_MAX - 1);
    return 0;
}

static int read_spec(const char *spec, wanted *user, wanted *group, bfc_err *err)
{
    span rest = {spec, strlen(spec)};
    span name = {spec, 0}, group_name = {spec, 0}, more = {NULL, 0};

    (void)take_until(&rest, ':', &name);
    (void)take_until(&rest, ':', &group_name);
    if (take_until(&rest, ':', &more))
        return bfci_fail(err, BFC_E_UNSUPPORTED, "the image's user '%s' is not 'user[:group]'",
                         BFCI_QUOTE_STR(spec));
    BFC_TRY(read_wanted(spec, name, user, err));
    if (name.len == 0)
        user->is_id = true; /* root, if nobody is named */
    return read_wanted(spec, group_name, group, err);
}

static int not_there(const char *what, const wanted *w, const char *path, bool have_file,
                     bfc_err *err)
{
    return bfci_fail(err, BFC_E_NOT_FOUND, "the image's %s '%s' is not in its %s%s", what,
                     BFCI_QUOTE(w->name.text, w->name.len), path,
                     have_file ? "" : ", which is missing");
}

/* ── Looking it up ── */

static bool is_wanted(const wanted *w, span name, uint32_t id)
{
    return w->is_id ? w->id == id : span_equal(w->name, name);
}

/* A path that can stand in a JSON text, and in an environment, as it is. */
static int take_home(span home, char **out, bfc_err *err)
{
    if (home.len == 0 || home.len > USER_HOME_MAX || home.text[0] != '/')
        return 0;
    struct bfci_quoted quoted = bfci_quote_bytes(home.text, home.len);
    if (strlen(quoted.text) != home.len) /* something in it had to be quoted */
        return 0;
    return bfci_memdup_str(home.text, home.len, out, err);
}

/* The first entry counts. *name is empty if there is none. */
static int find_user(const wanted *w, span file, span *name, bfci_user *out, bfc_err *err)
{
    entry e;
    uint32_t uid = 0, gid = 0;

    while (next_entry(&file, &e)) {
        if (e.field[PASSWD_NAME].len == 0 || !read_id(e.field[PASSWD_UID], &uid) ||
            !read_id(e.field[PASSWD_GID], &gid) || !is_wanted(w, e.field[PASSWD_NAME], uid))
            continue;
        *name = e.field[PASSWD_NAME];
        out->uid = uid;
        out->gid = gid;
        return take_home(e.field[PASSWD_HOME], &out->home, err);
    }
    return 0;
}

static bool next_group(span *file, entry *e, uint32_t *gid)
{
    while (next_entry(file, e))
        if (e->field[GROUP_NAME].len > 0 && read_id(e->field[GROUP_GID], gid))
            return true;
    return false;
}

static bool find_group(const wanted *w, span file, uint32_t *gid)
{
    entry e;

    while (next_group(&file, &e, gid))
        if (is_wanted(w, e.field[GROUP_NAME], *gid))
            return true;
    return false;
}

static bool has_member(const entry *e, span name)
{
    span members = e->field[GROUP_MEMBERS], member;

    while (take_until(&members, ',', &member))
        if (span_equal(member, name))
            return true;
    return false;
}

static int add_group(bfci_user *out, size_t *cap, uint32_t gid, bfc_err *err)
{
    if (out->group_count == USER_GROUPS_MAX)
        return bfci_fail(err, BFC_E_LIMIT,
                         "the image's user is in more than %d groups of its /etc/group",
                         USER_GROUPS_MAX);
    BFC_TRY(bfci_reserve(&out->groups, cap, out->group_count + 1, sizeof *out->groups, err));
    out->groups[out->group_count++] = gid;
    return 0;
}

static void release_set(bfci_set *set)
{
    bfci_set_release(set);
}

static int find_groups_of(span name, span file, bfci_user *out, bfc_err *err)
{
    __attribute__((cleanup(release_set))) bfci_set known = BFCI_SET_INIT;
    entry e;
    uint32_t gid = 0;
    size_t cap = 0;

    while (next_group(&file, &e, &gid)) {
        bool added = false;
        if (!has_member(&e, name))
            continue;
        BFC_TRY(bfci_set_add(&known, gid, &added, err));
        if (added)
            BFC_TRY(add_group(out, &cap, gid, err));
    }
    return 0;
}

static int resolve(const wanted *user, const wanted *group, const bfci_user_files *files,
                   bfci_user *out, bfc_err *err)
{
    span passwd = {files->passwd, files->passwd_len}, groups = {files->group, files->group_len};
    span name = {NULL, 0};

    BFC_TRY(find_user(user, passwd, &name, out, err));
    if (name.len == 0) {
        if (!user->is_id)
            return not_there("user", user, "/etc/passwd", files->passwd != NULL, err);
        out->uid = user->id;
    }
    if (group->name.len == 0)
        return name.len > 0 ? find_groups_of(name, groups, out, err) : 0;
    if (group->is_id)
        out->gid = group->id;
    else if (!find_group(group, groups, &out->gid))
        return not_there("group", group, "/etc/group", files->group != NULL, err);
    return 0;
}

static int check_size(const char *path, size_t len, bfc_err *err)
{
    if (len > USER_FILE_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "the image's %s has %zu bytes, %d are allowed", path,
                         len, USER_FILE_MAX);
    return 0;
}

int bfci_user_resolve(const char *spec, const bfci_user_files *files, bfci_user *out, bfc_err *err)
{
    AUTO_USER bfci_user found = BFCI_USER_INIT;
    wanted user = {0}, group = {0};

    BFC_TRY(check_size("/etc/passwd", files->passwd_len, err));
    BFC_TRY(check_size("/etc/group", files->group_len, err));
    BFC_TRY(read_spec(spec ? spec : "", &user, &group, err));
    BFC_TRY(resolve(&user, &group, files, &found, err));
    *out = found;
    found = (bfci_user)BFCI_USER_INIT;
    return 0;
}

void bfci_user_release(bfci_user *u)
{
    free(u->groups);
    free(u->home);
    *u = (bfci_user)BFCI_USER_INIT;
}
