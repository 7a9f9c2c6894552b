"""What scripts/compat-cluster.sh has redis-py do: compat_cluster.py 'PORT ..' 'PID ..'."""

import os
import signal
import sys
import time

import redis
from redis.cluster import ClusterNode, LoadBalancingStrategy, RedisCluster
from redis.exceptions import RedisError

ports = [int(port) for port in sys.argv[1].split()]
pids = [int(pid) for pid in sys.argv[2].split()]
# A failover takes an election or two.
PATIENCE_SECONDS = 30


def connect(protocol, **options):
    nodes = [ClusterNode("127.0.0.1", port) for port in ports]
    return RedisCluster(startup_nodes=nodes, protocol=protocol, decode_responses=True, **options)


def use(protocol, read_from_replicas):
    strategy = LoadBalancingStrategy.ROUND_ROBIN if read_from_replicas else None
    cluster = connect(protocol, load_balancing_strategy=strategy)
    masters, replicas = cluster.get_primaries(), cluster.get_replicas()
    assert len(masters) == 1 and len(replicas) == 2, (masters, replicas)
    prefix = f"{protocol}:{read_from_replicas}"
    for number in range(100):
        assert cluster.json().set(f"{prefix}:{number}", "$", {"n": number})
    for number in range(100):
        # A replica may be a moment behind.
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (found := cluster.json().get(f"{prefix}:{number}", "$.n")) != [number]:
            assert read_from_replicas and time.monotonic() < deadline, found
    pipeline = cluster.pipeline()
    for number in range(100):
        pipeline.set(f"{prefix}:text:{number}", number)
    assert all(pipeline.execute())
    assert cluster.cluster_info()["cluster_state"] == "ok"
    assert len(cluster.cluster_nodes()) == 3
    assert cluster.cluster_keyslot("123456789") == 12739
    cluster.close()


def survive_a_failover():
    cluster = connect(3)
    cluster.set("before", 1)
    port = cluster.get_primaries()[0].port
    os.kill(pids[ports.index(port)], signal.SIGKILL)
    begun, errors = time.monotonic(), set()
    while True:
        try:
            cluster.set("after", 1)
            break
        except RedisError as error:
            errors.add(type(error).__name__)
            assert time.monotonic() - begun < PATIENCE_SECONDS, errors
    assert cluster.get("before") == "1" and cluster.get("after") == "1"
    assert cluster.get_primaries()[0].port != port
    print(f"  wrote again {time.monotonic() - begun:.1f} s after the leader was killed; errors meanwhile: {sorted(errors)}")
    cluster.close()


for protocol in (2, 3):
    for read_from_replicas in (False, True):
        use(protocol, read_from_replicas)
print(f"  redis-py {redis.__version__}: RESP2 and RESP3, reads of the master and of replicas")
survive_a_failover()
