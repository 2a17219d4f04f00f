"""What can be wrong with what a Provider or Aquarius sends. Every error of this package is an `OceanError`.

    OceanError
    ├── BadSignature     no address can be recovered
    ├── BadAddress       a text that is no address
    ├── BadKey           a private key that isn't one
    ├── WorkflowInvalid  a workflow that can't be carried out; says where and what to do
    └── AssetInvalid     what is known of an asset can't be used; the text goes on after the asset's name

Messages are fit for the client that sent the request. They never hold a key, nor anything that a client wrote freely,
which may be a secret URL or act on a terminal.
"""


class OceanError(Exception):
    """Something that was sent can't be used."""


class BadSignature(OceanError):
    """No address can be recovered from the signature and the text."""


class BadAddress(OceanError):
    """A text that is no address of an account."""


class BadKey(OceanError):
    """A private key that isn't one."""


class WorkflowInvalid(OceanError):
    """A workflow that can't be carried out. `field` is the path of what is wrong, as in `workflow.stages[0].input`."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


class AssetInvalid(OceanError):
    """What Aquarius or a Provider says of an asset can't be used; the text continues a sentence that names it."""
