/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of its own for each test, gone afterwards. State: struct scratch. */
#ifndef TESTS_UNIT_SYS_SCRATCH_H
#define TESTS_UNIT_SYS_SCRATCH_H

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "sys/dir.h"
#include "sys/file.h"

struct scratch {
    char path[256];
    int fd;
};

static inline int scratch_setup(void **state)
{
    struct scratch *s = calloc(1, sizeof *s);
    const char *base = getenv("TMPDIR");
    assert_non_null(s);
    (void)snprintf(s->path, sizeof s->path, "%s/bfc-test-XXXXXX", base ? base : "/tmp");
    assert_non_null(mkdtemp(s->path));
    s->fd = open(s->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(s->fd >= 0);
    *state = s;
    return 0;
}

static inline int scratch_teardown(void **state)
{
    struct scratch *s = *state;
    bfc_err err = BFC_ERR_INIT;
    if (bfci_remove_tree(AT_FDCWD, s->path, &err) < 0)
        fail_msg("%s", err.msg);
    close(s->fd);
    free(s);
    return 0;
}

#define SCRATCH_TEST(fn) cmocka_unit_test_setup_teardown(fn, scratch_setup, scratch_teardown)

static inline void scratch_path(const struct scratch *s, const char *name, char out[512])
{
    (void)snprintf(out, 512, "%s/%s", s->path, name);
}

static inline void scratch_dir(const struct scratch *s, const char *name)
{
    assert_int_equal(mkdirat(s->fd, name, 0755), 0);
}

static inline void scratch_file(const struct scratch *s, const char *name, const char *text)
{
    AUTO_FD int fd = -1;
    assert_int_equal(bfci_open(s->fd, name, O_WRONLY | O_CREAT | O_EXCL, 0644, &fd, NULL), 0);
    assert_int_equal(bfci_write_all(fd, text, strlen(text), NULL), 0);
}

static inline void scratch_link(const struct scratch *s, const char *target, const char *name)
{
    assert_int_equal(symlinkat(target, s->fd, name), 0);
}

static inline bool scratch_has(const struct scratch *s, const char *name)
{
    return faccessat(s->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static inline void scratch_expect(const struct scratch *s, const char *name, const char *text)
{
    AUTO_FREE uint8_t *data = NULL;
    size_t len = 0;
    assert_int_equal(bfci_read_file(s->fd, name, 1 << 20, &data, &len, NULL), 0);
    assert_string_equal((const char *)data, text);
}

#endif
