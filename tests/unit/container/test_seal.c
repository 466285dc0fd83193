/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed containers: everything works with a key, nothing is seen without one, and what was
 * changed, moved or put together of parts is refused with its place. */
#include "seal_fixture.h"

#include <dirent.h>

#include "container/source.h"

#define NAME_MARK "a-name-that-shows-nothing"
#define TEXT_MARK "these words are nobody's business, and so they are sealed; "
#define LINK_MARK "/where/a/marked/link/leads"
#define ATTR_MARK "an attribute with a mark"

static void put_marked_tree(struct care *c)
{
    static char text[9000];
    static uint8_t noise[20000];
    char path[700];

    for (size_t at = 0; at + sizeof TEXT_MARK < sizeof text; at += sizeof TEXT_MARK - 1)
        memcpy(text + at, TEXT_MARK, sizeof TEXT_MARK - 1);
    care_put_text(c->src, NAME_MARK, text);
    care_put_text(c->src, "short", TEXT_MARK);
    care_noise(noise, sizeof noise, 7);
    memcpy(noise + 10000, TEXT_MARK, sizeof TEXT_MARK);
    care_put(c->src, "noise", noise, sizeof noise);
    (void)snprintf(path, sizeof path, "%s/link", c->src);
    assert_int_equal(symlink(LINK_MARK, path), 0);
    (void)snprintf(path, sizeof path, "%s/short", c->src);
    (void)setxattr(path, "user." NAME_MARK, ATTR_MARK, sizeof ATTR_MARK, 0);
}

static bool holds(const char *file, const char *mark)
{
    size_t len = 0;
    AUTO_FREE uint8_t *bytes = care_load(file, &len);

    return memmem(bytes, len, mark, strlen(mark)) != NULL;
}

static void test_seal__hides_names_and_contents(void **state)
{
    struct care *c = *state;
    AUTO(bfc_keys) bfc_keys *keys = seal_keys(c, 1);

    put_marked_tree(c);
    care_commit(c, c->other, false);
    seal_commit(c, c->file, false, keys);
    care_put_text(c->src, "short", TEXT_MARK TEXT_MARK);
    seal_commit(c, c->file, true, keys);
    /* Stored plain, so that they are there to be found. */
    assert_true(holds(c->other, TEXT_MARK));
    const char *marks[] = {NAME_MARK, TEXT_MARK, LINK_MARK, ATTR_MARK, "noise", "these words"};
    for (size_t i = 0; i < ARRAY_LEN(marks); i++)
        if (holds(c->file, marks[i]))
            fail_msg("'%s' stands in the container", marks[i]);
}

static void test_seal__goes_round(void **state)
{
    struct care *c = *state;
    AUTO(bfc_keys) bfc_keys *keys = seal_keys(c, 1), *again = seal_keys(c, 1);
    AUTO(bfc_reader) bfc_reader *r = NULL, *old = NULL;
    bfc_verify_report report;
    bfc_container_info info;
    bfc_xattrs *attrs = NULL;
    bfc_entry e;

    put_marked_tree(c);
    seal_commit(c, c->file, false, keys);
    care_put_text(c->src, "short", "another");
    care_put_text(c->src, "new", "new words");
    seal_commit(c, c->file, true, again);
    care_ok(c, seal_open_at(c, c->file, NULL, keys, &r));
    assert_string_equal(seal_text(c, r, "short"), "another");
    assert_string_equal(seal_text(c, r, "new"), "new words");
    care_ok(c, seal_open_at(c, c->file, "1", keys, &old));
    assert_string_equal(seal_text(c, old, "short"), TEXT_MARK);
    assert_string_equal(seal_text(c, old, "new"), "");
    care_ok(c, bfc_reader_stat(old, "short", &e, &c->err));
    care_ok(c, bfc_reader_xattrs(old, e.ino, &attrs, &c->err));
    if (attrs)
        assert_string_equal((const char *)attrs->item[0].value, ATTR_MARK);
    bfc_xattrs_free(attrs);
    care_ok(c, bfc_reader_info(r, &info, &c->err));
    assert_string_equal(info.encryption, "chacha20-poly1305");
    assert_true(info.key_files == 1 && info.passwords == 0 && !info.commit.hidden);
    care_ok(c, seal_verify(c, c->file, true, keys, &report));
    assert_true(!report.hidden && report.entries >= 6 && report.bytes > 20000);
}

