"""The servers to compare: how each is started, what a request to it looks like, and what the kernel counts for it.

A System is a server in one mode; an Instance is one running, as a single node or as three on 127.0.0.1. Data
directories lie below the directory that the caller gives, on the disk to be measured.
"""

import contextlib
import dataclasses
import os
import pathlib
import random
import shutil
import socket
import subprocess
import time

TICKS_PER_S = os.sysconf("SC_CLK_TCK")
START_S = 120
SNAPSHOT_S = 300


class Failed(Exception):
    """A failure that ends the group: a server that does not start or answers an error, or a run that fails."""


def free_ports(count):
    """Ports that are free, and free 10,000 above; below the range of outgoing connections."""
    for _ in range(100):
        first = random.randrange(10000, 21000)
        try:
            with contextlib.ExitStack() as stack:
                for port in range(first, first + count):
                    stack.enter_context(socket.create_server(("127.0.0.1", port)))
                    stack.enter_context(socket.create_server(("127.0.0.1", port + 10000)))
            return list(range(first, first + count))
        except OSError:
            continue
    raise Failed("no free ports")


def call(port, *words, timeout=30):
    """The reply of a Redis server to one request, as text: its first line, or the bulk string."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as stream:
        parts = "".join(f"${len(word.encode())}\r\n{word}\r\n" for word in words)
        stream.sendall(f"*{len(words)}\r\n{parts}".encode())
        reader = stream.makefile("rb")
        line = reader.readline().decode().strip()
        if line.startswith("-"):
            raise Failed(f"{words[0]}: {line}")
        if line.startswith("$") and line != "$-1":
            return reader.read(int(line[1:])).decode()
        return line


def field(port, section, name):
    """The value of a field of INFO, or None."""
    for line in call(port, "INFO", section).splitlines():
        if line.startswith(name + ":"):
            return line.partition(":")[2].strip()
    return None


@dataclasses.dataclass
class Counters:
    """What the kernel has counted for the processes of an instance since they started."""

    cpu_s: float = 0.0
    # Switches of threads that have ended are lost, so this is a lower bound.
    waits: int = 0
    preemptions: int = 0

    def __sub__(self, other):
        return Counters(self.cpu_s - other.cpu_s, self.waits - other.waits, self.preemptions - other.preemptions)


def counters_of(pid, total):
    # The processor time of a process, ended threads included: utime and stime of /proc/PID/stat, but in nanoseconds and
    # not in steps of 10 ms. The expression is the kernel's number of this clock (clock_getcpuclockid in C).
    total.cpu_s += time.clock_gettime((~pid << 3) | 2)
    # Its children, such as those that write Redis' snapshots, count once they have ended.
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    total.cpu_s += (int(fields[13]) + int(fields[14])) / TICKS_PER_S
    for status in pathlib.Path(f"/proc/{pid}/task").glob("*/status"):
        with contextlib.suppress(OSError):  # the thread has ended
            for line in status.read_text().splitlines():
                if line.startswith("voluntary_ctxt_switches:"):
                    total.waits += int(line.split()[1])
                elif line.startswith("nonvoluntary_ctxt_switches:"):
                    total.preemptions += int(line.split()[1])


class Instance:
    """A running system. `ports[leader]` is where requests go."""

    def __init__(self, system, home, nodes):
        self.system = system
        self.home = pathlib.Path(home)
        self.ports = free_ports(nodes)
        self.leader = 0
        self.processes = [None] * nodes
        self.log = None

    def start(self):
        """Starts the nodes and waits until they serve requests; returns the seconds this took."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.log = (self.home / "log").open("ab")
        begun = time.monotonic()
        for node in range(len(self.ports)):
            directory = self.home / str(node)
            directory.mkdir(exist_ok=True)
            command = self.system.command(self, node, directory)
            self.processes[node] = subprocess.Popen(
                command, cwd=directory, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log
            )
        self.wait(self.system.is_ready)
        if self.system.form(self):
            self.wait(self.system.is_ready)
        return time.monotonic() - begun

    def wait(self, condition):
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline:
            for process in self.processes:
                if process.poll() is not None:
                    raise Failed(f"{self.system.label} ended: {self.last_lines()}")
            with contextlib.suppress(OSError, Failed, ValueError):
                if condition(self):
                    return
            time.sleep(0.002)
        raise Failed(f"{self.system.label} is not ready after {START_S} s: {self.last_lines()}")

    def last_lines(self):
        return (self.home / "log").read_text(errors="replace")[-500:]

    def wait_for_snapshot(self):
        """Returns once no snapshot or rewrite of the log runs."""
        deadline = time.monotonic() + SNAPSHOT_S
        while self.system.snapshot_runs(self):
            if time.monotonic() > deadline:
                raise Failed(f"{self.system.label} takes a snapshot for more than {SNAPSHOT_S} s")
            time.sleep(0.01)

    def kill(self):
        """kill -9: what is not on disk is lost."""
        for process in self.processes:
            if process and process.poll() is None:
                process.kill()
                process.wait()
        if self.log:
            self.log.close()

    def remove(self):
        self.kill()
        shutil.rmtree(self.home, ignore_errors=True)

    @property
    def address(self):
        return f"127.0.0.1:{self.ports[self.leader]}"

    def pids(self):
        return [process.pid for process in self.processes]

    def counters(self):
        total = Counters()
        for pid in self.pids():
            counters_of(pid, total)
        return total

    def resident_bytes(self):
        total = 0
        for pid in self.pids():
            for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    total += int(line.split()[1]) * 1024
        return total

    def disk_bytes(self):
        blocks = 0
        for path in self.home.rglob("*"):
            with contextlib.suppress(OSError):
                blocks += path.stat().st_blocks
        return blocks * 512


