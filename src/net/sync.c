/* SPDX-License-Identifier: Apache-2.0 */
/* A list, worked through: each line becomes names of images, each of these is pulled unless it is
 * here; then what the list has brought before and names no longer is surplus. What it has brought
 * stands in a record of the store, and nothing else is ever removed. */
#include <fcntl.h>

#include "base/hooks.h"
#include "net/heads.h"
#include "net/pull.h"
#include "net/sync_list.h"
#include "net/tags.h"
#include "store/sync_record.h"
#include "sys/file.h"
#include "sys/names.h"

/* A name that a line has made. */
typedef struct wanted {
    char *name, *reference; /* each in its canonical form */
    unsigned line;
    bool is_gone; /* the registry has no such tag any more */
} wanted;

typedef struct syncing {
    bfc_store *store;
    const bfc_images_sync_options *options;
    bfci_client *client;
    bfci_sync_list list;
    bfci_sync_record *record;
    wanted *wanted; /* sorted by name */
    size_t wanted_count, wanted_cap;
    bool is_incomplete; /* it is not known all that is wanted */
    bfc_sync_report report;
    bfc_err first; /* failure */
} syncing;

static void syncing_release(syncing *s)
{
    for (size_t i = 0; i < s->wanted_count; i++) {
        free(s->wanted[i].name);
        free(s->wanted[i].reference);
    }
    free(s->wanted);
    bfci_sync_record_close(s->record);
    bfci_sync_list_release(&s->list);
    bfci_client_close(s->client);
}
#define AUTO_SYNCING __attribute__((cleanup(syncing_release)))

static const bfc_hooks *hooks_of(const syncing *s)
{
    return s->options->pull.registry.hooks;
}

/* ── Telling ── */

static void tell(syncing *s, const bfc_sync_step *step)
{
    size_t *const counts[] = {
        [BFC_SYNC_UP_TO_DATE] = &s->report.up_to_date,
        [BFC_SYNC_PULLED] = &s->report.pulled,
        [BFC_SYNC_SURPLUS] = &s->report.surplus,
        [BFC_SYNC_REMOVED] = &s->report.removed,
        [BFC_SYNC_KEPT] = &s->report.kept,
        [BFC_SYNC_FAILED] = &s->report.failed,
    };

    ++*counts[step->action];
    s->report.bytes += step->pull ? step->pull->bytes : 0;
    if (s->options->step)
        s->options->step(s->options->step_ctx, step);
}

/* Tells of a failure. 0: it is one of an image, and the next one may be tried. */
static int fail(syncing *s, int rc, const bfc_err *why, bfc_sync_step step, bfc_err *err)
{
    if (rc != BFC_E_CANCELLED && rc != BFC_E_NOMEM) {
        step.action = BFC_SYNC_FAILED;
        step.why = why;
        tell(s, &step);
        if (s->report.failed == 1)
            s->first = *why;
        if (s->options->keep_going && rc != BFC_E_NOSPC)
            return 0;
    }
    if (err)
        *err = *why;
    return rc;
}

/* ── What is wanted ── */

