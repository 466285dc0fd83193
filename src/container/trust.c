/* SPDX-License-Identifier: Apache-2.0 */
/* Whom a caller believes: signers by hand and from trust files, and signatures that stand beside
 * containers. A file counts wholly or not at all: half a list of people is not what somebody wrote
 * down. */
#include "container/trust.h"

#include <fcntl.h>

#include "format/key_text.h"
#include "sys/file.h"
#include "sys/pipe.h"

enum {
    TRUST_FILE_MAX = 1 << 20,
    SIGNER_NAME_MAX = 255
};

#define SYSTEM_TRUST "/etc/bfc/trust"

int bfc_trust_new(bfc_trust **out, bfc_err *err)
{
    return bfci_alloc_zero(1, sizeof **out, out, err);
}

void bfc_trust_free(bfc_trust *trust)
{
    if (!trust)
        return;
    for (size_t i = 0; i < trust->signer_count; i++)
        free(trust->signer[i].name);
    free(trust->signer);
    free(trust->beside);
    free(trust);
}

/* ── Signers ── */

static bfci_signer *find(const bfc_trust *trust, const uint8_t key[BFC_SIGNER_SIZE])
{
    for (size_t i = 0; i < trust->signer_count; i++)
        if (memcmp(trust->signer[i].key, key, BFC_SIGNER_SIZE) == 0)
            return &trust->signer[i];
    return NULL;
}

bool bfc_trust_has(const bfc_trust *trust, const uint8_t signer[BFC_SIGNER_SIZE], const char **name)
{
    const bfci_signer *s = find(trust, signer);

    if (name)
        *name = s ? s->name : NULL;
    return s != NULL;
}

/* Who is believed already stays so, under the first name. */
static int add(bfc_trust *trust, const uint8_t key[BFC_SIGNER_SIZE], const char *name,
               size_t name_len, size_t line, bfc_err *err)
{
    AUTO_FREE char *own = NULL;
    bfci_signer *s = find(trust, key);

    BFC_TRY(bfci_memdup_str(name, name_len, &own, err));
    if (!s) {
        BFC_TRY(bfci_reserve(&trust->signer, &trust->signer_cap, trust->signer_count + 1,
                             sizeof *trust->signer, err));
        s = &trust->signer[trust->signer_count++];
        *s = (bfci_signer){.line = line};
        memcpy(s->key, key, BFC_SIGNER_SIZE);
    } else if (*s->name) {
        return 0;
    }
    free(s->name);
    s->name = bfci_steal(&own);
    return 0;
}

static bool is_name(const char *name, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)name[i] <= ' ' || name[i] == 0x7f)
            return false;
    return len > 0 && len <= SIGNER_NAME_MAX;
}

int bfc_trust_add_signer(bfc_trust *trust, const char *name, const char *text, bfc_err *err)
{
    uint8_t key[BFC_SIGNER_SIZE];

    if (name && !is_name(name, strlen(name)))
        return bfci_fail(err, BFC_E_INVALID,
                         "'%s' is no name of a signer: it has 1 to %d bytes, none of them a blank",
                         BFCI_QUOTE_STR(name), SIGNER_NAME_MAX);
    BFC_TRY(bfci_key_text_decode_as(text, strlen(text), KEY_FORM_SIGNER, key, err));
    return add(trust, key, name ? name : "", name ? strlen(name) : 0, 0, err);
}

/* ── Lines ── */