class System:
    """One server in one mode. `kinds` lists the requests that it has."""

    is_json = False
    # The most bytes of a value.
    value_bytes_max = 1 << 30
    flags = ()
    # Whether nodes can form a cluster.
    clusters = False
    # Whether the data is on disk before the reply, and so survives kill -9.
    durable = True

    @property
    def kinds(self):
        return ("set", "get", "set-field", "get-field") if self.is_json else ("set", "get")

    def words(self, kind, key, document):
        """The request of a kind, in the syntax of the load driver. `document` is the path of a file."""
        if self.is_json:
            return {
                "set": ["JSON.SET", key, "$", f"@{document}"],
                "get": ["JSON.GET", key, "$"],
                "set-field": ["JSON.NUMINCRBY", key, "$.age", "1"],
                "get-field": ["JSON.GET", key, "$.age"],
            }[kind]
        return {"set": ["SET", key, f"@{document}"], "get": ["GET", key]}[kind]

    def is_ready(self, instance):
        return all(field(port, "persistence", "loading") == "0" for port in instance.ports)

    def form(self, instance):
        """Makes the nodes one cluster, unless they have formed it by themselves. Returns whether it did so."""
        return False

    def count(self, instance):
        return int(call(instance.ports[0], "DBSIZE").lstrip(":"))

    def begin_snapshot(self, instance):
        call(instance.ports[0], "BGSAVE")

    def snapshot_runs(self, instance):
        return field(instance.ports[0], "persistence", "rdb_bgsave_in_progress") == "1"


class JsonVault(System):
    key, label = "jsonvault", "JsonVault"
    is_json, clusters = True, True

    def __init__(self, program):
        self.program = program

    def command(self, instance, node, directory):
        ports = instance.ports
        command = [self.program, "--address", f"127.0.0.1:{ports[node]}", "--dir", directory, "--loglevel", "error"]
        if len(ports) == 1:
            return [*command, "--raft-address", f"127.0.0.1:{ports[node] + 10000}"]
        members = (f"{i + 1}=127.0.0.1:{port}@{port + 10000}" for i, port in enumerate(ports))
        return [*command, "--node-id", str(node + 1), "--peers", ",".join(members)]

    def is_ready(self, instance):
        leader = int(field(instance.ports[0], "raft", "leader_id") or 0)
        if not 1 <= leader <= len(instance.ports) or not super().is_ready(instance):
            return False
        instance.leader = leader - 1
        return True


class Redis(System):
    def __init__(self, key, label, program, *, module=None, durable):
        self.key, self.label, self.program, self.durable = key, label, program, durable
        self.is_json = module is not None
        self.module = ["--loadmodule", module] if module else []

    def command(self, instance, node, directory):
        mode = ["--appendonly", "yes", "--appendfsync", "always"] if self.durable else ["--appendonly", "no"]
        port = str(instance.ports[node])
        return [self.program, "--port", port, "--bind", "127.0.0.1", "--dir", directory, "--save", "", *mode,
                "--loglevel", "warning", *self.module]

    def begin_snapshot(self, instance):
        call(instance.ports[0], "BGREWRITEAOF" if self.durable else "BGSAVE")

    def snapshot_runs(self, instance):
        name = "aof_rewrite_in_progress" if self.durable else "rdb_bgsave_in_progress"
        return field(instance.ports[0], "persistence", name) == "1"