/* All regular files; trees with all that Linux knows are compared in tests/e2e. */
static void extract_equal(struct care *c, const char *file, const bfc_keys *keys)
{
    AUTO(bfc_reader) bfc_reader *r = NULL;
    char target[400], one[800], two[800];
    unsigned compared = 0;

    (void)snprintf(target, sizeof target, "%s/out", c->root);
    care_ok(c, seal_open_at(c, file, NULL, keys, &r));
    care_ok(c, bfc_extract(r, target, NULL, NULL, &c->err));
    DIR *dir = opendir(c->src);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        if (e->d_type != DT_REG)
            continue;
        size_t len = 0, other_len = 0;
        (void)snprintf(one, sizeof one, "%s/%s", c->src, e->d_name);
        (void)snprintf(two, sizeof two, "%s/%s", target, e->d_name);
        AUTO_FREE uint8_t *bytes = care_load(one, &len);
        AUTO_FREE uint8_t *others = care_load(two, &other_len);
        assert_int_equal(len, other_len);
        assert_memory_equal(bytes, others, len);
        compared++;
    }
    (void)closedir(dir);
    assert_true(compared >= 3);
}

static void test_seal__extracts(void **state)
{
    struct care *c = *state;
    AUTO(bfc_keys) bfc_keys *keys = seal_keys(c, 1);

    put_marked_tree(c);
    seal_commit(c, c->file, false, keys);
    extract_equal(c, c->file, keys);
}

static void denied(struct care *c, int rc)
{
    if (rc != BFC_E_DENIED)
        fail_msg("%d: %s", rc, c->err.msg);
}

static void test_seal__wants_its_key(void **state)
{
    struct care *c = *state;
    AUTO(bfc_keys) bfc_keys *keys = seal_keys(c, 1), *other = seal_keys(c, 2), *none = NULL;
    bfc_compact_options compact = BFC_COMPACT_OPTIONS_INIT;
    bfc_reader *r = NULL;

    care_ok(c, bfc_keys_new(NULL, &none, &c->err));
    put_marked_tree(c);
    seal_commit(c, c->file, false, keys);
    denied(c, seal_open_at(c, c->file, NULL, NULL, &r));
    denied(c, seal_open_at(c, c->file, NULL, none, &r));
    denied(c, seal_open_at(c, c->file, NULL, other, &r));
    denied(c, seal_try(c, c->file, true, NULL));
    denied(c, seal_try(c, c->file, true, other));
    denied(c, seal_verify(c, c->file, false, other, NULL));
    denied(c, bfc_compact(c->file, c->other, NULL, NULL, &c->err));
    compact.keys = other;
    denied(c, bfc_compact(c->file, c->other, &compact, NULL, &c->err));
}

static void test_seal__options_that_do_not_go_together(void **state)
{
    struct care *c = *state;
    AUTO(bfc_keys) bfc_keys *keys = seal_keys(c, 1);
    bfc_writer_options o = BFC_WRITER_OPTIONS_INIT;
    bfc_compact_options compact = BFC_COMPACT_OPTIONS_INIT;
    bfc_writer *w = NULL;

    o.encrypt = true;
    o.reproducible = true;
    o.keys = keys;
    assert_int_equal(bfc_writer_create(c->file, &o, &w, &c->err), BFC_E_INVALID);
    o.reproducible = false;
    o.keys = NULL;
    assert_int_equal(seal_try(c, c->file, false, NULL), BFC_E_INVALID);
    seal_commit(c, c->file, false, keys);
    o = (bfc_writer_options)BFC_WRITER_OPTIONS_INIT;
    o.reproducible = true;
    o.keys = keys;
    assert_int_equal(bfc_writer_append(c->file, &o, &w, &c->err), BFC_E_INVALID);
    compact.reproducible = true;
    compact.keys = keys;
    assert_int_equal(bfc_compact(c->file, c->other, &compact, NULL, &c->err), BFC_E_INVALID);
    /* What is added to a plain container would be plain. */
    care_commit(c, c->other, false);
    assert_int_equal(seal_try(c, c->other, true, keys), BFC_E_INVALID);
}

