# SPDX-License-Identifier: Apache-2.0
"""A program at a terminal of its own, as tests of all kinds want it."""
import fcntl
import os
import pty
import re
import select
import struct
import termios
import time


class Terminal:
    """What stands on it is `text`."""

    def __init__(self, program, *words, columns=80, rows=24, env=None):
        plain = {k: v for k, v in os.environ.items() if k not in ('COLUMNS', 'NO_COLOR')}
        plain.update({'TERM': 'xterm', 'LC_ALL': 'C.UTF-8', **(env or {})})
        self.text, self.code = '', None
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', rows, columns, 0, 0))
            os.execve(program, [program, *words], plain)

    def read(self, until=None, seconds=60):
        """Reads until the text appears, or to the end."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if until is not None and re.search(until, self.text):
                return self
            if not select.select([self.fd], [], [], 0.1)[0]:
                continue
            try:
                data = os.read(self.fd, 65536)
            except OSError:
                data = b''
            if not data:
                break
            self.text += data.decode(errors='surrogateescape')
        if until is not None:
            raise AssertionError(f'{until!r} did not appear in {self.text!r}')
        return self

    def answer(self, prompt, words):
        """Types after the prompt, which is looked for in what comes from now on."""
        seen, self.text = self.text, ''
        self.read(until=prompt)
        self.text = seen + self.text
        os.write(self.fd, words.encode() + b'\n')

    def echoes(self):
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def end(self):
        self.read()
        _, status = os.waitpid(self.pid, 0)
        self.code = os.waitstatus_to_exitcode(status)
        os.close(self.fd)
        return self
