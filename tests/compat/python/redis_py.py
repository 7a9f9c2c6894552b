"""Tests redis-py in its usual form: its whole JSON API, pipelines, transactions, pub/sub, its cache."""

import sys
import warnings

import redis
from redis.backoff import ExponentialBackoff
from redis.cache import CacheConfig
from redis.exceptions import ClusterDownError, ConnectionError, ResponseError, TimeoutError, TryAgainError, WatchError
from redis.retry import Retry

import json_cases
from common import PATIENCE_SECONDS, PEER, PORT, PORTS, check, has, kill_leader, leader, part, run, settled, until

# These names are deprecated in redis-py, but still in use.
warnings.simplefilter("ignore", DeprecationWarning)
# The settings `protocol` and `legacy_responses` of redis-py. The protocol None is redis-py's default.
SHAPES = [(2, True), (3, True), (None, True), (2, False), (3, False)]


def connect(protocol=None, legacy=True, **options):
    return redis.Redis(port=PORT, protocol=protocol, legacy_responses=legacy, decode_responses=True, **options)


def json_calls(client, protocol, legacy):
    """Runs every case on this client."""
    api = client.json()
    for case in json_cases.CASES:
        json_cases.prepare(api)
        found = getattr(api, case.method)(*case.args, **case.options)
        what = f"protocol={protocol} legacy_responses={legacy} {case}"
        check(found, case.wanted(protocol, legacy), what)
        if case.then:
            path, wanted = case.then
            check(api.get(json_cases.KEY, path), wanted, f"{what}, then {path}")
    assert api.debug("MEMORY", json_cases.OTHER) > 0
    assert any("MEMORY" in line for line in api.debug("HELP"))
    directory, path, key = json_cases.files()
    with directory:
        check(api.set_file(json_cases.KEY, "$", path), True, "set_file")
        check(api.get(json_cases.KEY), json_cases.DOCUMENT, "get after set_file")
        check(api.set_path("$", directory.name), {path: True}, "set_path")
        check(api.get(key), json_cases.DOCUMENT, "get after set_path")
        api.delete(key)


@part("every method of json()", needs=["JSON.SET"])
def json_api():
    for protocol, legacy in SHAPES:
        with connect(protocol, legacy) as client:
            methods = json_cases.assert_complete(client.json())
            json_calls(client, protocol, legacy)
    return f"{methods} methods, {len(json_cases.CASES)} calls, RESP2 and RESP3"


@part("errors as exceptions", needs=["JSON.SET"])
def json_errors():
    with connect() as client:
        json_cases.prepare(client.json())
        for call, text in [
            (lambda: client.json().numincrby(json_cases.MISSING, "$.a", 1), "doesn't exist"),
            (lambda: client.json().set(json_cases.MISSING, "$.a", 1), "new objects must be created at the root"),
            (lambda: client.execute_command("JSON.SET", json_cases.KEY, "$", "{"), "EOF while parsing"),
            (lambda: client.execute_command("NOSUCH", "a"), "unknown command 'NOSUCH', with args beginning with: 'a'"),
        ]:
            try:
                raise AssertionError(f"no error but {call()!r}: {text}")
            except ResponseError as error:
                assert text in str(error), f"{error}: wanted {text}"


def json_pipeline(transaction):
    for protocol, legacy in SHAPES:
        with connect(protocol, legacy) as client:
            for case in json_cases.CASES:
                pipeline = client.json().pipeline(transaction=transaction)
                before = len(json_cases.prepare(pipeline))
                getattr(pipeline, case.method)(*case.args, **case.options)
                check(pipeline.execute()[before], case.wanted(protocol, legacy), f"{protocol} {legacy} {case}")


@part("pipelines", needs=["JSON.SET"])
def pipelines():
    json_pipeline(transaction=False)
    with connect() as client:
        pipeline = client.pipeline(transaction=False)
        for number in range(500):
            pipeline.json().set(f"p:{number}", "$", {"n": number})
        check(pipeline.execute(), [True] * 500, "a pipeline of JSON.SET")
        pipeline.json().mget([f"p:{number}" for number in range(500)], "$.n")
        pipeline.json().set("p:nobody", "$.a", 1)
        pipeline.ping()
        found, refused, pong = pipeline.execute(raise_on_error=False)
        check(found, [[number] for number in range(500)], "JSON.MGET in a pipeline")
        assert isinstance(refused, ResponseError), refused
        check(pong, True, "a reply behind an error")


