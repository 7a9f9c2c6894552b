"""Compares JsonVault with other servers on this machine. `../compare.sh` builds what this needs and starts it."""

import argparse
import datetime
import json
import os
import pathlib
import platform
import shutil
import signal
import subprocess
import sys
import tempfile

import bench as benches
import groups
import report
import servers


def parse():
    parser = argparse.ArgumentParser(prog="benchmarks/compare.sh", description=__doc__.splitlines()[0])
    parser.add_argument("--only", metavar="GROUP,..", default="", help=f"of {', '.join(groups.GROUPS)}; default: all")
    parser.add_argument("--servers", metavar="NAME,..", default="",
                        help="of jsonvault, redisjson, valkeyjson, redis (each also with -always), redisraft, etcd; default: all")
    parser.add_argument("--runs", type=int, default=5, help="rounds; the slow groups have at most 3 (default: 5)")
    parser.add_argument("--seconds", type=float, default=2.0, help="the duration of a run (default: 2)")
    parser.add_argument("--long", action="store_true", help="also with 10^7 keys, which takes about 10 GB of memory")
    parser.add_argument("--dir", type=pathlib.Path, default=pathlib.Path("target/compare"),
                        help="where the data lies during the runs, and so the disk (default: target/compare)")
    parser.add_argument("--out", type=pathlib.Path, help="where the report goes (default: a directory below --dir)")
    options = parser.parse_args()
    options.only = [name for name in options.only.split(",") if name]
    options.servers = [name for name in options.servers.split(",") if name]
    unknown = set(options.only) - set(groups.GROUPS)
    if unknown or options.runs < 1 or options.seconds <= 0:
        parser.error(f"unknown group {', '.join(unknown)}" if unknown else "--runs and --seconds must be positive")
    return options


def first_line(*command):
    out = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    return (out.splitlines() or [""])[0].strip()


def heading(options, systems, base):
    programs = sorted({system.program for system in systems if system.key != "jsonvault"})
    versions = [first_line(program, "--version") for program in programs]
    lines = [
        f"{datetime.datetime.now():%Y-%m-%d %H:%M}; {benches.processors()} processors, {platform.system()} {platform.release()}; "
        f"data on {first_line('findmnt', '-n', '-o', 'FSTYPE,SOURCE', '-T', str(base))}",
        f"JsonVault's checkout at commit {first_line('git', 'rev-parse', '--short', 'HEAD')}; " + "; ".join(versions),
        f"Medians of {options.runs} rounds (lowest to highest), runs of {options.seconds:g} s; the servers take turns in each round. "
        "Servers and clients share the processors. \"In memory\": without persistence. \"Synced\", like JsonVault, RedisRaft and etcd: "
        "on disk before the reply.",
    ]
    return "\n\n".join(lines)


def main():
    options = parse()
    systems = servers.available(os.environ, options.servers)
    options.dir.mkdir(parents=True, exist_ok=True)
    base = options.dir.resolve()
    out = (options.out or base / f"{datetime.datetime.now():%Y%m%d-%H%M%S}").resolve()
    out.mkdir(parents=True, exist_ok=True)
    work = tempfile.mkdtemp(prefix="data-", dir=base)
    bench = benches.Bench(options, systems, work, os.environ["LOAD"])
    names = options.only or list(groups.GROUPS)
    bench.say(f"{', '.join(system.label for system in systems)}; data below {base}")
    title = heading(options, systems, base)
    failed = []
    # SIGTERM ends this program by an exception, as SIGINT does, so that it stops the servers first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        for name in names:
            bench.say(f"{name}: {groups.GROUPS[name].__doc__.strip()}")
            # What was measured is reported, whatever happens after it.
            failed.append(name)
            try:
                groups.GROUPS[name](bench)
                failed.pop()
            except (servers.Failed, OSError) as error:
                bench.say(f"{name} failed: {error}")
                failed[-1] += f": {error}"
            finally:
                write(out, bench.results, title, failed, [system.label for system in systems])
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(out / "report.md")
    return 1 if failed else 0


def write(out, results, title, failed, order):
    (out / "results.json").write_text(json.dumps(results, indent=1))
    notes = "".join(f"\n\nIncomplete: {line}" for line in failed)
    report.write(out, results, groups.GROUPS, title + notes, order)


if __name__ == "__main__":
    sys.exit(main())
