# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# Every answer is one document whose first member is its schema; failures are documents on stderr.
make_tree tree
one() { # schema, arguments…
    schema=$1
    shift
    bfc --json "$@" >answer 2>failure
    code=$?
    python3 - "$schema" "$code" "$*" <<'PYTHON'
import json, sys
schema, code, words = sys.argv[1:]
pairs = json.load(open("answer"), object_pairs_hook=list)
ok = pairs[0] == ("schema", schema)
print("ok  " if ok else "BAD ", code, words, [k for k, v in pairs])
PYTHON
    cat failure >&2
}
one bfc.create/1 create a.bfc tree
one bfc.append/1 append a.bfc tree/etc/motd
one bfc.list/1 list a.bfc
one bfc.list/1 list a.bfc nothing
one bfc.list/1 list a.bfc empty
one bfc.extract/1 extract a.bfc -C out
one bfc.info/1 info a.bfc
one bfc.entry/1 info a.bfc bin/tool
one bfc.verify/1 verify a.bfc
one bfc.verify/1 verify --deep a.bfc
one bfc.log/1 log a.bfc
one bfc.recover/1 recover a.bfc
one bfc.compact/1 compact a.bfc -o b.bfc
one bfc.image.create/1 image create x tree
one bfc.image.list/1 image list
one bfc.image.info/1 image info x
one bfc.image.tag/1 image tag x y
one bfc.image.verify/1 image verify x
one bfc.image.extract/1 image extract x out2
for name in x y; do
    one bfc.image.squash/1 image squash "$name"
done
printf 'more\n' >>tree/etc/motd
one bfc.image.layers/1 image layers x
one bfc.image.commit/1 image commit x tree --as z
one bfc.image.diff/1 image diff x z
one bfc.image.rebase/1 image rebase z y --from x
one bfc.image.config/1 image config x
one bfc.image.manifest/1 image config x --manifest
one bfc.image.config-edit/1 image config x --user 1 --cmd ls
one bfc.image.export/1 image export x oci:layout
one bfc.image.bundle/1 image bundle x out3
one bfc.image.history/1 image history x
one bfc.image.rollback/1 image rollback x "$(bfc -q image history x)"
one bfc.image.delete/1 image delete -n x
one bfc.image.delete/1 image delete x nothing
one bfc.image.prune/1 image prune
one bfc.image.df/1 image df
one bfc.version/1 --version
t --json info nothing.bfc
t --json create a.bfc tree
t --json list
t --json image info nothing
t --json cat a.bfc nothing
