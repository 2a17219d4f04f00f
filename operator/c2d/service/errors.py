"""What the service answers when it can't do what was asked.

ServiceError            an HTTP status and a text for the caller
├── BadRequest    400   the request can't be carried out as it is
├── Unauthorized  401   the caller may not
├── NotFound      404   there is no such result
├── NoBody        415   a start without any parameters
├── Unsatisfiable 416   a range behind the end of a result
├── TooMany       429   the caller asks more than its share
└── Unavailable   503   worth a retry: the cluster, the storage or the archive is out of reach, or all streams are taken
"""


class ServiceError(Exception):
    """The text goes to the caller as it is: it holds nothing private."""

    status = 500


class BadRequest(ServiceError):
    """The request can't be carried out as it is."""

    status = 400


class Unauthorized(ServiceError):
    """The caller may not."""

    status = 401


class NotFound(ServiceError):
    """There is no such result."""

    status = 404


class NoBody(ServiceError):
    """A start without any parameters."""

    status = 415


class Unsatisfiable(ServiceError):
    """A range behind the end of a result."""

    status = 416


class TooMany(ServiceError):
    """The caller asks more than its share."""

    status = 429


class Unavailable(ServiceError):
    """Worth a retry in a moment."""

    status = 503
