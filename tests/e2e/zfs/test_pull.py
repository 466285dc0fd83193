# SPDX-License-Identifier: Apache-2.0
"""Pulling into a pool: a second image on the same base fetches its own layers alone and is a clone, a pull that is
killed leaves what the next one goes on with, and prune leaves nothing."""
import os
import subprocess
import sys

import zlab  # first: it says where the others are
import harness
from harness import MIB, check
from zlab import ZLab, wait_for

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), 'net'))
# pylint: disable=wrong-import-position  # they are in the folder beside
from images import Layout, layer
from registries import FakeRegistry, isolate


def test_pull(lab):
    isolate(lab)
    layout = Layout(lab / 'layout')
    base = [layer(1, 5 * MIB), layer(2, 100)]
    layout.tag('base', layout.image(base))
    layout.tag('one', layout.image(base + [layer(3, 6 * MIB)]))
    registry = FakeRegistry(lab, layout, pace=0.1)
    z = ZLab(lab)
    os.environ['BFC_STORE'] = z.store
    lab.bfc('image', 'pull', registry.ref + ':base', '--as', 'base')
    before = len(registry.asked())
    own = layout.read('one')['layers'][2]['digest']
    with subprocess.Popen([lab.bfc_path, 'image', 'pull', registry.ref + ':one', '--as', 'one'],
                          stderr=subprocess.DEVNULL) as child:
        wait_for('the layer', lambda: registry.sent.get(own, 0) > MIB)
        child.kill()
    check(z.listed() == ['base:latest'], z.listed())
    registry.pace = 0
    answer = lab.bfc('--json', 'image', 'pull', registry.ref + ':one', '--as', 'one').json
    check(answer['layers_shared'] == 2 and answer['blobs_fetched'] == 1, answer)
    check(answer['bytes_kept'] > 0, 'what was there was fetched again', answer)
    large = {d['digest'] for d in layout.read('base')['layers']}
    check(not large & set(registry.asked()[before:]), 'a layer of the base was fetched again')
    check(z.origin(z.dataset('one:latest')).startswith(z.dataset('base:latest') + '@'), 'it is no clone')
    z.check_properties('one')
    z('verify', '--deep', 'one')
    z('prune')
    check(lab.bfc('--json', 'image', 'df').json['leftover_bytes'] == 0 and not z.work(), z.everything())


if __name__ == '__main__':
    harness.main(globals())
