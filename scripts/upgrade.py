#!/usr/bin/env python3
"""Rolls three nodes between releases while clients write, and checks what they acknowledged.

    scripts/upgrade.py OLD NEW NEXT

OLD and NEW are servers of releases with the same cluster version; NEXT is one with the feature `next-version`. The nodes
go OLD, NEW, OLD, NEW, NEXT; then the upgrade is finalized. scripts/test-upgrade.sh builds the three. Ends with a code
other than 0 if a write was lost, a client needed more than one retry, or a node behaved unexpectedly.
"""

import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time

PATIENCE_S = 30
WRITERS = 4
# Writes that each client has to get acknowledged between two restarts.
PROGRESS = 50


class Refused(Exception):
    """An error reply."""


class Connection:
    def __init__(self, port):
        self.stream = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        self.reader = self.stream.makefile("rb")

    def call(self, *words):
        parts = [f"${len(word)}\r\n{word}\r\n" for word in words]
        self.stream.sendall((f"*{len(words)}\r\n" + "".join(parts)).encode())
        return self.reply()

    def reply(self):
        line = self.reader.readline().decode().rstrip("\r\n")
        if not line:
            raise OSError("the connection was closed")
        kind, text = line[0], line[1:]
        if kind == "-":
            raise Refused(text)
        if kind == "$":
            return None if text == "-1" else self.reader.read(int(text) + 2)[:-2].decode()
        if kind == "*":
            return [self.reply() for _ in range(int(text))]
        return int(text) if kind == ":" else text

    def close(self):
        self.stream.close()


def call(port, *words):
    connection = Connection(port)
    try:
        return connection.call(*words)
    finally:
        connection.close()


def until(what, check):
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        found = check()
        if found:
            return found
        time.sleep(0.02)
    sys.exit(f"waited {PATIENCE_S} s for {what}")


def free_ports(count):
    """Ports below those of outgoing connections, one of which could take a node's port while the node is down."""
    found = set()
    while len(found) < count:
        port = random.randrange(10000, 32000)
        try:
            socket.create_server(("127.0.0.1", port)).close()
            found.add(port)
        except OSError:
            pass
    return list(found)


class Writer(threading.Thread):
    """Writes at one node after the other. A write that fails is repeated once, at the next node."""

    def __init__(self, number, ports):
        super().__init__(daemon=True)
        self.number, self.ports = number, ports
        self.acknowledged, self.retries, self.failed = 0, 0, []
        self.stopping = False
        self.connections = {}

    def run(self):
        turn = self.number
        while not self.stopping:
            for attempt in range(2):
                turn += 1
                if self.write(self.ports[turn % len(self.ports)], attempt):
                    break

    def write(self, port, attempt):
        try:
            connection = self.connections.get(port) or Connection(port)
            self.connections[port] = connection
            connection.call("SET", f"{self.number}:{self.acknowledged}", str(self.acknowledged))
            self.acknowledged += 1
            return True
        except (OSError, Refused) as error:
            self.connections.pop(port, None)
            self.retries += 1
            if attempt == 1:
                self.failed.append(f"port {port}: {error}")
            return False


class Cluster:
    def __init__(self, home):
        self.home, self.processes = home, [None] * 3
        ports = free_ports(6)
        self.ports = ports[:3]
        self.peers = ",".join(f"{i + 1}=127.0.0.1:{ports[i]}@{ports[i + 3]}" for i in range(3))

    def spawn(self, node, server, manual):
        command = [server, "--node-id", str(node + 1), "--address", f"127.0.0.1:{self.ports[node]}"]
        command += ["--dir", f"{self.home}/{node}", "--peers", self.peers]
        command += ["--upgrade-finalize", "manual"] if manual else []
        messages = open(f"{self.home}/{node}.log", "ab")
        self.processes[node] = subprocess.Popen(command, stderr=messages)

    def start(self, node, server, manual=False):
        self.spawn(node, server, manual)
        until(f"node {node + 1} to serve", lambda: self.serves(node))

    def serves(self, node):
        if self.processes[node].poll() is not None:
            sys.exit(f"node {node + 1} ended:\n{self.last_message(node)}")
        try:
            call(self.ports[node], "DBSIZE")
            leader = self.info(int(self.info(node, "leader_id")) - 1, "commit_index")
            return int(self.info(node, "last_applied")) >= int(leader)
        except (OSError, Refused):
            return False

    def stop(self, node):
        self.processes[node].terminate()
        if self.processes[node].wait(PATIENCE_S) != 0:
            sys.exit(f"node {node + 1} did not stop cleanly:\n{self.last_message(node)}")

    def refuses(self, node, server):
        """Starts a program that has to end at once, and returns its last message."""
        self.spawn(node, server, False)
        if self.processes[node].wait(PATIENCE_S) == 0:
            sys.exit(f"node {node + 1} has to refuse its directory")
        return self.last_message(node)

    def last_message(self, node):
        with open(f"{self.home}/{node}.log", encoding="utf-8") as messages:
            return messages.read().splitlines()[-1]

    def info(self, node, field):
        lines = call(self.ports[node], "INFO", "raft").splitlines()
        return next((line.split(":", 1)[1] for line in lines if line.startswith(f"{field}:")), "")

    def leader(self):
        return int(until("a leader", lambda: self.info(0, "leader_id").replace("-1", ""))) - 1

    def kill(self):
        for process in filter(None, self.processes):
            process.kill()
            process.wait()


