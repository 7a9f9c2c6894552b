"""Every method of redis-py's JSON API, with a call and its result.

redis-py returns the reply to a command in one of three forms: the form for RESP2, the form for RESP3, and the "unified" form
(`legacy_responses=False`), which is the same over both. A case has the result for RESP2, and those for RESP3 and the unified form if
they differ.
"""

import json
import os
import tempfile

DOCUMENT = {
    "name": "Alice",
    "age": 30,
    "score": 1.5,
    "tags": ["a", "b", "a"],
    "on": True,
    "address": {"city": "Paris"},
    "nested": {"tags": [1], "age": 1},
    "none": None,
}


class Case:
    """One call: its method, its arguments, its result, and the values at a path afterwards."""

    def __init__(self, method, args, resp2, resp3=..., unified=..., then=None, **options):
        self.method, self.args, self.options, self.then = method, args, options, then
        self.resp2 = resp2
        self.resp3 = resp2 if resp3 is ... else resp3
        self.unified = self.resp3 if unified is ... else unified

    def wanted(self, protocol, legacy):
        """The result of redis-py with these settings. The protocol None means RESP3 with results in the form of RESP2."""
        if not legacy:
            return self.unified
        return self.resp3 if protocol == 3 else self.resp2

    def __repr__(self):
        return f"{self.method}{self.args}"


KEY, OTHER, MISSING = "compat:doc", "compat:other", "compat:missing"

