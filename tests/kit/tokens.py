"""An API server that signs tokens for pods: real keys, real signatures."""

import json
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from c2d.api.plan import SIGNER_AUDIENCE
from c2d.kube import proof
from c2d.kube.proof import TrustedKeys

ISSUER = "https://kubernetes.default.svc.cluster.local"
NOW = 1_800_000_000.0


class Authority:
    """One signing key and its public half, as /openid/v1/jwks has it."""

    def __init__(self, kid: str = "key-1", algorithm: str = "RS256") -> None:
        self.kid = kid
        self.algorithm = algorithm
        self.private: Any = (
            rsa.generate_private_key(public_exponent=65537, key_size=2048)
            if algorithm.startswith("RS")
            else ec.generate_private_key(ec.SECP256R1())
        )

    @property
    def public(self) -> dict[str, Any]:
        kind: Any = jwt.algorithms.RSAAlgorithm if self.algorithm.startswith("RS") else jwt.algorithms.ECAlgorithm
        entry = json.loads(kind.to_jwk(self.private.public_key()))
        return {**entry, "kid": self.kid, "use": "sig", "alg": self.algorithm}

    def trusted(self, *others: "Authority") -> TrustedKeys:
        return proof.read_keys({"issuer": ISSUER}, {"keys": [each.public for each in (self, *others)]})

    def token(self, claims: dict[str, Any] | None = None, **header: Any) -> str:
        headers = {"kid": self.kid, **header}
        return jwt.encode(claims or claims_of("ns", "pod", "uid"), self.private, self.algorithm, headers)


def claims_of(namespace: str, pod: str, uid: str, **changes: Any) -> dict[str, Any]:
    """What the API server puts into a projected token."""
    claims = {
        "aud": [SIGNER_AUDIENCE],
        "exp": NOW + 600,
        "iat": NOW,
        "nbf": NOW,
        "iss": ISSUER,
        "jti": "d8ac",
        "kubernetes.io": {
            "namespace": namespace,
            "node": {"name": "node-1", "uid": "node-uid"},
            "pod": {"name": pod, "uid": uid},
            "serviceaccount": {"name": "default", "uid": "account-uid"},
        },
        "sub": f"system:serviceaccount:{namespace}:default",
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}
