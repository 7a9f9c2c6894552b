"""What the Python programs share: where the nodes are, what is left out, and how a leader is killed.

scripts/compat.sh tells by the environment: COMPAT_PORTS the client ports, COMPAT_PORT that of a node that follows, COMPAT_DIR a directory with `nodeN.pid` of each
node that is started again when it ends, COMPAT_ALLOW_MISSING=1 that a part may be left out whose commands the server has not, COMPAT_PEER=1 that it is redis-server.
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
# Debian's redis-server is older than these clients, and has no JSON.
PEER = os.environ.get("COMPAT_PEER") == "1"
NODES = f"{len(PORTS)} node{'s' if len(PORTS) > 1 else ''}"
# Far beyond what an election or a busy machine takes: when it is over, something is broken.
PATIENCE_SECONDS = 60

done = []
left_out = []
_commands = None


def check(found, wanted, what):
    """Ends the program unless `found` is `wanted`, also in its type: 1, 1.0 and True are three things here."""
    if repr(found) != repr(wanted):
        raise AssertionError(f"{what}: got {found!r}, wanted {wanted!r}")


def until(what, probe):
    """The first truthy value of `probe`, which is asked again and again."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := probe()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {PATIENCE_SECONDS} s for {what}")
        time.sleep(0.01)
    return found


def is_there(client, name):
    """Whether there is a command, or a subcommand: `CLIENT TRACKINGINFO` is asked for by its name."""
    if " " not in name:
        return name.upper() in _commands
    try:
        client.execute_command(*name.split())
    except redis.ResponseError as error:
        return "unknown subcommand" not in str(error).lower()
    return True


def has(*names):
    """Whether the server has these commands. If not, that is an error, or noted, as the environment says."""
    global _commands
    with redis.Redis(port=PORTS[0], decode_responses=True, protocol=2) as client:
        if _commands is None:
            _commands = {name.upper() for name in client.execute_command("COMMAND LIST")}
        missing = [name for name in names if not is_there(client, name)]
    if missing and not ALLOW_MISSING:
        raise AssertionError(f"the server has no {', '.join(missing)}")
    return not missing


def part(what, needs=()):
    """Marks a function as a part of a program: what it does, in words, and the commands it needs."""

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
    """The number of the node that leads, from 0, once all nodes that answer agree on it."""

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
    """Kills the leader as a crash would, and gives its port; scripts/compat.sh starts it again."""
    number = leader()
    with open(f"{DIR}/node{number + 1}.pid") as file:
        os.kill(int(file.read()), signal.SIGKILL)
    return PORTS[number]


def is_uncertain(error):
    """Whether a write may have been done: the leader was lost while it was under way. One that may be done twice is repeated."""
    return str(error).startswith("UNCERTAIN")


def settled(write):
    """What a write answers that is repeated while it is uncertain."""
    while True:
        try:
            return write()
        except redis.ResponseError as error:
            if not is_uncertain(error):
                raise


def report(client):
    """The one line that a program prints; nothing was done is an error."""
    assert done, "no part was run"
    without = f"; without {', '.join(left_out)}" if left_out else ""
    print(f"{client} ({NODES}): {', '.join(done)}{without}")


def run(client, program):
    """Runs `program` and prints its line, or where it failed."""
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
