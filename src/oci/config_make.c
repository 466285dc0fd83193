/* SPDX-License-Identifier: Apache-2.0 */
/* New configurations, with members in the order in which the specification names them; and times as
 * documents have them. */
#include <time.h>

#include "oci/config.h"
#include "oci/json.h"

static int put_platform(json_t *root, const bfci_platform *p, bfc_err *err)
{
    /* The two are required; readers know "unknown" for what nobody told. */
    BFC_TRY(bfci_json_put_text(root, "architecture", p->arch ? p->arch : "unknown", err));
    BFC_TRY(bfci_json_put_text(root, "os", p->os ? p->os : "unknown", err));
    if (p->os_version)
        BFC_TRY(bfci_json_put_text(root, "os.version", p->os_version, err));
    return p->variant ? bfci_json_put_text(root, "variant", p->variant, err) : 0;
}

int bfci_config_make(const bfci_platform *platform, const char *created, char **json, bfc_err *err)
{
    AUTO(json_t) json_t *root = json_object();

    if (!root)
        return bfci_fail_nomem(err);
    if (created)
        BFC_TRY(bfci_json_put_text(root, "created", created, err));
    BFC_TRY(put_platform(root, platform, err));
    BFC_TRY(bfci_json_put(root, "config", json_object(), err));
    json_t *rootfs = json_pack("{s:s, s:[]}", "type", "layers", "diff_ids");
    BFC_TRY(bfci_json_put(root, "rootfs", rootfs, err));
    BFC_TRY(bfci_json_put(root, "history", json_array(), err));
    return bfci_json_dump(root, json, err);
}

void bfci_time_text(int64_t seconds, char out[32])
{
    /* RFC 3339 has four digits for the year: from 1000-01-01 to 9999-12-31. */
    const time_t t = (time_t)MAX(MIN(seconds, INT64_C(253402300799)), INT64_C(-30610224000));
    struct tm tm = {0};

    (void)gmtime_r(&t, &tm);
    (void)strftime(out, 32, "%Y-%m-%dT%H:%M:%SZ", &tm);
}
