/* SPDX-License-Identifier: Apache-2.0 */
/* One part of a recipe. What can be read is written anew, and must then give the same bytes and
 * contents. */
#include "fuzz.h"

#include "oci/recipe.h"

enum {
    TEXT_MAX = 1 << 20 /* of what a recipe gives: a run of zeros may be as long as it likes */
};

static int keep(void *ctx, uint32_t part, const uint8_t *bytes, size_t len, bfc_err *err)
{
    buf *out = ctx;

    if (part > 0)
        out->bad = true; /* larger than one part: not compared */
    bfci_buf_put(out, bytes, len);
    return buf_check(out, err);
}

static bool rewrite(bfci_recipe_writer *w, const bfci_recipe_step *s)
{
    static const uint8_t zeros[TEXT_MAX];
    uint32_t parts = 0;

    if (s->op == RECIPE_HEADER)
        return bfci_recipe_header(w, s->bytes, NULL) == 0;
    if (s->op == RECIPE_LITERAL)
        return bfci_recipe_bytes(w, s->bytes, (size_t)s->len, NULL) == 0;
    if (s->op == RECIPE_ZEROS)
        return s->len <= TEXT_MAX && bfci_recipe_bytes(w, zeros, (size_t)s->len, NULL) == 0;
    if (s->op == RECIPE_CONTENT)
        return bfci_recipe_content(w, s->ino, s->offset, s->len, NULL) == 0;
    if (s->op == RECIPE_WHOLE)
        return bfci_recipe_whole(w, s->ino, NULL) == 0;
    return bfci_recipe_finish(w, s->len, &s->diff_id, &parts, NULL) == 0;
}

static void add_text(buf *text, const bfci_recipe_step *s)
{
    if (s->op == RECIPE_LITERAL || s->op == RECIPE_HEADER) {
        FUZZ_CHECK(s->bytes && s->len > 0);
        bfci_buf_put(text, s->bytes, (size_t)s->len);
    } else if (s->op == RECIPE_ZEROS) {
        uint8_t *room = s->len <= TEXT_MAX ? bfci_buf_room(text, (size_t)s->len) : NULL;
        if (!room)
            return;
        memset(room, 0, (size_t)s->len);
        text->len += (size_t)s->len;
    } else {
        FUZZ_CHECK(s->op == RECIPE_END || s->ino > 0);
        bfci_buf_put(text, &s->ino, sizeof s->ino);
        bfci_buf_put(text, &s->offset, sizeof s->offset);
        bfci_buf_put(text, &s->len, sizeof s->len);
    }
}

/* True if all could be read up to the end. */
static bool read_part(const uint8_t *data, size_t size, bfci_recipe_writer *w, buf *text)
{
    bfci_recipe_reader r;
    bfci_recipe_step s;
    bool got = true, again = true;

    bfci_recipe_reader_init(&r);
    bfci_recipe_reader_part(&r, data, size);
    while (got && text->len < TEXT_MAX) {
        if (bfci_recipe_next(&r, &s, &got, NULL) < 0)
            return false;
        if (got)
            add_text(text, &s);
        if (got && w)
            again = again && rewrite(w, &s);
    }
    return again && !got && r.ended;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_BUF buf part = BUF_INIT, first = BUF_INIT, second = BUF_INIT;
    AUTO(bfci_recipe_writer) bfci_recipe_writer *w = NULL;
    uint8_t *copy = fuzz_copy(data, size);

    FUZZ_CHECK(bfci_recipe_writer_new(keep, &part, &w, NULL) == 0);
    if (read_part(copy, size, w, &first) && !part.bad) {
        FUZZ_CHECK(read_part(part.data, part.len, NULL, &second));
        fuzz_same(&second, first.data, first.len);
    }
    free(copy);
    return 0;
}
