/* SPDX-License-Identifier: Apache-2.0 */
#ifndef BFC_REGISTRY_H
#define BFC_REGISTRY_H
/**
 * @file registry.h
 * Images at registries (OCI distribution-spec 1.1): pull them into a store, push them from one,
 * list tags, look at them; and logins.
 *
 * References are `[registry[:port]/]path[:tag][@sha256:…]`, with "docker://" before them or
 * without. What is left out, which mirrors are asked, and which registries may be plain HTTP, is
 * read from registries.conf (containers-registries.conf(5)); logins from containers' auth.json,
 * Docker's config.json and credential helpers (containers-auth.json(5)); certificates from certs.d
 * folders (containers-certs.d(5)); proxies from the environment. Plain HTTP is used only with a
 * registry that is marked insecure, or on a loopback address.
 *
 *     bfc_store *store = NULL;
 *     bfc_image_info *info = NULL;
 *     if (bfc_store_open(NULL, &store, &err) == 0 &&
 *         bfc_image_pull(store, "docker.io/library/debian:12", NULL, NULL, &info, &err) == 0)
 *         printf("%s\n", info->manifest_digest);
 *     bfc_image_info_free(info);
 *     bfc_store_close(store);
 *
 * Requests that fail for a reason that may pass (connections, time limits, 429, 5xx) are tried
 * again a bounded number of times, after what Retry-After says or a growing time.
 */

#include <bfc/image.h>

