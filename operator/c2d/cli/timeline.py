"""A job's way through its phases as it was watched: which it went through, how long, and how each ended. Pure."""

import dataclasses
import enum
from dataclasses import dataclass

from c2d.api.job import JobStatus
from c2d.api.phases import TABLE, TERMINAL, Phase
from c2d.api.reasons import Reason


class State(enum.StrEnum):
    ACTIVE = "active"
    DONE = "done"
    BROKEN = "broken"


@dataclass(frozen=True)
class Row:
    """One phase. Seconds are those of the watcher's clock, as the API server's has whole ones only."""

    phase: Phase
    state: State
    seconds: float
    note: str


# The condition that tells how a phase went.
_CONDITIONS = {Phase.CONFIGURING: "Configured", Phase.RUNNING: "Isolated", Phase.PUBLISHING: "Published"}


@dataclass(frozen=True)
class Timeline:
    """The moments at which phases were entered, in seconds of any steady clock, and the latest status."""

    entered: tuple[tuple[Phase, float], ...] = ()
    status: JobStatus = dataclasses.field(default_factory=JobStatus)

    def seen(self, status: JobStatus, moment: float) -> "Timeline":
        """The timeline with one more observation; one that comes twice changes nothing."""
        if self.entered and self.entered[-1][0] == status.phase:
            return Timeline(self.entered, status)
        return Timeline((*self.entered, (status.phase, moment)), status)

    def rows(self, now: float) -> list[Row]:
        """The phases so far, without the terminal one: that is the end of the last row, not a row."""
        moments = [moment for _, moment in self.entered[1:]] + [now]
        return [
            Row(phase, self._state(phase), max(end - begin, 0), self._note(phase))
            for (phase, begin), end in zip(self.entered, moments, strict=False)
            if phase not in TERMINAL
        ]

    def _state(self, phase: Phase) -> State:
        if phase == self._broken():
            return State.BROKEN
        return State.ACTIVE if phase == self.status.phase else State.DONE

    def _note(self, phase: Phase) -> str:
        if phase == self._broken():
            return _joined(self._why_broken())
        if phase == self.status.phase:
            return _joined((self.status.reason, self.status.message)) or self.status.progress or TABLE[phase].meaning
        kind = _CONDITIONS.get(phase)
        known = next((item for item in self.status.conditions if item.type == kind and item.status == "True"), None)
        return f"{known.type.lower()}: {known.message}" if known and known.message else ""

    def _broken(self) -> Phase | None:
        """The phase that something went wrong in, or that was interrupted."""
        outcome, phases = self.status.outcome, [phase for phase, _ in self.entered if phase not in TERMINAL]
        if outcome is None or outcome.reason is Reason.SUCCEEDED or not phases:
            return None
        if outcome.reason is Reason.PUBLISH_FAILED:
            return phases[-1]
        return next((phase for phase in reversed(phases) if phase is not Phase.PUBLISHING), None)

    def _why_broken(self) -> tuple[str | None, str]:
        outcome = self.status.outcome
        return (outcome.reason, outcome.message) if outcome else (None, "")


def _joined(parts: tuple[str | None, str]) -> str:
    return ": ".join(part for part in parts if part)
