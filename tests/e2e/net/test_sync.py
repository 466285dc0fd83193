#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Lists of images that are kept in step: tags that come, change and go, what is pruned and what never is, failing
lines, a thousand tags.

usage: test_sync.py BFC [NAME…]
"""
import json
import os
import signal
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

# pylint: disable=wrong-import-position
from images import Layout, layer
from registries import DockerRegistry, FakeRegistry, isolate, signal_in
import harness
from harness import check


def small(lab, *tags, name='layout'):
    """A layout with an image for each tag."""
    layout = Layout(lab / name)
    for n, tag in enumerate(tags):
        layout.tag(tag, layout.image([layer(n + 1, 300)]))
    return layout


def put_list(lab, text, name='images.list'):
    with open(lab / name, 'w', encoding='utf-8') as f:
        f.write(text)
    return lab / name


def sync(lab, *args, expect=0, name='images.list'):
    """What was done: {(action, name)}, and the whole answer."""
    answer = lab.bfc('--json', 'image', 'sync', lab / name, *args, expect=expect)
    told = answer.json
    counts = {a: sum(i['action'] == a for i in told['images']) for a in
              ('up-to-date', 'pulled', 'surplus', 'removed', 'kept', 'failed')}
    check(counts == {a: told[a.replace('-', '_')] for a in counts}, told)
    return {(i['action'], i['name']) for i in told['images']}, answer


def images(lab):
    return {i['name']: i['manifest_digest'] for i in lab.bfc('--json', 'image', 'list').json['images']}


def digest_of(layout, tag):
    return next(e['digest'] for e in layout.entries
                if e['annotations']['org.opencontainers.image.ref.name'] == tag)


class TagRegistry(FakeRegistry):
    """One that lists the tags of its layout, and can be told to hide some of them, and to deny what it is asked."""

    def __init__(self, lab, layout, **how):
        self.hidden, self.denied, self.page = set(), set(), 100
        super().__init__(lab, layout, **how)

    def names(self):
        return sorted(e['annotations']['org.opencontainers.image.ref.name'] for e in self.layout.entries)

    def find(self, name):
        return None if name in self.hidden else super().find(name)

    def serve(self, e):
        if e.path.split('/')[3:4] and e.path.split('/')[3] in self.denied:
            return e.reply(403, b'{}')
        if not e.path.startswith('/v2/app/tags/list'):
            return super().serve(e)
        asked = dict(p.split('=') for p in e.target.partition('?')[2].split('&'))
        names = [n for n in self.names() if n > asked.get('last', '') and n not in self.hidden]
        body = json.dumps({'name': 'app', 'tags': names[:self.page]}).encode()
        more = [f'Link: </v2/app/tags/list?last={names[self.page - 1]}>; rel="next"'] if names[self.page:] else []
        return e.reply(200, body, *more)


def test_in_step(lab):
    """Against docker-registry: what is new comes, what has changed comes again, the rest is not asked for."""
    isolate(lab)
    layout = small(lab, 'a', 'b', 'c')
    registry = DockerRegistry(lab)
    for tag in 'abc':
        registry.push(layout, tag, f'some/app:1.{tag}')
    put_list(lab, f'# ours\n{registry.host}/some/app:1.[ab]   as=app   # two of them\n'
                  f'docker://{registry.host}/some/app:1.c\n')
    third = f'{registry.host}/some/app:1.c'
    done, answer = sync(lab, '--dry-run')
    check(done == {('pulled', 'app:1.a'), ('pulled', 'app:1.b'), ('pulled', third)}, answer.shown())
    check(not images(lab) and not registry.blobs(), 'a dry run did something')
    check(not os.path.exists(lab / 'store'), 'a dry run left something')
    done, answer = sync(lab)
    check(done == {('pulled', 'app:1.a'), ('pulled', 'app:1.b'), ('pulled', third)}, answer.shown())
    check(images(lab) == {'app:1.a': digest_of(layout, 'a'), 'app:1.b': digest_of(layout, 'b'),
                          third: digest_of(layout, 'c')}, images(lab))
    before = len(registry.requests())
    done, answer = sync(lab)
    check({a for a, _ in done} == {'up-to-date'}, answer.shown())
    asked = {m for m, p, _ in registry.requests()[before:] if '/manifests/' in p or '/blobs/' in p}
    check(asked == {'HEAD'}, asked)
    check(answer.json['bytes_fetched'] == 0, answer.shown())
    registry.push(layout, 'c', 'some/app:1.a')
    done, answer = sync(lab)
    check(('pulled', 'app:1.a') in done and len(done) == 3, answer.shown())
    check(images(lab)['app:1.a'] == digest_of(layout, 'c'), images(lab))
    lab.bfc('image', 'verify', '--deep', 'app:1.a')
    words = lab.bfc('image', 'sync', lab / 'images.list')
    check(words.text == '' and '3 up to date' in words.message, words.shown())
    registry.push(layout, 'b', 'some/app:1.a')
    words = lab.bfc('image', 'sync', '-n', lab / 'images.list')
    check(words.text.splitlines()[1].split() == ['would', 'pull', '2', 'app:1.a'], words.shown())
    words = lab.bfc('image', 'sync', lab / 'images.list')
    check(words.text.splitlines()[0].split() == ['DONE', 'LINE', 'FETCHED', 'NAME'], words.shown())
    check(words.text.splitlines()[1].split()[0::4] == ['pulled', 'app:1.a'], words.shown())


def test_prune(lab):
    """What the list has brought goes when it is no longer named or its tag is gone; nothing else does."""
    isolate(lab)
    layout = small(lab, 'a', 'b', 'c', 'd', 'e', 'mine')
    registry = TagRegistry(lab, layout)
    ref = registry.ref
    lab.bfc('image', 'pull', '--as', 'app:mine', f'{ref}:mine')  # before the list knew of it
    lab.bfc('image', 'pull', f'{ref}:a')  # of another name
    put_list(lab, f'{ref}:? as=app\n{ref}:mine as=app\n')
    done, answer = sync(lab)
    check(done == {('pulled', f'app:{t}') for t in 'abcde'} | {('up-to-date', 'app:mine')}, answer.shown())
    lab.bfc('image', 'tag', 'app:a', 'copy:a')
    put_list(lab, f'{ref}:a as=another\n', 'other.list')
    sync(lab, '--prune', name='other.list')
    put_list(lab, f'{ref}:[ab] as=app\n')  # c, d, e and mine are not named any more
    registry.hidden.add('b')  # and b is gone
    lab.bfc('image', 'delete', 'app:d')
    lab.bfc('image', 'pull', '--as', 'app:e', f'{ref}:mine')  # e is somebody else's now
    before = images(lab)
    done, answer = sync(lab)
    check(done == {('up-to-date', 'app:a'), ('surplus', 'app:b'), ('surplus', 'app:c'), ('kept', 'app:e')},
          answer.shown())
    done, answer = sync(lab, '--prune', '--dry-run')
    check(done == {('up-to-date', 'app:a'), ('removed', 'app:b'), ('removed', 'app:c')}, answer.shown())
    check(images(lab) == before, 'a dry run did something')
    words = lab.bfc('image', 'sync', '--prune', '--dry-run', lab / 'images.list')
    check(['would', 'remove', 'app:b'] in [x.split() for x in words.text.splitlines()], words.shown())
    done, answer = sync(lab, '--prune')
    check(done == {('up-to-date', 'app:a'), ('removed', 'app:b'), ('removed', 'app:c')}, answer.shown())
    check(set(before) - set(images(lab)) == {'app:b', 'app:c'}, images(lab))
    done, answer = sync(lab, '--prune')
    check(done == {('up-to-date', 'app:a')}, answer.shown())
    done, answer = sync(lab, '--prune', '--list', 'under a new name')  # which has brought nothing
    put_list(lab, f'{ref}:e as=unlike\n')
    done, answer = sync(lab, '--prune', '--list', 'under a new name')
    check(('removed', 'app:a') not in done and 'app:a' in images(lab), answer.shown())
    check({'another:a', 'copy:a', 'app:mine', f'{ref}:a'} <= set(images(lab)), images(lab))


def test_a_tag_that_is_gone(lab):
    """A single reference: believed only when the registry lists the others."""
    isolate(lab)
    registry = TagRegistry(lab, small(lab, 'a', 'b'))
    put_list(lab, f'{registry.ref}:a as=a\n')
    sync(lab)
    registry.hidden.add('a')
    done, answer = sync(lab)
    check(done == {('surplus', 'a:a')}, answer.shown())
    usual, registry.answer = registry.answer, lambda e: e.reply(404 if '/app/' in e.path else 200, b'{}')
    done, answer = sync(lab, '--prune', expect=4)
    check(done == {('failed', 'a:a')} and 'a:a' in images(lab), answer.shown())
    registry.hidden.clear()
    registry.answer = lambda e: e.reply(404, b'{}') if '/manifests/' in e.path else usual(e)
    done, answer = sync(lab, '--prune', expect=4)  # it lists the tag, and then does not know it
    check(done == {('failed', 'a:a')} and 'a:a' in images(lab), answer.shown())
    registry.answer = usual
    registry.hidden.add('a')
    put_list(lab, f'{registry.ref}:a as=a\n{registry.ref}:none as=none\n')
    done, answer = sync(lab, '--prune', '-k', expect=4)  # what was never here is a failure
    check(done == {('removed', 'a:a'), ('failed', 'none:none')}, answer.shown())
    check(not images(lab), images(lab))


def test_failing_lines(lab):
    isolate(lab)
    registry = TagRegistry(lab, small(lab, 'a', 'b', 'c'))
    put_list(lab, f'{registry.ref}:a as=a\n{registry.ref}:x as=x\n{registry.ref}:b as=a:a\n{registry.ref}:b as=b\n'
                  f'{registry.ref}:b as=b\n')
    done, answer = sync(lab, expect=4)
    check(done == {('pulled', 'a:a'), ('failed', 'x:x')}, answer.shown())
    check(f'images.list:2: ' in answer.message, answer.shown())
    done, answer = sync(lab, '--keep-going', expect=4)
    check(done == {('up-to-date', 'a:a'), ('failed', 'x:x'), ('failed', 'a:a'), ('pulled', 'b:b')}, answer.shown())
    check("images.list:3: 'a:a' is what line 1 calls" in answer.message, answer.shown())
    put_list(lab, f'{registry.ref}:* as=n\n{registry.ref}:c as=c\n')
    registry.denied = {'tags'}
    answer = lab.bfc('image', 'sync', '-k', '--prune', lab / 'images.list', expect=5)
    check('nothing is pruned' in answer.message and '1 pulled' in answer.message, answer.shown())
    check(set(images(lab)) == {'a:a', 'b:b', 'c:c'}, images(lab))
    registry.denied = {'tags', 'manifests'}
    put_list(lab, f'{registry.ref}:c as=c\n')
    lab.bfc('image', 'sync', '-k', '--prune', lab / 'images.list', expect=5)
    check('c:c' in images(lab), 'what could not be looked at is gone')
    put_list(lab, f'# fine\n{registry.ref}:c as=c of=d\n')
    answer = lab.bfc('image', 'sync', lab / 'images.list', expect=2)
    check("images.list:2: 'of=d' is no option of a line" in answer.message, answer.shown())
    lab.bfc('image', 'sync', lab / 'nothing.list', expect=4)


def test_platforms(lab):
    isolate(lab)
    layout = Layout(lab / 'layout')
    arm = layout.image([layer(2, 200)], 'arm64')
    layout.tag('multi', layout.index({'amd64': layout.image([layer(1, 100)]), 'arm64': arm}))
    registry = TagRegistry(lab, layout)
    put_list(lab, f'{registry.ref}:multi as=arm platform=linux/arm64\n{registry.ref}:multi as=all all-platforms\n')
    for action in ('pulled', 'up-to-date'):
        done, answer = sync(lab)
        check(done == {(action, 'arm:multi'), (action, 'all:multi')}, answer.shown())
    check(images(lab)['arm:multi'] == arm['digest'], images(lab))
    whole = lab / 'whole'
    lab.bfc('image', 'export', 'all:multi', f'oci:{whole}:x')
    root = json.load(open(whole + '/index.json', encoding='utf-8'))['manifests'][0]
    with open(f'{whole}/blobs/sha256/{root["digest"][7:]}', 'rb') as f:
        check(len(json.load(f)['manifests']) == 2, root)


def test_a_thousand_tags(lab):
    """Pages and patterns; and each tag that is here costs one HEAD."""
    isolate(lab)
    layout = Layout(lab / 'layout')
    image = layout.image([layer(1, 100)])
    for n in range(1000):
        layout.entries.append(dict(image, annotations={'org.opencontainers.image.ref.name': f'v{n // 100}.{n % 100}'}))
    registry = TagRegistry(lab, layout)
    put_list(lab, f'{registry.ref}:v[0-8].* not=v?.?* as=app\n{registry.ref}:v9.1? not=*[!02468] as=app\n'
                  f'{registry.ref}:v9.* not=v9.?? as=app\n{registry.ref}:v9.[0-3] as=app\n')
    done, answer = sync(lab)
    want = {f'app:v9.{n}' for n in [*range(10), *range(10, 20, 2)]}
    check({n for _, n in done} == want and set(images(lab)) == want, answer.shown())
    blob = json.loads(registry.find('v0.0'))['layers'][0]['digest']
    check(registry.asked('blobs').count(blob) == 1, registry.asked('blobs'))  # then it is in the store
    start = len(registry.requests)
    done, answer = sync(lab, '--prune')
    check(done == {('up-to-date', n) for n in want}, answer.shown())
    heads = [e for e in registry.requests[start:] if '/manifests/' in e.path]
    check(len(heads) == len(want) and all(e.method == 'HEAD' for e in heads), len(heads))
    put_list(lab, f'{registry.ref}:* as=app\n')
    done, answer = sync(lab, '--dry-run')
    check(len(done) == 1000 and answer.json['pulled'] == 1000 - len(want), answer.shown()[:300])


def test_several_are_asked_for_at_a_time(lab):
    """Of a pattern's tags those that are here; of no more than --parallel at once."""
    isolate(lab)
    here = [f'v{n:02d}' for n in range(24)]
    lock, gate, seen = threading.Lock(), threading.Barrier(4), {'now': 0, 'most': 0}

    def ask(e, kind, _):
        if kind != 'manifests' or e.method != 'HEAD':
            return None
        with lock:
            seen['now'] += 1
            seen['most'] = max(seen['most'], seen['now'])
        if gate:
            gate.wait(60)  # nobody is answered until four have asked
        with lock:
            seen['now'] -= 1
        return None

    layout = small(lab, *here)
    registry = TagRegistry(lab, layout, fault=ask)
    put_list(lab, f'{registry.ref}:v* as=app\n')
    done, answer = sync(lab)
    check(len(done) == 24 and {a for a, _ in done} == {'pulled'} and seen['most'] == 0, answer.shown())
    done, answer = sync(lab)
    check({a for a, _ in done} == {'up-to-date'} and [n for _, n in sorted(done)] == [f'app:{t}' for t in here],
          answer.shown())
    check(4 <= seen['most'] <= 8, seen)
    lab.bfc('image', 'delete', 'app:v07')
    gate, seen['most'] = None, 0
    layout.entries[11] = dict(layout.entries[11], **layout.image([layer(99, 300)]))
    done, answer = sync(lab, '--parallel', '1')
    check({n for a, n in done if a == 'pulled'} == {'app:v07', 'app:v11'} and len(done) == 24, answer.shown())
    check(seen['most'] == 1, seen)


