/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the grammar of lists. All of a line is looked at before anything is fetched: what can be
 * wrong in it is told with its number. */
#include "net/sync_list.h"

#include "net/glob.h"
#include "oci/platform.h"

static const char transport[] = "docker://";
static const char blanks[] = " \t\r";

static void entry_release(bfci_sync_entry *e)
{
    for (size_t i = 0; i < e->not_count; i++)
        free(e->not_tag[i]);
    free(e->not_tag);
    free(e->repository);
    free(e->reference);
    free(e->pattern);
    free(e->as);
    free(e->as_tag);
    free(e->platform);
    *e = (bfci_sync_entry){0};
}
#define AUTO_ENTRY __attribute__((cleanup(entry_release)))

void bfci_sync_list_release(bfci_sync_list *l)
{
    for (size_t i = 0; i < l->count; i++)
        entry_release(&l->entry[i]);
    free(l->entry);
    *l = (bfci_sync_list){0};
}

/* ── The reference ── */

/* Where the tag stands, or the end: behind the last colon that no slash follows. */
static const char *tag_of(const char *word)
{
    const char *slash = strrchr(word, '/'), *colon = strrchr(word, ':');

    return colon && (!slash || colon > slash) ? colon + 1 : word + strlen(word);
}

static int check_pattern(const char *pattern, bfc_err *err)
{
    if (strlen(pattern) > SYNC_PATTERN_MAX)
        return bfci_fail(err, BFC_E_INVALID, "the pattern '%s' has more than %d letters",
                         BFCI_QUOTE_STR(pattern), SYNC_PATTERN_MAX);
    if (!bfci_glob_ok(pattern))
        return bfci_fail(err, BFC_E_INVALID,
                         "'%s' is no pattern of tags: '*', '?', '[a-z]' and '[!a-z]' have a "
                         "meaning, each '[' needs its ']', and nothing is escaped",
                         BFCI_QUOTE_STR(pattern));
    return 0;
}

/* "repository:pattern" */
static int take_pattern(bfci_sync_entry *e, const char *word, const char *tag, bfc_err *err)
{
    bfci_remote_ref ref;

    BFC_TRY(check_pattern(tag, err));
    BFC_TRY(bfci_memdup_str(word, (size_t)(tag - 1 - word), &e->repository, err));
    BFC_TRY(bfci_remote_ref_parse(e->repository, &ref, err));
    return bfci_strdup(tag, &e->pattern, err);
}

static int take_reference(bfci_sync_entry *e, const char *word, bfc_err *err)
{
    bfci_remote_ref ref;

    if (strncmp(word, transport, sizeof transport - 1) == 0)
        word += sizeof transport - 1;
    const size_t plain = strcspn(word, "@");
    if (!word[plain] && bfci_glob_is_pattern(tag_of(word)))
        return take_pattern(e, word, tag_of(word), err);
    BFC_TRY(bfci_remote_ref_parse(word, &ref, err));
    BFC_TRY(bfci_memdup_str(word, plain, &e->repository, err));
    const char *tag = tag_of(e->repository);
    if (*tag)
        e->repository[tag - 1 - e->repository] = '\0';
    return bfci_strdup(word, &e->reference, err);
}

/* ── Options ── */

static int take_once(char **to, const char *name, const char *value, bfc_err *err)
{
    if (*to)
        return bfci_fail(err, BFC_E_INVALID, "'%s=' stands there twice", name);
    return bfci_strdup(value, to, err);
}

static int take_as(bfci_sync_entry *e, const char *value, bfc_err *err)
{
    const char *tag = tag_of(value);
    bfci_reference ref;

    BFC_TRY(take_once(&e->as, "as", value, err));
    BFC_TRY(bfci_reference_parse(value, &ref, err));
    if (!*tag)
        return 0;
    if (e->pattern)
        return bfci_fail(err, BFC_E_INVALID,
                         "'as=%s': the images of a pattern keep their tags: leave ':%s' out",
                         BFCI_QUOTE_STR(value), BFCI_QUOTE_STR(tag));
    BFC_TRY(bfci_strdup(tag, &e->as_tag, err));
    e->as[tag - 1 - value] = '\0';
    return 0;
}

static int take_not(bfci_sync_entry *e, const char *value, bfc_err *err)
{
    if (!e->pattern)
        return bfci_fail(err, BFC_E_INVALID, "'not=' goes with a pattern of tags alone");
    if (!*value)
        return bfci_fail(err, BFC_E_INVALID, "'not=' needs a pattern of tags");
    BFC_TRY(check_pattern(value, err));
    if (e->not_count == SYNC_NOT_MAX)
        return bfci_fail(err, BFC_E_INVALID, "more than %d times 'not='", SYNC_NOT_MAX);
    if (!e->not_tag)
        BFC_TRY(bfci_alloc(SYNC_NOT_MAX, sizeof *e->not_tag, &e->not_tag, err));
    BFC_TRY(bfci_strdup(value, &e->not_tag[e->not_count], err));
    e->not_count++;
    return 0;
}

static int take_platform(bfci_sync_entry *e, const char *value, bfc_err *err)
{
    BFC_TRY(take_once(&e->platform, "platform", value, err));
    if (bfci_platform_ok(value))
        return 0;
    return bfci_fail(err, BFC_E_INVALID,
                     "'platform=%s' is no platform: os/architecture[/variant] is, such as "
                     "linux/arm64",
                     BFCI_QUOTE_STR(value));
}

