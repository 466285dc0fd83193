/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands that talk to registries have in common: logins, certificates, TLS or not. */
#ifndef CLI_REGISTRY_OPTIONS_H
#define CLI_REGISTRY_OPTIONS_H

#include "cli.h"

#define OPTIONS_OF_REGISTRIES                                                                      \
    {OPT_AUTH_FILE,                                                                                \
     0,                                                                                            \
     "authfile",                                                                                   \
     "FILE",                                                                                       \
     VALUE_FILE,                                                                                   \
     NULL,                                                                                         \
     "read logins from this file, in place of $REGISTRY_AUTH_FILE and the usual ones"},            \
        OPTIONS_OF_CERTIFICATES

#define OPTION_OF_LOGIN_FILE                                                                       \
    {                                                                                              \
        OPT_AUTH_FILE, 0, "authfile", "FILE", VALUE_FILE, NULL,                                    \
            "the file with logins, in place of $REGISTRY_AUTH_FILE and the usual ones"             \
    }

#define OPTIONS_OF_CERTIFICATES                                                                    \
    {OPT_CERT_DIR,                                                                                 \
     0,                                                                                            \
     "cert-dir",                                                                                   \
     "DIR",                                                                                        \
     VALUE_DIRECTORY,                                                                              \
     NULL,                                                                                         \
     "certificates of authorities (*.crt), and ours with its key (*.cert, *.key), in place "       \
     "of those in certs.d folders"},                                                               \
    {                                                                                              \
        OPT_TLS_VERIFY, 0, "tls-verify", "BOOL", VALUE_CHOICE, "true false",                       \
            "`false`: take any certificate, and plain HTTP where there is no TLS; `true`: "        \
            "neither, "                                                                            \
            "also where registries.conf says insecure"                                             \
    }

#define OPTION_PARALLEL(verb)                                                                      \
    {                                                                                              \
        OPT_PARALLEL, 0, "parallel", "N", VALUE_WORD, NULL,                                        \
            "layers that are " verb " at once, 1 to 16; default: 3"                                \
    }

#define EXITS_OF_REGISTRIES                                                                        \
    "1 when the registry cannot be reached, after several tries. 2 when REF is wrong, or what is " \
    "configured. 3 when what comes is not what was promised. 4 when the registry has no such "     \
    "image. 5 when a login is missing or not taken, or a certificate not trusted. 6 when the "     \
    "registry was asked too often."

#define EXITS_OF_PUSHES                                                                            \
    "1 when the registry cannot be reached, after several tries, or takes no images. 2 when REF "  \
    "is "                                                                                          \
    "wrong, or what is configured. 3 when what the registry says makes no sense, or the image is " \
    "damaged. 4 when there is no such image. 5 when a login is missing or not taken, or a "        \
    "certificate not trusted. 6 when the registry was asked too often."

/* 0, or an exit code when it has been told what is wrong. What *out points to is borrowed. */
int registry_options_read(struct cli *cli, const struct args *args, bfc_registry_options *out);

/* What `--parallel` says; 0 without it. Likewise. */
int parallel_read(struct cli *cli, const struct args *args, unsigned *out);

/* The registry that the operand names, or the one that is meant without; free(). 0, or an exit
 * code.
 */
int login_registry(struct cli *cli, const struct args *args, char **registry);

#endif
