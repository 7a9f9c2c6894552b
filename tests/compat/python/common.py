"""Functions that the Python programs share: the addresses of the nodes, the choice of parts, and killing a leader.

scripts/compat.sh sets these environment variables:

    COMPAT_PORTS            the client ports of the nodes
    COMPAT_PORT             the client port of a follower
    COMPAT_DIR              a directory with `nodeN.pid` for each node, which is restarted when it ends
    COMPAT_ALLOW_MISSING=1  parts may be skipped if the server lacks their commands
    COMPAT_PEER=1           the server is redis-server
"""

import os
import signal
import sys
import time

import redis

PORTS = [int(port) for port in os.environ["COMPAT_PORTS"].split()]
PORT = int(os.environ["COMPAT_PORT"])
DIR = os.environ.get("COMPAT_DIR", "")
ALLOW_MISSING = os.environ.get("COMPAT_ALLOW_MISSING") == "1"
# Debian's redis-server is older than these clients and has no JSON commands.
PEER = os.environ.get("COMPAT_PEER") == "1"
NODES = f"{len(PORTS)} node{'s' if len(PORTS) > 1 else ''}"
# Maximum wait, far longer than an election takes on a busy machine.
PATIENCE_SECONDS = 60

done = []
left_out = []
_commands = None


def check(found, wanted, what):
    """Ends the program unless `found` equals `wanted` and has the same type: 1, 1.0 and True all differ."""
    if repr(found) != repr(wanted):
        raise AssertionError(f"{what}: got {found!r}, wanted {wanted!r}")


def until(what, probe):
    """Calls `probe` repeatedly until it returns a truthy value, and returns that value."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := probe()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {PATIENCE_SECONDS} s for {what}")
        time.sleep(0.01)
    return found


def is_there(client, name):
    """Whether the server has a command or, for a name such as `CLIENT TRACKINGINFO`, a subcommand."""
    if " " not in name:
        return name.upper() in _commands
    try:
        client.execute_command(*name.split())
    except redis.ResponseError as error:
        return "unknown subcommand" not in str(error).lower()
    return True


def has(*names):
    """Whether the server has these commands. A missing one is an error, unless the environment allows it."""
    global _commands
    with redis.Redis(port=PORTS[0], decode_responses=True, protocol=2) as client:
        if _commands is None:
            _commands = {name.upper() for name in client.execute_command("COMMAND LIST")}
        missing = [name for name in names if not is_there(client, name)]
    if missing and not ALLOW_MISSING:
        raise AssertionError(f"the server has no {', '.join(missing)}")
    return not missing


def part(what, needs=()):
    """Marks a function as a part of a program, with a description and the commands that it needs."""

    def wrap(function):
        def run(*args):
            if has(*needs):
                said = function(*args)
                done.append(f"{what} ({said})" if said else what)
            else:
                left_out.append(what)

        return run

    return wrap


def leader():
    """Waits until all nodes answer and agree on a leader, and returns its number, from 0."""

    def asked():
        told = set()
        for port in PORTS:
            try:
                with redis.Redis(port=port, protocol=2, retry=None) as client:
                    info = client.info("raft")
                told.add(info["leader_id"])
            except redis.RedisError:
                return None
        return told if len(told) == 1 and min(told) > 0 else None

    return until("a leader that all agree on", asked).pop() - 1


def kill_leader():
    """Kills the leader without a shutdown and returns its port; scripts/compat.sh starts it again."""
    number = leader()
    with open(f"{DIR}/node{number + 1}.pid") as file:
        os.kill(int(file.read()), signal.SIGKILL)
    return PORTS[number]


def is_uncertain(error):
    """Whether an error leaves open whether the write was executed, because the leader was lost meanwhile. Such a write is repeated if it may be executed twice."""
    return str(error).startswith("UNCERTAIN")


def settled(write):
    """The reply to a write, which is repeated while its outcome is uncertain."""
    while True:
        try:
            return write()
        except redis.ResponseError as error:
            if not is_uncertain(error):
                raise


def report(client):
    """The summary line of a program; an error if no part was run."""
    assert done, "no part was run"
    without = f"; without {', '.join(left_out)}" if left_out else ""
    print(f"{client} ({NODES}): {', '.join(done)}{without}")


def run(client, program):
    """Runs `program` and prints its summary line, or the part in which it failed."""
    try:
        program()
    except Exception as error:  # whatever it is: the line says it
        import traceback

        where = traceback.extract_tb(error.__traceback__)
        own = [frame for frame in where if os.path.dirname(frame.filename) == os.path.dirname(os.path.abspath(__file__))]
        frame = (own or where)[-1]
        print(f"{client} ({NODES}): FAILED at {os.path.basename(frame.filename)}:{frame.lineno}: "
              f"{type(error).__name__}: {error}; done before: {', '.join(done) or 'nothing'}")
        sys.exit(1)
    report(client)
