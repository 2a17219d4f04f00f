"""What a Provider puts into a request to the operator-service: parameters, and its signature over them. Pure."""

from dataclasses import dataclass
from typing import Any

from c2d.ocean import signatures

Payload = dict[str, Any]


@dataclass(frozen=True)
class Caller:
    """A Provider, and the consumer that it speaks for. Nonces are nanoseconds since 1970."""

    key: signatures.PrivateKey
    owner: str

    def _sign(self, nonce: int, job: str = "") -> str:
        return signatures.sign(f"{self.owner}{job}{nonce}", self.key)

    def query(self, nonce: int, job: str | None = None, agreement: str | None = None) -> dict[str, str]:
        """For GET, PUT and DELETE /compute; with a job it is part of what is signed."""
        named = {"jobId": job, "agreementId": agreement}
        return {
            "providerAddress": self.key.address,
            "owner": self.owner,
            **{name: value for name, value in named.items() if value},
            "providerSignature": self._sign(nonce, job or ""),
            "nonce": str(nonce),
        }

    def result_query(self, nonce: int, job: str, index: int) -> dict[str, str]:
        """For GET /getResult."""
        return {
            "index": str(index),
            "owner": self.owner,
            "jobId": job,
            "providerSignature": self._sign(nonce, job),
            "nonce": str(nonce),
        }

    def start(self, asked: Payload, nonce: int) -> Payload:
        """For POST /compute: what is asked, signed. Here the nonce is a number."""
        return {
            **asked,
            "owner": self.owner,
            "providerAddress": self.key.address,
            "providerSignature": self._sign(nonce),
            "nonce": nonce,
        }
