"""Tests redis-cli's prompt with typed input: hints from COMMAND DOCS, MULTI, SUBSCRIBE."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import tempfile
import termios
import time

from common import PATIENCE_SECONDS, PORT, PORTS, kill_leader, leader, part, run, until

# Escape sequences that move the cursor and colour the text.
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Prompt:
    """A redis-cli on a pseudo-terminal."""

    def __init__(self, port=PORT):
        self.port = port

    def __enter__(self):
        self.home = tempfile.TemporaryDirectory(prefix="compat-cli")
        self.terminal, inner = pty.openpty()
        # Wide enough for any hint. On a terminal without a size, redis-cli would query the position of the cursor.
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 500, 0, 0))
        environment = dict(os.environ, TERM="xterm", HOME=self.home.name)
        self.process = subprocess.Popen(["redis-cli", "-p", str(self.port)], stdin=inner, stdout=inner, stderr=inner,
                                        env=environment, start_new_session=True)
        os.close(inner)
        self.seen = ""
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.terminal)
        self.home.cleanup()

    def until(self, text):
        """Reads until the terminal has shown this text."""
        self.read(text, lambda seen: text in seen)
        self.seen = self.seen.split(text, 1)[1]

    def read(self, what, enough):
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not enough(ESCAPES.sub("", self.seen)):
            left = deadline - time.monotonic()
            assert left > 0 and select.select([self.terminal], [], [], left)[0], f"{what!r} appears in {self.seen[-500:]!r}"
            self.seen += os.read(self.terminal, 4096).decode(errors="replace")
        self.seen = ESCAPES.sub("", self.seen)

    def type(self, text):
        os.write(self.terminal, text.encode())

    def enter(self, line, *wanted, prompt=f":{PORT}> "):
        """Types a line, and waits for these texts in the output, in this order, and for the next prompt.

        Input that is typed before there is a prompt is discarded.
        """
        self.type(line + "\r")
        for text in (*wanted, prompt):
            self.until(text)


    def answer(self, line):
        """Types a line and returns the output up to the next prompt of any kind."""
        self.seen = ""
        self.type(line + "\r")
        self.read("> ", lambda seen: re.search(r"\n.*> \r?$", seen, re.DOTALL))
        return self.seen


@part("hints from COMMAND DOCS", needs=["JSON.SET"])
def hints():
    with Prompt() as prompt:
        prompt.until("> ")
        prompt.type("json.set ")
        prompt.until("key path json")
        prompt.type("\x15json.numincrby k ")
        prompt.until("path number")
        prompt.type("\x15")
        prompt.enter("help json.arrappend", "JSON.ARRAPPEND key", "summary: ")


@part("documents", needs=["JSON.SET"])
def documents():
    with Prompt() as prompt:
        prompt.until("> ")
        prompt.enter("JSON.SET typed $ '{\"a\": [1, \"x\"]}'", "OK")
        prompt.enter("JSON.GET typed $.a", '"[[1,\\"x\\"]]"')
        prompt.enter("JSON.GET nobody", "(nil)")
        prompt.enter("JSON.SET typed $ '{'", "(error) EOF while parsing")
        prompt.enter("HELLO 3", "1# \"server\" => \"redis\"", "7# \"modules\" =>")


@part("MULTI", needs=["MULTI", "EXEC", "DISCARD", "SET", "GET"])
def transactions():
    with Prompt() as prompt:
        prompt.until("> ")
        prompt.enter("MULTI", "OK", prompt="(TX)> ")
        prompt.enter("SET typed:t 1", "QUEUED", prompt="(TX)> ")
        prompt.enter("INCR typed:t", "QUEUED", prompt="(TX)> ")
        prompt.enter("EXEC", "1) OK", "2) (integer) 2")
        prompt.enter("MULTI", "OK", prompt="(TX)> ")
        prompt.enter("DISCARD", "OK")
        prompt.enter("GET typed:t", '"2"')


@part("SUBSCRIBE", needs=["SUBSCRIBE"])
def subscribe():
    with Prompt() as prompt:
        prompt.until("> ")
        # redis-cli shows no prompt while it is subscribed.
        prompt.enter("SUBSCRIBE typed", '1) "subscribe"', '2) "typed"', prompt="3) (integer) 1")


@part("a killed leader", needs=["JSON.SET"])
def failover():
    with Prompt(PORTS[leader()]) as prompt:
        prompt.until("> ")
        assert "OK" in prompt.answer("JSON.SET before $ 1")
        kill_leader()
        # redis-cli connects again at the next line.
        until("JSON.SET after the leader was killed", lambda: "OK" in prompt.answer("JSON.SET after $ 2"))
        read = prompt.answer("JSON.MGET before after $")
        assert '1) "[1]"' in read and '2) "[2]"' in read, read


def main():
    for act in (hints, documents, transactions, subscribe):
        act()
    if len(PORTS) > 1:
        failover()


run("redis-cli's prompt", main)
