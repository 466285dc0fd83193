/* SPDX-License-Identifier: Apache-2.0 */
/* Images as JSON; places by their scheme. */
#include "image_view.h"

#include <string.h>

void image_json(json_t *o, const bfc_image_info *info)
{
    json_put_str(o, "name", info->name);
    json_put_u64(o, "size", info->size);
    json_put_time(o, "created", info->created, 0);
    json_put_str(o, "compression", info->compression);
    json_put_str(o, "encryption", info->encryption);
    json_put_hex(o, "root_digest", info->root_digest, sizeof info->root_digest);
    json_put_str(o, "manifest_digest", info->manifest_digest);
    json_put_str(o, "platform", info->platform);
    json_put_u64(o, "layers", info->layers);
    json_put_u64(o, "files", info->files);
    json_put_u64(o, "content_bytes", info->content_bytes);
    json_put_str(o, "path", info->path);
}

/* Length of "scheme" in "scheme:rest"; 0 if it begins with none. A slash before the colon makes it
 * a path. */
static size_t scheme_length(const char *place)
{
    size_t len = strspn(place, "abcdefghijklmnopqrstuvwxyz0123456789+-");
    return place[len] == ':' ? len : 0;
}

int image_directory(struct cli *cli, const char *what, const char *place, const char **out)
{
    size_t scheme = scheme_length(place);
    AUTO_TEXT struct text shown = {0};

    text_escaped(&shown, place, strlen(place), ESCAPE_QUOTED);
    if (scheme == 3 && strncmp(place, "dir", scheme) == 0) {
        *out = place + scheme + 1;
    } else if (scheme) {
        return cli_usage(cli,
                         "%s '%s': '%.*s:' is not supported; a directory or dir:PATH is (write "
                         "./%s for a directory of that name)",
                         what, text_of(&shown), (int)scheme, place, text_of(&shown));
    } else {
        *out = place;
    }
    return **out ? EXIT_DONE
                 : cli_usage(cli, "%s '%s': the path is missing", what, text_of(&shown));
}