#ifdef __cplusplus
extern "C" {
#endif

enum bfc_tls_verify {
    BFC_TLS_VERIFY_DEFAULT = 0, /**< as registries.conf says */
    BFC_TLS_VERIFY_ON,          /**< TLS with a certificate that is trusted, whatever it says */
    BFC_TLS_VERIFY_OFF          /**< any certificate, and plain HTTP where there is no TLS */
};

/**
 * Asks which image a short name means, where unqualified-search-registries of registries.conf has
 * several registries and short-name-mode is not "disabled". What is chosen, and found there, is
 * kept in podman's short-name-aliases.conf, so that nobody is asked again.
 *
 * Without this function the registries are asked in their order in the mode "permissive" (which is
 * the default), and the name is refused with BFC_E_INVALID in the mode "enforcing".
 *
 * @param typed    what was asked for
 * @param names    full names, `count` of them, two at least; borrowed during the call
 * @param chosen   the place of the one that is meant, from 0 on
 * @return 0, or a code with err filled, which is what the operation fails with
 */
typedef int bfc_name_choice(void *ctx, const char *typed, const char *const *names, size_t count,
                            size_t *chosen, bfc_err *err);

typedef struct bfc_registry_options {
    size_t size;           /**< of this struct; set by the INIT macro */
    const char *auth_file; /**< logins are read from this file alone; NULL: as above */
    const char *cert_dir;  /**< *.crt, *.cert and *.key of every registry are in this
                                folder; NULL: as above */
    enum bfc_tls_verify tls_verify;
    const bfc_hooks *hooks;  /**< borrowed until the call returns; may be NULL */
    bfc_name_choice *choose; /**< see there; may be NULL */
    void *choose_ctx;
} bfc_registry_options;

#define BFC_REGISTRY_OPTIONS_INIT                                                                  \
    {                                                                                              \
        sizeof(bfc_registry_options), NULL, NULL, BFC_TLS_VERIFY_DEFAULT, NULL, NULL, NULL         \
    }

/* ── Pull ────────────────────────────────────────────────────────────────────────────────── */

enum bfc_pull_policy {
    BFC_PULL_ALWAYS = 0, /**< ask the registry; nothing is fetched if its image is the one here */
    BFC_PULL_MISSING,    /**< an image of the name that is there is taken, and nobody is asked */
    BFC_PULL_NEWER       /**< as always; if the registry fails, an image that is there is taken */
};

enum bfc_blob_state {
    BFC_BLOB_WAITING = 0, /**< for its turn, or for another process that is fetching it */
    BFC_BLOB_FETCHING,
    BFC_BLOB_DONE,
    BFC_BLOB_PACKING, /**< a push makes it: `size` is not known, 0 */
    BFC_BLOB_SENDING
};

/** How far a blob of an image is that is being pulled or pushed. Valid during the call. */
typedef struct bfc_blob_progress {
    const char *digest; /**< "sha256:…"; of a push the one that it came with until it is packed; ""
                           if there is none yet */
    uint64_t size;      /**< bytes */
    uint64_t done;      /**< of them here; of a push: packed, then there */
    uint64_t kept;      /**< of them here before: from a run that was cut off */
    enum bfc_blob_state state;
    size_t index, count; /**< its place in the image, and how many will be fetched or sent */
} bfc_blob_progress;

typedef struct bfc_image_pull_options {
    size_t size;                     /**< of this struct; set by the INIT macro */
    bfc_registry_options registry;   /**< its hooks are those of the whole */
    bfc_image_create_options create; /**< as for bfc_image_create(); `trust` and the writer's
                                          `replace` and `hooks` have no meaning here */
    const char *name;                /**< what the image will be called; NULL: as the reference is,
                                          without its digest; a reference with a digest and no tag
                                          gets the tag sha256-HEX */
    enum bfc_pull_policy policy;
    unsigned parallel; /**< blobs that are fetched at once, 16 at most; 0: 3. For a list of images
                            also tags of a pattern that are asked about at once; 0: 8 */
    /** Told some times a second and at each end, for every blob that changed; by one thread of the
     *  library's own. May be NULL. */
    void (*blob)(void *ctx, const bfc_blob_progress *blob);
    void *blob_ctx;
} bfc_image_pull_options;

#define BFC_IMAGE_PULL_OPTIONS_INIT                                                                \
    {                                                                                              \
        sizeof(bfc_image_pull_options), BFC_REGISTRY_OPTIONS_INIT, BFC_IMAGE_CREATE_OPTIONS_INIT,  \
            NULL, BFC_PULL_ALWAYS, 0, NULL, NULL                                                   \
    }

#define BFC_DIGEST_TEXT_SIZE 72 /**< of "sha256:" and 64 digits, with the NUL */

typedef struct bfc_pull_report {
    bool up_to_date;                   /**< the image was there, and nothing was changed */
    char digest[BFC_DIGEST_TEXT_SIZE]; /**< of what the reference named: a manifest or an index; ""
                                            if no registry was asked */
    uint64_t blobs;                    /**< layers that were fetched */
    uint64_t bytes;                    /**< of them that came over the network */
    uint64_t kept;                     /**< of them that an earlier run had left */
    uint64_t shared;                   /**< layers that the store had */
} bfc_pull_report;

/**
 * Take an image from a registry into the store. Every size and digest is checked while it is read,
 * as bfc_image_create() does; layers that an image of the store has (encrypted ones aside) are not
 * fetched.
 *
 * Blobs come into files of the store, several at once, and go into the image while they come. What
 * an interrupted pull leaves of them is where the next one goes on; bfc_image_prune() removes it.
 * An image that has the name is replaced.
 *
 * @param options      may be NULL
 * @param[out] report  set on success; may be NULL
 * @param[out] out     its facts; set on success; free with bfc_image_info_free(); may be NULL
 * @return 0; BFC_E_INVALID (reference, configuration), BFC_E_NOT_FOUND (image, platform),
 *         BFC_E_DENIED (login, certificates, a registry that is blocked), BFC_E_CORRUPT (what came
 *         is not what was promised), BFC_E_BUSY (too many requests; another process is changing the
 *         image), BFC_E_IO (connections), and as bfc_image_create()
 *
 * Blocks: long. Source: distribution-spec 1.1. Since: 0.5.
 */
BFC_API int bfc_image_pull(bfc_store *store, const char *reference,
                           const bfc_image_pull_options *options, bfc_pull_report *report,
                           bfc_image_info **out, bfc_err *err);

/* ── Push ────────────────────────────────────────────────────────────────────────────────── */

enum bfc_push_format {
    BFC_PUSH_OCI = 0,  /**< layers, a configuration and a manifest, as engines pull them */
    BFC_PUSH_CONTAINER /**< the container file as it is, an artifact with one layer of the type
                            application/vnd.bfc.container.v1; bfc_image_pull() knows it. Options of
                            layers have no meaning. No key is needed */
};

typedef struct bfc_image_push_options {
    size_t size;                   /**< of this struct; set by the INIT macro */
    bfc_registry_options registry; /**< its hooks are those of the whole */
    enum bfc_push_format format;
    const char *compression; /**< of layers that have to be packed: "gzip", "zstd", "none"; layers
                                  that the registry has as they came are taken only if they are
                                  of that kind. NULL: gzip, and what is there will do as it is */
    int level;               /**< 0: the default of the compression */
    unsigned parallel;       /**< uploads at once, 16 at most; 0: 3 */
    const char *mount_from;  /**< another repository of the same registry ("library/debian"), from
                                  which it may take layers over; NULL: none */
    /** As for bfc_image_pull_options. */
    void (*blob)(void *ctx, const bfc_blob_progress *blob);
    void *blob_ctx;
} bfc_image_push_options;

#define BFC_IMAGE_PUSH_OPTIONS_INIT                                                                \
    {                                                                                              \
        sizeof(bfc_image_push_options), BFC_REGISTRY_OPTIONS_INIT, BFC_PUSH_OCI, NULL, 0, 0, NULL, \
            NULL, NULL                                                                             \
    }

typedef struct bfc_push_report {
    char digest[BFC_DIGEST_TEXT_SIZE]; /**< of the manifest or index that the reference now names */
    uint64_t blobs;                    /**< layers and configurations that were sent */
    uint64_t bytes;                    /**< of them */
    uint64_t mounted;                  /**< that the registry took over from another repository */
    uint64_t there;                    /**< that it had */
} bfc_push_report;

/**
 * Send an image of the store to a registry: all its platforms, or the artifact that it is.
 *
 * A layer that the registry has as it came with the image, or can take over from `mount_from`, is
 * not packed; others are put together as bfc_image_export() does, each in a temporary file of the
 * store's, and sent unless the registry has them. If all of them are as they came, the manifest is
 * the one that came, byte for byte. It comes last: until then the reference names what it named
 * before. What a push that is interrupted has sent of layers stays at the registry, and is not sent
 * again.
 *
 * @param name         of the image
 * @param reference    where it goes; NULL: what `name` says. With a digest, that must be what it
 * gets
 * @param options      may be NULL
 * @param[out] report  set on success; may be NULL
 * @return 0; BFC_E_INVALID (name, reference, options, or a digest that it does not get),
 *         BFC_E_NOT_FOUND (image), BFC_E_DENIED (login, certificates, a registry that is blocked),
 *         BFC_E_UNSUPPORTED (the registry takes no images), BFC_E_CORRUPT (what the registry says
 * makes no sense, or the container is damaged), BFC_E_BUSY (too many requests), BFC_E_NOSPC
 * (temporary files), BFC_E_IO (connections), and as bfc_image_export()
 *
 * Blocks: long. Source: distribution-spec 1.1. Since: 0.5.
 */
BFC_API int bfc_image_push(bfc_store *store, const char *name, const char *reference,
                           const bfc_image_push_options *options, bfc_push_report *report,
                           bfc_err *err);

/* ── Many of them ────────────────────────────────────────────────────────────────────────── */

enum bfc_sync_action {
    BFC_SYNC_UP_TO_DATE = 0, /**< the image is here, and was not changed */
    BFC_SYNC_PULLED,         /**< it was taken from the registry */
    BFC_SYNC_SURPLUS,        /**< the list has brought it once, but names it no longer, or the
                                  registry has no such tag any more; `prune` would remove it */
    BFC_SYNC_REMOVED,        /**< the same, and it was removed */
    BFC_SYNC_KEPT,           /**< the same, but it has another content than the list has brought: it
                                  is somebody else's now, and the list has forgotten it */
    BFC_SYNC_FAILED
};

/** What was done with an image; with a dry run, what would be. Valid during the call. */
typedef struct bfc_sync_step {
    enum bfc_sync_action action;
    unsigned line;               /**< of the list; 0: no line names it any more */
    const char *reference;       /**< at the registry; of a pattern whose tags could not be had, the
                                      repository; "" where nothing tells it any more */
    const char *name;            /**< in the store; "" if it is not known */
    const bfc_pull_report *pull; /**< of what was pulled or is up to date, else NULL */
    const bfc_err *why;          /**< of what failed, else NULL */
} bfc_sync_step;

typedef struct bfc_sync_report {
    size_t up_to_date, pulled, surplus, removed, kept, failed; /**< images; of what failed, also
                                                                    patterns */
    uint64_t bytes; /**< that came over the network for layers */
} bfc_sync_report;

typedef struct bfc_images_sync_options {
    size_t size;                 /**< of this struct; set by the INIT macro */
    bfc_image_pull_options pull; /**< how images are pulled; its `name` and `policy` have no meaning
                                      here; `platform`, `all_platforms` and `artifact` are for lines
                                      that do not say */
    const char *list;            /**< what the list is called, by which the store knows what it has
                                      brought; NULL: the file's path, with links resolved */
    bool prune;                  /**< remove what the list has brought and no longer names, or what
                                      the registry has no tag for any more */
    bool dry_run;                /**< nothing is fetched, removed or remembered */
    bool keep_going;             /**< go on with the next image when one fails */
    /** Told of each image in the order of the list, then of what is surplus. May be NULL. */
    void (*step)(void *ctx, const bfc_sync_step *step);
    void *step_ctx;
} bfc_images_sync_options;

#define BFC_IMAGES_SYNC_OPTIONS_INIT                                                               \
    {                                                                                              \
        sizeof(bfc_images_sync_options), BFC_IMAGE_PULL_OPTIONS_INIT, NULL, false, false, false,   \
            NULL, NULL                                                                             \
    }

/**
 * Keep the images of a list in step with their registries: what differs there is pulled, as
 * bfc_image_pull() does. The list is a file; bfc-image-sync(1) tells what stands in it. It is read
 * and checked as a whole before anything is done.
 *
 * With `prune`, only images go that this list has brought and nobody has changed since; and none
 * does if the tags of some pattern could not be had, since then it is not known what should be
 * there. A tag counts as gone only when the registry lists its repository without it.
 *
 * @param file         path of the list; at most 1 MiB, 4096 lines that name something
 * @param options      may be NULL
 * @param[out] report  set also on failure; may be NULL
 * @return 0; what the first image failed with that did; BFC_E_INVALID (list), BFC_E_LIMIT (list),
 *         BFC_E_NOT_FOUND (file), BFC_E_BUSY (another process works through this list), and as
 *         bfc_image_pull() and bfc_image_delete()
 *
 * Blocks: long. Since: 0.5.
 */
BFC_API int bfc_images_sync(bfc_store *store, const char *file,
                            const bfc_images_sync_options *options, bfc_sync_report *report,
                            bfc_err *err);

/* ── From place to place ─────────────────────────────────────────────────────────────────── */

typedef struct bfc_image_copy_options {
    size_t size;                  /**< of this struct; set by the INIT macro */
    bfc_image_pull_options pull;  /**< how registries are asked, and how images of a store are made;
                                       its `create.platform` and `create.all_platforms` say what is
                                       taken of an index in any case, `parallel`, `blob` and
                                       `registry.hooks` are for all. `name` and `policy` have no
                                       meaning here */
    bfc_image_export_options out; /**< `compression` and `level`: of layers that come from a store,
                                       where they are compressed anew; `replace`: an existing file,
                                       or an image of the store, may be replaced. Its `hooks` have
                                       no meaning here */
} bfc_image_copy_options;

#define BFC_IMAGE_COPY_OPTIONS_INIT                                                                \
    {                                                                                              \
        sizeof(bfc_image_copy_options), BFC_IMAGE_PULL_OPTIONS_INIT, BFC_IMAGE_EXPORT_OPTIONS_INIT \
    }

typedef struct bfc_copy_report {
    char digest[BFC_DIGEST_TEXT_SIZE]; /**< of the manifest or index that was copied; "" where an
                                            image of a store was written to files */
    uint64_t blobs;                    /**< that were copied */
    uint64_t bytes;                    /**< of them */
    uint64_t there;                    /**< blobs that the destination had */
} bfc_copy_report;

/**
 * Copy an image from one place to another. Each is "docker://REFERENCE", "oci:LAYOUT[:REF]",
 * "oci-archive:TAR[:REF]", "docker-archive:TAR[:REF]", or an image of the store, "store:NAME" or
 * the bare name; the destination's REF is by default the name that the image has at its source.
 *
 * Between registries, layouts and archives, blobs go byte for byte and documents as they came, so
 * that all digests stay, also of what is no image. Every size and digest is compared on the way;
 * what is wrong is never seen under its name: documents come after all that they name. Blobs that
 * the destination has are not copied. A docker-archive holds plain tars: into one, layers are
 * inflated and compared with the configuration, too; out of one, they stay plain.
 *
 * From and to the store this is bfc_image_export(), bfc_image_push(), bfc_image_create(),
 * bfc_image_pull() or bfc_image_tag().
 *
 * What an interrupted copy from a registry has fetched is kept in the store, as that of a pull.
 *
 * @param options      may be NULL
 * @param[out] report  set on success; may be NULL
 * @return 0; BFC_E_INVALID (places), BFC_E_EXISTS (the destination, and it may not be replaced),
 *         BFC_E_UNSUPPORTED (artifact into a docker-archive), and as bfc_image_pull(),
 *         bfc_image_push() and bfc_image_export()
 *
 * Blocks: long. Source: image-spec 1.1, distribution-spec 1.1. Since: 0.5.
 */
BFC_API int bfc_image_copy(bfc_store *store, const char *source, const char *dest,
                           const bfc_image_copy_options *options, bfc_copy_report *report,
                           bfc_err *err);

/* ── Looking ─────────────────────────────────────────────────────────────────────────────── */

typedef struct bfc_registry_tag_list {
    char *repository; /**< in full: "docker.io/library/debian" */
    size_t count;
    char **tag; /**< sorted by their bytes */
} bfc_registry_tag_list;

/**
 * All tags of a repository. A tag or digest in the reference does not matter.
 *
 * @param options   may be NULL
 * @param[out] out  set on success; free with bfc_registry_tag_list_free()
 * @return 0; as bfc_image_pull(); BFC_E_LIMIT beyond 131,072 tags
 *
 * Blocks: on the network. Since: 0.5.
 */
BFC_API int bfc_registry_tags(const char *reference, const bfc_registry_options *options,
                              bfc_registry_tag_list **out, bfc_err *err);

/** NULL is allowed. Since: 0.5. */
BFC_API void bfc_registry_tag_list_free(bfc_registry_tag_list *list);

/**
 * Look at an image without fetching its layers, as JSON: an object with the members `name` (in
 * full), `digest`, `media_type` and `size` of what the reference names; `index`, if that is one (a
 * document as it came), then, of the image of the platform, `manifest_digest`, `manifest`, `config`
 * (documents as they came; an artifact's config is null) and `platform`; with `referrers`, the
 * descriptors of what names that digest as its subject.
 *
 * @param platform   "os/arch[/variant]"; NULL: the machine's
 * @param referrers  ask for them, too
 * @param options    may be NULL
 * @param[out] json  set on success; NUL-terminated beyond `len`; free with free()
 * @return 0; as bfc_image_pull()
 *
 * Blocks: on the network. Since: 0.5.
 */
BFC_API int bfc_registry_inspect(const char *reference, const char *platform, bool referrers,
                                 const bfc_registry_options *options, char **json, size_t *len,
                                 bfc_err *err);

/* ── Logins ──────────────────────────────────────────────────────────────────────────────── */

/*
 * In the functions below `registry` is `host[:port]`, or `host[:port]/path` for a login that counts
 * for repositories below that path alone. Logins are kept where podman, skopeo and Docker look for
 * them: in the file of the options, else in the first that these tools would read, or with the
 * credential helper that is configured for the registry.
 */

/**
 * The registry that is meant where none is named, as with podman: the first of
 * unqualified-search-registries.
 *
 * @param[out] registry  set on success; free with free()
 * @return 0; BFC_E_NOT_FOUND: none is configured; BFC_E_INVALID
 *
 * Blocks: disk. Since: 0.5.
 */
BFC_API int bfc_registry_default(char **registry, bfc_err *err);

/**
 * Keep a login, after the registry has taken it. A registry that asks nobody who they are cannot
 * say whether it is right: it is kept, and a warning is logged. The file has mode 0600, is replaced
 * as a whole, and keeps what else is in it.
 *
 * @param username  without a colon
 * @param password  or a token; of at most 16 KiB. The library wipes its copies.
 * @param options   may be NULL
 * @param[out] where  a path, or "credential helper NAME"; set on success; free with free(); may be
 *                    NULL
 * @return 0; BFC_E_DENIED: the registry does not take them, and nothing was changed; BFC_E_INVALID
 *         (names, configuration), BFC_E_NOT_FOUND (there is no registry there, or no such
 * credential helper), BFC_E_BUSY (somebody else is changing the file), BFC_E_IO
 *
 * Blocks: on the network. Source: distribution-spec 1.1, "Determining Support";
 * containers-auth.json(5). Since: 0.5.
 */
BFC_API int bfc_registry_login(const char *registry, const char *username, const char *password,
                               const bfc_registry_options *options, char **where, bfc_err *err);

/**
 * Ask the registry whether the login that is kept is still good.
 *
 * @return 0; BFC_E_NOT_FOUND: there is none; BFC_E_DENIED: it is not taken; as bfc_registry_login()
 *
 * Blocks: on the network. Since: 0.5.
 */
BFC_API int bfc_registry_login_check(const char *registry, const bfc_registry_options *options,
                                     bfc_err *err);

/**
 * As whom we are logged in.
 *
 * @param[out] username  "<token>" where the login is an identity token; set on success; free with
 *                       free()
 * @return 0; BFC_E_NOT_FOUND: there is no login; BFC_E_INVALID (configuration)
 *
 * Blocks: disk, credential helpers. Since: 0.5.
 */
BFC_API int bfc_registry_login_name(const char *registry, const bfc_registry_options *options,
                                    char **username, bfc_err *err);

/**
 * Forget the login of exactly this registry or path. If another file has one for it still, a
 * warning names that.
 *
 * @return 0; BFC_E_NOT_FOUND: there is none where bfc_registry_login() would put it; BFC_E_INVALID,
 *         BFC_E_BUSY, BFC_E_IO
 *
 * Blocks: disk, credential helpers. Since: 0.5.
 */
BFC_API int bfc_registry_logout(const char *registry, const bfc_registry_options *options,
                                bfc_err *err);

/**
 * Forget all logins that are where bfc_registry_login() would put them. Other files keep theirs.
 *
 * @param[out] count  how many there were; may be NULL
 *
 * Blocks: disk, credential helpers. Since: 0.5.
 */
BFC_API int bfc_registry_logout_all(const bfc_registry_options *options, size_t *count,
                                    bfc_err *err);

#ifdef __cplusplus
}
#endif
#endif