/* ── Without a key ── */

struct seen {
    bfc_commit_info commit[8];
    size_t count;
};

static int note(void *ctx, const bfc_commit_info *commit)
{
    struct seen *s = ctx;
    s->commit[s->count++] = *commit;
    return 0;
}

static void test_seal__tells_what_is_plain(void **state)
{
    struct care *c = *state;
    AUTO(bfc_keys) bfc_keys *keys = seal_keys(c, 1);
    bfc_container_info info;
    struct seen plain = {.count = 0}, open = {.count = 0};

    put_marked_tree(c);
    seal_commit(c, c->file, false, keys);
    seal_commit(c, c->file, true, keys);
    care_ok(c, bfc_container_peek(c->file, NULL, &info, &c->err));
    assert_true(info.commit.hidden && info.commit.files == 0 && info.commit.seq == 2 && info.last);
    assert_true(info.key_files == 1 && !info.compression && info.torn_bytes == 0);
    assert_string_equal(info.encryption, "chacha20-poly1305");
    care_ok(c, bfc_container_peek(c->file, "1", &info, &c->err));
    assert_true(info.commit.seq == 1 && !info.last);
    care_ok(c, bfc_log(c->file, note, &plain, &c->err));
    care_ok(c, bfc_log_with(c->file, keys, note, &open, &c->err));
    assert_true(plain.count == 2 && open.count == 2);
    for (size_t i = 0; i < 2; i++) {
        assert_true(plain.commit[i].hidden && plain.commit[i].files == 0);
        assert_true(!open.commit[i].hidden && open.commit[i].files == 3);
        assert_memory_equal(plain.commit[i].root_digest, open.commit[i].root_digest, 32);
    }
}

static void test_seal__is_checked_without_a_key(void **state)
{
    struct care *c = *state;
    AUTO(bfc_keys) bfc_keys *keys = seal_keys(c, 1);
    bfc_verify_report report, with;
    size_t len = 0;

    put_marked_tree(c);
    seal_commit(c, c->file, false, keys);
    care_put_text(c->src, "more", "more");
    seal_commit(c, c->file, true, keys);
    care_ok(c, seal_verify(c, c->file, true, NULL, &report));
    care_ok(c, seal_verify(c, c->file, true, keys, &with));
    assert_true(report.hidden && report.blocks == with.blocks && report.pages >= with.pages);
    len = (size_t)care_size(c->file);
    unsigned missed = 0;
    for (uint64_t at = SUPER_SIZE; at < len - COMMIT_SIZE; at += 61) {
        bfc_verify_report found;
        care_flip(c->file, at);
        int rc = seal_verify(c, c->file, true, NULL, &found);
        care_flip(c->file, at);
        missed += rc != BFC_E_CORRUPT;
    }
    assert_int_equal(missed, 0);
}

static void test_seal__recovers_without_a_key(void **state)
{
    struct care *c = *state;
    AUTO(bfc_keys) bfc_keys *keys = seal_keys(c, 1);
    AUTO(bfc_reader) bfc_reader *r = NULL;
    bfc_recover_report report;

    put_marked_tree(c);
    seal_commit(c, c->file, false, keys);
    uint64_t whole = care_size(c->file);
    care_put_text(c->src, "more", "more");
    seal_commit(c, c->file, true, keys);
    assert_int_equal(truncate(c->file, (off_t)care_size(c->file) - 100), 0);
    care_ok(c, seal_open_at(c, c->file, NULL, keys, &r));
    assert_string_equal(seal_text(c, r, "more"), "");
    care_ok(c, bfc_recover(c->file, false, &report, &c->err));
    assert_true(report.torn_bytes > 0 && report.commit.hidden && care_size(c->file) == whole);
    seal_commit(c, c->file, true, keys);
    care_ok(c, seal_verify(c, c->file, true, keys, NULL));
}

