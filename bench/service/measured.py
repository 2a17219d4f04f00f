"""What a run of this part found."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.service import reads, starts, streams


@dataclass(frozen=True)
class Memory:
    """A replica that has just come up; bytes and seconds."""

    jobs: int
    settled: int
    peak: int
    start: float


@dataclass
class Measured:
    """Everything."""

    memory: list[Memory] = field(default_factory=list)
    lookups: list[reads.Compared] = field(default_factory=list)
    more_lookups: list[reads.Row] = field(default_factory=list)
    started: list[starts.Compared] = field(default_factory=list)
    downloads: list[streams.Compared] = field(default_factory=list)
