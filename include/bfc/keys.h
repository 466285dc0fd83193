/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BFC_KEYS_H
#define BFC_KEYS_H
/**
 * @file keys.h
 * What encrypted containers are opened and made with: passwords, key files, recipients.
 *
 * A container is encrypted under a random file key, which nobody ever types. It stands in the
 * container's key slots, wrapped once for each password, key file and recipient (docs/format.md,
 * section 11). A bfc_keys is a bunch of such keys; who reads gives what is to be tried, who writes
 * gives what is to open the container later.
 *
 *     bfc_keys *keys = NULL;
 *     bfc_reader_options how = BFC_READER_OPTIONS_INIT;
 *     bfc_reader *r = NULL;
 *     if (bfc_keys_new(NULL, &keys, &err) == 0 &&
 *         bfc_keys_add_password_file(keys, "/run/secrets/app", &err) == 0) {
 *         how.keys = keys;
 *         if (bfc_reader_open("app.bfc", &how, &r, &err) == 0)
 *             puts("open");
 *     }
 *     bfc_reader_close(r);
 *     bfc_keys_free(keys);
 *
 * Secrets lie in memory that is locked as far as the system allows (RLIMIT_MEMLOCK), and are wiped
 * when they are freed. They never appear in messages. Where a process may leave a core dump, or be
 * traced, is its own matter.
 *
 * Keys as text are one line: `bfc-identity:` and `bfc-recipient:` are the secret and the public
 * half of an X25519 key pair, `bfc-signing-key:` and `bfc-signer:` of an Ed25519 one. Behind that
 * stand 48 characters: base64url of the 32 bytes and their CRC32C.
 */

#include <stddef.h>
#include <stdint.h>

#include <bfc/err.h>
#include <bfc/hooks.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BFC_PASSWORD_MAX 1024 /**< bytes of the longest password */
#define BFC_KEY_FILE_SIZE 32  /**< bytes of a key file, no more and no less */
#define BFC_KEY_TEXT_MAX 72   /**< room for any key as text, its NUL included */

/** A bunch of keys. */
typedef struct bfc_keys bfc_keys;

/**
 * Start an empty bunch.
 *
 * @param hooks     borrowed until bfc_keys_free(); may be NULL. `log` hears of files with secrets
 *                  that others can read, `cancel` ends waiting for a descriptor and trying keys
 * @param[out] out  set on success; free with bfc_keys_free()
 * @return 0; BFC_E_NOMEM
 *
 * Threads: the functions that add are for one thread at a time. Reading and writing with one bunch
 * from several threads is fine: passwords are tried by one of them at a time, since each trial
 * takes much memory. Since: 0.4.
 */
BFC_API int bfc_keys_new(const bfc_hooks *hooks, bfc_keys **out, bfc_err *err);

/** Wipe and free. NULL is allowed. */
BFC_API void bfc_keys_free(bfc_keys *keys);

/**
 * Add a password: any bytes, used as they are.
 *
 * @param password  copied
 * @param len       1 to BFC_PASSWORD_MAX bytes
 * @return 0; BFC_E_INVALID (no bytes), BFC_E_LIMIT (too many), BFC_E_NOMEM
 *
 * Since: 0.4.
 */
BFC_API int bfc_keys_add_password(bfc_keys *keys, const void *password, size_t len, bfc_err *err);

/**
 * Add the first line of a file as a password, without its newline. All else of the line counts, a
 * carriage return too.
 *
 * @return as bfc_keys_add_password(); BFC_E_NOT_FOUND, BFC_E_DENIED, BFC_E_IO, BFC_E_CANCELLED
 *
 * Blocks: the file may be a pipe. Since: 0.4.
 */
BFC_API int bfc_keys_add_password_file(bfc_keys *keys, const char *path, bfc_err *err);

/**
 * The same from an open descriptor, which stays open. No byte behind the newline is read.
 *
 * @return as bfc_keys_add_password_file()
 *
 * Blocks: until there is a line. Since: 0.4.
 */
BFC_API int bfc_keys_add_password_fd(bfc_keys *keys, int fd, bfc_err *err);

/**
 * Add a key file: exactly BFC_KEY_FILE_SIZE bytes, best from a random generator
 * (`head -c 32 /dev/urandom >key`). Any other size is refused: a file of text is a password.
 *
 * @return 0; BFC_E_INVALID (its size), BFC_E_NOT_FOUND, BFC_E_DENIED, BFC_E_NOMEM, BFC_E_IO
 *
 * Since: 0.4.
 */
BFC_API int bfc_keys_add_key_file(bfc_keys *keys, const char *path, bfc_err *err);

/**
 * Add an identity: the secret key in a file of bfc_key_generate(). It opens what was encrypted for
 * its public key. For a writer it counts as that recipient.
 *
 * @return 0; BFC_E_INVALID (no identity), BFC_E_NOT_FOUND, BFC_E_DENIED, BFC_E_NOMEM, BFC_E_IO
 *
 * Since: 0.4.
 */
BFC_API int bfc_keys_add_identity(bfc_keys *keys, const char *path, bfc_err *err);

