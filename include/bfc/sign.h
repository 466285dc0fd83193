/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BFC_SIGN_H
#define BFC_SIGN_H
/**
 * @file sign.h
 * Signatures: who says that a root digest is good, and whom you believe.
 *
 * A signature (Ed25519) is over the root digest of a commit and the time of signing, so it covers
 * every byte that a reader of that commit can reach; docs/security.md says what it does not cover.
 * It stands in the container, added by a commit that keeps the root digest, or beside it in a file
 * of one line. Signing keys and their public halves, the signers, are made by bfc_key_generate().
 *
 * Who reads says whom to believe by a bfc_trust: signers, and signatures that stand beside the
 * container. Given to a reader, one valid signature of one of the signers over the root digest of
 * the commit that is read is needed; then everything that is read is checked by SHA-256 against it.
 *
 *     bfc_trust *trust = NULL;
 *     bfc_reader_options how = BFC_READER_OPTIONS_INIT;
 *     bfc_reader *r = NULL;
 *     if (bfc_trust_new(&trust, &err) == 0 &&
 *         bfc_trust_add_file(trust, "/etc/bfc/trust", &err) == 0) {
 *         how.trust = trust;
 *         if (bfc_reader_open("app.bfc", &how, &r, &err) == 0)
 *             puts("signed by somebody we believe");
 *     }
 *     bfc_reader_close(r);
 *     bfc_trust_free(trust);
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <bfc/container.h>
#include <bfc/err.h>
#include <bfc/hooks.h>
#include <bfc/keys.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BFC_SIGNER_SIZE 32         /**< bytes of a public key */
#define BFC_SIGNATURE_SIZE 64      /**< bytes of an Ed25519 signature */
#define BFC_SIGNATURE_TEXT_MAX 208 /**< room for a signature as text, its NUL included */

/** One signature. Plain values, nothing to free. That there is one says nothing: only where it is
 * valid did the holder of the signer's key sign this root digest, and say this time. */
typedef struct bfc_signature {
    uint8_t root_digest[BFC_DIGEST_SIZE]; /**< what it is over */
    uint8_t signer[BFC_SIGNER_SIZE];      /**< public key */
    int64_t time; /**< seconds since the epoch, as the signer's clock told it; it is signed, too */
    uint8_t bytes[BFC_SIGNATURE_SIZE];
} bfc_signature;

/**
 * Whether a signature is its signer's. Whether the signer is to be believed is another question.
 *
 * @param[out] valid  set on success
 * @return 0; BFC_E_UNSUPPORTED (libsodium does not start)
 *
 * Threads: any. Source: RFC 8032, section 5.1; docs/format.md, section 15. Since: 0.4.
 */
BFC_API int bfc_signature_check(const bfc_signature *signature, bool *valid, bfc_err *err);

/** The signer as text, `bfc-signer:…`. Threads: any. Since: 0.4. */
BFC_API void bfc_signer_text(const uint8_t signer[BFC_SIGNER_SIZE], char out[BFC_KEY_TEXT_MAX]);

/** A signature as text, one line without its newline: `bfc-signature:…`. Threads: any. Since: 0.4.
 */
BFC_API void bfc_signature_text(const bfc_signature *signature, char out[BFC_SIGNATURE_TEXT_MAX]);

/* ── Signing ─────────────────────────────────────────────────────────────────────────────── */

typedef struct bfc_sign_options {
    size_t size;            /**< of this struct; set by the INIT macro */
    const char *at;         /**< the commit whose root digest is signed, as in bfc_reader_options;
                                 NULL: the last */
    bool quick;             /**< check structure and metadata only before signing. Default: every
                                 byte, as bfc_verify() does with `deep` */
    int64_t time;           /**< seconds since the epoch to be signed; 0: now */
    unsigned jobs;          /**< threads; 0: as many as processors */
    const bfc_hooks *hooks; /**< borrowed until the call returns; may be NULL */
    const bfc_keys *keys;   /**< likewise; of an encrypted container one of these must open it */
} bfc_sign_options;

#define BFC_SIGN_OPTIONS_INIT                                                                      \
    {                                                                                              \
        sizeof(bfc_sign_options), NULL, false, 0, 0, NULL, NULL                                    \
    }

typedef struct bfc_sign_report {
    bfc_signature signature; /**< as it stands there now */
    bool was_there;          /**< a valid one of this signer stood there: nothing was written */
} bfc_sign_report;

/**
 * Check a container and add a signature to it, by a commit that changes nothing else and keeps the
 * root digest. What is not whole is not signed.
 *
 * @param key_path     file with a signing key, of bfc_key_generate()
 * @param options      may be NULL
 * @param[out] report  set on success; may be NULL
 * @return 0; BFC_E_CORRUPT (with the first problem), BFC_E_INVALID (not a signing key),
 *         BFC_E_NOT_FOUND (file, key, commit), BFC_E_BUSY (another process writes to it, or did
 *         since it was checked), BFC_E_LIMIT (65536 signatures), BFC_E_DENIED, BFC_E_UNSUPPORTED,
 *         BFC_E_NOSPC, BFC_E_IO, BFC_E_NOMEM, BFC_E_CANCELLED. The container is as it was then
 *
 * Threads: any. Blocks: long. Source: docs/format.md, section 15. Since: 0.4.
 */
BFC_API int bfc_sign(const char *path, const char *key_path, const bfc_sign_options *options,
                     bfc_sign_report *report, bfc_err *err);

