/* SPDX-License-Identifier: Apache-2.0 */
/* Owns the talk with a credential helper. The request is small enough for a pipe, so it is written
 * before the program starts, and nobody has to do both at once. */
#include "net/credential_helper.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "sys/file.h"
#include "sys/process.h"

static const char program_prefix[] = "docker-credential-";
/* What helpers say, on standard output, where they have no login: a part of the protocol. */
static const char not_found[] = "credentials not found in native keychain";
static const char token_user[] = "<token>";

enum {
    NAME_MAX_LEN = 64,
    ANSWER_MAX = 2 * AUTH_SECRET_MAX + 4096,
    /* Both secrets with every byte as \u00xx would be more: refused, not cut. */
    REQUEST_MAX = 64 * 1024 - 1
};

static bool name_ok(const char *name)
{
    static const char allowed[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    size_t len = strlen(name);

    return len > 0 && len <= NAME_MAX_LEN && strspn(name, allowed) == len && name[0] != '-' &&
           name[0] != '.';
}

/* A pipe that holds all of the request. */
static int fill_pipe(const char *request, size_t len, int *out, bfc_err *err)
{
    AUTO_FD int read_end = -1, write_end = -1;
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return bfci_fail_errno(err, errno, "make a pipe");
    read_end = ends[0];
    write_end = ends[1];
    if (len > REQUEST_MAX || fcntl(write_end, F_SETPIPE_SZ, REQUEST_MAX + 1) < (int)len)
        return bfci_fail(err, BFC_E_LIMIT, "the login is too long for a credential helper");
    BFC_TRY(bfci_write_all(write_end, request, len, err));
    *out = bfci_steal_fd(&read_end);
    return 0;
}

static int run(const char *helper, const char *word, const char *request, size_t len,
               const bfc_hooks *hooks, bfci_process_result *out, bfc_err *err)
{
    AUTO_FREE char *name = NULL, *path = NULL;
    AUTO_FD int in = -1;
    bfci_process p = BFCI_PROCESS_INIT;

    if (!name_ok(helper))
        return bfci_fail(err, BFC_E_INVALID, "'%s' is no name of a credential helper",
                         BFCI_QUOTE_STR(helper));
    BFC_TRY(bfci_asprintf(&name, err, "%s%s", program_prefix, helper));
    int rc = bfci_program_find(name, &path, err);
    if (rc == BFC_E_NOT_FOUND)
        return bfci_fail(err, BFC_E_NOT_FOUND,
                         "there is no program '%s', which keeps the logins by the configuration: "
                         "install it, or take it out of there",
                         name);
    BFC_TRY(rc);
    BFC_TRY(fill_pipe(request, len, &in, err));
    p.argv = (const char *const[]){path, word, NULL};
    p.in_fd = in;
    p.out_max = ANSWER_MAX;
    p.limit_s = HELPER_SECONDS;
    p.hooks = hooks;
    p.own_environment = true;
    p.secret = true;
    return bfci_process_run(&p, out, err);
}

static bool says_not_found(const bfci_process_result *r)
{
    size_t len = sizeof not_found - 1;
    const char *start = r->out + strspn(r->out, " \t\r\n");

    return strncmp(start, not_found, len) == 0 && start[len + strspn(start + len, " \t\r\n")] == 0;
}

static int failed(const char *helper, const char *word, const char *server,
                  const bfci_process_result *r, bfc_err *err)
{
    return bfci_fail(err, BFC_E_DENIED,
                     "'%s%s %s' for '%s' ended with exit code %d: run it by itself to see why",
                     program_prefix, helper, word, BFCI_QUOTE_STR(server), r->exit_code);
}

/* ── get ── */

static int take_text(const json_t *root, const char *member, char **out, bfc_err *err)
{
    const json_t *value = json_object_get(root, member);

    if (!json_is_string(value) || json_string_length(value) > AUTH_SECRET_MAX)
        return bfci_fail(err, BFC_E_INVALID, "it has no '%s', or one that is too long", member);
    return bfci_credentials_text(json_string_value(value), json_string_length(value), out, err);
}

static int read_answer(const json_t *root, bfci_credentials *out, bfc_err *err)
{
    AUTO_CREDENTIALS bfci_credentials c = BFCI_CREDENTIALS_INIT;

    BFC_TRY(take_text(root, "Username", &c.username, err));
    BFC_TRY(take_text(root, "Secret", &c.password, err));
    if (strcmp(c.username, token_user) == 0) {
        c.identity_token = bfci_steal(&c.password);
        bfci_secret_free((uint8_t *)bfci_steal(&c.username));
    }
    *out = c;
    c = (bfci_credentials)BFCI_CREDENTIALS_INIT;
    return 0;
}

int bfci_helper_get(const char *helper, const char *server, const bfc_hooks *hooks,
                    bfci_credentials *out, bool *found, bfc_err *err)
{
    AUTO_PROCESS_RESULT bfci_process_result r = BFCI_PROCESS_RESULT_INIT;
    AUTO_AUTH_FILE bfci_auth_file answer = BFCI_AUTH_FILE_INIT;

    BFC_TRY(run(helper, "get", server, strlen(server), hooks, &r, err));
    if (r.exit_code != 0 && says_not_found(&r)) {
        *found = false;
        return 0;
    }
    if (r.exit_code != 0)
        return failed(helper, "get", server, &r, err);
    int rc = bfci_auth_file_parse((const uint8_t *)r.out, r.out_len, "answer", true, &answer, err);
    if (rc == 0)
        rc = read_answer(answer.root, out, err);
    if (rc == BFC_E_NOMEM)
        return rc;
    if (rc < 0)
        return bfci_fail(err, BFC_E_INVALID,
                         "the answer of '%s%s get' for '%s' is not one of a credential helper",
                         program_prefix, helper, BFCI_QUOTE_STR(server));
    *found = true;
    return 0;
}

/* ── store, erase, list ── */

static int make_request(const char *server, const char *username, const char *password,
                        bfci_auth_file *out, bfc_err *err)
{
    AUTO_AUTH_FILE bfci_auth_file f = {json_object(), "", true};

    if (!f.root)
        return bfci_fail_nomem(err);
    BFC_TRY(bfci_json_put_text(f.root, "ServerURL", server, err));
    BFC_TRY(bfci_json_put(f.root, "Username", json_string_nocheck(username), err));
    BFC_TRY(bfci_json_put(f.root, "Secret", json_string_nocheck(password), err));
    *out = f;
    f = (bfci_auth_file)BFCI_AUTH_FILE_INIT;
    return 0;
}

int bfci_helper_store(const char *helper, const char *server, const char *username,
                      const char *password, const bfc_hooks *hooks, bfc_err *err)
{
    AUTO_PROCESS_RESULT bfci_process_result r = BFCI_PROCESS_RESULT_INIT;
    AUTO_AUTH_FILE bfci_auth_file request = BFCI_AUTH_FILE_INIT;
    AUTO_SECRET uint8_t *text = NULL;
    size_t len = 0;

    if (!bfci_is_utf8(username, strlen(username)) || !bfci_is_utf8(password, strlen(password)))
        return bfci_fail(err, BFC_E_INVALID,
                         "a credential helper takes names and passwords in UTF-8 only");
    BFC_TRY(make_request(server, username, password, &request, err));
    BFC_TRY(bfci_auth_file_text(&request, &text, &len, err));
    BFC_TRY(run(helper, "store", (const char *)text, len, hooks, &r, err));
    return r.exit_code == 0 ? 0 : failed(helper, "store", server, &r, err);
}

int bfci_helper_erase(const char *helper, const char *server, const bfc_hooks *hooks, bool *removed,
                      bfc_err *err)
{
    AUTO_PROCESS_RESULT bfci_process_result r = BFCI_PROCESS_RESULT_INIT;

    BFC_TRY(run(helper, "erase", server, strlen(server), hooks, &r, err));
    if (r.exit_code != 0 && !says_not_found(&r))
        return failed(helper, "erase", server, &r, err);
    *removed = r.exit_code == 0;
    return 0;
}

int bfci_helper_list(const char *helper, const bfc_hooks *hooks, bfci_auth_file *out, bfc_err *err)
{
    AUTO_PROCESS_RESULT bfci_process_result r = BFCI_PROCESS_RESULT_INIT;

    BFC_TRY(run(helper, "list", "", 0, hooks, &r, err));
    if (r.exit_code != 0)
        return failed(helper, "list", "all registries", &r, err);
    int rc = bfci_auth_file_parse((const uint8_t *)r.out, r.out_len, "answer", true, out, err);
    if (rc == 0 || rc == BFC_E_NOMEM)
        return rc;
    return bfci_fail(err, BFC_E_INVALID,
                     "the answer of '%s%s list' is not one of a credential helper", program_prefix,
                     helper);
}