static void test_seal__compacts_with_its_keys(void **state)
{
    struct care *c = *state;
    AUTO(bfc_keys) bfc_keys *keys = seal_keys(c, 1);
    bfc_compact_options o = BFC_COMPACT_OPTIONS_INIT;
    bfc_compact_report report;
    AUTO(bfc_reader) bfc_reader *r = NULL;

    put_marked_tree(c);
    seal_commit(c, c->file, false, keys);
    uint8_t noise[9000];
    care_noise(noise, sizeof noise, 99);
    care_put(c->src, "noise", noise, sizeof noise);
    care_put_text(c->src, "short", "other");
    seal_commit(c, c->file, true, keys);
    o.keys = keys;
    care_ok(c, bfc_compact(c->file, c->other, &o, &report, &c->err));
    assert_true(report.blocks_dropped > 0 && report.new_size < report.old_size);
    care_ok(c, seal_verify(c, c->other, true, keys, NULL));
    assert_false(holds(c->other, TEXT_MARK));
    care_ok(c, seal_open_at(c, c->other, NULL, keys, &r));
    assert_string_equal(seal_text(c, r, "short"), "other");
    extract_equal(c, c->other, keys);
}

/* ── What was changed ── */

static void test_seal__every_flip_is_found(void **state)
{
    struct care *c = *state;
    AUTO(bfc_keys) bfc_keys *keys = seal_keys(c, 1);
    size_t len = 0;

    care_put_text(c->src, "one", TEXT_MARK);
    seal_commit(c, c->file, false, keys);
    AUTO_FREE uint8_t *bytes = care_load(c->file, &len);
    for (uint64_t at = 0; at < len; at++) {
        uint8_t other = (uint8_t)(bytes[at] ^ 1u << at % 8);
        seal_write_at(c->file, at, &other, 1);
        int rc = seal_verify(c, c->file, true, keys, NULL);
        if (rc == 0)
            fail_msg("byte %" PRIu64 " may be changed", at);
        seal_write_at(c->file, at, &bytes[at], 1);
    }
    care_ok(c, seal_verify(c, c->file, true, keys, NULL));
}

/* Finds the frames of a container; their payloads' offsets. */
struct found {
    uint64_t offset[64];
    bfci_frame frame[64];
    size_t count;
};

static struct found find_frames(const uint8_t *bytes, size_t len)
{
    struct found f = {.count = 0};

    for (size_t at = SUPER_SIZE; at + FRAME_HEADER_SIZE < len && f.count < 64; at++)
        if (bytes[at] == 'B' &&
            bfci_frame_decode(bytes + at, at, true, &f.frame[f.count], NULL) == 0)
            f.offset[f.count++] = at + FRAME_HEADER_SIZE;
    return f;
}

/* Payloads under references that were written for others: what checksums would say is left out by
 * asking the floor below them. */
static int read_as(struct care *c, const char *file, const bfc_keys *keys, uint64_t offset,
                   uint32_t stored, bfci_frame_id frame)
{
    bfci_source s = BFCI_SOURCE_INIT;
    bfci_opener opener = {0};
    size_t len = 0;
    int fd = open(file, O_RDONLY | O_CLOEXEC);

    c->err = (bfc_err)BFC_ERR_INIT;
    assert_true(fd >= 0);
    care_ok(c, bfci_source_open_fd(fd, &s, &c->err));
    care_ok(c, bfci_source_unlock(&s, keys, file, &c->err));
    AUTO_FREE uint8_t *payload = malloc(stored);
    assert_non_null(payload);
    assert_int_equal(pread(fd, payload, stored, (off_t)offset), (ssize_t)stored);
    const bfci_ref ref = {.offset = offset, .stored = stored};
    int rc = bfci_seal_open_payload(s.seal, &opener, frame, &ref, payload, &len, &c->err);
    bfci_opener_release(&opener);
    bfci_source_release(&s);
    return rc;
}

static void refused_at(struct care *c, int rc, uint64_t offset)
{
    if (rc != BFC_E_CORRUPT || c->err.offset != offset)
        fail_msg("%d at %" PRIu64 ": %s", rc, c->err.offset, c->err.msg);
}

static bfci_frame_id id_of(const bfci_frame *f)
{
    return f->kind == FRAME_DATA
               ? bfci_block_id(f->number)
               : bfci_page_id((uint8_t)(f->number >> 56), (uint8_t)(f->number >> 48));
}

