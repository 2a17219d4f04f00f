"""Who calls the engine's port: the pod that a request's token was made for."""

from c2d.engine.errors import NoProof, NotNow
from c2d.kube import errors
from c2d.kube.proof import PodIdentity
from c2d.kube.tokens import Tokens


async def caller_of(authorization: str, tokens: Tokens) -> PodIdentity:
    """The pod that this header proves. Raises NoProof, and NotNow while it can't be known."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NoProof("the header Authorization must have the pod's token behind Bearer")
    try:
        return await tokens.pod_of(token.strip())
    except errors.InvalidToken as error:
        raise NoProof(f"the token proves nothing: {error}") from None
    except errors.KubeError as error:
        raise NotNow("the token can't be checked now; try again") from error
