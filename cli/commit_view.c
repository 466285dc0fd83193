/* SPDX-License-Identifier: Apache-2.0 */
/* Commits as JSON and as words. */
#include "commit_view.h"

#include <inttypes.h>
#include <string.h>

#include "stats_view.h"

static void put_counts(json_t *o, const bfc_commit_info *c)
{
    json_put_u64(o, "files", c->files);
    json_put_u64(o, "dirs", c->dirs);
    json_put_u64(o, "symlinks", c->symlinks);
    json_put_u64(o, "others", c->others);
    json_put_u64(o, "content_bytes", c->content_bytes);
    json_put_u64(o, "data_stored", c->data_stored);
    json_put_u64(o, "data_raw", c->data_raw);
}

json_t *commit_json(const bfc_commit_info *c)
{
    json_t *o = json_new();
    json_put_u64(o, "seq", c->seq);
    json_put_time(o, "time", c->time, c->time_ns);
    json_put_hex(o, "root_digest", c->root_digest, sizeof c->root_digest);
    json_put_u64(o, "offset", c->offset);
    json_put_u64(o, "segment_bytes", c->segment_bytes);
    if (c->hidden)
        json_put_bool(o, "hidden", true);
    else
        put_counts(o, c);
    return o;
}

json_t *commit_counts_json(const bfc_commit_info *c)
{
    json_t *o = json_new();
    put_counts(o, c);
    return o;
}

void commit_counts(struct text *t, const bfc_commit_info *c)
{
    const struct {
        uint64_t count;
        const char *one, *more;
    } kinds[] = {
        {c->files, "file", "files"},
        {c->dirs, "directory", "directories"},
        {c->symlinks, "symbolic link", "symbolic links"},
        {c->others, "other", "others"},
    };
    bool any = false;

    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (kinds[i].count == 0)
            continue;
        text_fmt(t, "%s%" PRIu64 " %s", any ? ", " : "", kinds[i].count,
                 kinds[i].count == 1 ? kinds[i].one : kinds[i].more);
        any = true;
    }
    if (!any)
        text_str(t, "nothing");
}

void digest_short(char out[DIGEST_SHORT + 1], const uint8_t digest[BFC_DIGEST_SIZE])
{
    text_hex(out, digest, DIGEST_SHORT / 2);
}

void commit_summary(struct cli *cli, const char *path, const bfc_commit_info *c)
{
    char content[SIZE_TEXT_MAX], stored[SIZE_TEXT_MAX], digest[DIGEST_SHORT + 1];
    AUTO_TEXT struct text shown = {0};
    AUTO_TEXT struct text counts = {0};

    text_size(content, c->content_bytes);
    text_size(stored, c->data_stored);
    digest_short(digest, c->root_digest);
    text_escaped(&shown, path, strlen(path), ESCAPE_TERMINAL);
    commit_counts(&counts, c);
    cli_summary(cli, "%s: commit %" PRIu64 ": %s; %s stored in %s; root digest %s", text_of(&shown),
                c->seq, text_of(&counts), content, stored, digest);
}

void commit_report(struct cli *cli, const char *schema, const char *path, const bfc_commit_info *c,
                   const bfc_stats *stats)
{
    if (!cli->json) {
        commit_summary(cli, path, c);
        stats_print(cli, stats);
        return;
    }
    json_t *document = json_document(schema);
    json_put_str(document, "file", path);
    json_put(document, "commit", commit_json(c));
    stats_json(document, stats);
    json_print(&cli->out, document);
}
