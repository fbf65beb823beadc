"""What a spoiler can do to a reply, each by a name: edits change the body's text, frames the way it is sent.

A spoiling is a JSON object. Which replies it takes:

| key | meaning |
|---|---|
| `endpoint` | such as `/product`; every one without |
| `skip` | so many replies that match are left alone first |
| `times` | so many are spoiled at the most; all without |
| `every` | one in so many |
| `rate`, `seed` | at random, this share of them |
| `charged` | whether the API is asked, and charges for it, before its reply is spoiled; the default is in `IN_FRONT` |
| `any_status` | whether replies of the API itself with another status than 200 are spoiled and counted too |

What it does is told by `do`, a name in `EDITS` or `FRAMES`; what else that needs is described there. `delay_s` can be
had with each.
"""

from __future__ import annotations

import gzip
import json
import random
import re
import zlib
from dataclasses import dataclass, field

PAGE = b"<html><head><title>Sign in</title></head><body>This network wants you to sign in.</body></html>"
RESET = None  # a frame's last word: end the connection with a reset
MB = 1 << 20
_MARK = '"here-comes-the-spoiled-value"'


@dataclass
class Answer:
    """A reply before it is framed."""

    status: int = 200
    body: bytes = PAGE
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json;charset=utf-8"})


# Edits: the body's bytes in, others out.


def _replace(body, told, _chance):
    """`find`, a regular expression, becomes `with`, at most `most` times (every time without)."""
    return re.sub(told["find"].encode(), lambda _found: told["with"].encode(), body, count=told.get("most", 0))


def _set(body, told, _chance):
    """The value at `path` (`products.0.title`; `*` for every entry) becomes the text `raw`, JSON or not."""
    try:
        tree = json.loads(body)
    except (ValueError, RecursionError):
        return body
    for holder, name in _places([tree], told["path"].split(".")):
        holder[name] = json.loads(_MARK)
    return json.dumps(tree, separators=(",", ":")).replace(_MARK, told["raw"]).encode()


def _places(holders, names):
    """Each container and key that the path leads to; what is not there is left out, but for a last new key."""
    name, *rest = names
    for holder in holders:
        if isinstance(holder, list):
            keys = range(len(holder)) if name == "*" else [int(name)] if int(name) < len(holder) else []
        elif isinstance(holder, dict):
            keys = list(holder) if name == "*" else [name] if name in holder or not rest else []
        else:
            continue
        for key in keys:
            if rest:
                yield from _places([holder[key]], rest)
            else:
                yield holder, key


def _by_name(body, _told, _chance):
    """The list of items becomes an object that has each under its ASIN."""
    tree = json.loads(body)
    holder, name = (tree, "products") if "products" in tree else (tree["deals"], "dr")
    holder[name] = {one["asin"]: one for one in holder[name]}
    return json.dumps(tree, separators=(",", ":")).encode()


def _twice(body, _told, _chance):
    """Each item stands in the list twice."""
    tree = json.loads(body)
    holder, name = (tree, "products") if "products" in tree else (tree["deals"], "dr")
    holder[name] += holder[name]
    return json.dumps(tree, separators=(",", ":")).encode()


def _nest(body, told, chance):
    """The value at `path` becomes `depth` lists in one another."""
    depth = told.get("depth", 5_000)
    return _set(body, {**told, "raw": "[" * depth + "]" * depth}, chance)


def _cut_body(body, told, _chance):
    """Only the part `keep` (0 to 1) of the text is left, and sent as if that were all."""
    return body[: round(len(body) * told["keep"])]


def _charset(body, told, _chance):
    """The text travels in another encoding: `as`, a codec of Python; `utf-8-sig` and `utf-16` write a mark."""
    return body.decode(errors="replace").encode(told["as"])


def _mutate(body, told, chance):
    """`count` bytes behind the first `products` or `dr` are hit: flipped, dropped, doubled, or a token replaced."""
    start = max(body.find(b'"products"'), body.find(b'"dr"'), 0) + 12
    for _ in range(told.get("count", 1)):
        at = chance.randrange(start, max(start + 1, len(body) - 2))
        junk = chance.choice([bytes([chance.randrange(256)]), b"", body[at : at + 1] * 2, *TOKENS])
        body = body[:at] + junk + body[at + 1 :]
    return body


TOKENS = (b"NaN", b"-Infinity", b"1e999", b"null", b"-1", b"9" * 40, b'"\\ud83d"', b"\\", b"[[", b"}", b"{}", b'"')
EDITS = {
    "replace": _replace, "set": _set, "nest": _nest, "cut_body": _cut_body, "charset": _charset, "mutate": _mutate,
    "by_name": _by_name, "twice": _twice,
}  # fmt: skip


# Frames: the answer in, the bytes of the connection out, with seconds of silence (floats) between them.


def head(answer, *, length=None, **more):
    """A status line and headers; names in `more` are written with dashes."""
    given = answer.headers | {name.replace("_", "-"): value for name, value in more.items()}
    given |= {} if length is None else {"Content-Length": str(length)}
    lines = [f"HTTP/1.1 {answer.status} Spoken", *(f"{name}: {value}" for name, value in given.items()), "", ""]
    return "\r\n".join(lines).encode()


def plain(answer, _told=None):
    """As the API sends it."""
    packed = gzip.compress(answer.body, 1)
    yield head(answer, length=len(packed), Content_Encoding="gzip") + packed


def _status(answer, told):
    """Another `status`, with a `body` (a portal's page without), `headers`, and a `type`."""
    changed = Answer(told["status"], told.get("body", PAGE.decode()).encode(), dict(told.get("headers", {})))
    changed.headers.setdefault("Content-Type", told.get("type", "text/html"))
    if told.get("own"):  # the API's own body
        changed.body = answer.body
    yield head(changed, length=len(changed.body)) + changed.body


