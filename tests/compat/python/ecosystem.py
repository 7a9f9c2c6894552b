"""Sends the requests of programs that cannot be installed here, from the files in ecosystem/, over RESP2 and RESP3.

A line of a file has a request, two spaces, `=>`, and the shape that the reply must have. If there are several shapes, separated by
` | `, one of them must fit. Requests between `[pipeline]` and `[end]` are sent together. The shapes:

    ok                          the status OK
    nil, int, int 5, array, array 2, array 2+
    text /a/ /b/                a text in which each of these patterns is found
    pairs, pairs a=1 b          names with values, including the given ones: a map in RESP3, an array of even length in RESP2
    scan                        a cursor and an array
    error /a/                   an error in which the pattern is found
    refused                     any reply, because the program continues after an error
"""

import os
import re
import shlex
import socket
import sys

import redis

from common import ALLOW_MISSING, PATIENCE_SECONDS, PORT, done, left_out, run

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "ecosystem")


class Error(str):
    """An error reply."""


class Wire:
    """A connection that returns replies without conversion: text as str, maps as dict."""

    def __init__(self):
        self.socket = socket.create_connection(("127.0.0.1", PORT), timeout=PATIENCE_SECONDS)
        self.file = self.socket.makefile("rb")

    def close(self):
        self.file.close()
        self.socket.close()

    def send(self, requests):
        parts = []
        for words in requests:
            parts.append(f"*{len(words)}\r\n")
            parts += [f"${len(word.encode())}\r\n{word}\r\n" for word in words]
        self.socket.sendall("".join(parts).encode())

    def receive(self):
        line = self.file.readline()
        assert line.endswith(b"\r\n"), f"the connection ended: {line!r}"
        kind, rest = line[:1], line[1:-2].decode()
        if kind in b"$=!":
            if rest == "-1":
                return None
            text = self.file.read(int(rest) + 2)[:-2].decode(errors="replace")
            return Error(text) if kind == b"!" else text[4:] if kind == b"=" else text
        if kind in b"*~>":
            return None if rest == "-1" else [self.receive() for _ in range(int(rest))]
        if kind == b"%":
            return {self.receive(): self.receive() for _ in range(int(rest))}
        simple = {b"+": str, b"-": Error, b":": int, b",": float, b"(": int, b"_": lambda _: None, b"#": lambda word: word == "t"}
        return simple[kind](rest)


def patterns_fit(words, text):
    return all(re.search(pattern, text, re.MULTILINE) for pattern in re.findall(r"/(.*?)/(?: |$)", words))


def pairs_fit(words, reply, protocol):
    if protocol == 2:
        if not isinstance(reply, list) or len(reply) % 2:
            return False
        reply = dict(zip(reply[::2], reply[1::2]))
    if not isinstance(reply, dict):
        return False
    for word in words.split():
        name, equals, value = word.partition("=")
        if name not in reply or (equals and str(reply[name]) != value):
            return False
    return True


def fits(shape, reply, protocol):
    kind, _, words = shape.strip().partition(" ")
    if kind == "refused":
        return True
    if kind == "error" or isinstance(reply, Error):
        return kind == "error" and isinstance(reply, Error) and patterns_fit(words, reply)
    if kind == "pairs":
        return pairs_fit(words, reply, protocol)
    if kind == "text":
        return isinstance(reply, str) and patterns_fit(words, reply)
    if kind == "array":
        least = words.rstrip("+")
        return isinstance(reply, list) and (not words or len(reply) == int(least) or ("+" in words and len(reply) > int(least)))
    simple = {
        "ok": lambda: reply == "OK",
        "nil": lambda: reply is None,
        "int": lambda: type(reply) is int and words in ("", str(reply)),
        "scan": lambda: isinstance(reply, list) and len(reply) == 2 and reply[0].isdigit() and isinstance(reply[1], list),
    }
    return simple[kind]()


def lines(name):
    """The requests of a file, in groups that are sent together: line number, words, shapes."""
    group, together = [], False
    with open(os.path.join(HERE, name)) as file:
        for number, line in enumerate(file, 1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            if line in ("[pipeline]", "[end]"):
                together = line == "[pipeline]"
            else:
                request, arrow, shapes = line.partition("  => ")
                assert arrow, f"{name}:{number}: a request without a shape"
                group.append((number, shlex.split(request), shapes.split(" | ")))
            if not together and group:
                yield group
                group = []


def play(name):
    asked = 0
    for protocol in (2, 3):
        wire = Wire()
        if protocol == 3:
            wire.send([["HELLO", "3"]])
            wire.receive()
        for group in lines(name):
            wire.send([words for _, words, _ in group])
            for number, words, shapes in group:
                reply = wire.receive()
                asked += 1
                if any(fits(shape, reply, protocol) for shape in shapes):
                    continue
                absent = isinstance(reply, Error) and re.match("ERR (unknown command|unknown subcommand)", reply, re.IGNORECASE)
                # A setting that the server does not have is not an error.
                absent = absent or (words[:2] == ["CONFIG", "GET"] and not reply)
                if absent and ALLOW_MISSING:
                    left_out.append(" ".join(words[:2]).rstrip("*").strip())
                    continue
                raise AssertionError(f"{name}:{number}: RESP{protocol}: {' '.join(words)}: got {str(reply)[:300]!r}, wanted {shapes}")
        wire.close()
    done.append(f"{name.removesuffix('.txt')} ({asked} requests)")


def main():
    with redis.Redis(port=PORT) as client:
        has_json = client.execute_command("COMMAND INFO", "JSON.SET") not in ([None], {}, None)
    for name in sorted(os.listdir(HERE)):
        if has_json or "json" not in name:
            play(name)
    left_out[:] = list(dict.fromkeys(left_out))


run("requests of programs that are not here", main)
