"""Runs the simulator as a program: its flags, one line when it is ready, and a quiet end."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import selectors
import signal
import socket
import sys
from typing import TYPE_CHECKING, Final

from tasks import command_line
from tasks.errors import EXIT_CONFIG, EXIT_OK, ConfigError
from tasks.simulator.config import SimulatorConfig
from tasks.simulator.server import SimulatorServer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_DEFAULTS: Final = SimulatorConfig()
_DUPLICATES: Final = 0.1
_FAULTS: Final = {
    "--fault-500": ("500", "share of calls that fail at once and are not charged"),
    "--fault-timeout": ("timeout", "share of calls that are charged and never answered"),
    "--fault-cut": ("cut", "share of replies that break off half-way"),
    "--fault-non-json": ("non_json", "share of replies that are a web page"),
    "--fault-non-gzip": ("non_gzip", "share of replies that are not compressed"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until asked to stop; 0, or 78 when the flags or the address cannot be used."""
    options = parser().parse_args(argv)
    try:
        server = SimulatorServer(_config(options), joins=False)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_CONFIG
    except OSError as error:
        sys.stderr.write(f"simulator: cannot listen on {options.host}:{options.port}: {error.strerror}\n")
        return EXIT_CONFIG
    with _signals() as woken, server:
        takes_any_key = not (options.key or options.key_rate)
        _announce(server.url, options.announce_fd, takes_any_key=takes_any_key)
        _wait(woken, options.lifeline_fd)
    return EXIT_OK