def _coding(answer, told):
    """The body packed by each of `packed` in turn, and said in a header to be `header` (nothing when empty)."""
    body = answer.body
    for name in told["packed"]:
        body = PACKED[name](body)
    claims = {"Content_Encoding": told["header"]} if told.get("header") else {}
    yield head(answer, length=len(body), **claims) + body


def _bomb(answer, told):
    """`mb` megabytes of spaces behind the body, packed `times_packed` times over, under any `status`."""
    answer.status = told.get("status", 200)
    answer.headers["Location"] = "/elsewhere"
    packer = zlib.compressobj(9, wbits=31)
    body = packer.compress(answer.body) + b"".join(packer.compress(b" " * MB) for _ in range(told["mb"]))
    body += packer.flush()
    layers = told.get("times_packed", 1)
    for _ in range(layers - 1):
        body = gzip.compress(body)
    yield head(answer, length=len(body), Content_Encoding=", ".join(["gzip"] * layers)) + body


def _drip(answer, told):
    """Never an end: the `part` comes a bit each `every_s`; see `DRIPS`."""
    start, bits = DRIPS[told["part"]](answer)
    yield start
    for bit in bits:
        yield float(told.get("every_s", 0.05))
        yield bit


def _cut(answer, told):
    """The part `at` (0 to 1) of the transfer, then its end: by `framing` length, chunked, gzip or close."""
    packed = gzip.compress(answer.body, 1)
    part = packed[: round(len(packed) * told.get("at", 0.5))]
    framing = told.get("framing", "length")
    if framing == "length":
        yield head(answer, length=len(packed), Content_Encoding="gzip") + part
    elif framing == "chunked":
        yield head(answer, Transfer_Encoding="chunked", Content_Encoding="gzip") + b"%x\r\n%b\r\n" % (len(part), part)
    elif framing == "gzip":
        yield head(answer, length=len(part), Content_Encoding="gzip") + part
    else:
        yield head(answer, Connection="close", Content_Encoding="gzip") + part


def _reset(_answer, _told):
    """No word, and a reset."""
    yield RESET


def _silence(_answer, told):
    """No word for `s` seconds, then the end."""
    yield float(told.get("s", 3600))


FRAMES = {
    "status": _status, "coding": _coding, "bomb": _bomb, "drip": _drip, "cut": _cut, "reset": _reset,
    "silence": _silence,
}  # fmt: skip
IN_FRONT = {"status"}  # these answer in the API's place, so that nothing is charged


def _deflated(body):
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(body) + packer.flush()


PACKED = {"gzip": gzip.compress, "zlib": zlib.compress, "deflate": _deflated, "identity": bytes}


def _forever(bit):
    while True:
        yield bit


def _bytes_of(data):
    return (data[at : at + 1] for at in range(len(data)))


def _whole(answer):
    return head(answer, length=len(answer.body)) + answer.body


DRIPS = {
    "head": lambda answer: (b"", _bytes_of(_whole(answer))),
    "header": lambda answer: (head(answer)[:-2] + b"X-Endless: ", _forever(b"x")),
    "body": lambda answer: (head(answer, length=len(answer.body)), _bytes_of(answer.body)),
    "chunks": lambda answer: (
        head(answer, Transfer_Encoding="chunked"),
        (b"1\r\n%b\r\n" % one for one in _bytes_of(answer.body)),
    ),
    "continue": lambda _answer: (b"", _forever(b"HTTP/1.1 100 Continue\r\n\r\n")),
    "chunk_size": lambda answer: (head(answer, Transfer_Encoding="chunked"), _forever(b"0")),
    "chunk_extension": lambda answer: (head(answer, Transfer_Encoding="chunked") + b"5;", _forever(b"e")),
    "trailer": lambda answer: (
        head(answer, Transfer_Encoding="chunked") + b"%x\r\n%b\r\n0\r\n" % (len(answer.body), answer.body),
        _forever(b"X-Trailer: more\r\n"),
    ),
    "empty_blocks": lambda answer: (
        head(answer, Transfer_Encoding="chunked", Content_Encoding="gzip")
        + b"a\r\n\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\r\n",
        _forever(b"5\r\n\x00\x00\x00\xff\xff\r\n"),
    ),
}


class Choice:
    """One spoiling, and how many replies it has seen and taken."""

    def __init__(self, told):
        if told["do"] not in EDITS.keys() | FRAMES.keys():
            raise ValueError(f"no such spoiling: {told['do']}")
        self.told = told
        self.chance = random.Random(told.get("seed", 0))
        self._seen = self._taken = 0

    @property
    def is_charged(self):
        return self.told.get("charged", self.told["do"] not in IN_FRONT)

    def takes(self, endpoint, status):
        """Whether this reply is to be spoiled; counted."""
        told = self.told
        if told.get("endpoint", endpoint) != endpoint or (status != 200 and not told.get("any_status")):
            return False
        self._seen += 1
        number = self._seen - told.get("skip", 0)
        is_due = number > 0 and (number - 1) % told.get("every", 1) == 0 and self._taken < told.get("times", 1 << 60)
        is_due = is_due and ("rate" not in told or self.chance.random() < told["rate"])
        self._taken += is_due
        return is_due


def spoiled(answer, choices):
    """The bytes and silences of the connection: every edit in turn, then the last frame."""
    frame, told = plain, None
    for choice in choices:
        name = choice.told["do"]
        if name in EDITS:
            answer.body = EDITS[name](answer.body, choice.told, choice.chance)
        else:
            frame, told = FRAMES[name], choice.told
    yield float(sum(choice.told.get("delay_s", 0) for choice in choices))
    yield from frame(answer, told)
