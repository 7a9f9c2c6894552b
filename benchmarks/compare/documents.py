"""Documents of an exact size. In each, `{n}` stands for a number of 12 digits, which the load driver writes in."""

import json
import pathlib

DIGITS = 12
PLACEHOLDER = "{n}"


def length(text):
    """The bytes of a document once its numbers are in."""
    return len(text) + text.count(PLACEHOLDER) * (DIGITS - len(PLACEHOLDER))


def record(number):
    return {
        "id": number, "name": f"Person {number}", "active": number % 2 == 0, "score": number + 0.25,
        "tags": ["alpha", "beta", "gamma"], "address": {"street": "1 Long Street", "city": "Springfield"},
    }


def document(size):
    """JSON text of `size` bytes, at least 100: a user with as many records as fit.

    The number stands in several fields, so that a store that shares equal strings has little to share.
    """
    # A number of JSON begins with no zero.
    head = '{"id":1{n},"age":34,'
    if size >= 250:
        head += '"name":"Alice {n}","email":"alice{n}@example.org","active":true,"score":98.25,"tags":["a","b{n}"],'
    body = head
    if size > 1000:
        each = length(json.dumps(record(1_000_000), separators=(",", ":"))) + 1
        records = [record(1_000_000 + i) for i in range((size - 400) // (each + 4))]
        body += '"records":' + json.dumps(records, separators=(",", ":")) + ","
    body += '"note":"{n} '
    missing = size - length(body) - len('"}')
    if missing < 0:
        raise ValueError(f"no document has {size} bytes")
    words = "some more words "
    body += (words * (missing // len(words) + 1))[:missing] + '"}'
    assert length(body) == size
    json.loads(body.replace(PLACEHOLDER, "0" * DIGITS))
    return body


def write(directory, size):
    """The path of a file with such a document."""
    path = pathlib.Path(directory) / f"document-{size}.json"
    if not path.exists():
        path.write_text(document(size))
    return path.resolve()
