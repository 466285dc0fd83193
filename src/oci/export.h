/* SPDX-License-Identifier: Apache-2.0 */
/* Writing the image of a container to where other programs read it: an OCI layout, an archive of
 * one, a docker-archive; the floor of the net adds registries. Same container, same options: same
 * bytes. What fails leaves nothing. */
#ifndef BFCI_OCI_EXPORT_H
#define BFCI_OCI_EXPORT_H

#include "codec/flow.h"
#include "container/reader.h"

typedef struct bfci_export {
    bfc_reader *r;
    const bfc_hooks *hooks;
    enum bfci_coding coding; /* of the layers */
    int level;               /* 0: the default of the coding */
    const char *ref;         /* the image's name there */
    bool replace;            /* an archive may take the place of a file */
    bool any_coding;         /* layers that are there as they came may stay in another coding */
    const char *phase;       /* of the progress; NULL: "export" */
} bfci_export;

/* Made, or added to; a reference of the same name is replaced, others stay. BFC_E_EXISTS: the
 * folder is not empty and no layout. BFC_E_BUSY: another export to it goes on. */
int bfci_export_layout(const bfci_export *e, const char *folder, bfc_err *err);
/* A tar; `path` must be, or become, a regular file. */
int bfci_export_oci_archive(const bfci_export *e, const char *path, bfc_err *err);
/* The same; `ref` is "name:tag". Of several images it holds the first. */
int bfci_export_docker_archive(const bfci_export *e, const char *path, bfc_err *err);

#endif