struct lines {
    const char *at, *end;
    size_t number;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* The next line that counts, without blanks around it. */
static bool next_line(struct lines *l, const char **line, size_t *len)
{
    while (l->at < l->end) {
        const char *stop = memchr(l->at, '\n', (size_t)(l->end - l->at));
        const char *from = l->at, *to = stop ? stop : l->end;
        l->at = stop ? stop + 1 : l->end;
        l->number++;
        while (from < to && is_blank(*from))
            from++;
        while (from < to && is_blank(to[-1]))
            to--;
        if (from == to || *from == '#')
            continue;
        *line = from;
        *len = (size_t)(to - from);
        return true;
    }
    return false;
}

static int parse_signer(bfc_trust *trust, size_t number, const char *line, size_t len, bfc_err *err)
{
    uint8_t key[BFC_SIGNER_SIZE];
    size_t name_len = 0, key_at;

    while (name_len < len && !is_blank(line[name_len]))
        name_len++;
    for (key_at = name_len; key_at < len && is_blank(line[key_at]); key_at++)
        ;
    if (key_at == len)
        return bfci_fail(err, BFC_E_INVALID, "a name and a signer are needed: 'NAME bfc-signer:…'");
    if (!is_name(line, name_len))
        return bfci_fail(err, BFC_E_INVALID, "'%s' is no name: it has 1 to %d bytes",
                         BFCI_QUOTE(line, MIN(name_len, (size_t)SIGNER_NAME_MAX)), SIGNER_NAME_MAX);
    BFC_TRY(bfci_key_text_decode_as(line + key_at, len - key_at, KEY_FORM_SIGNER, key, err));
    const bfci_signer *same = find(trust, key);
    if (same)
        return bfci_fail(err, BFC_E_INVALID, "the signer of line %zu again, '%s'", same->line,
                         BFCI_QUOTE_STR(same->name));
    return add(trust, key, line, name_len, number, err);
}

int bfci_trust_parse(bfc_trust *trust, const char *text, size_t len, bfc_err *err)
{
    AUTO(bfc_trust) bfc_trust *read = NULL;
    struct lines l = {text, text + len, 0};
    const char *line = NULL;
    size_t line_len = 0;

    BFC_TRY(bfc_trust_new(&read, err));
    while (next_line(&l, &line, &line_len)) {
        int rc = parse_signer(read, l.number, line, line_len, err);
        if (rc < 0)
            return bfci_wrap(err, rc, "line %zu", l.number);
    }
    if (read->signer_count == 0)
        return bfci_fail(err, BFC_E_INVALID, "it names nobody");
    size_t had = trust->signer_count;
    for (size_t i = 0; i < read->signer_count; i++) {
        const bfci_signer *s = &read->signer[i];
        int rc = add(trust, s->key, s->name, strlen(s->name), 0, err);
        if (rc < 0) {
            while (trust->signer_count > had)
                free(trust->signer[--trust->signer_count].name);
            return rc;
        }
    }
    return 0;
}

int bfci_trust_parse_signatures(bfc_trust *trust, const char *text, size_t len, bfc_err *err)
{
    struct lines l = {text, text + len, 0};
    size_t had = trust->beside_count;
    const char *line = NULL;
    size_t line_len = 0;

    while (next_line(&l, &line, &line_len)) {
        bfc_signature s;
        int rc = bfci_signature_text_decode(line, line_len, &s, err);
        if (rc < 0)
            rc = bfci_wrap(err, rc, "line %zu", l.number);
        else
            rc = bfci_reserve(&trust->beside, &trust->beside_cap, trust->beside_count + 1,
                              sizeof *trust->beside, err);
        if (rc < 0) {
            trust->beside_count = had;
            return rc;
        }
        trust->beside[trust->beside_count++] = s;
    }
    if (trust->beside_count == had)
        return bfci_fail(err, BFC_E_INVALID, "there is no signature in it");
    return 0;
}

/* ── Files ── */

/* May be a pipe. Who may write to a trust file says whom to believe: that cannot be everybody. */
static int read_text(const char *path, bool for_trust, buf *out, bfc_err *err)
{
    AUTO_FD int fd = -1;
    struct stat st;

    BFC_TRY(bfci_open(AT_FDCWD, path, O_RDONLY | O_NOCTTY, 0, &fd, err));
    BFC_TRY(bfci_fstat(fd, &st, err));
    if (for_trust && S_ISREG(st.st_mode) && (st.st_mode & S_IWOTH))
        return bfci_fail(err, BFC_E_DENIED,
                         "everybody may write to it (mode %04o), so it says nothing: chmod o-w",
                         (unsigned)(st.st_mode & 07777));
    uint8_t *room = bfci_buf_room(out, TRUST_FILE_MAX + 1);
    BFC_TRY(buf_check(out, err));
    BFC_TRY(bfci_pipe_read_full(fd, room, TRUST_FILE_MAX + 1, NULL, &out->len, err));
    if (out->len > TRUST_FILE_MAX)
        return bfci_fail(err, BFC_E_LIMIT, "it has more than %d bytes", TRUST_FILE_MAX);
    return 0;
}

int bfc_trust_add_file(bfc_trust *trust, const char *path, bfc_err *err)
{
    AUTO_BUF buf text = BUF_INIT;

    int rc = read_text(path, true, &text, err);
    if (rc == 0)
        rc = bfci_trust_parse(trust, (const char *)text.data, text.len, err);
    return rc < 0 ? bfci_wrap(err, rc, "trust file '%s'", BFCI_QUOTE_STR(path)) : 0;
}

int bfc_trust_add_signatures(bfc_trust *trust, const char *path, bfc_err *err)
{
    AUTO_BUF buf text = BUF_INIT;

    int rc = read_text(path, false, &text, err);
    if (rc == 0)
        rc = bfci_trust_parse_signatures(trust, (const char *)text.data, text.len, err);
    return rc < 0 ? bfci_wrap(err, rc, "signature file '%s'", BFCI_QUOTE_STR(path)) : 0;
}

static int parse_one_signer(bfc_trust *trust, const buf *text, bfc_err *err)
{
    struct lines l = {(const char *)text->data, (const char *)text->data + text->len, 0};
    const char *line = NULL, *more = NULL;
    uint8_t key[BFC_SIGNER_SIZE];
    size_t len = 0, more_len = 0;

    if (!next_line(&l, &line, &len) || next_line(&l, &more, &more_len))
        return bfci_fail(err, BFC_E_INVALID,
                         "it must hold one line, 'bfc-signer:…'; a list of names is a trust file");
    BFC_TRY(bfci_key_text_decode_as(line, len, KEY_FORM_SIGNER, key, err));
    return add(trust, key, "", 0, 0, err);
}

int bfc_trust_add_signer_file(bfc_trust *trust, const char *path, bfc_err *err)
{
    AUTO_BUF buf text = BUF_INIT;

    int rc = read_text(path, true, &text, err);
    if (rc == 0)
        rc = parse_one_signer(trust, &text, err);
    if (text.data) /* it may have been the secret key by mistake */
        bfci_wipe(text.data, text.len);
    return rc < 0 ? bfci_wrap(err, rc, "key file '%s'", BFCI_QUOTE_STR(path)) : 0;
}

/* ── The default ── */

static bool is_there(const char *path)
{
    struct stat st;
    bfc_err why = BFC_ERR_INIT;

    return bfci_stat_at(AT_FDCWD, path, 0, &st, &why) == 0 || why.code != BFC_E_NOT_FOUND;
}

static int user_trust(char **out, bfc_err *err)
{
    const char *config = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");

    *out = NULL;
    if (config && config[0] == '/')
        return bfci_asprintf(out, err, "%s/bfc/trust", config);
    if (home && home[0] == '/')
        return bfci_asprintf(out, err, "%s/.config/bfc/trust", home);
    return 0;
}

int bfc_trust_add_default(bfc_trust *trust, bfc_err *err)
{
    const char *given = getenv("BFC_TRUST_FILE");
    AUTO_FREE char *own = NULL;

    if (given && *given)
        return bfc_trust_add_file(trust, given, err);
    BFC_TRY(user_trust(&own, err));
    if (own && is_there(own))
        return bfc_trust_add_file(trust, own, err);
    if (is_there(SYSTEM_TRUST))
        return bfc_trust_add_file(trust, SYSTEM_TRUST, err);
    return bfci_fail(err, BFC_E_NOT_FOUND,
                     "nobody is trusted: there is no trust file ($BFC_TRUST_FILE, %s%s" SYSTEM_TRUST
                     ")",
                     own ? own : "", own ? ", " : "");
}
