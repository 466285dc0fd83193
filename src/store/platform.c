/* SPDX-License-Identifier: Apache-2.0 */
/* Owns what a platform may look like and how this machine's is called. */
#include "store/platform.h"

#include "sys/names.h"

#define PART_MAX 32

static bool part_byte_ok(char c, bool first)
{
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
        return true;
    return !first && (c == '.' || c == '_' || c == '-');
}

bool bfci_platform_ok(const char *platform)
{
    unsigned parts = 1;
    size_t len = 0; /* of the part so far */

    for (const char *p = platform; *p; p++) {
        if (*p == '/') {
            if (len == 0)
                return false;
            parts++;
            len = 0;
        } else if (!part_byte_ok(*p, len == 0) || ++len > PART_MAX) {
            return false;
        }
    }
    return len > 0 && parts >= 2 && parts <= 3;
}

const char *bfci_platform_of_machine(const char *machine)
{
    static const struct {
        const char *machine, *name;
    } known[] = {
        {"x86_64", "amd64"},    {"i386", "386"},
        {"i486", "386"},        {"i586", "386"},
        {"i686", "386"},        {"aarch64", "arm64"},
        {"armv5tel", "arm/v5"}, {"armv5tejl", "arm/v5"},
        {"armv6l", "arm/v6"},   {"armv7l", "arm/v7"},
        {"armv8l", "arm/v8"},   {"riscv64", "riscv64"},
        {"ppc64le", "ppc64le"}, {"ppc64", "ppc64"},
        {"s390x", "s390x"},     {"loongarch64", "loong64"},
    };

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (strcmp(machine, known[i].machine) == 0)
            return known[i].name;
    return machine;
}

int bfci_platform_get(const char *platform, char **out, bfc_err *err)
{
    AUTO_FREE char *machine = NULL;
    AUTO_FREE char *text = NULL;

    if (platform) {
        BFC_TRY(bfci_strdup(platform, &text, err));
    } else {
        BFC_TRY(bfci_machine(&machine, err));
        BFC_TRY(bfci_asprintf(&text, err, "linux/%s", bfci_platform_of_machine(machine)));
    }
    if (!bfci_platform_ok(text))
        return bfci_fail(err, BFC_E_INVALID,
                         "platform '%s' is not allowed: it is os/architecture[/variant], such as "
                         "'linux/amd64' or 'linux/arm/v7'",
                         BFCI_QUOTE_STR(text));
    *out = bfci_steal(&text);
    return 0;
}
