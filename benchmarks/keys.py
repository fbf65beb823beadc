"""Many keys in one run: what each key uses of its refill, what it takes, and what happens when one of them lapses.

A real run (one upsert worker, two backfill workers) serves keys of different plans against the simulator, which has a
bucket for each of them, and a real PostgreSQL, with ledgers in files or in rows. Everything runs on this machine, so
the simulator and the database take their part of its cores: choose plans that they can serve together. The report says
what the cores did, so that a key which used too little for want of CPU is told from one that the run neglects.
The exit code is 1 where an aim is missed.

    PYTHONPATH=. python benchmarks/keys.py [--keys 50] [--least 5] [--most 1200] [--tokens 2000] [--seconds 180] [--row]
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.key_windows import Window, part_of, rates_of, sum_of, text_of
from benchmarks.processes import CLOCK_TICKS, children, cpu_s, rss_mb
from tasks.embedded_postgres.server import EmbeddedPostgres
from tasks.simulator.config import SimulatorConfig
from tasks.simulator.market.market import Market, Scope
from tasks.simulator.server import SimulatorServer
from tasks.store import migrate
from tasks.store.connection import connect
from tasks.store.queue import queue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT: Final = Path(__file__).resolve().parent.parent
LIMIT_S: Final = 300.0
MINUTE_S: Final = 60
USED_AIM, RSS_AIM_MB, CHANGE_AIM = 0.99, 1024, 0.01
OPEN_TICKS: Final = 2  # what these brought last may still be in the bucket when a window ends
LOOK_S: Final = 3.0  # between two looks at the memory
LAPSE_S: Final = 5.0
SETTLED_S: Final = 90.0
SPARE: Final = 1.3  # what is queued, as against what all keys can pay for
PRODUCTS_PER_DEAL: Final = 2.5  # of the simulator's market
OK: Final = 200
BEHIND_THE_LISTED: Final = -1  # priority of what only fills the queue
WIDE: Final = {"dateRange": 0, "isFilterEnabled": False, "isRangeEnabled": False, "sortType": 1, "domainId": 1}
CORES: Final = os.cpu_count() or 1
WANTED_TWICE: Final = "SELECT asin FROM deals WHERE cardinality(selections) > 1"
CONNECTIONS: Final = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"


class Bench:
    """A run with its keys, its server of the API and its database."""

    def __init__(self, folder: Path, url: str, rates: list[float], tick_s: float, seconds: float) -> None:
        """Nothing is started yet; the queue is to last for `seconds`."""
        self.folder, self.url, self.tick_s = folder, url, tick_s
        self.rates = {f"key{number:03d}": max(1, round(rate * tick_s / MINUTE_S)) for number, rate in enumerate(rates)}
        self.queued = round(self.tokens_per_s * seconds * SPARE) + 1_000
        self.config = SimulatorConfig(
            key_rates={text_of(name): rate for name, rate in self.rates.items()},
            tick_s=tick_s,
            deals=round(self.queued / PRODUCTS_PER_DEAL) + 1_000,
            start_balance=0,
            closed_share=0.0,
        )
        self.simulator = SimulatorServer(self.config)
        self.peak_mb = 0.0
        self.connections = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def tokens_per_s(self) -> float:
        """What all keys earn together."""
        return sum(self.rates.values()) / self.tick_s

    def prepare(self) -> None:
        """Write the files of the keys, the first two of which list products in common; queue what all can pay for.

        What is listed stands before what only fills the queue.
        """
        for price_type, name in enumerate(("common", "own")):
            (self.folder / name).mkdir()
            (self.folder / name / f"{name}.json").write_text(json.dumps(WIDE | {"priceTypes": [price_type + 1]}))
        (self.folder / "keys").mkdir(mode=0o700)
        for number, name in enumerate(self.rates):
            path = self.folder / "keys" / f"{name}.env"
            path.touch(mode=0o600)
            own = f"SELECTIONS={self.folder / 'own'}\n" if number == 1 else ""
            path.write_text(f"KEEPA_API_KEY={text_of(name)}\n{own}")
        market = Market(Scope(seed=self.config.seed, products=self.config.products, closed_share=0.0))
        asins = [market.item(at).asin for at in range(min(self.queued, len(market)))]
        with connect(self.url, application_name="bench", autocommit=True) as conn:
            migrate.apply_migrations(conn)
            queue.enqueue(conn, 1, asins, detail="stats", priority=BEHIND_THE_LISTED)

    @contextmanager
    def running(self, ledger: str) -> Iterator[None]:
        """The run, from when all of its workers are in service."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}  # noqa: TID251
        settings = {
            "STATE_DIR": str(self.folder / "state"), "KEYS": str(self.folder / "keys"), "DATABASE_URL": self.url,
            "SELECTIONS": str(self.folder / "common"), "KEEPA_BASE_URL": self.simulator.url, "LEDGER": ledger,
            "TICK_PERIOD_S": str(self.tick_s), "UPSERT_DETAIL": "none", "BACKFILL_DETAIL": "stats",
            "UPSERT_FLOOR": "0", "BACKFILL_FLOOR": "0", "BACKFILL_WORKERS": "2", "WEB_PORT": "", "METRICS_PORT": "",
            "LOG_LEVEL": "warning",
        }  # fmt: skip
        with self.simulator, (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "supervisor", "run"], cwd=ROOT, env={**kept, **settings}, stdout=log, stderr=log
            )
            try:
                self._until(self.is_working, "every worker in service")
                yield
            finally:
                self._process.send_signal(signal.SIGTERM)
                self._process.wait(LIMIT_S)

    def is_working(self) -> bool:
        """Whether every worker is in service."""
        try:
            report = json.loads((self.folder / "state" / "status.json").read_bytes())
        except (FileNotFoundError, ValueError):
            return False
        return bool(report["workers"]) and all(child["state"] == "running" for child in report["workers"])

    def settle(self, seconds: float) -> None:
        """Wait until each key has paid for something, and for so many seconds more."""
        self._until(lambda: all(self._account(name)["spent"] for name in self.rates), "every key to be spent")
        self._wait(seconds)

    def window(self, seconds: float) -> dict[str, Window]:
        """What each key does in so many seconds."""
        before = {name: self._account(name) for name in self.rates}
        self._wait(seconds)
        return {name: _between(before[name], self._account(name)) for name in self.rates}

    def cores_used(self) -> tuple[dict[str, float], float]:
        """Seconds of processor time used until now by the simulator, by ours and by all, and the time."""
        ours = sum(map(cpu_s, self._pids()))
        whole = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
        busy = (sum(whole[:8]) - whole[3] - whole[4]) / CLOCK_TICKS
        return {"the run": ours, "the simulator": cpu_s(os.getpid()), "all": busy}, time.monotonic()

    def bought(self) -> list[str]:
        """Every product that was paid for, as often as it was."""
        found: list[str] = []
        for name in self.rates:
            found += [
                asin
                for call in self._account(name)["log"]
                if (call["endpoint"], call["status"]) == ("/product", OK)
                for asin in call["asins"]
            ]
        return found

    def lapse(self, number: int | None) -> None:
        """Have the key of that number refused, or none."""
        self.simulator.control(lapsed=[] if number is None else [number])

    def tail(self) -> str:
        """The end of the log."""
        return (self.folder / "log").read_text()[-2_000:]

    def _account(self, name: str) -> Any:
        return self.simulator.service.accounts[text_of(name)].report()

    def _pids(self) -> list[int]:
        return [] if self._process is None else [self._process.pid, *children(self._process.pid)]

    def _wait(self, seconds: float) -> None:
        """Let the time pass, and look at the memory and the connections now and then."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            time.sleep(min(left, LOOK_S))  # noqa: TID251 - the time that is measured
            self.peak_mb = max(self.peak_mb, sum(map(rss_mb, self._pids())))
            with connect(self.url, application_name="bench", autocommit=True) as conn:
                row = conn.execute(CONNECTIONS).fetchone()
            self.connections = max(self.connections, int(row[0]) if row is not None else 0)

    def _until(self, condition: Callable[[], bool], what: str) -> None:
        end = time.monotonic() + LIMIT_S
        while not condition():
            if time.monotonic() > end or self._process is None or self._process.poll() is not None:
                raise TimeoutError(f"waited in vain for {what}:\n{self.tail()}")
            self._wait(1)


def _between(before: Any, after: Any) -> Window:
    return Window(
        spent=after["spent"] - before["spent"],
        refilled=after["refilled"] - before["refilled"],
        fresh=max(0, min(after["bucket"]["balance"], OPEN_TICKS * after["bucket"]["rate"])),
    )


def measure(bench: Bench, chosen: argparse.Namespace) -> bool:
    """Measure and report; whether every aim is met."""
    bench.prepare()
    with bench.running("database" if chosen.row else "file"):
        bench.settle(OPEN_TICKS * bench.tick_s)
        used, began = bench.cores_used()
        usual = bench.window(chosen.seconds)
        used_after, ended = bench.cores_used()
        victim = len(bench.rates) // 2
        bench.lapse(victim)
        bench._wait(LAPSE_S)  # noqa: SLF001 - until its last calls are over
        others = bench.window(chosen.seconds)
        bench.lapse(None)
        bought = bench.bought()
    report_keys(bench, usual)
    for who, seconds in used_after.items():
        print(f"{who + ' used':<46}{(seconds - used[who]) / (ended - began):>10.2f} of {CORES} cores")
    print(f"{'connections to the database at most':<46}{bench.connections:>10}")
    lapsed = list(bench.rates)[victim]
    change = sum_of(others, lapsed) / sum_of(usual, lapsed) - 1
    with connect(bench.url, application_name="bench", autocommit=True) as conn:
        wanted = {str(asin) for (asin,) in conn.execute(WANTED_TWICE)}
    twice = len(bought) - len(set(bought))
    print(f"{'products paid for, and of them wanted by two keys':<46}{len(bought):>10}{len(wanted & set(bought)):>10}")
    met = [
        told("least part of its refill that a key used", min(map(part_of, usual.values())), USED_AIM, is_least=True),
        told("memory of the run, MB", bench.peak_mb, RSS_AIM_MB),
        told("change of the others when one key lapses", abs(change), CHANGE_AIM),
        told("products paid for twice", twice, 0),
        told("products wanted by two keys and paid for", len(wanted & set(bought)), 1, is_least=True),
    ]
    return all(met)


def report_keys(bench: Bench, windows: dict[str, Window]) -> None:
    """Print what each key used."""
    for name, window in windows.items():
        rate = bench.rates[name] * MINUTE_S / bench.tick_s
        counts = f"{window.spent:>8} of {window.refilled:<8}"
        print(f"{name}  {rate:>7.0f} a minute  {counts} part {part_of(window):.3f}")
    print(f"{'all keys earn, tokens a second':<46}{bench.tokens_per_s:>10.1f}")


def told(name: str, value: float, aim: float, *, is_least: bool = False) -> bool:
    """Print a figure beside its aim; whether that is met."""
    is_met = value >= aim if is_least else value <= aim
    print(f"{name:<46}{value:>10.3f}{'>=' if is_least else '<=':>6} {aim:g}{'' if is_met else '  missed'}")
    return is_met


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=50)
    parser.add_argument("--least", type=float, default=5, help="tokens a minute of the poorest key")
    parser.add_argument("--most", type=float, default=1_200, help="and of the richest")
    parser.add_argument("--tokens", type=float, help="what all earn a minute together; the larger plans are cut to it")
    parser.add_argument("--tick-s", type=float, default=12, help="seconds between refills")
    parser.add_argument("--seconds", type=float, default=180, help="of each of the two windows")
    parser.add_argument("--row", action="store_true", help="ledgers in the database")
    chosen = parser.parse_args()
    rates = rates_of(chosen.keys, chosen.least, chosen.most, chosen.tokens)
    with tempfile.TemporaryDirectory() as name, EmbeddedPostgres(Path(name) / "pg") as server:
        bench = Bench(Path(name), server.start("bench"), rates, chosen.tick_s, 2 * chosen.seconds + SETTLED_S)
        return 0 if measure(bench, chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