static size_t place_of(const syncing *s, const char *name, bool *found)
{
    size_t low = 0, high = s->wanted_count;

    *found = false;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(s->wanted[middle].name, name);
        *found = order == 0;
        if (*found)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The first line that makes a name has it. *again: this reference was taken care of. */
static int want(syncing *s, const char *name, const char *reference, unsigned line, bool *again,
                bfc_err *err)
{
    wanted fresh = {.line = line};
    char text[REMOTE_TEXT_SIZE];
    bfci_remote_ref ref;
    bool found = false;

    BFC_TRY(bfci_remote_ref_parse(reference, &ref, err));
    bfci_remote_ref_text(&ref, text);
    size_t at = place_of(s, name, &found);
    *again = found && strcmp(s->wanted[at].reference, text) == 0;
    if (found && !*again)
        return bfci_fail(err, BFC_E_INVALID,
                         "'%s' is what line %u calls '%s': give one of them another name with "
                         "'as='",
                         BFCI_QUOTE_STR(name), s->wanted[at].line,
                         BFCI_QUOTE_STR(s->wanted[at].reference));
    if (found)
        return 0;
    BFC_TRY(bfci_reserve(&s->wanted, &s->wanted_cap, s->wanted_count + 1, sizeof *s->wanted, err));
    BFC_TRY(bfci_strdup(name, &fresh.name, err));
    int rc = bfci_strdup(text, &fresh.reference, err);
    if (rc < 0) {
        free(fresh.name);
        return rc;
    }
    memmove(s->wanted + at + 1, s->wanted + at, (s->wanted_count - at) * sizeof *s->wanted);
    s->wanted[at] = fresh;
    s->wanted_count++;
    return 0;
}

static int list_tags(void *ctx, bfci_registry *r, const bfci_remote_ref *ref, bfc_err *err)
{
    (void)ref;
    return bfci_tags_get(r, ctx, err);
}

static bool has_tag(const bfci_tags *tags, const char *tag)
{
    for (size_t i = 0; i < tags->count; i++)
        if (strcmp(tags->item[i], tag) == 0)
            return true;
    return false;
}

/* "Not found" may also mean that we may not see it, or that a platform is not there: the registry
 * must list the repository, and without this tag. */
static bool is_gone(syncing *s, const char *reference)
{
    AUTO(bfci_registry) bfci_registry *r = NULL;
    AUTO_TAGS bfci_tags tags = {0};
    bfci_remote_ref ref;

    return bfci_remote_ref_parse(reference, &ref, NULL) == 0 && !ref.has_digest &&
           bfci_registry_find(s->client, reference, list_tags, &tags, &r, NULL) == 0 &&
           !has_tag(&tags, ref.tag);
}

/* ── One image ── */

/* What the registry has lost is surplus if we brought it, and else a name that was never right. */
static bool note_gone(syncing *s, const char *name, const char *reference)
{
    bool found = false;

    size_t at = place_of(s, name, &found);
    if (!found || !bfci_sync_record_find(s->record, name) || !is_gone(s, reference))
        return false;
    s->wanted[at].is_gone = true;
    return true;
}

static int remember(syncing *s, const bfc_image_info *info, bfc_err *err)
{
    bfci_digest root;

    memcpy(root.bytes, info->root_digest, sizeof root.bytes);
    return bfci_sync_record_put(s->record, info->name, &root, err);
}

/* An image that a line names. */
typedef struct task {
    const bfci_sync_entry *entry;
    const char *reference;
    const char *tag;         /* of a pattern; else NULL, as are the next */
    bfci_registry *session;  /* with its repository */
    const bfci_digest *told; /* what the registry calls it by now; NULL: it was not asked */
} task;

static int pull(syncing *s, const task *t, const char *name, bfc_pull_report *report, bfc_err *err)
{
    const bool dry = s->options->dry_run;
    const bfci_sync_entry *e = t->entry;
    const bfci_pull_with with = {
        .client = s->client, .registry = t->session, .told = t->told, .only_look = dry};
    AUTO(bfc_image_info) bfc_image_info *info = NULL;
    bfc_image_pull_options how = s->options->pull;

    how.name = name;
    how.policy = BFC_PULL_ALWAYS;
    if (e->platform)
        how.create.platform = e->platform;
    how.create.all_platforms = how.create.all_platforms || e->all_platforms;
    how.create.artifact = how.create.artifact || e->artifact;
    BFC_TRY(bfci_pull(s->store, t->reference, &how, &with, report, dry ? NULL : &info, err));
    return dry || report->up_to_date ? 0 : remember(s, info, err);
}

static int do_image(syncing *s, const task *t, bfc_err *err)
{
    const unsigned line = t->entry->line;
    bfc_sync_step step = {.line = line, .reference = t->reference, .name = ""};
    bfc_pull_report report = {0};
    bfc_err why = BFC_ERR_INIT;
    bfci_reference name;
    bool again = false;

    BFC_TRY(bfci_check_cancel(hooks_of(s), err));
    int rc = bfci_sync_entry_name(t->entry, t->tag, &name, &why);
    if (rc == 0) {
        step.name = name.text;
        rc = want(s, name.text, t->reference, line, &again, &why);
    }
    if (rc == 0 && !again)
        rc = pull(s, t, name.text, &report, &why);
    if (rc == BFC_E_NOT_FOUND && note_gone(s, name.text, t->reference))
        return 0;
    if (rc < 0)
        return fail(s, rc, &why, step, err);
    if (again)
        return 0;
    step.action = report.up_to_date ? BFC_SYNC_UP_TO_DATE : BFC_SYNC_PULLED;
    step.pull = &report;
    tell(s, &step);
    return 0;
}

/* ── One line ── */

/* Whether there is an image of this name, which no line before wants: it is asked about. */
static bool may_be_up_to_date(const syncing *s, const bfci_sync_entry *e, const char *tag)
{
    AUTO_FREE char *path = NULL;
    bfci_reference name;
    bool found = false;

    if (bfci_sync_entry_name(e, tag, &name, NULL) < 0)
        return false;
    (void)place_of(s, name.text, &found);
    return !found && s->store->backend->find(s->store, &name, &path, NULL) == 0;
}

/* The tags that the line wants go to the front. */
static void choose_tags(const bfci_sync_entry *e, bfci_tags *tags)
{
    size_t count = 0;

    for (size_t i = 0; i < tags->count; i++) {
        char *tag = tags->item[i];
        if (!bfci_sync_entry_wants(e, tag))
            continue;
        tags->item[i] = tags->item[count];
        tags->item[count++] = tag;
    }
    for (size_t i = count; i < tags->count; i++)
        free(tags->item[i]);
    tags->count = count;
}

/* One session serves them all. Of those that are here the registry is asked several at a time what
 * it has: they may be many, and nearly all up to date. */
static int do_tags(syncing *s, const bfci_sync_entry *e, const bfci_tags *tags,
                   bfci_registry *session, bfc_err *err)
{
    AUTO_FREE const char **asked = NULL;
    AUTO(bfci_heads) bfci_heads *heads = NULL;
    size_t count = 0, next = 0;

    BFC_TRY(bfci_alloc(tags->count, sizeof *asked, &asked, err));
    for (size_t i = 0; i < tags->count; i++)
        if (may_be_up_to_date(s, e, tags->item[i]))
            asked[count++] = tags->item[i];
    BFC_TRY(bfci_heads_new(session, asked, count, s->options->pull.parallel, &heads, err));
    for (size_t i = 0; i < tags->count; i++) {
        AUTO_FREE char *reference = NULL;
        task t = {.entry = e, .tag = tags->item[i], .session = session};
        BFC_TRY(bfci_asprintf(&reference, err, "%s:%s", e->repository, t.tag));
        t.reference = reference;
        if (next < count && asked[next] == t.tag) {
            t.told = bfci_heads_next(heads);
            next++;
        }
        BFC_TRY(do_image(s, &t, err));
    }
    return 0;
}

static int do_pattern(syncing *s, const bfci_sync_entry *e, bfc_err *err)
{
    AUTO(bfci_registry) bfci_registry *session = NULL;
    AUTO_TAGS bfci_tags tags = {0};
    bfc_err why = BFC_ERR_INIT;

    BFC_TRY(bfci_check_cancel(hooks_of(s), err));
    int rc = bfci_registry_find(s->client, e->repository, list_tags, &tags, &session, &why);
    if (rc < 0) {
        s->is_incomplete = true;
        return fail(s, rc, &why,
                    (bfc_sync_step){.line = e->line, .reference = e->repository, .name = ""}, err);
    }
    const size_t all = tags.count;
    choose_tags(e, &tags);
    if (tags.count == 0)
        bfci_log(hooks_of(s), BFC_LOG_WARNING, "net",
                 "line %u: none of the %zu tags of '%s' is one of '%s'", e->line, all,
                 BFCI_QUOTE_STR(e->repository), BFCI_QUOTE_STR(e->pattern));
    return do_tags(s, e, &tags, session, err);
}

/* ── What is surplus ── */

static int root_of(const syncing *s, const char *name, bfci_digest *out, bfc_err *err)
{
    bfc_container_info container;
    AUTO_FREE char *path = NULL;
    bfci_reference ref;

    BFC_TRY(bfci_reference_parse(name, &ref, err));
    BFC_TRY(s->store->backend->find(s->store, &ref, &path, err));
    BFC_TRY(bfc_container_peek(path, NULL, &container, err));
    memcpy(out->bytes, container.commit.root_digest, sizeof out->bytes);
    return 0;
}

/* What is to be done with one that the list names no longer. *gone: there is no such image. */
static int judge(const syncing *s, const bfci_recorded *item, enum bfc_sync_action *action,
                 bool *gone, bfc_err *err)
{
    bfc_err why = BFC_ERR_INIT;
    bfci_digest root;

    int rc = root_of(s, item->name, &root, &why);
    *gone = rc == BFC_E_NOT_FOUND;
    if (rc < 0 && !*gone) {
        if (err)
            *err = why;
        return rc;
    }
    if (*gone || !bfci_digest_equal(&root, &item->root))
        *action = BFC_SYNC_KEPT;
    else
        *action = s->options->prune ? BFC_SYNC_REMOVED : BFC_SYNC_SURPLUS;
    return 0;
}

static int clear_away(const syncing *s, const char *name, enum bfc_sync_action action, bfc_err *err)
{
    bfc_image_delete_options how = BFC_IMAGE_DELETE_OPTIONS_INIT;

    how.hooks = hooks_of(s);
    if (s->options->dry_run || action == BFC_SYNC_SURPLUS)
        return 0;
    if (action == BFC_SYNC_REMOVED)
        BFC_TRY(bfc_image_delete_with(s->store, name, &how, err));
    return bfci_sync_record_drop(s->record, name, err);
}

static int do_surplus(syncing *s, const bfci_recorded *item, const wanted *lost, bfc_err *err)
{
    AUTO_FREE char *name = NULL; /* the item goes with what is dropped */
    bfc_sync_step step = {.line = lost ? lost->line : 0, .reference = lost ? lost->reference : ""};
    bfc_err why = BFC_ERR_INIT;
    bool gone = false;

    BFC_TRY(bfci_check_cancel(hooks_of(s), err));
    BFC_TRY(bfci_strdup(item->name, &name, err));
    step.name = name;
    int rc = judge(s, item, &step.action, &gone, &why);
    if (rc == 0)
        rc = clear_away(s, name, step.action, &why);
    if (rc < 0)
        return fail(s, rc, &why, step, err);
    if (!gone)
        tell(s, &step);
    return 0;
}

static int do_all_surplus(syncing *s, bfc_err *err)
{
    size_t count = bfci_sync_record_count(s->record), at = 0;

    if (s->is_incomplete) {
        if (s->options->prune)
            bfci_log(hooks_of(s), BFC_LOG_WARNING, "net",
                     "nothing is pruned, since the tags of a pattern are not known");
        return 0;
    }
    while (at < count) {
        const bfci_recorded *item = bfci_sync_record_item(s->record, at);
        const size_t before = count;
        bool found = false;
        const size_t place = place_of(s, item->name, &found);
        const wanted *lost = found ? &s->wanted[place] : NULL;
        if (!lost || lost->is_gone)
            BFC_TRY(do_surplus(s, item, lost, err));
        count = bfci_sync_record_count(s->record);
        at += count == before; /* else the next one is here now */
    }
    return 0;
}

/* ── All of it ── */

static int read_list(syncing *s, const char *file, bfc_err *err)
{
    AUTO_FREE uint8_t *text = NULL;
    size_t len = 0;

    BFC_TRY(bfci_read_file(AT_FDCWD, file, SYNC_LIST_SIZE_MAX, &text, &len, err));
    return bfci_sync_list_parse(text, len, file, &s->list, err);
}

static int open_record(syncing *s, const char *file, bfc_err *err)
{
    AUTO_FREE char *path = NULL;
    const char *list = s->options->list;

    if (!list || !*list) {
        BFC_TRY(bfci_real_path(file, &path, err));
        list = path;
    }
    return bfci_sync_record_open(s->store, list, s->options->dry_run, &s->record, err);
}

static int work_through(syncing *s, bfc_err *err)
{
    for (size_t i = 0; i < s->list.count; i++) {
        const bfci_sync_entry *e = &s->list.entry[i];
        const task single = {.entry = e, .reference = e->reference};
        BFC_TRY(e->pattern ? do_pattern(s, e, err) : do_image(s, &single, err));
    }
    return do_all_surplus(s, err);
}

static int run(syncing *s, const char *file, bfc_err *err)
{
    BFC_TRY(read_list(s, file, err));
    BFC_TRY(open_record(s, file, err));
    BFC_TRY(bfci_client_open(&s->options->pull.registry, &s->client, err));
    BFC_TRY(work_through(s, err));
    if (s->report.failed == 0)
        return 0;
    if (s->report.failed > 1)
        return bfci_fail(err, s->first.code, "%zu failed; the first: %s", s->report.failed,
                         s->first.msg);
    if (err)
        *err = s->first;
    return s->first.code;
}

int bfc_images_sync(bfc_store *store, const char *file, const bfc_images_sync_options *options,
                    bfc_sync_report *report, bfc_err *err)
{
    static const bfc_images_sync_options defaults = BFC_IMAGES_SYNC_OPTIONS_INIT;

    if (!options)
        options = &defaults;
    if (report)
        *report = (bfc_sync_report){0};
    BFC_TRY(BFCI_CHECK_OPTIONS(options, BFC_IMAGES_SYNC_OPTIONS_INIT, err));
    BFC_TRY(bfci_pull_check(&options->pull, err));
    AUTO_SYNCING syncing s = {.store = store, .options = options, .first = BFC_ERR_INIT};
    int rc = run(&s, file, err);
    if (report)
        *report = s.report;
    return rc;
}
