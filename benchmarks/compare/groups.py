"""The measurements. Each function is one group of `--only`; its first line is what the report says about it."""

import time

import servers

MILLION = 1_000_000


def throughput(bench, kind, group):
    with bench.instances(keys=100_000) as instances:
        points = [(1, 1), (10, 1), (50, 1), (200, 1), (50, 16), (50, 100)]
        for number, systems in bench.rounds():
            for clients, pipeline in points:
                bench.say(f"  {group} round {number + 1}: {clients} clients, {pipeline} pipelined")
                for system in systems:
                    if system.flags and pipeline > 1:
                        continue
                    values = bench.run(instances[system.key], kind, clients=clients, pipeline=pipeline)
                    bench.record(group, system, {"clients": clients, "pipelined": pipeline}, values)


def set_(bench):
    """Writes of a whole document of 250 bytes under one of 100,000 keys, closed load: throughput and its cost."""
    throughput(bench, "set", "set")


def get(bench):
    """Reads of a whole document of 250 bytes under one of 100,000 keys, closed load: throughput and its cost."""
    throughput(bench, "get", "get")


def latency(bench):
    """Open load: 50 clients, requests due at fixed times, each latency counted from the time it was due."""
    with bench.instances(keys=100_000) as instances:
        for number, systems in bench.rounds():
            for kind in ("set", "get"):
                for rate in (1000, 2000, 5000, 10_000):
                    bench.say(f"  latency round {number + 1}: {kind}, {rate} a second")
                    for system in systems:
                        values = bench.run(instances[system.key], kind, rate=rate)
                        bench.record("latency", system, {"request": kind, "rate": rate}, values)


def pipeline(bench):
    """One connection that writes batches: 500 documents of 250 bytes, and 100 of 4 KB; latency is that of a batch."""
    with bench.instances() as instances:
        for number, systems in bench.rounds():
            for batch, size in ((500, 250), (100, 4000)):
                bench.say(f"  pipeline round {number + 1}: {batch} of {size} bytes")
                for system in systems:
                    if not system.flags:
                        values = bench.run(instances[system.key], "set", clients=1, pipeline=batch, size=size, keys=10_000)
                        bench.record("pipeline", system, {"batch": batch, "bytes": size}, values)