@part("MULTI in pipelines", needs=["JSON.SET", "MULTI", "EXEC"])
def transactions():
    json_pipeline(transaction=True)


@part("MULTI and WATCH with a retry", needs=["MULTI", "EXEC", "WATCH", "GET", "SET", "INCR"])
def watch():
    with connect() as client, connect() as rival:
        client.delete("w", "w:seen")
        pipeline = client.pipeline()
        check(pipeline.set("w", 1).incr("w").get("w").execute(), [True, 2, "2"], "a transaction")
        check(client.pipeline().set("w", "x").incr("w").get("w").execute(raise_on_error=False)[2], "x", "no rollback")
        client.set("w", 10)
        tries = []

        def add_one(pipeline):
            value = int(pipeline.get("w"))
            tries.append(value)
            if len(tries) < 3:
                rival.incrby("w", 100)
            pipeline.multi()
            pipeline.set("w", value + 1)

        check(client.transaction(add_one, "w"), [True], "a transaction that was tried again")
        check((tries, client.get("w")), ([10, 110, 210], "211"), "what its tries saw")
        with client.pipeline() as pipeline:
            pipeline.watch("w")
            rival.set("w", 0)
            pipeline.multi()
            pipeline.set("w:seen", 1)
            try:
                raise AssertionError(f"EXEC after a foreign write gave {pipeline.execute()}")
            except WatchError:
                check(client.exists("w:seen"), 0, "a transaction that was given up")
            pipeline.watch("w")
            pipeline.unwatch()
            rival.set("w", 5)
            pipeline.multi()
            check(pipeline.get("w").execute(), ["5"], "a transaction after UNWATCH")


@part("WATCH on a document", needs=["JSON.SET", "MULTI", "EXEC", "WATCH"])
def watch_json():
    with connect() as client, connect() as rival:
        client.json().set("wj", "$", {"n": 1})
        tries = []

        def double(pipeline):
            value = pipeline.json().get("wj", "$.n")[0]
            tries.append(value)
            if len(tries) == 1:
                rival.json().numincrby("wj", "$.n", 4)
            pipeline.multi()
            pipeline.json().set("wj", "$.n", value * 2)

        client.transaction(double, "wj")
        check((tries, client.json().get("wj", "$.n")), ([1, 5], [10]), "JSON.SET after WATCH")


@part("pub/sub", needs=["SUBSCRIBE", "PUBLISH", "PSUBSCRIBE"])
def publish():
    for protocol in (2, 3):
        with connect(protocol) as client, connect(protocol) as other:
            listener = other.pubsub()
            listener.subscribe("news")
            listener.psubscribe("new?")

            def message(wanted):
                found = until(f"a {wanted}", lambda: listener.get_message(timeout=1))
                check(found["type"], wanted, f"a message, protocol {protocol}")
                return found

            check(message("subscribe")["data"], 1, "subscriptions")
            check(message("psubscribe")["data"], 2, "subscriptions")
            assert client.pubsub_numsub("news") == [("news", 1)] and client.pubsub_numpat() == 1
            check(client.publish("news", "hello"), 2, "receivers")
            kinds = sorted(listener.get_message(timeout=PATIENCE_SECONDS)["type"] for _ in range(2))
            check(kinds, ["message", "pmessage"], "what a publish brings")
            if protocol == 2:
                # In RESP3 this reply is not a push message, and redis-py accepts only those here.
                listener.ping("still there")
                check(message("pong")["data"], "still there", "PING while subscribed")
            listener.unsubscribe()
            message("unsubscribe")
            listener.punsubscribe()
            message("punsubscribe")
            check(client.publish("news", "hello"), 0, "receivers after UNSUBSCRIBE")
            listener.close()


@part("its cache", needs=["JSON.SET", "CLIENT TRACKINGINFO"])
def cache():
    with connect(3, cache_config=CacheConfig()) as client, connect() as other:
        other.set("c", 1)
        other.json().set("cj", "$", {"n": 1})
        for _ in range(3):
            check((client.get("c"), client.json().get("cj", "$.n")), ("1", [1]), "a cached read")
        check(client.get_cache().size, 2, "what the cache holds")
        other.set("c", 2)
        other.json().set("cj", "$.n", 2)
        until("the cache to be invalidated", lambda: (client.get("c"), client.json().get("cj", "$.n")) == ("2", [2]))
        other.flushall()
        until("FLUSHALL to empty the cache", lambda: client.get("c") is None)


