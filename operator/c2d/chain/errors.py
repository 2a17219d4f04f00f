"""What can go wrong between us, a chain's node, and the Provider that encrypts.

ChainError                 the text is fit for a user; no URL is in it, as one may hold a key
├── BadChain               the settings of a chain can't be used
├── Unreachable            the node doesn't answer, or not as a node does
├── WrongChain             it serves another chain, or the factory is not there
├── InsufficientFunds      the account can't pay for the transaction
├── FeesTooHigh            the chain wants more than the operator allows
├── Underpriced            only for a higher fee: fees have risen, or another one with this number waits
├── NonceTaken             a transaction with this number is mined
├── Refused                the node takes the transaction for wrong
├── Reverted               a contract refuses
├── EncryptUnreachable     the Provider doesn't answer, or has trouble of its own
├── EncryptRefused         it won't encrypt this
└── TooLarge               what it encrypted doesn't fit a transaction
"""


class ChainError(Exception):
    """Something went wrong on the way to a chain."""


class BadChain(ChainError):
    """The settings of a chain can't be used."""


class Unreachable(ChainError):
    """The node doesn't answer, or not as a node does."""


class WrongChain(ChainError):
    """It serves another chain, or the factory is not there."""


class InsufficientFunds(ChainError):
    """The account can't pay for the transaction."""


class FeesTooHigh(ChainError):
    """The chain wants more than the operator allows."""


class Underpriced(ChainError):
    """The node takes it only for a higher fee: fees have risen, or another one with this number waits."""


class NonceTaken(ChainError):
    """A transaction with this number is mined."""


class Refused(ChainError):
    """The node takes the transaction for wrong."""


class Reverted(ChainError):
    """A contract refuses."""


class EncryptUnreachable(ChainError):
    """The Provider doesn't answer, or has trouble of its own."""


class EncryptRefused(ChainError):
    """It won't encrypt this."""


class TooLarge(ChainError):
    """What it encrypted doesn't fit a transaction."""