static void test_seal__blocks_and_pages_stay_where_they_are(void **state)
{
    struct care *c = *state;
    AUTO(bfc_keys) bfc_keys *keys = seal_keys(c, 1);
    size_t len = 0, other_len = 0;

    put_marked_tree(c);
    seal_commit(c, c->file, false, keys);
    seal_commit(c, c->other, false, keys); /* the same tree and key file */
    AUTO_FREE uint8_t *bytes = care_load(c->file, &len);
    AUTO_FREE uint8_t *others = care_load(c->other, &other_len);
    struct found f = find_frames(bytes, len);
    assert_true(f.count > 8 && len == other_len);
    for (size_t i = 0; i < f.count; i++) {
        const bfci_frame *to = &f.frame[i];
        care_ok(c, read_as(c, c->file, keys, f.offset[i], to->stored, id_of(to)));
        seal_write_at(c->file, f.offset[i], others + f.offset[i], to->stored);
        refused_at(c, read_as(c, c->file, keys, f.offset[i], to->stored, id_of(to)), f.offset[i]);
        for (size_t k = 0; k < f.count; k++) {
            if (k == i || f.frame[k].stored != to->stored)
                continue;
            seal_write_at(c->file, f.offset[i], bytes + f.offset[k], to->stored);
            refused_at(c, read_as(c, c->file, keys, f.offset[i], to->stored, id_of(to)),
                       f.offset[i]);
        }
        seal_write_at(c->file, f.offset[i], bytes + f.offset[i], to->stored);
    }
}

static void fix_crc(uint8_t *record)
{
    put_u32le(record + COMMIT_AT_CRC, bfci_crc32c(record + 12, COMMIT_SIZE - 12));
}

static void test_seal__records_cannot_be_composed(void **state)
{
    static const struct {
        unsigned at, len;
    } part[] = {{COMMIT_AT_SALT, 32},       {COMMIT_AT_TAG, 16},      {COMMIT_AT_KEY_CHECK, 32},
                {COMMIT_AT_NEXT_INO, 112},  {COMMIT_AT_TABLES, 1024}, {COMMIT_AT_TIME, 12},
                {COMMIT_AT_ROOT_DIGEST, 32}};
    struct care *c = *state;
    AUTO(bfc_keys) bfc_keys *keys = seal_keys(c, 1);
    size_t len = 0;

    put_marked_tree(c);
    seal_commit(c, c->file, false, keys);
    uint64_t first = care_size(c->file) - COMMIT_SIZE;
    care_put_text(c->src, "more", "more");
    seal_commit(c, c->file, true, keys);
    seal_commit(c, c->other, false, keys);
    AUTO_FREE uint8_t *bytes = care_load(c->file, &len);
    AUTO_FREE uint8_t *others = care_load(c->other, &len);
    uint64_t last = care_size(c->file) - COMMIT_SIZE;
    for (size_t i = 0; i < ARRAY_LEN(part); i++) {
        bfc_reader *r = NULL;
        uint8_t record[COMMIT_SIZE];
        memcpy(record, bytes + last, sizeof record);
        memcpy(record + part[i].at, bytes + first + part[i].at, part[i].len);
        if (part[i].at == COMMIT_AT_KEY_CHECK) /* it is the same in both: of another container */
            memcpy(record + part[i].at, others + len - COMMIT_SIZE + part[i].at, part[i].len);
        if (memcmp(record, bytes + last, sizeof record) == 0)
            continue; /* made in the same second, perhaps */
        fix_crc(record);
        seal_write_at(c->file, last, record, sizeof record);
        int rc = seal_open_at(c, c->file, NULL, keys, &r);
        if (rc != BFC_E_CORRUPT || (part[i].at != COMMIT_AT_KEY_CHECK && c->err.offset != last))
            fail_msg("part at %u: %d at %" PRIu64 ", %s", part[i].at, rc, c->err.offset,
                     c->err.msg);
    }
}

