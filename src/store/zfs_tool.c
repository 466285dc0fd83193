/* SPDX-License-Identifier: Apache-2.0 */
/* Owns how zfs(8) is called: found once, an argument vector, LC_ALL=C, bounded in output and time,
 * each command told to the log. And what its answers mean: zfs has but two exit codes, so that the
 * words decide; those of OpenZFS 2 and of ZFS-FUSE 0.7 are known. */
#include "store/zfs_tool.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/hooks.h"
#include "sys/clock.h"
#include "sys/mounts.h"
#include "sys/names.h"
#include "sys/process.h"

#define OUTPUT_MAX ((size_t)64 << 20) /* some 100,000 datasets */
#define LIMIT_S 600
#define PAUSE_MS 50

bool bfci_zfs_is_fuse_mount(const bfci_mount *m)
{
    static const char root[] = "user_id=0";
    const char *owner = strstr(m->options, root);

    return strcmp(m->type, "fuse.zfs") == 0 && owner &&
           (owner[sizeof root - 1] == ',' || owner[sizeof root - 1] == '\0');
}

bool bfci_zfs_is_mount(const bfci_mount *m)
{
    return strcmp(m->type, "zfs") == 0 || bfci_zfs_is_fuse_mount(m);
}

static int look_for_fuse(void *ctx, const bfci_mount *m, bfc_err *err)
{
    bool *fuse = ctx;

    (void)err;
    *fuse = *fuse || bfci_zfs_is_fuse_mount(m);
    return 0;
}

int bfci_zfs_tool_open(bfci_zfs_tool *tool, bfc_err *err)
{
    BFC_TRY(bfci_mounts_each(look_for_fuse, &tool->fuse, err));
    int rc = bfci_program_find("zfs", &tool->program, err);

    if (rc == BFC_E_NOT_FOUND)
        return bfci_fail(err, BFC_E_UNSUPPORTED,
                         "there is no 'zfs' on this machine: install OpenZFS (zfsutils-linux), or "
                         "use a store in a folder, 'dir:/path'");
    return rc;
}

void bfci_zfs_tool_close(bfci_zfs_tool *tool)
{
    free(tool->program);
    tool->program = NULL;
}

/* ── Arguments ── */

void bfci_zfs_call_release(bfci_zfs_call *call)
{
    for (size_t i = 0; i < call->owned_count; i++)
        free(call->owned[i]);
}

void bfci_zfs_add(bfci_zfs_call *call, const char *argument)
{
    if (call->count == ZFS_ARGS_MAX)
        call->too_many = true;
    else
        call->argv[1 + call->count++] = argument;
}

static void add_owned(bfci_zfs_call *call, char *argument)
{
    if (call->owned_count == ZFS_ARGS_MAX || !argument) {
        call->nomem = call->nomem || !argument;
        call->too_many = call->too_many || argument;
        free(argument);
        return;
    }
    call->owned[call->owned_count++] = argument;
    bfci_zfs_add(call, argument);
}

void bfci_zfs_addf(bfci_zfs_call *call, const char *fmt, ...)
{
    char *text = NULL;
    va_list args;

    va_start(args, fmt);
    if (vasprintf(&text, fmt, args) < 0)
        text = NULL;
    va_end(args);
    add_owned(call, text);
}

void bfci_zfs_set_option(bfci_zfs_call *call, const char *name, const char *value)
{
    bfci_zfs_add(call, "-o");
    bfci_zfs_addf(call, "%s=%s", name, value);
}

/* ── What was said ── */

static bool is_plain(const char *word)
{
    return *word &&
           word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                             "_-./:@=,+%^")] == '\0';
}

/* As it can be typed again. */
static void print_command(buf *b, const bfci_zfs_call *call)
{
    bfci_buf_printf(b, "zfs");
    for (size_t i = 1; i <= call->count; i++) {
        if (is_plain(call->argv[i]))
            bfci_buf_printf(b, " %s", call->argv[i]);
        else
            bfci_buf_printf(b, " '%s'", BFCI_QUOTE_STR(call->argv[i]));
    }
    bfci_buf_put(b, "", 1);
}