def test_interrupted(lab):
    """Killed anywhere, and run again: all of the list is here, it is known whose it is, nothing else is left."""
    isolate(lab)
    registry = TagRegistry(lab, small(lab, *'abcdef'), pace=0.01)
    put_list(lab, f'{registry.ref}:* as=app\n')
    for n in range(4):
        with open(os.devnull, 'wb') as nowhere:
            child = subprocess.Popen([lab.bfc_path, 'image', 'sync', lab / 'images.list'], stdout=nowhere,
                                     stderr=nowhere)
            signal_in(child, 0.05 + 0.1 * n)
    done, answer = sync(lab)
    check({n for _, n in done} == {f'app:{t}' for t in 'abcdef'} and answer.json['failed'] == 0, answer.shown())
    for tag in 'abcdef':
        lab.bfc('image', 'verify', '--deep', f'app:{tag}')
    put_list(lab, '')
    done, answer = sync(lab, '--prune')
    # A kill in the one moment between an image and the note of it loses the note.
    check(len(images(lab)) + answer.json['removed'] == 6 and len(images(lab)) < 5, answer.shown())
    lab.bfc('image', 'prune')
    left = [os.path.join(d, f) for d, _, files in os.walk(lab / 'store') for f in files if not images(lab)]
    check(not left, left)


