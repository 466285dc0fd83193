/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration of registries as the tools of containers/image have it:
 * containers-registries.conf(5) in version 2, containers-registries.conf.d(5), and the aliases that
 * podman keeps. What the manual leaves open is done as containers/image 5.23 does it.
 *
 * A bfci_registries is read once and then only asked: any number of threads. */
#ifndef BFCI_NET_REGISTRIES_CONF_H
#define BFCI_NET_REGISTRIES_CONF_H

#include "net/reference.h"
#include "net/toml.h"

enum bfci_mirror_use {
    MIRROR_FOR_ALL,
    MIRROR_FOR_DIGESTS,
    MIRROR_FOR_TAGS
};

typedef struct bfci_mirror {
    char *location;
    bool insecure;
    enum bfci_mirror_use use;
} bfci_mirror;

typedef struct bfci_registry_rule {
    char *prefix;   /* "host[:port][/path]" or "*.host", the host in lower case */
    char *location; /* what stands for the prefix; NULL: nothing does */
    bool insecure, blocked, digests_only;
    bfci_mirror *mirror;
    size_t mirror_count;
} bfci_registry_rule;

typedef struct bfci_alias {
    char *name;
    char *target; /* NULL: erased by a later file */
} bfci_alias;

enum bfci_short_names {
    SHORT_NAMES_UNSET, /* as permissive */
    SHORT_NAMES_DISABLED,
    SHORT_NAMES_PERMISSIVE,
    SHORT_NAMES_ENFORCING
};

typedef struct bfci_registries {
    bfci_registry_rule *rule; /* one for each prefix, sorted by it */
    size_t rule_count;
    bfci_alias *alias; /* sorted by name */
    size_t alias_count;
    char **search;     /* unqualified-search-registries; ended by NULL; NULL: it was not set */
    char *search_from; /* the file that did */
    char **helpers;    /* credential-helpers; as `search` */
    enum bfci_short_names short_names;
} bfci_registries;
#define BFCI_REGISTRIES_INIT                                                                       \
    {                                                                                              \
        NULL, 0, NULL, 0, NULL, NULL, NULL, SHORT_NAMES_UNSET                                      \
    }
void bfci_registries_release(bfci_registries *r);
#define AUTO_REGISTRIES __attribute__((cleanup(bfci_registries_release)))

/* ── Reading ── */

/* Adds what a file says: rules and aliases by their prefix and name, the rest as a whole. `path` is
 * for messages, "FILE:LINE: …". After a failure *r is as it was. */
int bfci_registries_add(bfci_registries *r, const uint8_t *text, size_t len, const char *path,
                        bfc_err *err);
/* The same for the aliases alone. */
int bfci_registries_add_aliases(bfci_registries *r, const uint8_t *text, size_t len,
                                const char *path, bfc_err *err);

/* Where the files are; NULL: nowhere. Paths are borrowed by bfci_registries_load(). */
typedef struct bfci_registries_places {
    char *file; /* must be there if it was named by the environment, `must` */
    bool must;
    char *folder[2]; /* their *.conf files, in the order of names: the system's, the user's */
    char *last;      /* read after all others; must be there */
    char *aliases;   /* podman's own; before those of the files */
} bfci_registries_places;

/* $CONTAINERS_REGISTRIES_CONF, else the user's registries.conf ($XDG_CONFIG_HOME, or
 * $HOME/.config, /containers), which makes the system's folder not count, else
 * /etc/containers/registries.conf; $CONTAINERS_REGISTRIES_CONF_OVERRIDE at the end. A program with
 * setuid has no environment. */
int bfci_registries_find_places(bfci_registries_places *out, bfc_err *err);
void bfci_registries_places_release(bfci_registries_places *p);
#define AUTO_REGISTRIES_PLACES __attribute__((cleanup(bfci_registries_places_release)))

/* Blocks on the file system. BFC_E_INVALID for what is wrong in a file, BFC_E_LIMIT for a file that
 * is too long. */
int bfci_registries_load(const bfci_registries_places *places, bfci_registries *out, bfc_err *err);

/* ── Asking ── */

typedef struct bfci_endpoint {
    bfci_remote_ref ref; /* as it is asked for there; credentials are looked up by its name */
    bool insecure;       /* plain HTTP and unknown certificates are allowed */
    bool is_mirror;
    size_t candidate; /* a short name may stand for several: 0, 1, … in their order */
} bfci_endpoint;

typedef struct bfci_endpoints {
    bfci_endpoint *item;
    size_t count, cap;
} bfci_endpoints;
#define BFCI_ENDPOINTS_INIT                                                                        \
    {                                                                                              \
        NULL, 0, 0                                                                                 \
    }
void bfci_endpoints_release(bfci_endpoints *e);
#define AUTO_ENDPOINTS __attribute__((cleanup(bfci_endpoints_release)))

/* Whom to ask for the image `typed`, one after the other until one has it; at least one. Short
 * names: an alias, else each of the search registries, else (if no file names any) docker.io.
 * BFC_E_DENIED: all of them are blocked. BFC_E_INVALID: the name is wrong, or it is short,
 * several registries could be meant, and short-name-mode is "enforcing" (the message lists the
 * candidates). */
int bfci_registries_pull_endpoints(const bfci_registries *r, const char *typed, bfci_endpoints *out,
                                   bfc_err *err);

/* The full names that a short one could mean, with tag and digest, where a choice is to be made by
 * short-name-mode: there is no alias, and there are several search registries. None otherwise.
 * *repository is what an alias for it is called; NULL where there is none. */
typedef struct bfci_meanings {
    char **name; /* count of them, and NULL */
    size_t count;
    char *repository;
} bfci_meanings;
#define BFCI_MEANINGS_INIT                                                                         \
    {                                                                                              \
        NULL, 0, NULL                                                                              \
    }
void bfci_meanings_release(bfci_meanings *c);
#define AUTO_MEANINGS __attribute__((cleanup(bfci_meanings_release)))
int bfci_registries_meanings(const bfci_registries *r, const char *typed, bfci_meanings *out,
                             bfc_err *err);

/* Writes down in podman's file, `path`, that `name` means `target` from now on; the folder is made.
 * BFC_E_BUSY: somebody else is at it. */
int bfci_registries_keep_alias(const char *path, const char *name, const char *target,
                               bfc_err *err);

/* Whom to send an image to: nothing is rewritten and there are no mirrors then; a short name goes
 * to docker.io. */
int bfci_registries_push_endpoint(const bfci_registries *r, const char *typed, bfci_endpoint *out,
                                  bfc_err *err);

/* The rule for "host[:port][/path]": the one with the longest prefix; NULL: none. */
const bfci_registry_rule *bfci_registries_rule(const bfci_registries *r, const char *name);

/* Ordering of the tables above, for those who fill them. */
bfci_alias *bfci_registries_alias(const bfci_registries *r, const char *name);

#endif
