"""How this program behaves, and what it takes from outside of itself."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from c2d.configure.retry import Policy
from c2d.inpod.tally import Tally

if TYPE_CHECKING:
    from c2d.configure.signer import Signer


@dataclass(frozen=True)
class Settings:
    """How downloads behave; times in seconds."""

    policy: Policy = field(default_factory=Policy)
    connect_timeout: float = 10
    stall_timeout: float = 60  # without a byte
    ask_timeout: float = 120  # for a whole answer that is no file
    at_once: int = 8  # connections, for all files together
    lanes: int = 4  # connections of one large file, as far as others leave them
    piece: int = 16 * 1024 * 1024  # bytes that one connection asks for at a time
    look: float = 0.2  # between one connection and the next; whether it is of use is seen meanwhile
    large: int = 32 * 1024 * 1024  # bytes; a smaller file has one connection


@dataclass(frozen=True)
class World:
    """What a run takes from outside: time, chance, the kernel's boot ID, somebody to tell, maybe a signer; a tally."""

    now: Callable[[], datetime]
    chance: Callable[[], float]  # in [0, 1)
    boot: str
    say: Callable[[str], None]
    signer: "Signer | None" = None  # None: the one that the plan names
    tally: Tally = field(default_factory=Tally)
