# SPDX-License-Identifier: Apache-2.0
"""A list of images that is kept in step with a registry: what it brings gets a history, and what it has brought goes."""
import hashlib
import http.server
import json
import os
import threading

import zlab  # first: it says where the others are
import harness
from harness import check
from trees import plain_tree
from zlab import ZLab

assert zlab


class Registry:
    """Serves layouts, each as a tag of the repository `app`."""

    def __init__(self, lab):
        outer, self.tags, self.folders = self, {}, []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = 'HTTP/1.1'

            def log_message(self, *_):
                pass

            def do_GET(self):  # pylint: disable=invalid-name
                body, kind = outer.find(self.path)
                self.send_response(404 if body is None else 200)
                self.send_header('Content-Type', kind)
                self.send_header('Content-Length', str(len(body or b'')))
                if '/manifests/' in self.path and body:
                    self.send_header('Docker-Content-Digest', 'sha256:' + hashlib.sha256(body).hexdigest())
                self.end_headers()
                if self.command == 'GET':
                    self.wfile.write(body or b'')

            do_HEAD = do_GET

        self.server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        lab.at_end.append(self.server.shutdown)
        self.ref = f'127.0.0.1:{self.server.server_port}/app'

    def put(self, lab, tag, text):
        """A tag with a tree that has this text."""
        n = len(self.folders)
        store, layout = lab / 'elsewhere', lab / f'layout-{n}'
        lab.bfc('--store', store, 'image', 'create', f'x:{n}', plain_tree(lab / f'source-{n}', text))
        lab.bfc('--store', store, 'image', 'export', f'x:{n}', f'oci:{layout}:x')
        self.folders.append(layout)
        with open(layout + '/index.json', encoding='utf-8') as f:
            self.tags[tag] = json.load(f)['manifests'][0]['digest']

    def find(self, path):
        name = self.tags.get(os.path.basename(path), os.path.basename(path))
        if path.startswith('/v2/app/tags/list'):
            return json.dumps({'name': 'app', 'tags': sorted(self.tags)}).encode(), 'application/json'
        for folder in self.folders:
            if os.path.exists(f'{folder}/blobs/sha256/{name[7:]}') and name.startswith('sha256:'):
                with open(f'{folder}/blobs/sha256/{name[7:]}', 'rb') as f:
                    return f.read(), 'application/vnd.oci.image.manifest.v1+json'
        return (b'{}' if path == '/v2/' else None), 'application/json'


def test_sync(lab):
    z, registry = ZLab(lab), Registry(lab)
    os.environ['CONTAINERS_REGISTRIES_CONF'] = lab / 'registries.conf'
    for name, text in (('registries.conf', ''), ('images.list', f'{registry.ref}:? as=app\n')):
        with open(lab / name, 'w', encoding='utf-8') as f:
            f.write(text)
    done = z.json('sync', '--prune', '--dry-run', lab / 'images.list')
    check(done['pulled'] == 0 and not z.datasets(), done)  # there is not even a store
    for tag in 'abc':
        registry.put(lab, tag, f'text of {tag}')
    check(z.json('sync', lab / 'images.list')['pulled'] == 3, z.listed())
    registry.put(lab, 'a', 'another text')
    done = z.json('sync', lab / 'images.list')
    check((done['pulled'], done['up_to_date']) == (1, 2), done)
    check(len(z.json('history', 'app:a')['versions']) == 2, z.json('history', 'app:a'))
    z('create', 'mine:1', lab / 'source-0')
    container = z.container('app:b', 'one', '-p')
    del registry.tags['b'], registry.tags['c']
    z('tag', 'app:c', 'copy:c')
    z('rollback', 'app:a', z.json('history', 'app:a')['versions'][1]['root_digest'])
    with open(lab / 'images.list', 'w', encoding='utf-8') as f:
        f.write('')
    done = z.json('sync', '--prune', lab / 'images.list')
    check({(i['action'], i['name']) for i in done['images']} ==
          {('kept', 'app:a'), ('removed', 'app:b'), ('removed', 'app:c')}, done)
    check(z.listed() == ['app:a', 'copy:c', 'mine:1'], z.listed())
    check(os.listdir(container), 'the container went with its image')
    z('verify', '--deep', 'copy:c')
    z('prune')
    check(z.json('df')['leftover_bytes'] == 0 and not z.work(), z.work())


if __name__ == '__main__':
    harness.main(globals())
