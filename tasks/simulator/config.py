"""The settings of a simulator, which it is started with."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tasks.errors import ConfigError
from tasks.simulator.bucket import CAPACITY_TICKS, NS_PER_S, TICK_PERIOD_NS

if TYPE_CHECKING:
    from ledger import Clock

# A universe of so many products shows about one drop in the New price for each deal asked for.
_PRODUCTS_PER_DEAL: Final = 2.6
_SLOTS: Final = (34, 36)


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorConfig:
    """Settings of a simulator; the defaults are a small plan and a market of some thousand deals.

    Attributes:
        port: 0 = one the system chooses.
        rate: tokens a tick adds.
        tick_s: seconds between ticks; the real server's are 60.208 s apart.
        tick_jitter_s: ticks fall up to this much early or late.
        capacity_ticks: the bucket holds what this many ticks bring.
        phase_s: seconds from the start to the first tick; None = the account's own phase, which restarts keep.
        start_balance: None = a full bucket.
        token_flow_reduction: reported in every body, nothing else: `rate` is meant to be net of it.
        latency_s: how long the work on a `/deal` or `/product` call takes; the charge is known only at its end.
        latency_per_asin_s: how much longer it takes for each ASIN.
        deals: about how many rows an open selection of the New price has.
        slots: price types in a list, 34 or 36.
        duplicates: share of deal pages that repeat the last row of the page before.
        closed_share: share of the products that deals show and `/product` has no data of.
        unknown_fields: whether deals, products, stats and offers have fields that no client can know.
        market_minute: the Keepa minute at which the market stands still; None = it moves with the clock.
        keys: the keys that are known; empty = any.
        lapsed_keys: keys answered with 402.
        key_rates: keys that have a bucket of their own, each with the tokens that a tick adds to it; they are known.
        faults: probability of each kind of fault, see `faults.KINDS`.
        hang_s: how long a call that times out is held before the connection is dropped.
        clock: where time comes from; None = the machine's.
        start_unix_ms: the server's time when it starts; None = the machine's.
    """

    host: str = "127.0.0.1"
    port: int = 0
    rate: int = 5
    tick_s: float = TICK_PERIOD_NS / NS_PER_S
    tick_jitter_s: float = 0.0
    capacity_ticks: int = CAPACITY_TICKS
    phase_s: float | None = None
    start_balance: int | None = None
    token_flow_reduction: float = 0.0
    seed: int = 1
    latency_s: float = 0.0
    latency_per_asin_s: float = 0.0
    deals: int = 4_000
    slots: int = 36
    duplicates: float = 0.0
    closed_share: float = 0.002
    unknown_fields: bool = True
    market_minute: int | None = None
    keys: frozenset[str] = frozenset()
    lapsed_keys: frozenset[str] = frozenset()
    key_rates: dict[str, int] = field(default_factory=dict)
    faults: dict[str, float] = field(default_factory=dict)
    hang_s: float = 600.0
    is_verbose: bool = False
    clock: Clock | None = None
    start_unix_ms: int | None = None

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ConfigError: naming every value that is out of range, and the range.
        """
        faults = [
            f"--{name} must be {expected}"
            for name, expected, is_valid in (
                ("port", "from 0 to 65535", 0 <= self.port < 1 << 16),
                ("rate", "above 0", self.rate > 0),
                ("key-rate", "KEY=RATE with a rate above 0", min(self.key_rates.values(), default=1) > 0),
                ("tick-s", "above 0", self.tick_s > 0),
                ("tick-jitter-s", "0 or more", self.tick_jitter_s >= 0),
                ("capacity-ticks", "above 0", self.capacity_ticks > 0),
                ("phase-s", "0 or more", self.phase_s is None or self.phase_s >= 0),
                ("latency-s", "0 or more", self.latency_s >= 0),
                ("latency-per-asin-s", "0 or more", self.latency_per_asin_s >= 0),
                ("deals", "above 0", self.deals > 0),
                ("slots", "34 or 36", self.slots in _SLOTS),
                ("duplicates", "from 0 to 1", 0 <= self.duplicates <= 1),
                ("closed-share", "from 0 to 1", 0 <= self.closed_share <= 1),
                ("hang-s", "0 or more", self.hang_s >= 0),
            )
            if not is_valid
        ]
        if faults:
            raise ConfigError(f"simulator: {', '.join(faults)}")

    @property
    def products(self) -> int:
        """How many products the market holds."""
        return round(self.deals * _PRODUCTS_PER_DEAL)