/* A record of the other container, with this one's name on it. */
static void test_seal__records_stay_in_their_container(void **state)
{
    struct care *c = *state;
    AUTO(bfc_keys) bfc_keys *keys = seal_keys(c, 1);
    bfc_reader *r = NULL;
    size_t len = 0, other_len = 0;

    put_marked_tree(c);
    seal_commit(c, c->file, false, keys);
    seal_commit(c, c->other, false, keys);
    AUTO_FREE uint8_t *bytes = care_load(c->file, &len);
    AUTO_FREE uint8_t *others = care_load(c->other, &other_len);
    assert_int_equal(len, other_len);
    uint8_t *record = others + len - COMMIT_SIZE;
    memcpy(record + COMMIT_AT_UUID, bytes + SUPER_AT_UUID, BFC_UUID_SIZE);
    fix_crc(record);
    seal_write_at(c->file, len - COMMIT_SIZE, record, COMMIT_SIZE);
    assert_int_equal(seal_open_at(c, c->file, NULL, keys, &r), BFC_E_CORRUPT);
}

/* The mark of a sealed container taken away, or put on one that is not. */
static void test_seal__cannot_be_taken_off(void **state)
{
    struct care *c = *state;
    AUTO(bfc_keys) bfc_keys *keys = seal_keys(c, 1);
    const char *file[] = {c->file, c->other};
    bfc_reader *r = NULL;

    put_marked_tree(c);
    seal_commit(c, c->file, false, keys);
    care_commit(c, c->other, false);
    for (size_t i = 0; i < 2; i++) {
        size_t len = 0;
        AUTO_FREE uint8_t *bytes = care_load(file[i], &len);
        bytes[SUPER_AT_FEATURES_REFUSE] ^= 1;
        put_u32le(bytes + SUPER_AT_CRC, bfci_crc32c(bytes + 12, SUPER_SIZE - 12));
        seal_write_at(file[i], 0, bytes, SUPER_SIZE);
        assert_int_equal(seal_open_at(c, file[i], NULL, keys, &r), BFC_E_CORRUPT);
    }
}

static void test_seal__many_commits_open_in_any_order(void **state)
{
    struct care *c = *state;
    AUTO(bfc_keys) bfc_keys *keys = seal_keys(c, 1);
    char name[20], at[20];

    for (int i = 1; i <= 40; i++) {
        (void)snprintf(name, sizeof name, "file%d", i);
        care_put_text(c->src, name, name);
        seal_commit(c, c->file, i > 1, keys);
    }
    AUTO(bfc_reader) bfc_reader *r = NULL;
    care_ok(c, seal_open_at(c, c->file, NULL, keys, &r));
    for (int i = 0; i < 200; i++) {
        (void)snprintf(name, sizeof name, "file%d", 1 + i * 7 % 40);
        assert_string_equal(seal_text(c, r, name), name);
    }
    for (int i = 1; i <= 40; i += 13) {
        AUTO(bfc_reader) bfc_reader *old = NULL;
        (void)snprintf(at, sizeof at, "%d", i);
        care_ok(c, seal_open_at(c, c->file, at, keys, &old));
        (void)snprintf(name, sizeof name, "file%d", i);
        assert_string_equal(seal_text(c, old, name), name);
        (void)snprintf(name, sizeof name, "file%d", i + 1);
        assert_string_equal(seal_text(c, old, name), "");
    }
    extract_equal(c, c->file, keys);
    care_ok(c, seal_verify(c, c->file, true, keys, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CARE_TEST(test_seal__hides_names_and_contents),
        CARE_TEST(test_seal__goes_round),
        CARE_TEST(test_seal__extracts),
        CARE_TEST(test_seal__wants_its_key),
        CARE_TEST(test_seal__options_that_do_not_go_together),
        CARE_TEST(test_seal__tells_what_is_plain),
        CARE_TEST(test_seal__is_checked_without_a_key),
        CARE_TEST(test_seal__recovers_without_a_key),
        CARE_TEST(test_seal__compacts_with_its_keys),
        CARE_TEST(test_seal__every_flip_is_found),
        CARE_TEST(test_seal__blocks_and_pages_stay_where_they_are),
        CARE_TEST(test_seal__records_cannot_be_composed),
        CARE_TEST(test_seal__records_stay_in_their_container),
        CARE_TEST(test_seal__cannot_be_taken_off),
        CARE_TEST(test_seal__many_commits_open_in_any_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
