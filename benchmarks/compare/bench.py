"""Running the load driver against an instance, and collecting what it and the kernel measured."""

import contextlib
import json
import os
import pathlib
import resource
import shutil
import subprocess
import sys
import time

import documents
import servers

# A run of a few seconds that takes this much longer hangs.
SLACK_S = 180
# The size of the documents, unless a measurement is about sizes.
DOCUMENT_BYTES = 250


def driver_cpu_s():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


class Bench:
    """What all measurements share. `results` grows by one record per run."""

    def __init__(self, options, systems, work, load):
        self.options, self.systems, self.work, self.load_program = options, systems, pathlib.Path(work), load
        self.results = []

    @property
    def seconds(self):
        return self.options.seconds

    def rounds(self, most=None):
        """The rounds, each with the systems rotated by one more, so that they take turns in being the first."""
        count = min(self.options.runs, most or self.options.runs)
        for number in range(count):
            shift = number % max(1, len(self.systems))
            yield number, self.systems[shift:] + self.systems[:shift]

    def record(self, group, system, point, values):
        self.results.append({"group": group, "system": system.label, "point": point, "values": values})

    def say(self, text):
        print(text, file=sys.stderr, flush=True)

    def instance(self, system, nodes=1):
        """A started instance with empty data."""
        home = self.work / system.key
        shutil.rmtree(home, ignore_errors=True)
        instance = servers.Instance(system, home, nodes)
        try:
            instance.start()
        except BaseException:
            instance.remove()
            raise
        return instance

    @contextlib.contextmanager
    def instances(self, nodes=1, keys=0):
        """An instance of each system, with this many documents, as long as the context lasts."""
        found = {}
        try:
            for system in self.systems:
                self.say(f"  starting {system.label}")
                found[system.key] = self.instance(system, nodes)
                if keys:
                    self.fill(found[system.key], keys)
            yield found
        finally:
            for instance in found.values():
                instance.remove()

    def command(self, instance, kind, *, clients=50, pipeline=1, rate=None, seconds=None, requests=None, keys=100_000,
                size=DOCUMENT_BYTES, address=None, sequential=False, key="doc:{n}"):
        system = instance.system
        flags = ["--clients", clients, "--pipeline", pipeline, "--keys", keys, *system.flags]
        flags += ["--seed", len(self.results) + 1]
        if rate:
            flags += ["--rate", rate]
        flags += ["--requests", requests] if requests else ["--seconds", seconds or self.seconds]
        if sequential:
            flags.append("--sequential")
        words = system.words(kind, key, documents.write(self.work, size))
        return [str(word) for word in [self.load_program, address or instance.address, *flags, *words]]

    def finish(self, process, timeout):
        """The figures that a driver prints. An error reply, or a key that is missing, makes a run worthless."""
        try:
            out, _ = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            raise servers.Failed("the load driver did not end in time") from None
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        if process.returncode:
            raise servers.Failed("the load driver failed, see above")
        figures = json.loads(out)
        if figures["errors"] or figures["nulls"]:
            reason = figures.get("first_error", "keys without a value")
            raise servers.Failed(f"{figures['errors']} errors and {figures['nulls']} nulls: {reason}")
        return figures

    def begin(self, instance, kind, **load):
        return subprocess.Popen(self.command(instance, kind, **load), stdout=subprocess.PIPE, text=True)

    def run(self, instance, kind, **load):
        """One run; its values, with costs per request."""
        own, before = driver_cpu_s(), instance.counters()
        figures = self.finish(self.begin(instance, kind, **load), (load.get("seconds") or self.seconds) + SLACK_S)
        cost = instance.counters() - before
        requests = figures["requests"]
        values = {
            "per_second": figures["per_second"],
            "cpu_us": cost.cpu_s * 1e6 / requests,
            "client_cpu_us": (driver_cpu_s() - own) * 1e6 / requests,
            "waits": cost.waits / requests,
            "preemptions": cost.preemptions / requests,
        }
        for name in ("p50", "p99", "p999", "max"):
            values[name] = figures["us"][name] / 1000
        if load.get("rate"):
            values["late_p99"] = figures["late_us"]["p99"] / 1000
        return values

    def fill(self, instance, keys, size=DOCUMENT_BYTES):
        """Stores a document under each key."""
        # etcd has no pipelines; others get batches of at most 1 MB, or of one larger document.
        pipeline = 1 if instance.system.flags else max(1, min(100, 1_000_000 // size))
        clients = 100 if instance.system.flags else 4
        self.finish(
            self.begin(instance, "set", clients=clients, pipeline=pipeline, requests=keys, keys=keys, size=size,
                       sequential=True),
            SLACK_S + keys / 1000,
        )
        found = instance.system.count(instance)
        if found != keys:
            raise servers.Failed(f"{instance.system.label} has {found} of {keys} documents")
        # This load may have caused a snapshot or a rewrite of the log, which must not run during the next measurement.
        instance.wait_for_snapshot()

    def settle(self, seconds=1.0):
        """Waits, so that what a server does after a load, such as returning memory, can end."""
        time.sleep(seconds)


def processors():
    return len(os.sched_getaffinity(0))
