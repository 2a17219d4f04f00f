from c2d.api.phases import ACTIVE, TABLE, TERMINAL, Phase, may_follow
from c2d.api.reasons import ENDINGS, Reason


def test_every_phase_has_a_row() -> None:
    assert set(TABLE) == set(Phase)


def test_every_phase_but_the_ends_leads_to_an_end() -> None:
    leads = set(TERMINAL)
    for _ in Phase:
        leads |= {phase for phase in Phase if leads & set(TABLE[phase].next)}
    assert leads == set(Phase)


def test_nothing_follows_an_end() -> None:
    assert all(not may_follow(end, phase) for end in TERMINAL for phase in Phase if phase is not end)


def test_phases_are_pending_active_or_terminal() -> None:
    assert {Phase.PENDING} | ACTIVE | TERMINAL == set(Phase)
    assert not ACTIVE & TERMINAL


def test_codes_grow_along_the_way_so_that_clients_can_poll_for_more_than_60() -> None:
    assert all(TABLE[after].code > row.code for row in TABLE.values() for after in row.next)
    assert all(TABLE[end].code > 60 for end in TERMINAL)


def test_running_keeps_its_historical_trailing_space() -> None:
    assert TABLE[Phase.RUNNING].text == "Running algorithm "


def test_every_reason_says_how_the_job_ends_and_what_to_do() -> None:
    assert set(ENDINGS) == set(Reason)
    silent = {Reason.SUCCEEDED, Reason.STOPPED}
    assert all(ending.hint for reason, ending in ENDINGS.items() if reason not in silent)
    assert all(ending.phase in TERMINAL for ending in ENDINGS.values())
