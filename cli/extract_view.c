/* SPDX-License-Identifier: Apache-2.0 */
/* The report of an extract. */
#include "extract_view.h"

#include <inttypes.h>
#include <string.h>

#include "stats_view.h"

static void print_json(struct cli *cli, const char *schema, const char *source, const char *target,
                       const bfc_extract_report *r, const bfc_stats *stats)
{
    json_t *document = json_document(schema);
    json_put_str(document, "source", source);
    json_put_str(document, "target", target);
    json_put_u64(document, "files", r->files);
    json_put_u64(document, "dirs", r->dirs);
    json_put_u64(document, "symlinks", r->symlinks);
    json_put_u64(document, "others", r->others);
    json_put_u64(document, "hardlinks", r->hardlinks);
    json_put_u64(document, "content_bytes", r->content_bytes);
    json_t *lost = json_new();
    json_put_u64(lost, "owner", r->lost_owner);
    json_put_u64(lost, "mode", r->lost_mode);
    json_put_u64(lost, "xattrs", r->lost_xattrs);
    json_put_u64(lost, "device", r->lost_device);
    json_put(document, "lost", lost);
    if (r->dataset[0]) {
        json_put_str(document, "dataset", r->dataset);
        json_put_str_or_null(document, "origin", r->origin);
        json_put_str_or_null(document, "snapshot", r->snapshot);
    }
    stats_json(document, stats);
    json_print(&cli->out, document);
}

/* The counts of a clone are those of its template, if that was made for it. */
static void add_what(struct text *t, const bfc_extract_report *r)
{
    char content[SIZE_TEXT_MAX];

    text_size(content, r->content_bytes);
    if (r->origin[0])
        text_fmt(t, "a clone of %s", r->origin);
    else
        text_fmt(t, "%" PRIu64 " entries extracted, %s",
                 r->files + r->dirs + r->symlinks + r->others + r->hardlinks, content);
}

void extract_report(struct cli *cli, const char *schema, const char *source, const char *target,
                    const bfc_extract_report *r, const bfc_stats *stats)
{
    AUTO_TEXT struct text line = {0};

    if (cli->json) {
        print_json(cli, schema, source, target, r, stats);
        return;
    }
    if (r->dataset[0])
        target = r->dataset;
    text_escaped(&line, target, strlen(target), ESCAPE_TERMINAL);
    text_str(&line, ": ");
    add_what(&line, r);
    if (r->snapshot[0])
        cli_notice(cli, "%s; what was there is in %s", text_of(&line), r->snapshot);
    else
        cli_summary(cli, "%s", text_of(&line));
    stats_print(cli, stats);
}
