# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# An image with layers: its list of them, what differs between them, its documents, and wrong names.
python3 "$TESTS/layout.py" layout
blob() { # file, what in it names the blob
    printf 'layout/blobs/sha256/'
    python3 -c "import json, sys; print(json.load(open(sys.argv[1]))$2['digest'][7:])" "$1"
}
manifest=$(blob layout/index.json "['manifests'][0]")
config=$(blob "$manifest" "['config']")
t image create app oci:layout:app
t image layers app | tr '\033' '#'
t image layers --history app | tr '\033' '#'
t image layers --json app
t image diff app
t image diff 'app#1' app | tr '\033' '#'
t image diff app 'app#1' | tr '\033' '#'
t image diff -0 'app#1' 'app#2' | tr '\0\033' '0#'
echo
t image diff app app
t image diff --json 'app#2' app
bfc image config app | cmp - "$config" && echo 'the configuration as it came'
bfc image config --manifest app | cmp - "$manifest" && echo 'the manifest as it came'
t image config --json app
t image config --json --manifest app
t image layers nothing
t image config nothing
t image diff nothing app
t image commit nothing layout
t image squash nothing
t image rebase nothing app
t image config nothing --user root
t image bundle nothing out
printf 'left behind: %s\n' "$(echo *)"