def parser() -> argparse.ArgumentParser:
    """The parser of its flags."""
    out = command_line.Parser(
        prog="sluicegate simulator",
        description="A Keepa-compatible server with a token bucket, a synthetic market and faults on demand. "
        "GET /control shows its state, POST /control changes it while it runs.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    _place(out.add_argument_group("where it runs"))
    _tokens(out.add_argument_group("tokens"))
    _market(out.add_argument_group("market"))
    faults = out.add_argument_group("faults", "probabilities from 0 to 1, seeded")
    for name, (_, text) in _FAULTS.items():
        faults.add_argument(name, type=float, default=0.0, metavar="P", help=text)
    faults.add_argument(
        "--hang-s", type=float, default=_DEFAULTS.hang_s, help="seconds for which an unanswered call is held"
    )
    return out


def _place(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--host", default=_DEFAULTS.host, help="address to listen on")
    group.add_argument("--port", type=int, default=_DEFAULTS.port, help="port to listen on; 0: the system chooses one")
    group.add_argument(
        "--announce-fd", type=int, metavar="FD", help="write the JSON line with the URL to this descriptor"
    )
    group.add_argument("--lifeline-fd", type=int, metavar="FD", help="end when this descriptor reads its end")
    group.add_argument("--verbose", action="store_true", help="print each call to stderr, without its key")


def _tokens(group: argparse._ArgumentGroup) -> None:
    d = _DEFAULTS
    group.add_argument("--rate", type=int, default=d.rate, help="tokens added at each tick")
    group.add_argument("--tick-s", type=float, default=d.tick_s, help="seconds between ticks")
    group.add_argument(
        "--tick-jitter-s", type=float, default=d.tick_jitter_s, help="seconds by which a tick may be early or late"
    )
    group.add_argument(
        "--capacity-ticks", type=int, default=d.capacity_ticks, help="ticks after which the bucket is full"
    )
    group.add_argument("--phase-s", type=float, help="seconds to the first tick; default: the account's own phase")
    group.add_argument("--start-balance", type=int, metavar="N", help="default: a full bucket")
    group.add_argument(
        "--token-flow-reduction", type=float, default=d.token_flow_reduction, help="reported only; the rate is net"
    )
    group.add_argument("--latency-s", type=float, default=d.latency_s, help="seconds that the work on a call takes")
    group.add_argument(
        "--latency-per-asin-s", type=float, default=d.latency_per_asin_s, help="seconds more for each ASIN"
    )
    group.add_argument("--key", action="append", default=[], help="a known key; may be given again; default: any key")
    group.add_argument(
        "--key-rate",
        action="append",
        default=[],
        type=_key_rate,
        metavar="KEY=RATE",
        help="a known key with a bucket of its own, to which a tick adds RATE; may be given again",
    )
    group.add_argument("--lapsed-key", action="append", default=[], metavar="KEY", help="a key answered with 402")


def _key_rate(text: str) -> tuple[str, int]:
    key, _, rate = text.rpartition("=")
    if not key or not rate.isdecimal():
        raise argparse.ArgumentTypeError("expected KEY=RATE")
    return key, int(rate)


def _market(group: argparse._ArgumentGroup) -> None:
    d = _DEFAULTS
    group.add_argument("--seed", type=int, default=d.seed, help="the same seed gives the same market at the same time")
    group.add_argument(
        "--deals",
        type=int,
        default=d.deals,
        help="about how many rows an open selection has; above 10000 not all can be reached",
    )
    group.add_argument("--slots", type=int, default=d.slots, choices=(34, 36), help="price types in a list")
    group.add_argument(
        "--duplicates", type=float, default=_DUPLICATES, metavar="P", help="share of deal pages that repeat a row"
    )
    group.add_argument(
        "--closed-share", type=float, default=d.closed_share, metavar="P", help="share of products without data"
    )
    group.add_argument(
        "--unknown-fields",
        action=argparse.BooleanOptionalAction,
        default=d.unknown_fields,
        help="send fields that no client can know, as the API does when it grows",
    )
    group.add_argument("--market-minute", type=int, metavar="K", help="keep the market at this Keepa minute")


def _config(options: argparse.Namespace) -> SimulatorConfig:
    """The settings in the flags.

    Raises:
        ConfigError: a value is out of range.
    """
    given = vars(options)
    return SimulatorConfig(
        **{name: given[name] for name in _SAME},
        keys=frozenset(options.key),
        lapsed_keys=frozenset(options.lapsed_key),
        key_rates=dict(options.key_rate),
        is_verbose=options.verbose,
        faults={kind: given[name[2:].replace("-", "_")] for name, (kind, _) in _FAULTS.items()},
    )


_SAME: Final = (
    "host", "port", "rate", "tick_s", "tick_jitter_s", "capacity_ticks", "phase_s", "start_balance",
    "token_flow_reduction", "seed", "latency_s", "latency_per_asin_s", "deals", "slots", "duplicates", "closed_share",
    "unknown_fields", "market_minute", "hang_s",
)  # fmt: skip


def _announce(url: str, fd: int | None, *, takes_any_key: bool) -> None:
    if fd is None:
        keys = "any key" if takes_any_key else "the keys that were named"
        sys.stdout.write(f"Keepa simulator ready at {url} ({keys}; state at {url}/control)\n")
        sys.stdout.flush()
        return
    line = json.dumps({"event": "ready", "url": url}) + "\n"
    with contextlib.suppress(BrokenPipeError):  # nobody waits for it any more
        os.write(fd, line.encode())
    os.close(fd)


@contextlib.contextmanager
def _signals() -> Iterator[socket.socket]:
    """A socket that can be read once SIGTERM or SIGINT has come; afterwards all is as before."""
    woken, waker = socket.socketpair()
    waker.setblocking(False)
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
    wakeup = signal.set_wakeup_fd(waker.fileno(), warn_on_full_buffer=False)
    try:
        yield woken
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in before.items():
            signal.signal(number, handler)
        woken.close()
        waker.close()


def _wait(woken: socket.socket, lifeline_fd: int | None) -> None:
    """Return when a signal came or the lifeline ended."""
    with selectors.DefaultSelector() as selector:
        selector.register(woken, selectors.EVENT_READ)
        if lifeline_fd is not None:
            selector.register(lifeline_fd, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is woken or not os.read(key.fd, 1 << 12):
                    return
