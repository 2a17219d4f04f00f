"""Nonces rise, whatever happens to the engine, its clock and its ConfigMap."""

import asyncio
import itertools
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from c2d.engine.errors import NoNonce
from c2d.engine.nonces import AHEAD, Nonces, Range, read_ceiling, reserve
from c2d.kube import errors, names
from c2d.kube.client import Client
from c2d.kube.resources import CONFIG_MAPS, Object
from tests.kit.world import Cluster, Died, FakeClient

START = 1_800_000_000_000
TIMES = some.integers(0, 4_000_000_000_000)


@given(TIMES, TIMES, TIMES)
def test_a_nonce_is_the_time_or_the_next_free_number(last: int, ceiling: int, now: int) -> None:
    nonce = Range(last, ceiling).next(now)
    assert nonce is None or last < nonce <= ceiling
    assert nonce == (max(last + 1, now) if max(last + 1, now) <= ceiling else None)


@given(TIMES, TIMES, TIMES, TIMES)
def test_a_reservation_goes_above_all_that_may_have_been_used(last: int, ahead: int, stored: int, now: int) -> None:
    mine = Range(last, last + ahead)
    after = reserve(mine, stored, now)
    assert after.ceiling >= max(mine.ceiling, stored) + AHEAD, "a ceiling never comes down"
    assert after.last >= mine.last
    assert stored == mine.ceiling or after.last >= stored, "what somebody else reserved is left to them"
    assert after.next(now) is not None


@given(TIMES, TIMES)
def test_whoever_comes_next_goes_on_above(stored: int, now: int) -> None:
    nonce = reserve(None, stored, now).next(now)
    assert nonce is not None
    assert nonce > stored


class Engine:
    """Nonces over a cluster that stays; its death and its clock are the test's."""

    def __init__(self, cluster: Cluster, now: int = START, **fakes: Any) -> None:
        self.now = now
        self.nonces = Nonces(cast(Client, FakeClient(cluster, **fakes)), "ns", lambda: self.now)

    def next(self) -> int:
        return asyncio.run(self.nonces.next())


def ceiling(cluster: Cluster) -> int:
    return read_ceiling(cluster.objects["configmaps", "ns", names.NONCES])


def test_one_write_serves_ten_seconds() -> None:
    cluster = Cluster()
    engine = Engine(cluster)
    given_out = []
    for engine.now in range(START, START + AHEAD + 1, 100):
        given_out.append(engine.next())
    assert given_out == list(range(START, START + AHEAD + 1, 100))
    assert cluster.requests == [f"create configmaps {names.NONCES}"]
    engine.now += 1
    assert engine.next() == START + AHEAD + 1
    assert cluster.requests[1:] == [f"patch configmaps {names.NONCES}"]


def test_the_config_map_belongs_to_no_job_and_outlives_the_engine() -> None:
    cluster = Cluster()
    Engine(cluster).next()
    found = cluster.objects["configmaps", "ns", names.NONCES]
    assert "ownerReferences" not in found["metadata"]
    assert found["data"] == {"ceiling": str(START + AHEAD)}


def test_a_clock_that_jumps_back_is_not_followed() -> None:
    cluster = Cluster()
    engine = Engine(cluster)
    first = engine.next()
    engine.now -= 86_400_000
    assert [engine.next() for _ in range(3)] == [first + 1, first + 2, first + 3]
    assert Engine(cluster, engine.now).next() == ceiling(cluster) - AHEAD + 1 > first


def test_a_clock_that_jumped_forward_for_a_moment_leaves_the_rest_above() -> None:
    cluster = Cluster()
    engine = Engine(cluster)
    engine.now += 10**10
    far = engine.next()
    engine.now = START
    assert engine.next() == far + 1
    assert Engine(cluster).next() > far + 1


@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_engine_that_dies_around_its_write_leaves_numbers_out(moment: str) -> None:
    cluster = Cluster()
    used = Engine(cluster).next()

    def die(_: str) -> None:
        raise Died

    with pytest.raises(Died):
        Engine(cluster, START, **{moment: die}).next()
    assert Engine(cluster).next() > used


def test_a_write_whose_answer_was_lost_is_found_again() -> None:
    cluster = Cluster()
    lost = iter([True])

    def after(_: str) -> None:
        if next(lost, False):
            raise errors.Unavailable("the connection was cut")

    engine = Engine(cluster, after=after)
    with pytest.raises(errors.Unavailable):
        engine.next()
    assert engine.next() > START + AHEAD, "who wrote it can't be known"


