/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the grammar of image names: that of the OCI distribution specification 1.1 ("Pulling
 * manifests") with the registry in front as container engines write it. What passes here can stand
 * in a file name: no part is empty, starts with '.' or '-', or holds anything but letters, digits
 * and ". _ - : [ ]". Everything else in the store relies on that. */
#include "store/reference.h"

#include <ctype.h>

/* A view into the name that is being parsed. */
struct span {
    const char *at;
    size_t len;
};

struct split {
    struct span registry, path, tag; /* registry.len is 0 where there is none */
};

static bool is_lower_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_alnum(char c)
{
    return is_lower_alnum(c) || (c >= 'A' && c <= 'Z');
}

static bool is_tag(struct span s)
{
    if (s.len < 1 || s.len > BFCI_TAG_MAX || !(is_alnum(s.at[0]) || s.at[0] == '_'))
        return false;
    for (size_t i = 1; i < s.len; i++)
        if (!is_alnum(s.at[i]) && !strchr("_.-", s.at[i]))
            return false;
    return true;
}

/* Between two runs of letters and digits: one '.', one or two '_', or any number of '-'. */
static bool is_separator(const char *at, size_t len)
{
    if (len == 1)
        return *at == '.' || *at == '_' || *at == '-';
    for (size_t i = 0; i < len; i++)
        if (at[i] != at[0])
            return false;
    return at[0] == '-' || (at[0] == '_' && len == 2);
}

static bool is_path_part(struct span s)
{
    if (s.len == 0 || !is_lower_alnum(s.at[0]) || !is_lower_alnum(s.at[s.len - 1]))
        return false;
    for (size_t i = 1; i < s.len;) {
        if (is_lower_alnum(s.at[i])) {
            i++;
            continue;
        }
        size_t n = 1; /* ends at the latest before the last byte, which is a letter or digit */
        while (!is_lower_alnum(s.at[i + n]))
            n++;
        if (!is_separator(s.at + i, n))
            return false;
        i += n;
    }
    return true;
}

static bool is_port(struct span s)
{
    uint32_t port = 0;

    if (s.len < 1 || s.len > 5)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        if (!isdigit((unsigned char)s.at[i]))
            return false;
        port = port * 10 + (uint32_t)(s.at[i] - '0');
    }
    return port >= 1 && port <= 65535;
}

/* Labels of letters, digits and inner '-', joined by single dots. */
static bool is_host(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        bool edge = i == 0 || i + 1 == s.len || s.at[i - 1] == '.' || s.at[i + 1] == '.';
        if (!is_alnum(s.at[i]) && (edge || (s.at[i] != '-' && s.at[i] != '.')))
            return false;
    }
    return s.len > 0;
}

static bool is_ipv6(struct span s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!isxdigit((unsigned char)s.at[i]) && s.at[i] != ':')
            return false;
    return s.len >= 2;
}

static bool is_registry(struct span s)
{
    const char *end = s.at + s.len;
    const char *host_end;

    if (s.len > 0 && s.at[0] == '[') {
        const char *close = memchr(s.at, ']', s.len);
        if (!close || !is_ipv6((struct span){s.at + 1, (size_t)(close - s.at) - 1}))
            return false;
        host_end = close + 1;
    } else {
        const char *colon = memchr(s.at, ':', s.len);
        host_end = colon ? colon : end;
        if (!is_host((struct span){s.at, (size_t)(host_end - s.at)}))
            return false;
    }
    if (host_end == end)
        return true;
    return *host_end == ':' && is_port((struct span){host_end + 1, (size_t)(end - host_end) - 1});
}

static bool looks_like_registry(struct span s)
{
    static const char local[] = "localhost";

    if (s.len == 0 || !(is_alnum(s.at[0]) || s.at[0] == '['))
        return false;
    return s.at[0] == '[' || memchr(s.at, '.', s.len) || memchr(s.at, ':', s.len) ||
           (s.len == sizeof local - 1 && memcmp(s.at, local, s.len) == 0);
}

static struct split split_name(const char *name)
{
    struct split s = {{name, 0}, {name, 0}, {BFCI_TAG_DEFAULT, sizeof BFCI_TAG_DEFAULT - 1}};
    const char *end = name + strlen(name);
    const char *slash = strchr(name, '/');

    if (slash && looks_like_registry((struct span){name, (size_t)(slash - name)})) {
        s.registry.len = (size_t)(slash - name);
        s.path.at = slash + 1;
    }
    const char *last = strrchr(s.path.at, '/');
    const char *colon = strrchr(last ? last : s.path.at, ':');
    if (colon)
        s.tag = (struct span){colon + 1, (size_t)(end - colon) - 1};
    s.path.len = (size_t)((colon ? colon : end) - s.path.at);
    return s;
}

bool bfci_reference_tag_ok(const char *tag, size_t len)
{
    return is_tag((struct span){tag, len});
}

bool bfci_reference_registry_ok(const char *registry, size_t len)
{
    return is_registry((struct span){registry, len});
}

bool bfci_reference_is_registry(const char *part, size_t len)
{
    return looks_like_registry((struct span){part, len});
}

bool bfci_reference_path_ok(const char *path, size_t len)
{
    const char *end = path + len;

    for (const char *part = path;;) {
        const char *slash = memchr(part, '/', (size_t)(end - part));
        if (!is_path_part((struct span){part, (size_t)((slash ? slash : end) - part)}))
            return false;
        if (!slash)
            return true;
        part = slash + 1;
    }
}