static const struct {
    const char *words;
    enum bfc_code code;
} meanings[] = {
    {"modules are not loaded", BFC_E_UNSUPPORTED},
    {"modules cannot be auto-loaded", BFC_E_UNSUPPORTED},
    {"/dev/zfs and /proc/self/mounts are required", BFC_E_UNSUPPORTED},
    {"failed to initialize ZFS", BFC_E_UNSUPPORTED},
    {"zfs-fuse daemon", BFC_E_UNSUPPORTED},
    {"invalid stream", BFC_E_CORRUPT},
    {"invalid backup stream", BFC_E_CORRUPT},
    {"incomplete stream", BFC_E_CORRUPT},
    {"failed to read from stream", BFC_E_CORRUPT},
    {"does not match incremental source", BFC_E_NOT_FOUND},
    {"does not exist", BFC_E_NOT_FOUND},
    {"no such pool", BFC_E_NOT_FOUND},
    {"already exists", BFC_E_EXISTS},
    {"dependent clones", BFC_E_EXISTS},
    {"conflicts with", BFC_E_EXISTS},
    {"conflicting snapshot", BFC_E_EXISTS},
    {"is busy", BFC_E_BUSY},
    {"Device or resource busy", BFC_E_BUSY},
    {"target is busy", BFC_E_BUSY},
    {"unmount failed", BFC_E_BUSY}, /* somebody else did it at the same time */
    {"out of space", BFC_E_NOSPC},
    {"No space left", BFC_E_NOSPC},
    {"quota exceeded", BFC_E_NOSPC},
    {"permission denied", BFC_E_DENIED},
    {"must be run as root", BFC_E_DENIED},
    {"may only be mounted by root", BFC_E_DENIED},
    {"nsufficient privileges", BFC_E_DENIED},
    {"Operation not permitted", BFC_E_DENIED},
    {"bad property", BFC_E_INVALID},
    {"invalid property", BFC_E_INVALID},
    {"must be", BFC_E_INVALID},
    {"is readonly", BFC_E_INVALID},
    {"name is too long", BFC_E_INVALID},
    {"invalid character", BFC_E_INVALID},
};

static enum bfc_code meaning_of(const char *said)
{
    for (size_t i = 0; i < ARRAY_LEN(meanings); i++)
        if (strstr(said, meanings[i].words))
            return meanings[i].code;
    return BFC_E_IO;
}

/* What `zfs allow` must grant for a command (zfs-allow(8), "Permissions"). */
static const struct {
    const char *command, *permissions;
} permissions[] = {
    {"create", "create,mount,userprop,recordsize,compression,atime,acltype,xattr"},
    {"clone", "clone,create,mount,recordsize,compression,atime,acltype,xattr"},
    {"snapshot", "snapshot,mount,userprop"},
    {"destroy", "destroy,mount"},
    {"rename", "rename,create,mount"},
    {"promote", "promote,clone,mount"},
    {"set", "userprop,canmount,mountpoint,readonly"},
    {"inherit", "userprop"},
    {"send", "send"},
    {"receive", "receive,create,mount"},
};

/* tank/a of tank/a/b and tank/a@s: rights are given where a thing is to stand. */
static int whole_of(const char *name)
{
    const char *at = strchr(name, '@');
    const char *slash = strrchr(name, '/');

    if (at)
        return (int)(at - name);
    return (int)(slash ? slash - name : (ptrdiff_t)strlen(name));
}

static int tell_denied(const bfci_zfs_call *call, const char *command, const char *said,
                       bfc_err *err)
{
    const char *target = call->argv[call->count];
    char user[BFCI_USER_NAME_MAX];

    if (strstr(said, "must be run as root"))
        return bfci_fail(err, BFC_E_DENIED, "%s: %s", command, said);
    if (strcmp(call->argv[1], "mount") == 0 || strcmp(call->argv[1], "unmount") == 0 ||
        strstr(said, "cannot unmount"))
        return bfci_fail(err, BFC_E_DENIED, "%s: %s; on Linux only root mounts and unmounts",
                         command, said);
    for (size_t i = 0; geteuid() != 0 && i < ARRAY_LEN(permissions); i++) {
        if (strcmp(permissions[i].command, call->argv[1]) != 0)
            continue;
        bfci_user_name(user);
        return bfci_fail(err, BFC_E_DENIED, "%s: %s; root can allow it: zfs allow -u %s %s %.*s",
                         command, said, user, permissions[i].permissions, whole_of(target), target);
    }
    return bfci_fail(err, BFC_E_DENIED, "%s: %s", command, said);
}

/* zfs's own words in one line; where options are wrong, a page of help follows, which is left out.
 */
static void in_a_line(const char *said, char out[BFCI_PROCESS_ERR_MAX])
{
    const char *help = strstr(said, "usage:");
    size_t len = help ? (size_t)(help - said) : strlen(said), used = 0;

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)said[i];
        bool blank = c <= ' ' || c == 0x7f;
        if (!blank || (used > 0 && out[used - 1] != ' '))
            out[used++] = blank ? ' ' : (char)c;
    }
    while (used > 0 && out[used - 1] == ' ')
        used--;
    out[used] = '\0';
}

