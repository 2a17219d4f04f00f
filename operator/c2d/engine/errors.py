"""Why the engine does not sign, or does not take a report.

EngineError
├── NoNonce             no nonce that is surely new can be had now
└── Refused             the port's answer to a request: an HTTP status and a text for the pod
    ├── BadRequest 400  the body is not what is asked for
    ├── NoProof    401  no token, or one that proves no pod
    ├── NotYours   403  the pod is not one that may have this signed, or that has something to report
    ├── TooMany    429  the pod asks more than its share
    └── NotNow     503  worth a retry, but for an operator without a key

No text ever holds a token, a key, or anything that the caller wrote.
"""


class EngineError(Exception):
    """The engine does not do what it was asked for."""


class NoNonce(EngineError):
    """No nonce that is surely new can be had now."""


class Refused(EngineError):
    """The port's answer to a request; the text is for the pod."""

    status = 400


class BadRequest(Refused):
    """The body is not what is asked for."""


class NoProof(Refused):
    """No token, or one that proves no pod."""

    status = 401


class NotYours(Refused):
    """The pod is not one that may have this signed, or that has something to report."""

    status = 403


class TooMany(Refused):
    """The pod asks more than its share."""

    status = 429


class NotNow(Refused):
    """Worth a retry, but for an operator without a key."""

    status = 503