@part("keys and strings", needs=["SCAN", "SET", "GET"])
def keys():
    with connect() as client:
        for number in range(300):
            client.set(f"s:{number}", number, ex=1000)
        check(sorted(client.scan_iter("s:*", count=50)), sorted(f"s:{number}" for number in range(300)), "scan_iter")
        assert 990 <= client.ttl("s:1") <= 1000
        check(client.delete(*[f"s:{number}" for number in range(300)]), 300, "DEL of many")
        check(client.set("s", 1, nx=True, get=True), None, "SET NX GET")
        check(client.type("s"), "string", "TYPE")
        client.delete("s")


@part("the server's own", needs=["INFO", "CONFIG", "COMMAND", "CLIENT"])
def server():
    for protocol in (2, 3):
        with connect(protocol, client_name="compat") as client:
            assert client.ping() and client.echo("x") == "x"
            assert client.info()["redis_version"] >= "7" and client.info("server", "clients")["connected_clients"] >= 1
            assert int(client.config_get("databases")["databases"]) >= 1
            assert client.command_count() > 50 and "get" in client.command()
            docs = client.execute_command("COMMAND DOCS", "GET")
            assert docs, "COMMAND DOCS"
            check(client.client_getname(), "compat", "CLIENT GETNAME")
            info = client.client_info()
            assert info["name"] == "compat" and (PEER or info["lib-name"].startswith("redis-py")), info
            assert info["id"] in [int(one["id"]) for one in client.client_list()], "CLIENT LIST"
            assert client.time()[0] > 0 and client.dbsize() >= 0


@part("what other nodes did", needs=["JSON.SET", "WATCH", "SUBSCRIBE", "CLIENT TRACKINGINFO"])
def other_nodes():
    for port in PORTS:
        if port == PORT:
            continue
        caching = connect(3, cache_config=CacheConfig())
        # A client with a cache cannot receive messages.
        with caching as cached, connect() as client, redis.Redis(port=port, decode_responses=True) as other:
            key = f"from:{port}"
            listener = client.pubsub(ignore_subscribe_messages=True)
            listener.subscribe(key)
            until("SUBSCRIBE", lambda: listener.get_message(timeout=1) or listener.subscribed)
            check(cached.json().get(key), None, "a document that is not there yet")
            other.json().set(key, "$", {"n": 1})
            until("an invalidation", lambda: cached.json().get(key) == {"n": 1})
            check(client.pubsub_numsub(key), [(key, 1)], "PUBSUB NUMSUB")
            for number in range(20):
                other.publish(key, number)
            heard = [until("a message", lambda: listener.get_message(timeout=1))["data"] for _ in range(20)]
            check(heard, [str(number) for number in range(20)], "messages in order")
            with client.pipeline() as pipeline:
                pipeline.watch(key)
                other.json().numincrby(key, "$.n", 1)
                pipeline.multi()
                pipeline.json().set(key, "$.n", 0)
                try:
                    raise AssertionError(f"EXEC after a write at another node gave {pipeline.execute()}")
                except WatchError:
                    check(other.json().get(key, "$.n"), [2], "a transaction that was given up")
            listener.close()


@part("a killed leader", needs=["JSON.SET"])
def failover():
    waited = []
    for place in ("at the leader", "at a follower"):
        first = leader()
        port = PORTS[first] if place == "at the leader" else PORTS[(first + 1) % len(PORTS)]
        retry = Retry(ExponentialBackoff(cap=0.5, base=0.05), PATIENCE_SECONDS * 2)
        again = [ConnectionError, TimeoutError, ClusterDownError, TryAgainError]
        options = {"retry": retry, "retry_on_error": again, "socket_timeout": PATIENCE_SECONDS}
        with redis.Redis(port=port, decode_responses=True, **options) as client:
            client.json().set("before", "$", {"n": place})
            kill_leader()
            settled(lambda: client.json().set("after", "$", {"n": place}))
            check(client.json().mget(["before", "after"], "$.n"), [[place], [place]], f"{place}: documents")
            waited.append(place)
    return " and ".join(waited)


def main():
    for act in (server, keys, json_api, json_errors, pipelines, transactions, watch, watch_json, publish, cache):
        act()
    if len(PORTS) > 1:
        other_nodes()
        failover()


run(sys.argv[1] if len(sys.argv) > 1 else f"redis-py {redis.__version__}", main)