def test_interrupted_while_it_asks(lab):
    """Ctrl-C while no answer comes: nobody waits for one, and nothing has changed."""
    isolate(lab)
    stall = []

    def hold(e, kind, _):
        if stall and kind == 'manifests' and e.method == 'HEAD':
            stall.append(e)
            e.wait_for_end()
            return False
        return None

    registry = TagRegistry(lab, small(lab, *'abcdef'), fault=hold)
    put_list(lab, f'{registry.ref}:* as=app\n')
    sync(lab)
    before = images(lab)
    stall.append(None)
    with subprocess.Popen([lab.bfc_path, 'image', 'sync', lab / 'images.list'], stderr=subprocess.PIPE) as child:
        while len(stall) < 4:
            check(child.poll() is None, child.returncode)
        child.send_signal(signal.SIGINT)
        said = child.communicate()[1]
        check(child.returncode == -signal.SIGINT and b'interrupted' in said, child.returncode, said)
    stall.clear()
    check(images(lab) == before, images(lab))
    check({a for a, _ in sync(lab)[0]} == {'up-to-date'})


def test_two_at_once(lab):
    isolate(lab)
    registry = TagRegistry(lab, small(lab, 'a', 'b'), pace=1)
    put_list(lab, f'{registry.ref}:* as=app\n')
    with subprocess.Popen([lab.bfc_path, 'image', 'sync', lab / 'images.list'], stderr=subprocess.PIPE) as child:
        while not registry.asked('blobs'):
            check(child.poll() is None, child.returncode)
        answer = lab.bfc('image', 'sync', lab / 'images.list', expect=6)
        check('images.list' in answer.message and 'another process' in answer.message, answer.shown())
        child.communicate()
        check(child.returncode == 0, child.returncode)


if __name__ == '__main__':
    harness.main(globals())
