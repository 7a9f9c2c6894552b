"""Counts how often a caching client uses a value that was changed before its last reply.

In each round, a client reads a key into its cache and another one changes the key. As soon as the second one has its reply, the first
looks into its cache: only an invalidation that has arrived by then can have updated it. The program implements the protocol itself, so
that no client library influences the count. It runs against any server that has CLIENT TRACKING.
`scripts/compat.sh --peer --only caching` shows that the count of Redis is not zero.

    caching.py HOST:PORT [ROUNDS]    # default: the node at COMPAT_PORT, 2000 rounds
"""

import os
import socket
import sys
import threading

KEYS = 8
MODES = ("default", "bcast", "optin", "optout", "redirect")
CHANGES = ("own set", "other's set", "own exec", "other's exec", "own flush", "other's flush", "other's expiry")


class Push(list):
    """An unsolicited message (push)."""


class Client:
    def __init__(self, address):
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(30)
        self.bytes = b""

    def send(self, line):
        words = line.encode().split(b" ")
        parts = [b"*%d\r\n" % len(words)] + [b"$%d\r\n%s\r\n" % (len(word), word) for word in words]
        self.socket.sendall(b"".join(parts))

    def receive(self):
        while True:
            try:
                value, rest = parse(self.bytes, 0)
            except IndexError:
                more = self.socket.recv(1 << 16)
                if not more:
                    raise EOFError("the server closed the connection") from None
                self.bytes += more
                continue
            self.bytes = self.bytes[rest:]
            return value

    def arrived(self):
        """Returns all messages that have arrived by now."""
        self.socket.setblocking(False)
        try:
            while True:
                more = self.socket.recv(1 << 16)
                if not more:
                    raise EOFError("the server closed the connection")
                self.bytes += more
        except BlockingIOError:
            pass
        finally:
            self.socket.settimeout(30)
        values = []
        while self.bytes:
            try:
                value, rest = parse(self.bytes, 0)
            except IndexError:
                break
            values.append(value)
            self.bytes = self.bytes[rest:]
        return values

    def ask(self, line):
        self.send(line)
        reply = self.receive()
        if isinstance(reply, str) and reply.startswith("-"):
            raise RuntimeError(f"{line}: {reply}")
        return reply


def parse(data, at):
    """The value at an offset, and the offset after it; IndexError if the value is not complete."""
    end = data.find(b"\r\n", at)
    if end < 0:
        raise IndexError
    kind, head = data[at : at + 1], data[at + 1 : end].decode()
    at = end + 2
    if kind in b"+:,#(":
        return head, at
    if kind == b"-":
        return "-" + head, at
    if kind == b"_" or head == "-1":
        return None, at
    if kind in b"$=":
        if len(data) < at + int(head) + 2:
            raise IndexError
        return data[at : at + int(head)].decode(), at + int(head) + 2
    items = Push() if kind == b">" else []
    for _ in range(int(head) * (2 if kind == b"%" else 1)):
        item, at = parse(data, at)
        items.append(item)
    return items, at


class Caching:
    """A client with a cache, implemented as in client libraries."""

    def __init__(self, address, mode):
        self.client, self.listener, self.mode, self.cached = Client(address), None, mode, {}
        words = {"bcast": " BCAST", "optin": " OPTIN", "optout": " OPTOUT"}.get(mode, "")
        if mode == "redirect":
            self.listener = Client(address)
            words = f" REDIRECT {self.listener.ask('CLIENT ID')}"
            self.listener.ask("SUBSCRIBE __redis__:invalidate")
        else:
            self.client.ask("HELLO 3")
        self.client.ask("CLIENT TRACKING ON" + words)

    def ask(self, line):
        self.client.send(line)
        while True:
            reply = self.client.receive()
            if not isinstance(reply, Push):
                return reply
            self.hear(reply)

    def hear(self, message):
        if message[-1] is None:
            self.cached.clear()
        for key in message[-1] or ():
            self.cached.pop(key, None)

    def hear_what_arrived(self):
        for client in filter(None, (self.client, self.listener)):
            for message in client.arrived():
                self.hear(message)

    def get(self, key):
        self.hear_what_arrived()
        if key not in self.cached:
            if self.mode == "optin":
                self.ask("CLIENT CACHING YES")
            # A message that follows the reply may invalidate it, so such messages are applied once the reply is in the cache.
            self.cached[key] = self.ask(f"GET {key}")
        return self.cached[key]


def is_stale(caching, writer, change, number):
    key, value = f"k{number % KEYS}", str(number)
    caching.get(key)
    who = caching if change.startswith("own") else writer
    lines = {
        "set": [f"SET {key} {value}"],
        "exec": ["MULTI", f"GET {key}", f"SET {key} {value}", "EXEC"],
        "flush": ["FLUSHALL"],
        "expiry": [f"SET {key} {value}"],
    }[change.split(" ")[1]]
    for line in lines:
        who.ask(line)
    if change.endswith("expiry"):
        caching.get(key)
        who.ask(f"PEXPIREAT {key} 1")
    expected = None if change.endswith(("flush", "expiry")) else value
    return caching.get(key) != expected


def stale_rounds(address, mode, rounds):
    stop = threading.Event()

    def noise():
        client = Client(address)
        while not stop.is_set():
            client.ask("SET noise 1")

    others = threading.Thread(target=noise)
    others.start()
    try:
        caching, writer = Caching(address, mode), Client(address)
        stale = dict.fromkeys(CHANGES, 0)
        for number in range(rounds):
            change = CHANGES[number % len(CHANGES)]
            stale[change] += is_stale(caching, writer, change, number)
        return stale
    finally:
        stop.set()
        others.join()


def main():
    address = sys.argv[1] if len(sys.argv) > 1 else f"127.0.0.1:{os.environ['COMPAT_PORT']}"
    host, port = address.rsplit(":", 1)
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    total = dict.fromkeys(CHANGES, 0)
    for mode in MODES:
        stale = stale_rounds((host, int(port)), mode, rounds // len(MODES))
        for change, count in stale.items():
            total[change] += count
        print(f"{mode}: {sum(stale.values())} of {rounds // len(MODES)} rounds are stale", file=sys.stderr)
    told = ", ".join(f"{change} {count}" for change, count in total.items() if count)
    print(f"caching: {sum(total.values())} of {rounds} rounds are stale" + (f": {told}" if told else ""))
    return 1 if told and os.environ.get("COMPAT_PEER", "0") == "0" else 0


if __name__ == "__main__":
    sys.exit(main())