static int tell(const bfci_zfs_call *call, const char *command, const bfci_process_result *result,
                bfc_err *err)
{
    const char *said = result->err;
    enum bfc_code code = meaning_of(said);
    char line[BFCI_PROCESS_ERR_MAX];

    in_a_line(said, line);
    if (code == BFC_E_DENIED)
        return tell_denied(call, command, line, err);
    if (code == BFC_E_UNSUPPORTED)
        return bfci_fail(err, code, "ZFS is not running on this machine: %s", line);
    return bfci_fail(err, code, "%s: %s", command, *line ? line : "failed without saying why");
}

/* ── Running ── */

/* It is made, or renamed, first and mounted then: which others than root may not do on Linux, and
 * which a full pool keeps from being done where the folder to mount it on has to be made. */
static bool was_made(const bfci_zfs_call *call, const char *said)
{
    if (strcmp(call->argv[1], "create") != 0 && strcmp(call->argv[1], "clone") != 0 &&
        strcmp(call->argv[1], "rename") != 0)
        return false;
    if (strstr(said, "cannot create '") || strstr(said, "cannot rename '"))
        return false;
    return strstr(said, "cannot mount '") || strstr(said, "may only be mounted by root");
}

static int run_once(const bfci_zfs_tool *tool, bfci_zfs_call *call, const char *command, char **out,
                    bfc_err *err)
{
    AUTO_PROCESS_RESULT bfci_process_result result = BFCI_PROCESS_RESULT_INIT;
    const bfci_process process = {.argv = call->argv,
                                  .in_fd = call->in_fd,
                                  .out_fd = call->out_fd,
                                  .out_max = OUTPUT_MAX,
                                  .limit_s = call->endless ? 0 : LIMIT_S,
                                  .hooks = call->endless ? tool->hooks : NULL};

    int rc = bfci_process_run(&process, &result, err);
    if (rc == BFC_E_CANCELLED)
        return rc;
    if (rc < 0)
        return bfci_wrap(err, rc, "%s", command);
    if (result.exit_code != 0 && was_made(call, result.err)) {
        bfci_log(tool->hooks, BFC_LOG_DEBUG, "zfs", "%s", result.err);
        call->unmounted = true;
    } else if (result.exit_code != 0) {
        return tell(call, command, &result, err);
    }
    if (out)
        *out = bfci_steal(&result.out);
    return 0;
}

int bfci_zfs_run(const bfci_zfs_tool *tool, bfci_zfs_call *call, char **out, bfc_err *err)
{
    AUTO_BUF buf command = BUF_INIT;
    const uint64_t start = bfci_monotonic_ns();

    if (call->nomem)
        return bfci_fail_nomem(err);
    if (call->too_many)
        return bfci_fail(err, BFC_E_LIMIT, "more options than zfs is given: %d", ZFS_ARGS_MAX);
    call->argv[0] = tool->program;
    call->argv[1 + call->count] = NULL;
    print_command(&command, call);
    BFC_TRY(buf_check(&command, err));
    const char *text = (const char *)command.data;
    bfci_log(tool->hooks, BFC_LOG_INFO, "zfs", "%s", text);
    for (;;) {
        int rc = run_once(tool, call, text, out, err);
        uint64_t waited_ms = (bfci_monotonic_ns() - start) / 1000000;
        if (rc != BFC_E_BUSY || waited_ms >= call->patience_ms)
            return rc;
        bfci_pause_ms(PAUSE_MS);
    }
}

int bfci_zfs(const bfci_zfs_tool *tool, char **out, bfc_err *err, ...)
{
    AUTO_ZFS_CALL bfci_zfs_call call = BFCI_ZFS_CALL_INIT;
    va_list args;

    va_start(args, err);
    for (const char *word = va_arg(args, const char *); word; word = va_arg(args, const char *))
        bfci_zfs_add(&call, word);
    va_end(args);
    return bfci_zfs_run(tool, &call, out, err);
}

int bfci_zfs_get(const bfci_zfs_tool *tool, const char *dataset, const char *property, char **value,
                 bfc_err *err)
{
    AUTO_FREE char *out = NULL;

    BFC_TRY(bfci_zfs(tool, &out, err, "get", "-Hp", "-o", "value", property, dataset, NULL));
    size_t len = strlen(out);
    if (len > 0 && out[len - 1] == '\n')
        out[len - 1] = '\0';
    *value = bfci_steal(&out);
    return 0;
}

int bfci_zfs_exists(const bfci_zfs_tool *tool, const char *dataset, bool *there, bfc_err *err)
{
    bfc_err why = BFC_ERR_INIT;

    int rc = bfci_zfs(tool, NULL, &why, "list", "-H", "-o", "name", "-t", "all", dataset, NULL);
    if (rc < 0 && rc != BFC_E_NOT_FOUND) {
        if (err)
            *err = why;
        return rc;
    }
    *there = rc == 0;
    return 0;
}
