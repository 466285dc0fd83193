/* SPDX-License-Identifier: Apache-2.0 */
/* Images as JSON and in a line; places by their scheme; times of histories. */
#include "image_view.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "commit_view.h"
#include "stats_view.h"

/* What is not known of an encrypted image is null. */
static void put_str(json_t *o, const char *key, const bfc_image_info *info, const char *value)
{
    if (info->hidden)
        json_put(o, key, json_null());
    else
        json_put_str(o, key, value);
}

static void put_u64(json_t *o, const char *key, const bfc_image_info *info, uint64_t value)
{
    if (info->hidden)
        json_put(o, key, json_null());
    else
        json_put_u64(o, key, value);
}

void image_json(json_t *o, const bfc_image_info *info)
{
    json_put_str(o, "name", info->name);
    json_put_u64(o, "size", info->size);
    json_put_time(o, "created", info->created, 0);
    put_str(o, "compression", info, info->compression);
    json_put_str(o, "encryption", info->encryption);
    json_put_hex(o, "root_digest", info->root_digest, sizeof info->root_digest);
    put_str(o, "manifest_digest", info, info->manifest_digest);
    put_str(o, "platform", info, info->platform);
    put_u64(o, "layers", info, info->layers);
    put_u64(o, "files", info, info->files);
    put_u64(o, "content_bytes", info, info->content_bytes);
    json_put_str(o, "path", info->path);
}

static void summarize(struct cli *cli, const bfc_image_info *info)
{
    char size[SIZE_TEXT_MAX], content[SIZE_TEXT_MAX], digest[DIGEST_SHORT + 1];

    text_size(size, info->size);
    text_size(content, info->content_bytes);
    digest_short(digest, info->root_digest);
    if (info->hidden) {
        cli_summary(cli, "%s: encrypted, %s; root digest %s", info->name, size, digest);
        return;
    }
    cli_summary(
        cli, "%s: %" PRIu64 " layer%s, %" PRIu64 " entries; %s stored in %s; root digest %s",
        info->name, info->layers, info->layers == 1 ? "" : "s", info->files, content, size, digest);
}

void image_report(struct cli *cli, const char *schema, const bfc_image_info *info,
                  const bfc_stats *stats)
{
    if (!cli->json) {
        summarize(cli, info);
        stats_print(cli, stats);
        return;
    }
    json_t *document = json_document(schema);
    image_json(document, info);
    stats_json(document, stats);
    json_print(&cli->out, document);
}

/* Length of "scheme" in "scheme:rest"; 0 if it begins with none. A slash before the colon makes it
 * a path. */
static size_t scheme_length(const char *place)
{
    size_t len = strspn(place, "abcdefghijklmnopqrstuvwxyz0123456789+-");
    return place[len] == ':' ? len : 0;
}

int image_target(struct cli *cli, const char *place, const char **shown)
{
    static const char dir[] = "dir:", zfs[] = "zfs:";
    size_t scheme = scheme_length(place);
    bool is_dir = strncmp(place, dir, sizeof dir - 1) == 0;
    bool is_dataset = strncmp(place, zfs, sizeof zfs - 1) == 0;
    AUTO_TEXT struct text quoted = {0};

    *shown = is_dir ? place + sizeof dir - 1 : place;
    text_escaped(&quoted, place, strlen(place), ESCAPE_QUOTED);
    if (scheme && !is_dir && !is_dataset)
        return cli_usage(cli,
                         "target '%s': '%.*s:' is not supported; a directory, dir:PATH or "
                         "zfs:DATASET is (write ./%s for a directory of that name)",
                         text_of(&quoted), (int)scheme, place, text_of(&quoted));
    if (is_dataset && !place[sizeof zfs - 1])
        return cli_usage(cli, "target '%s': the dataset is missing", text_of(&quoted));
    return **shown ? EXIT_DONE
                   : cli_usage(cli, "target '%s': the path is missing", text_of(&quoted));
}

void image_created(char out[TIME_TEXT_MAX], const struct cli *cli, int64_t created, int64_t now)
{
    if (cli->out.terminal)
        text_age(out, created, now);
    else
        text_time(out, created);
}

/* "Z", "+02:00": seconds east of UTC. */
static bool zone(const char *s, int64_t *seconds)
{
    struct tm tm = {0};
    if (strcmp(s, "Z") == 0) {
        *seconds = 0;
        return true;
    }
    const char *end = *s == '+' || *s == '-' ? strptime(s + 1, "%H:%M", &tm) : NULL;
    if (!end || *end)
        return false;
    *seconds = (tm.tm_hour * 60 + tm.tm_min) * (*s == '-' ? -60 : 60);
    return true;
}

bool image_time(const char *told, int64_t *seconds)
{
    /* What a program writes that knows no time: the zero of its calendar. */
    static const char nothing[] = "0001-01-01T00:00:00Z";
    struct tm tm = {0};
    int64_t east = 0;

    const char *rest = strptime(told, "%Y-%m-%dT%H:%M:%S", &tm);
    if (rest && *rest == '.')
        rest += 1 + strspn(rest + 1, "0123456789");
    if (!rest || !zone(rest, &east) || strcmp(told, nothing) == 0)
        return false;
    *seconds = (int64_t)timegm(&tm) - east;
    return true;
}
