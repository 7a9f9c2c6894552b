#!/usr/bin/env python3
"""How long writes wait after the leader of three nodes is killed, and whether starts get stuck.

    scripts/failover.py kills 50     kill -9 of the leader, until a write at another node is acknowledged again
    scripts/failover.py starts 100   three empty nodes at once, with traffic from the first moment

SERVER is the program (target/release/server). Prints milliseconds: median, slowest, and each. Ends with a code other
than 0 if a write was not acknowledged within 30 s.
"""

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time

SERVER = os.environ.get("SERVER", "target/release/server")
PATIENCE_S = 30


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


class Cluster:
    def __init__(self, home):
        self.home = home
        ports = free_ports(6)
        self.ports = ports[:3]
        self.peers = ",".join(f"{i + 1}=127.0.0.1:{ports[i]}@{ports[i + 3]}" for i in range(3))
        self.processes = [None] * 3

    def start(self, node):
        command = [SERVER, "--node-id", str(node + 1), "--address", f"127.0.0.1:{self.ports[node]}"]
        command += ["--dir", f"{self.home}/{node}", "--peers", self.peers, "--loglevel", "error"]
        self.processes[node] = subprocess.Popen(command)

    def kill(self, node):
        self.processes[node].kill()
        self.processes[node].wait()

    def call(self, node, *words, timeout=5):
        """The first line of the reply, or the text of a bulk string; None if the node cannot be reached."""
        try:
            with socket.create_connection(("127.0.0.1", self.ports[node]), timeout=timeout) as stream:
                stream.settimeout(timeout)
                parts = [f"${len(word)}\r\n{word}\r\n" for word in words]
                stream.sendall((f"*{len(words)}\r\n" + "".join(parts)).encode())
                reader = stream.makefile("rb")
                line = reader.readline().decode().strip()
                if line.startswith("$") and line != "$-1":
                    return reader.read(int(line[1:]) + 2).decode()
                return line
        except OSError:
            return None

    def leader(self):
        for line in (self.call(0, "INFO", "raft") or self.call(1, "INFO", "raft") or "").splitlines():
            if line.startswith("leader_id:"):
                return int(line.split(":")[1]) - 1
        return -1

    def write_until_acknowledged(self, node, began):
        while self.call(node, "SET", "k", str(time.monotonic())) != "+OK":
            if time.monotonic() - began > PATIENCE_S:
                sys.exit(f"no write was acknowledged within {PATIENCE_S} s")
            time.sleep(0.005)
        return (time.monotonic() - began) * 1000


def kills(cluster, count):
    for node in range(3):
        cluster.start(node)
    cluster.write_until_acknowledged(0, time.monotonic())
    took = []
    for _ in range(count):
        leader = cluster.leader()
        while leader < 0:
            leader = cluster.leader()
        cluster.kill(leader)
        took.append(cluster.write_until_acknowledged((leader + 1) % 3, time.monotonic()))
        cluster.start(leader)
        # The next kill has to happen while all three nodes are running.
        cluster.write_until_acknowledged(leader, time.monotonic())
    return took


def starts(count):
    took = []
    for _ in range(count):
        with tempfile.TemporaryDirectory() as home:
            cluster = Cluster(home)
            began = time.monotonic()
            for node in range(3):
                cluster.start(node)
            took.append(max(cluster.write_until_acknowledged(node, began) for node in range(3)))
            for node in range(3):
                cluster.kill(node)
    return took


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("kills", "starts"):
        sys.exit(__doc__)
    count = int(sys.argv[2])
    with tempfile.TemporaryDirectory() as home:
        if sys.argv[1] == "starts":
            took = starts(count)
        else:
            cluster = Cluster(home)
            try:
                took = kills(cluster, count)
            finally:
                for process in filter(None, cluster.processes):
                    process.kill()
                    process.wait()
    print(f"{sys.argv[1]}: {count}, median {statistics.median(took):.0f} ms, slowest {max(took):.0f} ms")
    print(" ".join(f"{each:.0f}" for each in took))


main()