static const char *value_of(const char *word, const char *name)
{
    const size_t len = strlen(name);

    return strncmp(word, name, len) == 0 ? word + len : NULL;
}

static int take_option(bfci_sync_entry *e, const char *word, bfc_err *err)
{
    const char *value;

    if ((value = value_of(word, "as=")))
        return take_as(e, value, err);
    if ((value = value_of(word, "not=")))
        return take_not(e, value, err);
    if ((value = value_of(word, "platform=")))
        return take_platform(e, value, err);
    if (strcmp(word, "all-platforms") == 0)
        e->all_platforms = true;
    else if (strcmp(word, "artifact") == 0)
        e->artifact = true;
    else
        return bfci_fail(err, BFC_E_INVALID,
                         "'%s' is no option of a line: as=NAME, not=PATTERN, platform=OS/ARCH, "
                         "all-platforms and artifact are",
                         BFCI_QUOTE_STR(word));
    return 0;
}

/* ── Lines ── */

/* Cuts the next word off; NULL: there is none, or a comment begins. */
static char *next_word(char **rest)
{
    char *word = *rest + strspn(*rest, blanks);

    if (!*word || *word == '#')
        return NULL;
    char *end = word + strcspn(word, blanks);
    *rest = *end ? end + 1 : end;
    *end = '\0';
    return word;
}

/* That the names of single images are possible is seen here; those of tags, when they are known. */
static int check_name(const bfci_sync_entry *e, bfc_err *err)
{
    bfci_reference name;

    return bfci_sync_entry_name(e, e->pattern ? "x" : NULL, &name, err);
}

static int take_line(bfci_sync_list *l, char *text, unsigned number, bfc_err *err)
{
    AUTO_ENTRY bfci_sync_entry e = {.line = number};
    char *word = next_word(&text);

    if (!word)
        return 0;
    if (l->count == SYNC_ENTRIES_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "more than %d images and patterns", SYNC_ENTRIES_MAX);
    BFC_TRY(take_reference(&e, word, err));
    while ((word = next_word(&text)))
        BFC_TRY(take_option(&e, word, err));
    BFC_TRY(check_name(&e, err));
    BFC_TRY(bfci_reserve(&l->entry, &l->cap, l->count + 1, sizeof *l->entry, err));
    l->entry[l->count++] = e;
    e = (bfci_sync_entry){0};
    return 0;
}

static int take_bytes(bfci_sync_list *l, const uint8_t *line, size_t len, unsigned number,
                      bfc_err *err)
{
    AUTO_FREE char *text = NULL;

    if (len > SYNC_LINE_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "the line has %zu bytes, %d are allowed", len,
                         SYNC_LINE_MAX);
    if (memchr(line, 0, len))
        return bfci_fail(err, BFC_E_INVALID, "there is a byte of zero in the line");
    BFC_TRY(bfci_memdup_str((const char *)line, len, &text, err));
    return take_line(l, text, number, err);
}

int bfci_sync_list_parse(const uint8_t *text, size_t len, const char *path, bfci_sync_list *out,
                         bfc_err *err)
{
    AUTO_SYNC_LIST bfci_sync_list l = {0};
    unsigned number = 1;

    if (len > SYNC_LIST_SIZE_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "'%s' has %zu bytes, %d are allowed",
                         BFCI_QUOTE_STR(path), len, SYNC_LIST_SIZE_MAX);
    for (size_t at = 0; at < len; number++) {
        const uint8_t *end = memchr(text + at, '\n', len - at);
        const size_t line = end ? (size_t)(end - (text + at)) : len - at;
        int rc = take_bytes(&l, text + at, line, number, err);
        if (rc < 0)
            return bfci_wrap(err, rc, "%s:%u", BFCI_QUOTE_STR(path), number);
        at += line + 1;
    }
    *out = l;
    l = (bfci_sync_list){0};
    return 0;
}

/* ── What a line means ── */

bool bfci_sync_entry_wants(const bfci_sync_entry *e, const char *tag)
{
    for (size_t i = 0; i < e->not_count; i++)
        if (bfci_glob_match(e->not_tag[i], tag))
            return false;
    return bfci_glob_match(e->pattern, tag);
}

int bfci_sync_entry_name(const bfci_sync_entry *e, const char *tag, bfci_reference *out,
                         bfc_err *err)
{
    AUTO_FREE char *name = NULL;
    char digest[DIGEST_TEXT_SIZE];
    bfci_remote_ref ref;

    if (!tag)
        BFC_TRY(bfci_remote_ref_parse(e->reference, &ref, err));
    if (!tag && !e->as_tag && !ref.tag[0]) {
        bfci_digest_text(&ref.digest, digest);
        BFC_TRY(bfci_asprintf(&name, err, "%s:sha256-%s", e->as ? e->as : e->repository,
                              digest + strlen("sha256:")));
    } else {
        BFC_TRY(bfci_asprintf(&name, err, "%s:%s", e->as ? e->as : e->repository,
                              tag         ? tag
                              : e->as_tag ? e->as_tag
                                          : ref.tag));
    }
    int rc = bfci_reference_parse(name, out, err);
    return rc < 0 ? bfci_wrap(err, rc,
                              "'%s' cannot be the name of an image here; give it another "
                              "with 'as='",
                              BFCI_QUOTE_STR(name))
                  : 0;
}
