# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Copies that need no registry, and what is wrong in how they are called.
t image copy
t image copy a
t image copy '' a
t image copy oci:nowhere oci:there
t image copy oci: a
t image copy --compression best a b
t image copy --parallel 17 a b
make_tree tree
t image create app:1 tree
t image copy app:1 oci:layout
t image copy store:app:1 app:2
t image copy app:1 app:2
t image copy oci:layout oci-archive:a.tar:x
t image copy oci:layout oci-archive:a.tar:x
t image copy -f oci:layout oci-archive:a.tar:x
t image copy oci-archive:a.tar docker-archive:d.tar:app
t image copy --json docker-archive:d.tar oci:layout:y | sed 's/"\(digest\|bytes_copied\)": [^,}]*/"\1": …/'
t image copy oci:layout:y app:3
t image diff app:1 app:3
