"""A day of a living market, with a worker that dies every now and then at the worst moments."""

from __future__ import annotations

import random

import pytest

from tasks.runtime import job
from tests.fixtures.server import NS, WIDE

HOUR_S = 3600


class Killed(BaseException):
    """The process is no more: nothing that handles errors sees it."""


class Mortal:
    """An upsert worker that dies by chance: with a reply in hand, before it is on disk, or before or after a commit."""

    def __init__(self, here, chance):
        self.here, self.chance, self.deaths = here, chance, 0
        self.work = self.born()

    def born(self):
        work = self.here.job(upsert_detail="none")
        components = work._components
        components._client.send = self.dying(components._client.send, 0.03)
        components.metered_client._spool.put = self.dying(components.metered_client._spool.put, 0.03)
        components.session.run = self.dying(components.session.run, 0.01)
        return work

    def dying(self, call, share):
        def one(*args):
            if self.chance.random() < share / 2:
                raise Killed
            outcome = call(*args)
            if self.chance.random() < share / 2:
                raise Killed
            return outcome

        return one

    def step(self):
        try:
            return self.work.step()
        except Killed:
            self.deaths += 1
            self.work._components.session.close()  # the server hangs up on the dead
            self.work = self.born()
            return job.StepDone(completes=False)


@pytest.mark.timeout(2_400)
@pytest.mark.parametrize(("hours", "seed"), [(1, 1), pytest.param(24, 2, marks=pytest.mark.kill)])
def test_every_deal_the_market_showed_at_a_poll_is_there_once_with_its_newest_values(town, hours, seed):
    here = town(WIDE, deals=1_500, start_balance=200, duplicates=0.3)
    mortal = Mortal(here, random.Random(seed))
    shown, marks = {}, []
    began_ns = here.clock.now_ns()

    def look(outcome):
        if not (isinstance(outcome, job.StepDone) and outcome.completes):
            return
        # The first walk goes back a day. A deal that comes up with an old date, because averages move, is below the
        # mark when it appears: it is found by the crawl of the whole, and not by a walk through what is new.
        above = marks[-1] if marks else here.minute() - 23 * 60
        shown.update((asin, deal) for asin, deal in here.market().items() if deal.creation_date > above)
        marks.append(here.rows("select minute from watermarks")[0][0])

    while here.clock.now_ns() < began_ns + hours * HOUR_S * NS:
        here.run(mortal, 300, after=look)
    assert len(marks) > hours * HOUR_S / 300 / 2
    assert marks == sorted(marks)
    assert mortal.deaths > hours
    columns = "asin, creation_date, current, delta_last, last_update"
    kept = {row[0]: row[1:] for row in here.rows(f"select {columns} from deals")}
    assert len(here.rows("select asin from deals")) == len(kept)
    assert len(shown) > 100
    wrong = {
        asin: (deal.creation_date, kept.get(asin))
        for asin, deal in shown.items()
        if asin not in kept or kept[asin][0] < deal.creation_date
    }
    assert wrong == {}
    for asin, deal in shown.items():
        date, current, delta_last, last_update = kept[asin]
        if date == deal.creation_date:
            assert current[1] == deal.current[1], asin
        if last_update == deal.last_update:  # what changed at the last look is 0 after the next
            assert delta_last[1] == deal.delta_last[1], asin
    state = here.simulator.control()
    assert state["refused_429"] == 0
    assert here.rows("select count(*) from quarantine") == [(0,)]
    assert here.ledger.snapshot().bucket.balance == state["bucket"]["balance"]
