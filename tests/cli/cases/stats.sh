# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
# What --stats tells, and where: times differ, but what was counted does not. Two workers may decode a block both.
make_tree tree
t -j2 create --stats a.bfc tree
t -j2 append --stats a.bfc tree/etc/motd
t -j2 extract --stats a.bfc -C out
t -q create --stats b.bfc tree/bin
stages() { # of the document on stdin
    python3 -c '
import json, sys
s = json.load(sys.stdin)["stats"]
assert s["work_ns"] == sum(stage["busy_ns"] for stage in s["stages"]) > 0 and s["wall_ns"] > 0
for stage in s["stages"]:
    print(*(stage[k] for k in ("name", "thread", "serial", "alone")), stage["items"] if stage["name"] not in ("decode", "pool") else "", sep=" ")
print([queue["name"] for queue in s["queues"]], [list(speedup) for speedup in s["speedup_at_most"]])
'
}
bfc --json create -f --stats b.bfc tree | stages
bfc --json extract --stats b.bfc -C out2 | stages
bfc --json extract b.bfc -C out3 | python3 -c 'import json, sys; print("stats" in json.load(sys.stdin))'
t -q image create x tree
t -q image export x oci:layout:x
bfc --json -j2 image create --stats y oci:layout:x | stages
t image create --stats z bfc:a.bfc
bfc --json image extract --stats y out4 | stages
