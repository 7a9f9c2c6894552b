"""Tests redis-py's asyncio client: the JSON API, many tasks at once, pipelines, transactions, pub/sub."""

import asyncio
import warnings

import redis
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ClusterDownError, ConnectionError, ResponseError, TimeoutError, TryAgainError, WatchError

import json_cases
from common import PATIENCE_SECONDS, PORT, PORTS, check, is_uncertain, kill_leader, leader, part, run

warnings.simplefilter("ignore", DeprecationWarning)


def connect(protocol=None, legacy=True, **options):
    return redis.asyncio.Redis(port=options.pop("port", PORT), protocol=protocol, legacy_responses=legacy,
                               decode_responses=True, **options)


def blocking(coroutine):
    """Runs a part in a separate event loop."""

    def act():
        return asyncio.run(asyncio.wait_for(coroutine(), PATIENCE_SECONDS * 2))

    return act


async def json_calls(protocol, legacy):
    async with connect(protocol, legacy) as client:
        api = client.json()
        methods = json_cases.assert_complete(api)
        for case in json_cases.CASES:
            for call in json_cases.prepare(api):
                await call
            found = await getattr(api, case.method)(*case.args, **case.options)
            check(found, case.wanted(protocol, legacy), f"protocol={protocol} legacy_responses={legacy} {case}")
        directory, path, key = json_cases.files()
        with directory:
            check(await api.set_file(json_cases.KEY, "$", path), True, "set_file")
            check(await api.set_path("$", directory.name), {path: True}, "set_path")
            check(await api.get(key), json_cases.DOCUMENT, "get after set_path")
            await api.delete(key)
        return methods


@part("every method of json()", needs=["JSON.SET"])
@blocking
async def json_api():
    for protocol, legacy in [(2, True), (3, True), (None, True), (2, False), (3, False)]:
        methods = await json_calls(protocol, legacy)
    return f"{methods} methods"


@part("tasks at once", needs=["JSON.SET"])
@blocking
async def tasks():
    async with connect(max_connections=50) as client:
        await client.json().set("t", "$", {"n": 0})
        await asyncio.gather(*[client.json().numincrby("t", "$.n", 1) for _ in range(50)])
        check(await client.json().get("t", "$.n"), [50], "what 50 tasks added")
        async with client.pipeline(transaction=False) as pipeline:
            for number in range(200):
                pipeline.json().set(f"t:{number}", "$", number)
            check(await pipeline.execute(), [True] * 200, "a pipeline")


@part("MULTI and WATCH", needs=["MULTI", "EXEC", "WATCH", "SET", "GET", "INCR"])
@blocking
async def watch():
    async with connect() as client, connect() as rival:
        await client.delete("a")
        check(await client.pipeline().set("a", 1).incr("a").execute(), [True, 2], "a transaction")
        tries = 0
        while True:
            async with client.pipeline() as pipeline:
                try:
                    await pipeline.watch("a")
                    value = int(await pipeline.get("a"))
                    tries += 1
                    if tries == 1:
                        await rival.incr("a")
                    pipeline.multi()
                    pipeline.set("a", value * 10)
                    check(await pipeline.execute(), [True], "EXEC")
                    break
                except WatchError:
                    check(tries, 1, "the try that failed")
        check((tries, await client.get("a")), (2, "30"), "WATCH with a retry")


@part("pub/sub", needs=["SUBSCRIBE", "PUBLISH"])
@blocking
async def publish():
    async with connect() as client, connect() as other, other.pubsub() as listener:
        await listener.subscribe("async")
        check((await listener.get_message(timeout=PATIENCE_SECONDS))["type"], "subscribe", "the first message")
        check(await client.publish("async", "hello"), 1, "receivers")
        message = await listener.get_message(ignore_subscribe_messages=True, timeout=PATIENCE_SECONDS)
        check(message["data"], "hello", "a message")


@part("a killed leader", needs=["JSON.SET"])
@blocking
async def failover():
    retry = Retry(ExponentialBackoff(cap=0.5, base=0.05), PATIENCE_SECONDS * 2)
    again = [ConnectionError, TimeoutError, ClusterDownError, TryAgainError]
    port = PORTS[leader()]
    async with connect(port=port, retry=retry, retry_on_error=again, socket_timeout=PATIENCE_SECONDS) as client:
        await client.json().set("before", "$", {"n": 1})
        kill_leader()
        while True:
            try:
                await client.json().set("after", "$", {"n": 2})
                break
            except ResponseError as error:
                if not is_uncertain(error):
                    raise
        check(await client.json().mget(["before", "after"], "$.n"), [[1], [2]], "documents")


def main():
    for act in (json_api, tasks, watch, publish):
        act()
    if len(PORTS) > 1:
        failover()


run(f"redis-py {redis.__version__} asyncio", main)