static int check_path(const char *name, struct span path, bfc_err *err)
{
    const char *end = path.at + path.len;

    for (const char *part = path.at;;) {
        const char *slash = memchr(part, '/', (size_t)(end - part));
        struct span s = {part, (size_t)((slash ? slash : end) - part)};
        if (s.len == 0)
            return bfci_fail(err, BFC_E_INVALID,
                             "image name '%s' has an empty part: a name is "
                             "[registry[:port]/]path[:tag], such as 'library/debian:12'",
                             BFCI_QUOTE_STR(name));
        if (!is_path_part(s))
            return bfci_fail(
                err, BFC_E_INVALID,
                "image name '%s': part '%s' is not allowed: use lower-case letters and "
                "digits, with '.', '_', '__' or '-' between them",
                BFCI_QUOTE_STR(name), BFCI_QUOTE(s.at, s.len));
        if (!slash)
            return 0;
        part = slash + 1;
    }
}

static int check_split(const char *name, const struct split *s, bfc_err *err)
{
    if (s->registry.len > 0 && !is_registry(s->registry))
        return bfci_fail(err, BFC_E_INVALID,
                         "image name '%s': registry '%s' is not allowed: use a host name or an "
                         "address, then a port if there is one ('registry.example:5000')",
                         BFCI_QUOTE_STR(name), BFCI_QUOTE(s->registry.at, s->registry.len));
    BFC_TRY(check_path(name, s->path, err));
    if (!is_tag(s->tag))
        return bfci_fail(
            err, BFC_E_INVALID,
            "image name '%s': tag '%s' is not allowed: use 1 to %d letters, digits, '_', "
            "'.' and '-', the first a letter, digit or '_'",
            BFCI_QUOTE_STR(name), BFCI_QUOTE(s->tag.at, s->tag.len), BFCI_TAG_MAX);
    return 0;
}

static void append(bfci_reference *ref, struct span s)
{
    memcpy(ref->text + ref->len, s.at, s.len);
    ref->len += s.len;
    ref->text[ref->len] = '\0';
}

static void join(const struct split *s, bfci_reference *out)
{
    *out = (bfci_reference){.registry_len = s->registry.len};
    if (s->registry.len > 0) {
        append(out, s->registry);
        for (size_t i = 0; i < out->len; i++) /* hosts are the same in both cases */
            out->text[i] = (char)tolower((unsigned char)out->text[i]);
        append(out, (struct span){"/", 1});
    }
    append(out, s->path);
    const char *slash = strrchr(out->text, '/');
    out->last_at = slash ? (size_t)(slash - out->text) + 1 : 0;
    append(out, (struct span){":", 1});
    out->tag_at = out->len;
    append(out, s->tag);
}

/* "a:1/a:1.bfc" would need a folder where the image "a:1" has its file. */
static bool is_file_of_other(const bfci_reference *ref)
{
    const char *rest = ref->text + ref->registry_len + 1;

    return ref->registry_len > 0 && strncmp(rest, ref->text, ref->registry_len) == 0 &&
           strcmp(rest + ref->registry_len, ".bfc") == 0;
}

int bfci_reference_parse(const char *name, bfci_reference *out, bfc_err *err)
{
    if (!name || !*name)
        return bfci_fail(err, BFC_E_INVALID,
                         "the image name is empty: a name is [registry[:port]/]path[:tag], such as "
                         "'debian:12'");
    if (strchr(name, '@'))
        return bfci_fail(err, BFC_E_INVALID,
                         "image name '%s' has a digest: images in a store are named by a tag",
                         BFCI_QUOTE_STR(name));

    const struct split s = split_name(name);
    BFC_TRY(check_split(name, &s, err));
    size_t len = s.registry.len + (s.registry.len > 0) + s.path.len + 1 + s.tag.len;
    if (len > BFCI_REFERENCE_MAX)
        return bfci_fail(
            err, BFC_E_INVALID,
            "image name '%s' is too long: it has %zu bytes with its tag, %d are allowed",
            BFCI_QUOTE_STR(name), len, BFCI_REFERENCE_MAX);

    bfci_reference ref;
    join(&s, &ref);
    if (is_file_of_other(&ref))
        return bfci_fail(err, BFC_E_INVALID,
                         "image name '%s' is not allowed: the image '%.*s' keeps its file there",
                         BFCI_QUOTE_STR(name), (int)ref.registry_len, ref.text);
    *out = ref;
    return 0;
}

bool bfci_reference_is_canonical(const char *path, bfci_reference *out)
{
    bfci_reference ref;

    if (bfci_reference_parse(path, &ref, NULL) < 0 || strcmp(ref.text, path) != 0)
        return false;
    *out = ref;
    return true;
}

bool bfci_reference_part_ok(const char *part)
{
    struct span s = {part, strlen(part)};
    const char *colon = strrchr(part, ':');

    if (is_path_part(s) || is_registry(s))
        return true;
    return colon && is_path_part((struct span){part, (size_t)(colon - part)}) &&
           is_tag((struct span){colon + 1, (size_t)(part + s.len - colon) - 1});
}

static void swap_bytes(char *text, char from, char to)
{
    for (char *p = strchr(text, from); p; p = strchr(p, from))
        *p = to;
}

void bfci_reference_escape(const bfci_reference *ref, char out[BFCI_REFERENCE_MAX + 1])
{
    memcpy(out, ref->text, ref->len + 1);
    swap_bytes(out, '/', '+');
}

bool bfci_reference_unescape(const char *part, bfci_reference *out)
{
    char text[BFCI_REFERENCE_MAX + 1];
    size_t len = strlen(part);

    if (len > BFCI_REFERENCE_MAX || strchr(part, '/'))
        return false;
    memcpy(text, part, len + 1);
    swap_bytes(text, '+', '/');
    return bfci_reference_is_canonical(text, out);
}
