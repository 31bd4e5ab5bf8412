"""A terminal for a program to run on: what is typed and what is seen."""

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\x1b\][^\x07]*\x07|\x08|\r")


class Terminal:
    def __init__(self, command, env=None, rows=24, columns=100):
        environment = {key: value for key, value in os.environ.items()
                       if not key.startswith("VARVE_") and key != "NO_COLOR"}
        environment.update({"TERM": "xterm", "LANG": "C.UTF-8", **(env or {})})
        self.child, self.fd = pty.fork()
        if self.child == 0:
            os.execve(command[0], [str(word) for word in command], environment)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.seen = ""
        self.decode = codecs.getincrementaldecoder("utf-8")("replace").decode

    def read_some(self, seconds):
        ready, _, _ = select.select([self.fd], [], [], seconds)
        if not ready:
            return False
        try:
            piece = os.read(self.fd, 65536)
        except OSError:
            return False
        self.seen += self.decode(piece)  # a read may end within a character
        return bool(piece)

    @property
    def text(self):
        """What was seen so far, without the terminal's own codes."""
        return ESCAPES.sub("", self.seen)

    def type(self, keys):
        os.write(self.fd, keys.encode())

    def expect(self, words, seconds=60):
        """Waits until `words` appear in what was not expected before; forgets up to there."""
        end = time.monotonic() + seconds
        while words not in self.text:
            assert time.monotonic() < end, f"no {words!r} in {self.text!r}"
            self.read_some(0.1)
        before, _, rest = self.text.partition(words)
        self.seen = rest
        return before

    def ask(self, line, prompt="varve> "):
        """Types a line; returns what is shown up to the next prompt."""
        self.type(line + "\r")
        return self.expect(prompt)

    def close(self, seconds=60):
        """The exit status, and all that was still to be seen."""
        end = time.monotonic() + seconds
        while True:
            more = self.read_some(0.05)
            done, status = os.waitpid(self.child, os.WNOHANG)
            if done:
                while self.read_some(0.05):
                    pass
                os.close(self.fd)
                return os.waitstatus_to_exitcode(status), self.text
            if not more and time.monotonic() > end:
                os.kill(self.child, signal.SIGKILL)
                os.waitpid(self.child, 0)
                raise AssertionError(f"still running: {self.text!r}")
