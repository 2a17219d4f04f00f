"""The index of all jobs equals a naive one, whatever happens in whatever order."""

import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from c2d.service import records
from c2d.service.jobs import Jobs, order
from c2d.service.records import Record
from tests.kit.service import job, job_uid, merged

OWNERS = ("", "0xAB", "0xab", "0xcd")
AGREEMENTS = ("", "0xag", "0xAG", "0xother")
ENVIRONMENTS = ("default", "second")
NUMBERS = range(6)
PHASES = ("Pending", "Running", "Publishing", "Succeeded", "Failed")


def item_of(number: int, version: int, phase: str, owner: int, agreement: int, environment: int) -> Any:
    """Two jobs of each second: the UID decides about their order."""
    changes = {
        "metadata": {
            "resourceVersion": str(version),
            "creationTimestamp": f"2026-01-02T03:04:0{number // 2}Z",
        },
        "spec": {
            "owner": OWNERS[owner],
            "agreementId": AGREEMENTS[agreement],
            "environment": ENVIRONMENTS[environment],
        },
    }
    return merged(job(phase, number), changes)


class Index(RuleBasedStateMachine):
    """`jobs` is told what the API server does; `model` is a table that is searched from end to end."""

    def __init__(self) -> None:
        super().__init__()
        self.jobs = Jobs()
        self.model: dict[str, Record] = {}
        self.gone: dict[str, Any] = {}
        self.heard: dict[str, Record] = {}
        self.version = 0
        self.jobs.told.append(self._told)

    def _told(self, record: Record, there: bool) -> None:
        if there:
            self.heard[record.uid] = record
        else:
            assert self.heard.pop(record.uid) == record

    def _made(self, number: int, facts: tuple[int, int, int, int]) -> Any:
        self.version += 1
        phase, owner, agreement, environment = facts
        return item_of(number, self.version, PHASES[phase], owner, agreement, environment)

    facts = st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 3), st.integers(0, 1))
    number = st.sampled_from(NUMBERS)

    @rule(number=number, facts=facts, answer=st.booleans())
    def written(self, number: int, facts: tuple[int, int, int, int], answer: bool) -> None:
        """A new version, seen by the watch or as the answer to a write of ours; a deleted UID never comes back."""
        if job_uid(number) in self.gone:
            return
        item = self._made(number, facts)
        if answer:
            assert self.jobs.take(item).version == self.version
        else:
            self.jobs.put(item)
        self.model[job_uid(number)] = records.read(item)

    @precondition(lambda self: self.model)
    @rule(data=st.data(), facts=facts, answer=st.booleans())
    def stale(self, data: st.DataObject, facts: tuple[int, int, int, int], answer: bool) -> None:
        """An older version, or the same one, changes nothing."""
        uid = data.draw(st.sampled_from(sorted(self.model)))
        number = next(number for number in NUMBERS if job_uid(number) == uid)
        version = data.draw(st.integers(0, self.model[uid].version))
        phase, owner, agreement, environment = facts
        item = item_of(number, version, PHASES[phase], owner, agreement, environment)
        if answer:
            assert self.jobs.take(item) == self.model[uid]
        else:
            self.jobs.put(item)

    @precondition(lambda self: self.model)
    @rule(data=st.data(), facts=facts)
    def deleted(self, data: st.DataObject, facts: tuple[int, int, int, int]) -> None:
        uid = data.draw(st.sampled_from(sorted(self.model)))
        number = next(number for number in NUMBERS if job_uid(number) == uid)
        item = self._made(number, facts)
        self.jobs.remove(item)
        del self.model[uid]
        self.gone[uid] = item

    @precondition(lambda self: self.gone)
    @rule(data=st.data())
    def a_late_answer(self, data: st.DataObject) -> None:
        """Of a job that is gone: it doesn't come back."""
        uid = data.draw(st.sampled_from(sorted(self.gone)))
        self.jobs.take(self.gone[uid])

    @rule(data=st.data())
    def listed(self, data: st.DataObject) -> None:
        """A list as it was at some version: what it doesn't have and is not newer is gone."""
        version = data.draw(st.integers(0, self.version))
        missing = data.draw(st.sets(st.sampled_from(sorted(self.model)))) if self.model else set()
        gone = {uid for uid in missing if self.model[uid].version <= version}
        # A list has no other jobs than those that were there; the newer ones it can't have.
        self.jobs.keep_only({uid for uid in self.model if uid not in missing}, version)
        for uid in gone:
            self.gone[uid] = None
            del self.model[uid]
        self.gone = {uid: item for uid, item in self.gone.items() if item is not None or uid in gone}
        for uid in gone:
            number = next(number for number in NUMBERS if job_uid(number) == uid)
            self.gone[uid] = item_of(number, self.version, "Running", 1, 1, 0)

    @invariant()
    def same(self) -> None:
        everything = sorted(self.model.values(), key=order)
        assert sorted(self.jobs, key=order) == everything
        assert len(self.jobs) == len(everything)
        assert self.heard == self.model
        for owner in OWNERS[1:]:
            assert self.jobs.of_owner(owner) == [it for it in everything if it.owner.lower() == owner.lower()]
        for agreement in AGREEMENTS[1:]:
            found = [it for it in everything if it.agreement_id.lower() == agreement.lower()]
            assert self.jobs.of_agreement(agreement.upper().replace("X", "x")) == found
        for number in NUMBERS:
            uid = job_uid(number)
            assert self.jobs.get(uid) == self.model.get(uid)
            assert self.jobs.of_id(uid.replace("-", "").upper()) == self.model.get(uid)
        for environment in ENVIRONMENTS:
            running = [it for it in everything if it.environment == environment and it.running]
            assert self.jobs.running(environment) == len(running)
        for record in everything:
            text = json.dumps(records.status_object(record, ())).encode()
            assert self.jobs.text(record) == self.jobs.text(record) == text

    @invariant()
    def nothing_is_left_of_what_is_gone(self) -> None:
        if not self.model:
            assert not self.jobs._by_owner
            assert not self.jobs._by_agreement
            assert not self.jobs._by_job_id
            assert not self.jobs._texts
            assert not any(self.jobs._running.values())


TestIndex = Index.TestCase
TestIndex.settings = settings(max_examples=60, stateful_step_count=30, deadline=None, derandomize=True)


def test_what_is_gone_is_remembered_within_bounds() -> None:
    jobs = Jobs()
    for number in range(10_050):
        jobs.remove(job(number=number))
    assert len(jobs._gone) == 10_000


def test_a_list_says_that_it_is_there_after_all() -> None:
    """The object was thought gone, and the API server shows it: that counts."""
    jobs = Jobs()
    item = merged(job(), {"metadata": {"resourceVersion": "5"}})
    jobs.put(item)
    jobs.remove(item)
    jobs.put(item)
    assert len(jobs) == 1


def test_a_jobs_own_creation_survives_a_list_that_is_older() -> None:
    """The list was made before the job; the watch from there on tells of it."""
    jobs = Jobs()
    item = merged(job(), {"metadata": {"resourceVersion": "50"}})
    jobs.take(item)
    jobs.keep_only(set(), 49)
    assert len(jobs) == 1
    jobs.put(item)
    assert len(jobs.of_owner(item["spec"]["owner"])) == 1