def sizes(bench):
    """One client, one request at a time, documents of 100 bytes to 10 MB: whole, and one field of them."""
    with bench.instances() as instances:
        for number, systems in bench.rounds(3):
            for size in (100, 1000, 10_000, 100_000, MILLION, 10 * MILLION):
                keys = max(4, min(1000, 20 * MILLION // size))
                for system in systems:
                    if size > system.value_bytes_max:
                        continue
                    instance = instances[system.key]
                    bench.say(f"  sizes round {number + 1}: {size} bytes, {system.label}")
                    bench.fill(instance, keys, size)
                    for kind in system.kinds:
                        values = bench.run(instance, kind, clients=1, size=size, keys=keys)
                        bench.record("sizes", system, {"request": kind, "bytes": size}, values)
                    # The next size may have fewer keys, and `fill` checks that the server has no others.
                    instance.remove()
                    instance = instances[system.key] = bench.instance(system)


def keys(bench):
    """Documents of 250 bytes, 10^4 to 10^6 keys (10^7 with --long): memory, disk, and the cost of 50 clients with 16 pipelined."""
    counts = [10_000, 100_000, MILLION] + ([10 * MILLION] if bench.options.long else [])
    for count in counts:
        for number, systems in bench.rounds(3 if count <= MILLION else 1):
            for system in systems:
                # Only etcd has flags. It has no pipelines, so storing more keys takes minutes.
                if system.flags and count > 100_000 and not bench.options.long:
                    continue
                bench.say(f"  keys round {number + 1}: {count}, {system.label}")
                instance = bench.instance(system)
                try:
                    bench.settle()
                    empty = instance.resident_bytes()
                    bench.fill(instance, count)
                    bench.settle()
                    memory = (instance.resident_bytes() - empty) / count
                    disk = instance.disk_bytes() / count
                    for kind in ("set", "get"):
                        batch = 1 if system.flags else 16
                        values = bench.run(instance, kind, pipeline=batch, keys=count)
                        values |= {"memory": memory, "disk": disk} if kind == "set" else {}
                        bench.record("keys", system, {"request": kind, "keys": count}, values)
                finally:
                    instance.remove()


def restart(bench):
    """Seconds from starting the program until it serves 200,000 documents of 250 bytes, after kill -9."""
    count = 200_000
    for number, systems in bench.rounds():
        for system in systems:
            if not system.durable:
                continue
            bench.say(f"  restart round {number + 1}: {system.label}")
            instance = bench.instance(system)
            try:
                bench.fill(instance, count)
                values = {"log_s": start_again(instance, count)}
                if not system.flags:  # etcd takes snapshots by itself
                    system.begin_snapshot(instance)
                    instance.wait_for_snapshot()
                    values["after_snapshot_s"] = start_again(instance, count)
                bench.record("restart", system, {"documents": count}, values)
            finally:
                instance.remove()


def start_again(instance, count):
    instance.kill()
    begun = time.monotonic()
    instance.start()
    # A server that serves while it still loads is ready when it has all documents.
    instance.wait(lambda instance: instance.system.count(instance) == count)
    return time.monotonic() - begun


def idle(bench):
    """An empty server without clients, for ten seconds: resident memory, and how often its threads wake up."""
    for number, systems in bench.rounds():
        for system in systems:
            bench.say(f"  idle round {number + 1}: {system.label}")
            instance = bench.instance(system)
            try:
                bench.settle(3)
                before = instance.counters()
                time.sleep(10)
                cost = instance.counters() - before
                values = {"resident_mb": instance.resident_bytes() / 1e6, "wakeups": cost.waits / 10,
                          "cpu_ms": cost.cpu_s * 100}
                bench.record("idle", system, {}, values)
            finally:
                instance.remove()


def snapshot(bench):
    """1000 writes of 250 bytes a second over 4 clients, among a million documents, before and during a snapshot."""
    load = {"clients": 4, "rate": 1000, "keys": MILLION}
    for number, systems in bench.rounds(3):
        for system in systems:
            if system.flags:
                continue
            bench.say(f"  snapshot round {number + 1}: {system.label}")
            instance = bench.instance(system)
            try:
                bench.fill(instance, MILLION)
                calm = bench.run(instance, "set", seconds=5, **load)
                bench.record("snapshot", system, {"during": "nothing else"}, calm)
                bench.record("snapshot", system, {"during": "a snapshot"}, during_snapshot(bench, instance, load))
            finally:
                instance.remove()


def during_snapshot(bench, instance, load):
    writer = bench.begin(instance, "set", seconds=20, **load)
    try:
        time.sleep(0.5)
        begun = time.monotonic()
        instance.system.begin_snapshot(instance)
        instance.wait_for_snapshot()
        took = time.monotonic() - begun
        figures = bench.finish(writer, 60)
    finally:
        end(writer)
    values = {name: figures["us"][name] / 1000 for name in ("p50", "p99", "p999", "max")}
    return values | {"late_p99": figures["late_us"]["p99"] / 1000, "snapshot_s": took}


def end(process):
    if process.poll() is None:
        process.kill()
        process.communicate()


def bigwriter(bench):
    """1000 writes of 250 bytes a second over 4 clients, alone and beside one client that writes documents of 10 MB."""
    load = {"clients": 4, "rate": 1000, "keys": 10_000}
    size = 10 * MILLION
    with bench.instances(keys=10_000) as instances:
        for number, systems in bench.rounds(3):
            for system in systems:
                if size > system.value_bytes_max:
                    continue
                bench.say(f"  bigwriter round {number + 1}: {system.label}")
                instance = instances[system.key]
                bench.record("bigwriter", system, {"beside": "nothing else"}, bench.run(instance, "set", seconds=5, **load))
                # The writer of large documents begins first and ends last, and has a key of its own.
                big = bench.begin(instance, "set", clients=1, keys=1, size=size, seconds=7, key="big:{n}")
                try:
                    time.sleep(0.5)
                    values = bench.run(instance, "set", seconds=5, **load)
                    values["big_per_second"] = bench.finish(big, 60)["per_second"]
                finally:
                    end(big)
                bench.record("bigwriter", system, {"beside": "a writer of 10 MB"}, values)


def cluster(bench):
    """Three nodes on this machine and one disk, writes synced on a majority, linearizable reads, all at the leader."""
    keep = bench.systems
    bench.systems = [system for system in keep if system.clusters]
    try:
        with bench.instances(nodes=3, keys=10_000) as instances:
            for number, systems in bench.rounds():
                for kind in ("set", "get"):
                    for clients, batch in ((1, 1), (50, 1), (50, 16)):
                        bench.say(f"  cluster round {number + 1}: {kind}, {clients} clients, {batch} pipelined")
                        for system in systems:
                            if system.flags and batch > 1:
                                continue
                            values = bench.run(instances[system.key], kind, clients=clients, pipeline=batch, keys=10_000)
                            point = {"request": kind, "clients": clients, "pipelined": batch}
                            bench.record("cluster", system, point, values)
    finally:
        bench.systems = keep


def routes(bench):
    """JsonVault alone, three nodes on this machine: through the leader or a follower, and the three kinds of reads."""
    system = next((system for system in bench.systems if system.key == "jsonvault"), None)
    if system is None:
        return
    instance = bench.instance(system, nodes=3)
    try:
        bench.fill(instance, 10_000)
        follower = instance.ports[(instance.leader + 1) % 3]
        for _ in range(bench.options.runs):
            for kind, reads in (("set", "-"), ("get", "linearizable"), ("get", "lease"), ("get", "local")):
                if reads != "-":
                    for port in instance.ports:
                        servers.call(port, "CONFIG", "SET", "read-consistency", reads)
                for clients, batch in ((1, 1), (50, 1), (50, 16)):
                    for role, address in (("leader", instance.address), ("follower", f"127.0.0.1:{follower}")):
                        bench.say(f"  routes: {kind} {reads}, {clients} clients, {batch} pipelined, {role}")
                        values = bench.run(instance, kind, clients=clients, pipeline=batch, keys=10_000, address=address)
                        point = {"request": kind, "reads": reads, "at": role, "clients": clients, "pipelined": batch}
                        bench.record("routes", system, point, values)
    finally:
        instance.remove()


GROUPS = {
    "set": set_, "get": get, "latency": latency, "pipeline": pipeline, "sizes": sizes, "keys": keys, "restart": restart,
    "idle": idle, "snapshot": snapshot, "bigwriter": bigwriter, "cluster": cluster, "routes": routes,
}