class RedisRaft(System):
    key, label, clusters = "redisraft", "RedisRaft, strings", True

    def __init__(self, program, module):
        self.program, self.module = program, module

    def command(self, instance, node, directory):
        port = instance.ports[node]
        return [self.program, "--port", str(port), "--bind", "127.0.0.1", "--dir", directory, "--save", "",
                "--loglevel", "warning", "--loadmodule", self.module, "--raft.addr", f"127.0.0.1:{port}"]

    def is_ready(self, instance):
        if not super().is_ready(instance):
            return False
        states = [field(port, "raft", "raft_state") for port in instance.ports]
        if all(state == "uninitialized" for state in states):
            return True
        voters = field(instance.ports[0], "raft", "raft_num_voting_nodes")
        return all(state == "up" for state in states) and voters == str(len(instance.ports))

    def form(self, instance):
        first, *others = instance.ports
        if field(first, "raft", "raft_state") != "uninitialized":
            return False
        call(first, "RAFT.CLUSTER", "INIT")
        for port in others:
            call(port, "RAFT.CLUSTER", "JOIN", f"127.0.0.1:{first}")
        return True

    def begin_snapshot(self, instance):
        call(instance.ports[0], "RAFT.DEBUG", "COMPACT")

    def snapshot_runs(self, instance):
        return field(instance.ports[0], "raft", "raft_snapshot_in_progress") == "yes"


class Etcd(System):
    key, label, clusters = "etcd", "etcd", True
    flags = ("--etcd",)
    # etcd's limit for a request is 1.5 MiB.
    value_bytes_max = 1 << 20

    def __init__(self, program):
        self.program = program

    def words(self, kind, key, document):
        return {"set": ["put", key, f"@{document}"], "get": ["get", key]}[kind]

    def command(self, instance, node, directory):
        peers = [f"http://127.0.0.1:{port + 10000}" for port in instance.ports]
        client = f"http://127.0.0.1:{instance.ports[node]}"
        members = ",".join(f"n{i}={peer}" for i, peer in enumerate(peers))
        # The default quota of 2 GB is less than a million documents take that are overwritten.
        return [self.program, "--name", f"n{node}", "--data-dir", directory / "data", "--listen-client-urls", client,
                "--advertise-client-urls", client, "--listen-peer-urls", peers[node], "--initial-advertise-peer-urls",
                peers[node], "--initial-cluster", members, "--initial-cluster-token", "benchmark", "--log-level", "error",
                "--quota-backend-bytes", str(8 << 30)]

    def status(self, port, path, body):
        with socket.create_connection(("127.0.0.1", port), timeout=2) as stream:
            request = f"POST {path} HTTP/1.0\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n{body}"
            stream.sendall(request.encode())
            return stream.makefile("rb").read().decode()

    def is_ready(self, instance):
        for node, port in enumerate(instance.ports):
            reply = self.status(port, "/v3/maintenance/status", "{}")
            member = reply.partition('"member_id":"')[2].partition('"')[0]
            if member and f'"leader":"{member}"' in reply:
                instance.leader = node
                return True
        return False

    def count(self, instance):
        # The keys from "d" (ZA==) to "e" (ZQ==).
        body = '{"key":"ZA==","range_end":"ZQ==","count_only":true}'
        reply = self.status(instance.ports[0], "/v3/kv/range", body)
        return int(reply.partition('"count":"')[2].partition('"')[0] or 0)

    def snapshot_runs(self, instance):
        # etcd offers no way to tell.
        return False


def available(environment, only):
    """The systems whose programs this machine has; those in `only`, unless that is empty."""
    find = lambda name, default: shutil.which(environment.get(name) or default)
    redis, redis8 = find("REDIS", "redis-server"), find("REDIS8", "")
    valkey = find("VALKEY", "valkey-server")
    systems = [JsonVault(environment["SERVER"])]
    pairs = [("redisjson", "RedisJSON", redis8, environment.get("REDISJSON_SO")),
             ("valkeyjson", "valkey-json", valkey, environment.get("VALKEYJSON_SO"))]
    for key, label, program, module in pairs:
        if program and module:
            systems.append(Redis(key, f"{label}, in memory", program, module=module, durable=False))
            systems.append(Redis(f"{key}-always", f"{label}, synced", program, module=module, durable=True))
    if redis:
        systems.append(Redis("redis", "Redis strings, in memory", redis, durable=False))
        systems.append(Redis("redis-always", "Redis strings, synced", redis, durable=True))
    if redis8 and environment.get("REDISRAFT_SO"):
        systems.append(RedisRaft(redis8, environment["REDISRAFT_SO"]))
    etcd = find("ETCD", "etcd")
    if etcd and environment.get("LOAD_HAS_ETCD") == "1":
        systems.append(Etcd(etcd))
    unknown = set(only) - {system.key for system in systems}
    if unknown:
        raise Failed(f"this machine does not have {', '.join(sorted(unknown))}")
    return [system for system in systems if not only or system.key in only]