/**
 * Add a recipient, who can open what is written; it opens nothing here.
 *
 * @param text  `bfc-recipient:…`; copied
 * @return 0; BFC_E_INVALID (no public key), BFC_E_NOMEM
 *
 * Since: 0.4.
 */
BFC_API int bfc_keys_add_recipient(bfc_keys *keys, const char *text, bfc_err *err);

/**
 * Add all recipients of a file: one a line. Empty lines and those that begin with `#` do not count.
 *
 * @return 0; BFC_E_INVALID (a line that is none, or no line), BFC_E_LIMIT (beyond 64 KiB),
 *         BFC_E_NOT_FOUND, BFC_E_DENIED, BFC_E_NOMEM, BFC_E_IO
 *
 * Since: 0.4.
 */
BFC_API int bfc_keys_add_recipient_file(bfc_keys *keys, const char *path, bfc_err *err);

enum bfc_prompt_purpose {
    BFC_PROMPT_OPEN = 0,  /**< the password of something that is there */
    BFC_PROMPT_CREATE = 1 /**< a new password: have it typed twice */
};

/** What a password is asked for. Pointers are valid during the call. */
typedef struct bfc_prompt {
    enum bfc_prompt_purpose purpose;
    const char *what; /**< the file, or another name for what is opened; NULL: not known */
    unsigned attempt; /**< 1 for the first; more: what was given before does not fit */
} bfc_prompt;

/**
 * Asks somebody for a password.
 *
 * @param password  BFC_PASSWORD_MAX bytes of locked memory, to be filled from the start
 * @param[out] len  bytes that were filled in
 * @return 0; BFC_E_NOT_FOUND: there is nobody to ask, go on as if no callback were set; any other
 *         code ends the operation, with what stands in err, which is never NULL
 */
typedef int bfc_prompt_fn(void *ctx, const bfc_prompt *about, char *password, size_t *len,
                          bfc_err *err);

/**
 * Have passwords asked for when they are needed: for reading, when no key of the bunch fits and a
 * password could, at most three times; for writing, when the bunch is empty. What fits is kept in
 * the bunch.
 *
 * @param fn  called by the thread that reads or writes, one at a time; NULL: ask nobody
 *
 * Since: 0.4.
 */
BFC_API void bfc_keys_set_prompt(bfc_keys *keys, bfc_prompt_fn *fn, void *ctx);

/**
 * Read the first line of a file as bfc_keys_add_password_file() does, for a callback that has one
 * to look into.
 *
 * @param hooks     may be NULL; `log` hears if others can read the file
 * @param password  BFC_PASSWORD_MAX bytes
 * @return as bfc_keys_add_password_file()
 *
 * Threads: any. Since: 0.4.
 */
BFC_API int bfc_password_read_file(const char *path, const bfc_hooks *hooks, char *password,
                                   size_t *len, bfc_err *err);

/**
 * What a password that is written costs to try: passes of Argon2id over so much memory. Without
 * this the cost is chosen to take about a second of this machine's time, from 3 passes over 64 MiB
 * upwards, with 256 MiB where that is not too slow; it is measured once a process. Reading goes by
 * what the container says.
 *
 * @param passes      1 to 64; 0: chosen
 * @param memory_kib  KiB, 8192 to 4194304; 0: chosen. passes × memory is at most 16 GiB
 * @return 0; BFC_E_INVALID (only one of them is 0), BFC_E_LIMIT
 *
 * Since: 0.4.
 */
BFC_API int bfc_keys_set_cost(bfc_keys *keys, uint32_t passes, uint32_t memory_kib, bfc_err *err);

/* ── Key pairs ───────────────────────────────────────────────────────────────────────────── */

enum bfc_key_kind {
    BFC_KEY_IDENTITY = 1, /**< to open what was encrypted for its recipient */
    BFC_KEY_SIGNING = 2   /**< to sign with */
};

/**
 * Make a key pair, and write the secret half into a new file, mode 0600. Nothing is replaced.
 *
 * @param[out] public_text  the public half
 * @return 0; BFC_E_EXISTS, BFC_E_INVALID (kind), BFC_E_NOMEM, BFC_E_IO, BFC_E_NOSPC, BFC_E_DENIED,
 *         BFC_E_NOT_FOUND (no such folder)
 *
 * Threads: any. Since: 0.4.
 */
BFC_API int bfc_key_generate(enum bfc_key_kind kind, const char *path,
                             char public_text[BFC_KEY_TEXT_MAX], bfc_err *err);

/**
 * The same into an open descriptor, which stays open.
 *
 * Threads: any. Since: 0.4.
 */
BFC_API int bfc_key_generate_fd(enum bfc_key_kind kind, int fd, char public_text[BFC_KEY_TEXT_MAX],
                                bfc_err *err);

/**
 * The public half of a file with a secret key, of either kind.
 *
 * @param hooks  may be NULL; `log` hears if others can read the file
 * @return 0; BFC_E_INVALID (no secret key), BFC_E_NOT_FOUND, BFC_E_DENIED, BFC_E_NOMEM, BFC_E_IO
 *
 * Threads: any. Since: 0.4.
 */