CASES = [
    Case("set", (KEY, "$", {"a": 1}), True, then=("$", [{"a": 1}])),
    Case("set", (KEY, "$.age", 31), True, then=("$.age", [31])),
    Case("set", (KEY, "$.age", 31), None, nx=True, then=("$.age", [30])),
    Case("set", (KEY, "$.new", 31), None, xx=True, then=("$.new", [])),
    Case("set", (KEY, "$.v", [1.5, 2.5]), True, fpha="FP32", then=("$.v", [[1.5, 2.5]])),
    Case("set", (KEY, "$", {"a": 1}), True, decode_keys=True, then=("$", [{"a": 1}])),
    Case("jsonset", (KEY, "$.age", 32), True, then=("$.age", [32])),
    Case("get", (KEY,), DOCUMENT),
    Case("get", (KEY, "$.age"), [30]),
    Case("get", (KEY, "age"), 30),
    Case("get", (KEY, "$.age", "$.name"), {"$.age": [30], "$.name": ["Alice"]}),
    Case("get", (KEY, "$..age"), [30, 1]),
    Case("get", (KEY, ".name"), "Alice", no_escape=True),
    Case("get", (MISSING,), None),
    Case("jsonget", (KEY, "$.address.city"), ["Paris"]),
    Case("mget", ([KEY, OTHER, MISSING], "$.age"), [[30], [7], None]),
    Case("jsonmget", ([KEY, MISSING], ".age"), [30, None]),
    Case("mset", ([(KEY, "$.age", 33), (OTHER, "$", {"n": 1})],), True, then=("$.age", [33])),
    Case("merge", (KEY, "$", {"age": None, "x": 1}), True, then=("$.x", [1])),
    Case("merge", (KEY, "$.address", {"zip": "75001"}), True, decode_keys=True,
         then=("$.address", [{"city": "Paris", "zip": "75001"}])),
    Case("delete", (KEY, "$..age"), 2, then=("$..age", [])),
    Case("delete", (KEY,), 1, then=("$", None)),
    Case("forget", (KEY, "$.name"), 1, then=("$.name", [])),
    Case("forget", (MISSING,), 0),
    Case("clear", (KEY, "$.tags"), 1, then=("$.tags", [[]])),
    Case("clear", (KEY,), 1, then=("$", [{}])),
    Case("type", (KEY, "$.age"), ["integer"], [["integer"]]),
    Case("type", (KEY, "$.*"), ["string", "integer", "number", "array", "boolean", "object", "object", "null"],
         [["string", "integer", "number", "array", "boolean", "object", "object", "null"]]),
    Case("type", (KEY,), "object", ["object"]),
    Case("type", (MISSING,), None, [None], None),
    Case("numincrby", (KEY, "$..age", 2), [32, 3], then=("$.age", [32])),
    Case("numincrby", (KEY, "$.*", 0.5), [None, 30.5, 2.0, None, None, None, None, None]),
    Case("numincrby", (KEY, ".age", 2), 32, [32]),
    Case("nummultby", (KEY, "$.score", 2), [3.0], then=("$.score", [3.0])),
    Case("nummultby", (KEY, ".age", 2), 60, [60]),
    Case("strlen", (KEY, "$.name"), [5]),
    Case("strlen", (KEY, ".name"), 5),
    Case("strlen", (KEY, "$.*"), [5, None, None, None, None, None, None, None]),
    Case("strlen", (MISSING,), None),
    Case("strappend", (KEY, "!", "$.name"), [6], then=("$.name", ["Alice!"])),
    Case("strappend", (KEY, "!", ".name"), 6),
    Case("toggle", (KEY, "$.on"), [0], then=("$.on", [False])),
    Case("toggle", (KEY, ".on"), False),
    Case("toggle", (KEY, "$.age"), [None]),
    Case("arrappend", (KEY, "$..tags", "c", {"d": 1}), [5, 3], then=("$.nested.tags", [[1, "c", {"d": 1}]])),
    Case("arrappend", (KEY, ".tags", "c"), 4),
    Case("arrindex", (KEY, "$..tags", "a"), [0, -1]),
    Case("arrindex", (KEY, ".tags", "a", 1), 2),
    Case("arrindex", (KEY, "$.tags", "a", 1, 2), [-1]),
    Case("arrinsert", (KEY, "$.tags", 1, "x", "y"), [5], then=("$.tags", [["a", "x", "y", "b", "a"]])),
    Case("arrinsert", (KEY, ".tags", 0, "x"), 4),
    Case("arrlen", (KEY, "$..tags"), [3, 1]),
    Case("arrlen", (KEY, ".tags"), 3),
    Case("arrlen", (KEY, "$.name"), [None]),
    Case("arrpop", (KEY, "$.tags"), ['"a"'], then=("$.tags", [["a", "b"]])),
    Case("arrpop", (KEY, ".tags", 1), "b", then=("$.tags", [["a", "a"]])),
    Case("arrpop", (KEY, "$.name", 0), [None]),
    Case("arrtrim", (KEY, "$.tags", 1, 1), [1], then=("$.tags", [["b"]])),
    Case("arrtrim", (KEY, ".tags", 0, 1), 2),
    Case("objkeys", (KEY, "$.nested"), [["tags", "age"]]),
    Case("objkeys", (KEY, ".address"), ["city"]),
    Case("objkeys", (MISSING,), None),
    Case("objlen", (KEY, "$.nested"), [2]),
    Case("objlen", (KEY,), 8),
    Case("objlen", (MISSING,), None),
    Case("resp", (KEY, "$.address"), [["{", "city", "Paris"]]),
    Case("resp", (KEY, "$.score"), ["1.5"], [1.5]),
    Case("resp", (KEY, ".tags"), ["[", "a", "b", "a"]),
    Case("resp", (MISSING,), None),
    Case("debug", ("MEMORY", MISSING), 0),
]
# The results of these methods depend on the server or on files; `others` calls them.
OTHERS = {"debug", "set_file", "set_path"}


def assert_complete(api):
    """Checks that every public method of the API has a case."""
    methods = {name for name in dir(api) if not name.startswith("_") and callable(getattr(api, name))}
    # These are not requests: `execute_command` belongs to the client, and pipelines are tested in a separate part.
    methods -= {"execute_command", "pipeline", "client"}
    called = {case.method for case in CASES} | OTHERS
    assert methods <= called, f"every method has a case, also {sorted(methods - called)}"
    return len(methods)


def prepare(api):
    """The calls that create the documents again."""
    return [api.delete(MISSING), api.set(KEY, "$", DOCUMENT), api.set(OTHER, "$", {"age": 7})]


def files():
    """A directory with one document in a file."""
    directory = tempfile.TemporaryDirectory(prefix="compatfiles")
    path = os.path.join(directory.name, "document.json")
    with open(path, "w") as file:
        json.dump(DOCUMENT, file)
    return directory, path, path.removesuffix(".json")
