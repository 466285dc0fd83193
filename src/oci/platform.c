/* SPDX-License-Identifier: Apache-2.0 */
/* Owns what a platform may look like, which spellings of it are the same, and which runs on which.
 * The rules for spellings and variants are containerd's, which the other engines follow; but an
 * image for another architecture (386 on amd64) is never taken without being asked for. */
#include "oci/platform.h"

#include "oci/descriptor.h"
#include "sys/names.h"

enum {
    PART_MAX = 32,
    MINOR_MAX = 64,
    ARM64_9_IS_8 = 5 /* Armv9.N has all of Armv8.(N + 5) */
};

void bfci_platform_release(bfci_platform *p)
{
    free(p->os);
    free(p->arch);
    free(p->variant);
    free(p->os_version);
    *p = (bfci_platform){0};
}

int bfci_platform_read(const bfci_json_node *n, bfci_platform *out, bfc_err *err)
{
    const bfci_json_node os = bfci_json_member(n, "os");
    const bfci_json_node arch = bfci_json_member(n, "architecture");
    const bfci_json_node variant = bfci_json_member(n, "variant");
    const bfci_json_node os_version = bfci_json_member(n, "os.version");

    BFC_TRY(bfci_json_may_copy(&os, &out->os, err));
    BFC_TRY(bfci_json_may_copy(&arch, &out->arch, err));
    BFC_TRY(bfci_json_may_copy(&variant, &out->variant, err));
    return bfci_json_may_copy(&os_version, &out->os_version, err);
}

/* ── Text ── */

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

/* ── Spellings ── */

/* A platform in its usual form; "" for a part that is not told. Borrowed, or static. */
struct usual {
    const char *os, *arch, *variant;
};

static bool same(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static bool one_of(const char *text, const char *a, const char *b)
{
    return same(text, a) || same(text, b);
}

static struct usual usual_form(const bfci_platform *p)
{
    static const struct {
        const char *from, *arch, *variant;
    } arches[] = {
        {"x86_64", "amd64", ""},        {"x86-64", "amd64", ""}, {"aarch64", "arm64", ""},
        {"armhf", "arm", "v7"},         {"armel", "arm", "v6"},  {"i386", "386", ""},
        {"loongarch64", "loong64", ""},
    };
    struct usual u = {p->os ? p->os : "", p->arch ? p->arch : "", p->variant ? p->variant : ""};

    if (same(u.os, "macos"))
        u.os = "darwin";
    for (size_t i = 0; i < ARRAY_LEN(arches); i++)
        if (same(u.arch, arches[i].from)) {
            u.arch = arches[i].arch;
            u.variant = *arches[i].variant ? arches[i].variant : u.variant;
            break;
        }
    if ((same(u.arch, "arm64") && one_of(u.variant, "v8", "8")) ||
        (same(u.arch, "amd64") && one_of(u.variant, "v1", "1")) || same(u.arch, "386"))
        u.variant = "";
    return u;
}

static int text_of(const struct usual *u, char **out, bfc_err *err)
{
    return bfci_asprintf(out, err, "%s/%s%s%s", *u->os ? u->os : "unknown",
                         *u->arch ? u->arch : "unknown", *u->variant ? "/" : "", u->variant);
}

int bfci_platform_text(const bfci_platform *p, char **out, bfc_err *err)
{
    const struct usual u = usual_form(p);
    AUTO_FREE char *text = NULL;

    BFC_TRY(text_of(&u, &text, err));
    bool split_anew = strchr(u.os, '/') || strchr(u.arch, '/'); /* would be other parts */
    if (split_anew || !bfci_platform_ok(text))
        return bfci_fail(err, BFC_E_CORRUPT,
                         "platform '%s' is impossible: os/architecture[/variant] in lower-case "
                         "letters and digits was expected",
                         BFCI_QUOTE_STR(text));
    *out = bfci_steal(&text);
    return 0;
}

/* The parts of a text that is well-formed. */
static int split(const char *text, bfci_platform *out, bfc_err *err)
{
    const char *arch = strchr(text, '/') + 1;
    const char *variant = strchr(arch, '/');

    BFC_TRY(bfci_memdup_str(text, (size_t)(arch - 1 - text), &out->os, err));
    if (!variant)
        return bfci_strdup(arch, &out->arch, err);
    BFC_TRY(bfci_memdup_str(arch, (size_t)(variant - arch), &out->arch, err));
    return bfci_strdup(variant + 1, &out->variant, err);
}

static int machine_text(char **out, bfc_err *err)
{
    AUTO_FREE char *machine = NULL;

    BFC_TRY(bfci_machine(&machine, err));
    return bfci_asprintf(out, err, "linux/%s", bfci_platform_of_machine(machine));
}

int bfci_platform_get(const char *platform, char **out, bfc_err *err)
{
    AUTO_PLATFORM bfci_platform parts = {0};
    AUTO_FREE char *machine = NULL;

    if (!platform)
        BFC_TRY(machine_text(&machine, err));
    const char *text = platform ? platform : machine;
    if (!bfci_platform_ok(text))
        return bfci_fail(err, BFC_E_INVALID,
                         "platform '%s' is not allowed: it is os/architecture[/variant], such as "
                         "'linux/amd64' or 'linux/arm/v7'",
                         BFCI_QUOTE_STR(text));
    BFC_TRY(split(text, &parts, err));
    return bfci_platform_text(&parts, out, err);
}

int bfci_platform_parse(const char *text, bfci_platform *out, bfc_err *err)
{
    AUTO_FREE char *usual = NULL;
    AUTO_PLATFORM bfci_platform parts = {0};

    BFC_TRY(bfci_platform_get(text, &usual, err));
    BFC_TRY(split(usual, &parts, err));
    *out = parts;
    parts = (bfci_platform){0};
    return 0;
}

/* ── Which runs on which ── */

/* "v8.5" or "8.5". */
static bool version_of(const char *variant, unsigned *major, unsigned *minor)
{
    const char *p = *variant == 'v' ? variant + 1 : variant;

    if (*p < '1' || *p > '9')
        return false;
    *major = (unsigned)(*p++ - '0');
    *minor = 0;
    if (*p == '\0')
        return true;
    if (*p++ != '.' || *p == '\0')
        return false;
    for (; *p; p++) {
        if (*p < '0' || *p > '9' || *minor > MINOR_MAX)
            return false;
        *minor = *minor * 10 + (unsigned)(*p - '0');
    }
    return true;
}

/* What an architecture without a variant is. */
static const char *default_variant(const char *arch)
{
    if (same(arch, "arm"))
        return "v7";
    if (same(arch, "arm64"))
        return "v8";
    return same(arch, "amd64") ? "v1" : "";
}

bool bfci_platform_runs_on(const bfci_platform *offered, const bfci_platform *want, unsigned *rank)
{
    const struct usual o = usual_form(offered), w = usual_form(want);
    const char *has = *o.variant ? o.variant : default_variant(o.arch);
    const char *wants = *w.variant ? w.variant : default_variant(w.arch);
    unsigned has_major, has_minor, major, minor;

    if (!same(o.os, w.os) || !same(o.arch, w.arch))
        return false;
    *rank = UINT32_MAX;
    if (same(has, wants))
        return true;
    if (!*default_variant(w.arch) || !version_of(has, &has_major, &has_minor) ||
        !version_of(wants, &major, &minor))
        return false;
    *rank = has_major * 1000 + has_minor;
    if (has_major == major)
        return has_minor <= minor;
    if (same(w.arch, "arm64"))
        return has_major == 8 && major == 9 && has_minor <= minor + ARM64_9_IS_8;
    return has_major < major;
}
