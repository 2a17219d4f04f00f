"""What can go wrong with a storage. Every error of this package is a `StorageError`.

    StorageError
    ├── Unavailable   no answer, or the server asks for patience: worth another try later
    ├── Denied        no credentials, wrong ones, or too few rights
    ├── Missing       no such bucket, or no such object
    ├── Refused       the server won't take the request as it is, for example because of an object's name
    ├── Unsatisfiable the range of bytes that was asked for begins behind the object's end
    └── Corrupt       what came back is not what was published

Messages name the operation and the bucket, never credentials and nothing that the server wrote freely.
"""


class StorageError(Exception):
    """Something is wrong with the storage."""

    may_pass = False


class Unavailable(StorageError):
    """No answer, or the server asks for patience."""

    may_pass = True


class Denied(StorageError):
    """No credentials, wrong ones, or too few rights."""


class Missing(StorageError):
    """No such bucket or object."""


class Refused(StorageError):
    """The server won't take this request, however often it is sent."""


class Unsatisfiable(StorageError):
    """The range of bytes that was asked for begins behind the object's end."""


class Corrupt(StorageError):
    """What came back is not what was published."""
