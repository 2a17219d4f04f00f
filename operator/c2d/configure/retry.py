"""Which failures of a transfer may pass, and how long to wait for that. Pure: a table and a formula."""

import email.utils
import enum
from dataclasses import dataclass
from datetime import datetime


class Fault(enum.Enum):
    """What can interrupt a transfer, and whether another try may go better."""

    CONNECT = ("could not be reached", True)
    CUT = ("cut the connection", True)
    STALLED = ("stopped sending", True)
    BUSY = ("asked for patience", True)
    CHANGED = ("sent another version of the file", True)
    RANGE = ("did not answer with the part of the file that was asked for", True)
    CERTIFICATE = ("has no valid certificate", False)
    FORBIDDEN = ("is at a link-local address, where clouds keep the credentials of their machines", False)
    PRIVATE = ("is at a private address, which the environment's assets.allowPrivateAddresses doesn't allow", False)
    TOO_LARGE = ("sent more than the environment's assets.maxFileBytes allows:", False)
    TOO_LONG = ("sent a longer answer than is read:", False)
    NONCE = ("had seen a later request of ours", True)
    SIGNATURE = ("did not take the signature", True)
    REFUSED = ("refused", False)
    REDIRECTS = ("redirected too often", False)
    REDIRECT_BAD = ("redirected to something that is not an http or https URL", False)
    NONSENSE = ("did not answer in HTTP", True)

    def __init__(self, words: str, may_pass: bool) -> None:
        self.words = words
        self.may_pass = may_pass


# 408 Request Timeout, 425 Too Early and 429 Too Many Requests are the client errors that pass (RFC 9110, 8470, 6585).
PASSING_STATUSES = frozenset((408, 425, 429))


def fault_of_status(status: int) -> Fault | None:
    """What an HTTP status means to a download; None where the body is the file."""
    if status in (200, 206):
        return None
    return Fault.BUSY if status in PASSING_STATUSES or status >= 500 else Fault.REFUSED


@dataclass(frozen=True)
class Policy:
    """How often and how patiently a transfer is tried again; times in seconds."""

    attempts: int = 6
    first_delay: float = 0.5
    longest_delay: float = 30
    longest_retry_after: float = 60
    signatures: int = 8  # that a Provider may refuse in a row

    def delay(self, failures: int, chance: float, retry_after: float | None = None) -> float:
        """The wait after so many failures in a row (1 or more); `chance` is a random number in [0, 1).

        It doubles with each failure and is then cut to half or more of itself by chance, so that many pods which
        failed together don't come back together. A server's own wish counts when it is longer, up to a bound.
        """
        grown = min(self.longest_delay, self.first_delay * 2.0 ** min(failures - 1, 30))
        wish = min(retry_after or 0, self.longest_retry_after)
        return max(grown * (0.5 + chance / 2), wish)


class Patience:
    """Counts the failures of one transfer and says how long to wait after each. Pure, but for what it counts.

    Signatures are counted apart: a Provider wants rising nonces of all jobs together, so that an honest request may
    be overtaken on its way again and again, while nothing is wrong with the Provider.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._failures = 0
        self._refused = 0

    def after(self, fault: Fault, chance: float, retry_after: float | None, progressed: bool) -> float | None:
        """Seconds until the next try; None where there is none. After progress, counting begins anew."""
        if progressed:
            self._failures = self._refused = 0
        if not fault.may_pass:
            return None
        if fault in _OF_SIGNATURES:
            self._refused += 1
            short = self._policy.delay(min(self._refused, 3), chance)
            return short if self._refused < self._policy.signatures else None
        self._failures += 1
        wait = self._policy.delay(self._failures, chance, retry_after)
        return wait if self._failures < self._policy.attempts else None

    @property
    def tries(self) -> int:
        """Failures in a row."""
        return max(self._failures, self._refused)


_OF_SIGNATURES = (Fault.NONCE, Fault.SIGNATURE)


def parse_retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds until the moment that a Retry-After header names, as a number or a date (RFC 9110, 10.2.3)."""
    if value is None:
        return None
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        return max(0.0, (email.utils.parsedate_to_datetime(value) - now).total_seconds())
    except (ValueError, TypeError):
        return None