def test_two_engines_never_use_one_nonce() -> None:
    cluster = Cluster()
    one, other = Engine(cluster), Engine(cluster)
    seen: list[int] = []
    for step in range(200):
        one.now += 700
        other.now += 700
        seen.append((one if step % 3 else other).next())
    assert len(set(seen)) == len(seen)


def test_a_new_engine_is_above_an_old_one_that_still_lives() -> None:
    cluster = Cluster()
    old = Engine(cluster)
    before = [old.next() for _ in range(5)]
    assert Engine(cluster).next() > max(before)
    assert old.next() > max(before)


def test_a_config_map_that_was_deleted_is_made_anew_above_what_is_known() -> None:
    cluster = Cluster()
    engine = Engine(cluster)
    first = engine.next()
    del cluster.objects["configmaps", "ns", names.NONCES]
    engine.now += AHEAD + 1
    assert engine.next() > first
    assert ceiling(cluster) > engine.now


def test_somebody_who_writes_all_the_time_is_given_up_on() -> None:
    cluster = Cluster()
    Engine(cluster).next()
    versions = itertools.count()

    def meddle(_: str) -> None:
        item = cluster.objects["configmaps", "ns", names.NONCES]
        cluster.put(CONFIG_MAPS, {**item, "metadata": {**item["metadata"], "x": next(versions)}})

    with pytest.raises(NoNonce, match="all the time"):
        Engine(cluster, before=meddle).next()


BROKEN = [
    pytest.param({}, id="no data"),
    pytest.param({"data": None}, id="null"),
    pytest.param({"data": {"ceiling": ""}}, id="nothing"),
    pytest.param({"data": {"ceiling": "-5"}}, id="below zero"),
    pytest.param({"data": {"ceiling": "1e9"}}, id="an exponent"),
    pytest.param({"data": {"ceiling": "٣"}}, id="another script's digit"),
    pytest.param({"data": {"ceiling": "9" * 5000}}, id="without end"),
]


@pytest.mark.parametrize("item", BROKEN)
def test_a_ceiling_that_is_none_is_told_and_not_guessed(item: Object) -> None:
    cluster = Cluster()
    cluster.put(CONFIG_MAPS, {"metadata": {"name": names.NONCES, "namespace": "ns"}, **item})
    with pytest.raises(NoNonce, match="write one above"):
        Engine(cluster).next()


async def test_many_at_once_get_one_each() -> None:
    engine = Engine(Cluster())
    found = await asyncio.gather(*(engine.nonces.next() for _ in range(500)))
    assert found == sorted(set(found))


class Life(RuleBasedStateMachine):
    """Engines start, sign, die and race under a clock that does what it likes."""

    def __init__(self) -> None:
        super().__init__()
        self.cluster = Cluster()
        self.now = START
        self.engines: list[Engine] = [Engine(self.cluster)]
        self.used: list[int] = []
        self.floors: dict[int, int] = {}  # by engine: the largest nonce when it was started

    @rule(step=some.integers(-100_000, 100_000))
    def clock(self, step: int) -> None:
        self.now = max(1, self.now + step)

    @rule()
    def another_engine(self) -> None:
        self.engines.append(Engine(self.cluster))
        self.floors[id(self.engines[-1])] = max(self.used, default=0)

    @rule(which=some.integers(0, 9), times=some.integers(1, 20))
    def sign(self, which: int, times: int) -> None:
        engine = self.engines[which % len(self.engines)]
        engine.now = self.now
        latest = 0
        for _ in range(times):
            nonce = engine.next()
            assert nonce not in self.used
            assert nonce > latest, "one engine's nonces rise"
            assert nonce > self.floors.get(id(engine), 0), "a new engine is above all that was used before it"
            latest = nonce
            self.used.append(nonce)

    @rule(which=some.integers(0, 9), moment=some.sampled_from(["before", "after"]))
    def dies_while_it_reserves(self, which: int, moment: str) -> None:
        def die(_: str) -> None:
            raise Died

        engine = Engine(self.cluster, self.now, **{moment: die})
        with pytest.raises(Died):
            engine.next()
        if len(self.engines) > 1:
            del self.engines[which % len(self.engines)]

    @invariant()
    def nothing_above_the_ceiling_was_used(self) -> None:
        if self.used:
            assert max(self.used) <= ceiling(self.cluster)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