BFC_API int bfc_key_public(const char *path, const bfc_hooks *hooks,
                           char public_text[BFC_KEY_TEXT_MAX], bfc_err *err);

/* ── Key slots of a container ────────────────────────────────────────────────────────────── */

#define BFC_KEY_SLOTS 20 /**< that a container has, and so keys that it can be opened with */

enum bfc_slot_type {
    BFC_SLOT_PASSWORD = 1,
    BFC_SLOT_KEY_FILE = 2,
    BFC_SLOT_RECIPIENT = 3
};

/** A slot that is used. Plain values, nothing to free. */
typedef struct bfc_key_slot {
    unsigned number; /**< 0 to BFC_KEY_SLOTS - 1; it stays as it is until the slot is removed */
    enum bfc_slot_type type;
    uint32_t passes;                  /**< of Argon2id; 0 if it is no password */
    uint32_t memory_kib;              /**< likewise */
    int64_t time;                     /**< when it was made, seconds since 1970 */
    char recipient[BFC_KEY_TEXT_MAX]; /**< the public key; "" if it is no recipient */
} bfc_key_slot;

/**
 * The key slots of an encrypted container, as its last commit has them. No key is needed; so what
 * is told is not vouched for by anybody.
 *
 * @param[out] slots  by their numbers
 * @param[out] count  how many are set
 * @return 0; BFC_E_INVALID (it is not encrypted), BFC_E_NOT_FOUND, BFC_E_DENIED, BFC_E_CORRUPT,
 *         BFC_E_LIMIT (a cost beyond the format's), BFC_E_UNSUPPORTED, BFC_E_NOMEM, BFC_E_IO
 *
 * Threads: any. Source: docs/format.md, section 11. Since: 0.4.
 */
BFC_API int bfc_key_slots(const char *path, bfc_key_slot slots[BFC_KEY_SLOTS], size_t *count,
                          bfc_err *err);

/**
 * Let further keys open a container. It is one more commit, which touches no data: root digest and
 * contents stay as they are.
 *
 * @param keys   one of them opens it; borrowed until the call returns, its hooks are used
 * @param added  each gets a slot; likewise. With nothing in it a new password is asked for
 * @return 0; BFC_E_DENIED (also: none of the keys opens it), BFC_E_INVALID (it is not encrypted, or
 *         nothing is to be added), BFC_E_LIMIT (not enough free slots), BFC_E_EXISTS (a recipient
 *         has one already), BFC_E_BUSY; BFC_E_NOT_FOUND, BFC_E_CORRUPT, BFC_E_UNSUPPORTED,
 *         BFC_E_NOMEM, BFC_E_NOSPC, BFC_E_IO, BFC_E_CANCELLED
 *
 * Threads: any. Blocks: disk, Argon2id. Since: 0.4.
 */
BFC_API int bfc_key_add(const char *path, const bfc_keys *keys, const bfc_keys *added,
                        bfc_err *err);

/**
 * Take keys away. It is one more commit, which touches no data.
 *
 * Who has such a key can still read older copies of the file, and the earlier commits in this one:
 * their records have the slot. Nor does it help against who has read the file key with it.
 * bfc_key_rotate() does, for what is in the new file.
 *
 * @param keys     one of them opens it, may be one that is taken away; borrowed
 * @param numbers  of slots, as bfc_key_slots() tells them
 * @return as bfc_key_add(); BFC_E_NOT_FOUND also for a slot that is not used, BFC_E_INVALID also
 *         when no slot would be left
 *
 * Threads: any. Blocks: disk, Argon2id. Since: 0.4.
 */
BFC_API int bfc_key_remove(const char *path, const bfc_keys *keys, const unsigned *numbers,
                           size_t count, bfc_err *err);

/** What bfc_key_rotate() did. Plain values, nothing to free. */
typedef struct bfc_rotate_report {
    uint64_t old_size, new_size;         /**< bytes */
    uint64_t commits_dropped;            /**< earlier ones; only the last is kept */
    size_t kept_count, dropped_count;    /**< of key slots */
    bfc_key_slot kept[BFC_KEY_SLOTS];    /**< as they are in the new file */
    bfc_key_slot dropped[BFC_KEY_SLOTS]; /**< as they were in the old one */
} bfc_rotate_report;

/**
 * Give a container a new file key: the last commit is written anew, under a temporary name that is
 * renamed at the end, with the owner and the permissions of the old file. All recipients are kept,
 * and those passwords and key files that are given; others cannot be, since they are not known.
 * Earlier commits are not kept, nor are signatures, since root digest and UUID are new.
 *
 * @param keys         one of them opens it; borrowed
 * @param jobs         threads; 0: as many as processors
 * @param[out] report  may be NULL
 * @return as bfc_key_add()
 *
 * Threads: any. Blocks: disk. Since: 0.4.
 */
BFC_API int bfc_key_rotate(const char *path, const bfc_keys *keys, unsigned jobs,
                           bfc_rotate_report *report, bfc_err *err);

#ifdef __cplusplus
}
#endif
#endif