def refusal(port, *words):
    try:
        return f"the reply {call(port, *words)}"
    except Refused as error:
        return str(error)


def roll(cluster, writers, name, server, manual=False):
    """Restarts every node with this program, the leader last."""
    leader = cluster.leader()
    for node in [(leader + 1) % 3, (leader + 2) % 3, leader]:
        cluster.stop(node)
        cluster.start(node, server, manual)
        progress(writers)
    print(f"all nodes run {name}: {sum(writer.acknowledged for writer in writers)} writes", flush=True)


def progress(writers):
    before = [writer.acknowledged for writer in writers]
    for writer, count in zip(writers, before):
        until("clients to write", lambda: writer.acknowledged >= count + PROGRESS)


def expect(found, part):
    if part not in found:
        sys.exit(f"expected {part!r} in: {found}")
    print(f"  {found}", flush=True)


def finalize(cluster, writers, new, next_server):
    port = cluster.ports[0]
    version = int(cluster.info(0, "version_max"))
    if int(cluster.info(0, "cluster_version")) != version - 1:
        sys.exit("the cluster version was raised before its time")
    expect(refusal(port, "NEXTSET", "next", "1"), f"needs cluster version {version}")
    cluster.stop(2)
    cluster.start(2, new)
    expect(refusal(port, "RAFT.CLUSTER", "FINALIZE"), "not by node 3")
    cluster.stop(2)
    cluster.start(2, next_server, manual=True)
    call(port, "RAFT.CLUSTER", "FINALIZE")
    for node in range(3):
        reached = lambda: cluster.info(node, "cluster_version") == str(version)
        until(f"node {node + 1} to apply the version", reached)
    call(port, "NEXTSET", "next", "1")
    progress(writers)
    print(f"finalized version {version}", flush=True)


def check(cluster, writers):
    for node in range(3):
        connection = Connection(cluster.ports[node])
        for writer in writers:
            for number in range(writer.acknowledged):
                if connection.call("GET", f"{writer.number}:{number}") != str(number):
                    sys.exit(f"node {node + 1} lost {writer.number}:{number}")
        if connection.call("GET", "next") != "1":
            sys.exit(f"node {node + 1} lost the write of the new command")
    digests = {call(port, "DEBUG", "DIGEST") for port in cluster.ports}
    if len(digests) != 1:
        sys.exit(f"the nodes have different states: {digests}")
    failed = [error for writer in writers for error in writer.failed]
    if failed:
        sys.exit(f"{len(failed)} writes needed more than one retry: {failed[:5]}")
    written, retries = (sum(getattr(writer, name) for writer in writers) for name in ("acknowledged", "retries"))
    print(f"ok: {written} acknowledged writes on every node, {retries} retries")


def run(cluster, old, new, next_server):
    for node in range(3):
        cluster.spawn(node, old, False)
    for node in range(3):
        until(f"node {node + 1} to serve", lambda: cluster.serves(node))
    writers = [Writer(number, cluster.ports) for number in range(WRITERS)]
    for writer in writers:
        writer.start()
    progress(writers)
    for name, server in [("the new release", new), ("the old release", old), ("the new release", new)]:
        roll(cluster, writers, name, server)
    roll(cluster, writers, "the release to come", next_server, manual=True)
    finalize(cluster, writers, new, next_server)
    cluster.stop(2)
    expect(cluster.refuses(2, new), "and the cluster has version")
    expect(cluster.refuses(2, old), "version")
    cluster.start(2, next_server)
    progress(writers)
    for writer in writers:
        writer.stopping = True
        writer.join()
    check(cluster, writers)


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as home:
        cluster = Cluster(home)
        try:
            run(cluster, *(os.path.abspath(path) for path in sys.argv[1:]))
        finally:
            cluster.kill()


main()
