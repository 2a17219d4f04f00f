"""The phases of a ComputeJob: one table, from which the CRD's enum, the API's codes and the docs derive.

Codes and texts are those of the Ocean operator-service, which clients in the field poll for. Its code 10, `Job
started`, has no phase: between being accepted and being configured nothing happens that would be worth a write.
"""

import enum
from dataclasses import dataclass


class Phase(enum.StrEnum):
    PENDING = "Pending"
    CONFIGURING = "Configuring"
    PROVISIONED = "Provisioned"
    RUNNING = "Running"
    PUBLISHING = "Publishing"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    STOPPED = "Stopped"
    TIMED_OUT = "TimedOut"


@dataclass(frozen=True)
class Row:
    """One phase: its Ocean code and text, what it means, and the phases that may follow it."""

    code: int
    text: str
    meaning: str
    next: tuple[Phase, ...]


_ENDS = (Phase.FAILED, Phase.STOPPED, Phase.TIMED_OUT)

TABLE: dict[Phase, Row] = {
    Phase.PENDING: Row(
        1, "Warming up", "waits for a place in its environment", (Phase.CONFIGURING, Phase.FAILED, Phase.STOPPED)
    ),
    Phase.CONFIGURING: Row(
        20,
        "Configuring volumes",
        "has a place; the configure pod fetches and verifies inputs and algorithm",
        (Phase.PROVISIONED, Phase.PUBLISHING, *_ENDS),
    ),
    Phase.PROVISIONED: Row(
        30,
        "Provisioning success",
        "the volume is filled; the algorithm pod is being started",
        (Phase.RUNNING, Phase.PUBLISHING, *_ENDS),
    ),
    # The trailing space is historical: clients compare the text.
    Phase.RUNNING: Row(40, "Running algorithm ", "the algorithm pod runs, behind its gate", (Phase.PUBLISHING, *_ENDS)),
    Phase.PUBLISHING: Row(
        60, "Publishing results", "the publish pod uploads results and logs", (Phase.SUCCEEDED, *_ENDS)
    ),
    Phase.SUCCEEDED: Row(70, "Job finished", "results are published", ()),
    Phase.FAILED: Row(70, "Job finished", "something went wrong; the reason says what", ()),
    Phase.STOPPED: Row(70, "Job finished", "somebody stopped it", ()),
    Phase.TIMED_OUT: Row(70, "Job finished", "the algorithm ran out of time", ()),
}

TERMINAL = frozenset(phase for phase, row in TABLE.items() if not row.next)
# A job in one of these takes a place in its environment.
ACTIVE = frozenset(TABLE) - TERMINAL - {Phase.PENDING}


def may_follow(before: Phase, after: Phase) -> bool:
    return before == after or after in TABLE[before].next
