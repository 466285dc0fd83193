/* SPDX-License-Identifier: Apache-2.0 */
/* The report of an extract. */
#include "extract_view.h"

#include <inttypes.h>
#include <string.h>

static void print_json(struct cli *cli, const char *schema, const char *source, const char *target,
                       const bfc_extract_report *r)
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
    json_print(&cli->out, document);
}

void extract_report(struct cli *cli, const char *schema, const char *source, const char *target,
                    const bfc_extract_report *r)
{
    char content[SIZE_TEXT_MAX];
    AUTO_TEXT struct text shown = {0};

    if (cli->json) {
        print_json(cli, schema, source, target, r);
        return;
    }
    text_size(content, r->content_bytes);
    text_escaped(&shown, target, strlen(target), ESCAPE_TERMINAL);
    cli_summary(cli, "%s: %" PRIu64 " entries extracted, %s", text_of(&shown),
                r->files + r->dirs + r->symlinks + r->others + r->hardlinks, content);
}