/**
 * The same without writing to the container: the signature is only handed out, to be kept beside
 * it, as bfc_signature_text() makes it.
 *
 * @param[out] report  set on success
 * @return as bfc_sign()
 *
 * Threads: any. Blocks: long. Since: 0.4.
 */
BFC_API int bfc_sign_detached(const char *path, const char *key_path,
                              const bfc_sign_options *options, bfc_sign_report *report,
                              bfc_err *err);

/**
 * All signatures in a container, valid or not, in the order of root digests and signers: those over
 * the commit that the reader looks at, and those over other ones.
 *
 * @param[out] out    set on success; free with free()
 * @param[out] count  signatures in it
 * @return 0; BFC_E_CORRUPT, BFC_E_LIMIT (above 65536), BFC_E_IO, BFC_E_NOMEM
 *
 * Threads: one at a time per reader. Since: 0.4.
 */
BFC_API int bfc_reader_signatures(bfc_reader *r, bfc_signature **out, size_t *count, bfc_err *err);

/* ── Believing ───────────────────────────────────────────────────────────────────────────── */

/** Signers who are believed, and signatures that stand beside what they sign. */
typedef struct bfc_trust bfc_trust;

/**
 * Start with nobody.
 *
 * @param[out] out  free with bfc_trust_free()
 * @return 0; BFC_E_NOMEM
 *
 * Threads: the functions that add are for one thread at a time; reading with one bfc_trust from
 * several threads is fine. Since: 0.4.
 */
BFC_API int bfc_trust_new(bfc_trust **out, bfc_err *err);

/** NULL is allowed. Since: 0.4. */
BFC_API void bfc_trust_free(bfc_trust *trust);

/**
 * Believe one signer.
 *
 * @param name  for people: 1 to 255 bytes without blanks and control bytes; NULL: none
 * @param text  `bfc-signer:…`
 * @return 0; BFC_E_INVALID (name; no signer), BFC_E_EXISTS (believed already), BFC_E_NOMEM
 *
 * Since: 0.4.
 */
BFC_API int bfc_trust_add_signer(bfc_trust *trust, const char *name, const char *text,
                                 bfc_err *err);

/**
 * Believe the one signer that stands in a file, as bfc_key_public() writes it. Empty lines and
 * those that begin with `#` do not count.
 *
 * @return as bfc_trust_add_signer(); BFC_E_INVALID (not one line, or a secret key),
 *         BFC_E_NOT_FOUND, BFC_E_LIMIT, BFC_E_DENIED, BFC_E_IO
 *
 * Since: 0.4.
 */
BFC_API int bfc_trust_add_signer_file(bfc_trust *trust, const char *path, bfc_err *err);

/**
 * Believe all signers of a trust file: lines of a name, blanks, and `bfc-signer:…`. Empty lines and
 * those that begin with `#` do not count. One name may have several keys, one key has one name. A
 * line that makes no sense makes the file none: nobody of it is believed.
 *
 * @return 0; BFC_E_INVALID (with the line's number; or no line counts), BFC_E_LIMIT (beyond 1 MiB),
 *         BFC_E_NOT_FOUND, BFC_E_DENIED (also: everybody may write to the file), BFC_E_IO,
 *         BFC_E_NOMEM
 *
 * Since: 0.4.
 */
BFC_API int bfc_trust_add_file(bfc_trust *trust, const char *path, bfc_err *err);

/**
 * The same with the trust file of the system: $BFC_TRUST_FILE; else the first that is there of
 * $XDG_CONFIG_HOME/bfc/trust (~/.config/bfc/trust) and /etc/bfc/trust.
 *
 * @return as bfc_trust_add_file(); BFC_E_NOT_FOUND: there is none
 *
 * Since: 0.4.
 */
BFC_API int bfc_trust_add_default(bfc_trust *trust, bfc_err *err);

/**
 * Take signatures that stand beside what they sign into account: lines as bfc_signature_text()
 * makes them. Whether they are valid, and over what, is looked at when something is read.
 *
 * @return 0; BFC_E_CORRUPT (with the line's number: cut or changed), BFC_E_INVALID (no signature in
 *         it), BFC_E_LIMIT (beyond 1 MiB), BFC_E_NOT_FOUND, BFC_E_DENIED, BFC_E_IO, BFC_E_NOMEM
 *
 * Since: 0.4.
 */
BFC_API int bfc_trust_add_signatures(bfc_trust *trust, const char *path, bfc_err *err);

/**
 * Whether a signer is believed, and under what name.
 *
 * @param[out] name  "" where there is none; NULL where the signer is not believed. Borrowed from
 *                   `trust`. May be NULL
 * @return whether the signer is believed
 *
 * Threads: any. Since: 0.4.
 */
BFC_API bool bfc_trust_has(const bfc_trust *trust, const uint8_t signer[BFC_SIGNER_SIZE],
                           const char **name);

/**
 * The valid signature of a believed signer over the root digest that the reader looks at; what
 * bfc_reader_options.trust asks for.
 *
 * @param[out] by  set on success; may be NULL
 * @return 0; BFC_E_DENIED: there is none, and the message says what there is instead;
 *         BFC_E_INVALID (`trust` has no signers), BFC_E_CORRUPT, BFC_E_IO, BFC_E_NOMEM
 *
 * Threads: one at a time per reader. Since: 0.4.
 */
BFC_API int bfc_reader_check_signature(bfc_reader *r, const bfc_trust *trust, bfc_signature *by,
                                       bfc_err *err);

#ifdef __cplusplus
}
#endif
#endif
