"""Tests the cluster modes of redis-py and redis-cli on three nodes: reads of the master and of replicas, and a killed leader."""

import asyncio
import os
import subprocess
import time
import warnings

import redis
import redis.asyncio.cluster
from redis.cluster import ClusterNode, LoadBalancingStrategy, RedisCluster
from redis.exceptions import RedisError

import json_cases
from common import PATIENCE_SECONDS, PORTS, check, kill_leader, part, run, until

warnings.simplefilter("ignore", DeprecationWarning)
MODE = os.environ.get("COMPAT_MODE", "forward")


def connect(protocol, **options):
    nodes = [ClusterNode("127.0.0.1", port) for port in PORTS]
    return RedisCluster(startup_nodes=nodes, protocol=protocol, decode_responses=True, **options)


def told(*words):
    return subprocess.run(["redis-cli", *words], capture_output=True, text=True, timeout=PATIENCE_SECONDS).stdout.strip()


@part("redis-cli --cluster check and -c")
def redis_cli():
    found = told("--cluster", "check", f"127.0.0.1:{PORTS[-1]}")
    assert "[OK] All 16384 slots covered." in found, found
    for port in map(str, PORTS):
        check(told("-c", "-p", port, "set", f"cli:{port}", "1"), "OK", f"redis-cli -c set at {port}")
        check(told("-c", "-p", port, "get", f"cli:{port}"), "1", f"redis-cli -c get at {port}")


def use(protocol, read_from_replicas):
    strategy = LoadBalancingStrategy.ROUND_ROBIN if read_from_replicas else None
    cluster = connect(protocol, load_balancing_strategy=strategy)
    masters, replicas = cluster.get_primaries(), cluster.get_replicas()
    check((len(masters), len(replicas)), (1, 2), "masters and replicas")
    prefix = f"{protocol}:{read_from_replicas}"
    for number in range(50):
        assert cluster.json().set(f"{prefix}:{number}", "$", {"n": number})
    for number in range(50):
        # A replica may not have applied the write yet.
        until("a replica", lambda: cluster.json().get(f"{prefix}:{number}", "$.n") == [number])
    pipeline = cluster.pipeline()
    for number in range(100):
        pipeline.set(f"{prefix}:text:{number}", number)
    assert all(pipeline.execute())
    check(cluster.cluster_info()["cluster_state"], "ok", "CLUSTER INFO")
    check(len(cluster.cluster_nodes()), 3, "CLUSTER NODES")
    check(cluster.cluster_keyslot("123456789"), 12739, "CLUSTER KEYSLOT")
    cluster.close()


@part("RESP2 and RESP3, reads of the master and of replicas", needs=["JSON.SET", "CLUSTER"])
def reads():
    for protocol in (2, 3):
        for read_from_replicas in (False, True):
            use(protocol, read_from_replicas)


@part("json()", needs=["JSON.SET", "CLUSTER"])
def json_api():
    for protocol in (2, 3):
        cluster = connect(protocol)
        api = cluster.json()
        for case in json_cases.CASES:
            # redis-py requires several keys to have the same slot, and raises an error before it sends anything.
            if case.method not in ("mset", "mget", "jsonmget", "debug"):
                json_cases.prepare(api)
                found = getattr(api, case.method)(*case.args, **case.options)
                check(found, case.wanted(protocol, True), f"protocol={protocol} {case}")
        cluster.close()


@part("its asyncio client", needs=["JSON.SET", "CLUSTER"])
def asynchronous():
    async def use():
        nodes = [redis.asyncio.cluster.ClusterNode("127.0.0.1", port) for port in PORTS]
        async with redis.asyncio.cluster.RedisCluster(startup_nodes=nodes, decode_responses=True) as cluster:
            await cluster.json().set("async", "$", {"n": 1})
            check(await cluster.json().get("async", "$.n"), [1], "JSON.GET")

    asyncio.run(asyncio.wait_for(use(), PATIENCE_SECONDS))


@part("a killed leader", needs=["JSON.SET", "CLUSTER"])
def failover():
    cluster = connect(3)
    cluster.json().set("before", "$", {"n": 1})
    killed = kill_leader()
    begun, errors = time.monotonic(), set()

    def write():
        try:
            return cluster.json().set("after", "$", {"n": 2})
        except RedisError as error:
            errors.add(type(error).__name__)

    until("a write after the leader was killed", write)
    waited = time.monotonic() - begun
    check([cluster.json().get(key, "$.n") for key in ("before", "after")], [[1], [2]], "documents")
    assert killed in PORTS
    cluster.close()
    return f"wrote again after {waited:.1f} s; errors meanwhile: {', '.join(sorted(errors)) or 'none'}"


def main():
    for act in (redis_cli, reads, json_api, asynchronous, failover):
        act()


run(f"redis-py {redis.__version__} cluster mode, redirect-mode {MODE}", main)
