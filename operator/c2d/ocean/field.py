"""A place in a JSON document, which knows its own path: every refusal names it. Pure."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field as part
from typing import Any, NoReturn, TypeVar

from c2d.ocean import values
from c2d.ocean.errors import WorkflowInvalid

T = TypeVar("T")

URL_LIMIT = 4096  # characters

# A scheme, a host, and nothing that ends a line or a request.
_URL = re.compile(r"https?://[^/?#\s\x00-\x1f\x7f][^\s\x00-\x1f\x7f]*")
_WHOLE_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True)
class Field:
    """A value and where it is. Its methods raise WorkflowInvalid, and never quote the value: it may be a secret."""

    path: str
    value: object = part(repr=False)

    def refuse(self, problem: str, remedy: str = "") -> NoReturn:
        raise WorkflowInvalid(f"{self.path} {problem}" + (f"; {remedy}" if remedy else ""), self.path)

    @property
    def is_set(self) -> bool:
        """Whether a client means something by it: older ones send null, "", [] or {} for what they leave out."""
        return self.value is not None and self.value not in ("", [], {})

    def child(self, name: str) -> "Field":
        """A member of this object; null when it isn't there."""
        return Field(f"{self.path}.{name}", self.members().get(name))

    def members(self) -> dict[object, object]:
        if not isinstance(self.value, dict):
            self.refuse("must be an object")
        return self.value

    def elements(self, limit: int, remedy: str = "") -> list["Field"]:
        """The elements of this list."""
        if not isinstance(self.value, list):
            self.refuse("must be a list")
        if len(self.value) > limit:
            self.refuse(f"has more than {limit} elements", remedy)
        return [Field(f"{self.path}[{position}]", value) for position, value in enumerate(self.value)]

    def text(self, limit: int) -> str:
        """The text, or a whole number's digits; "" for null. `limit` is in characters."""
        if self.value is None:
            return ""
        text = str(self.value) if self._is_small_number() else self.value
        if not isinstance(text, str):
            self.refuse("must be a string")
        if len(text) > limit:
            self.refuse(f"is longer than {limit} characters")
        self._keep(lambda: values.require_text(text))
        return text

    def needed_text(self, limit: int) -> str:
        if not self.is_set:
            self.refuse("is missing")
        return self.text(limit)

    def url(self) -> str:
        """An http or https URL; "" when it isn't set."""
        if not self.is_set:
            return ""
        url = self.text(URL_LIMIT)
        if not _URL.fullmatch(url):
            self.refuse("must be a URL that begins with http:// or https://, without spaces")
        return url

    def whole_number(self, default: int) -> int:
        """A number from 0 on, or its digits as a text; the default for null."""
        if self.value is None:
            return default
        digits = str(self.value) if self._is_small_number() else self.value
        if not isinstance(digits, str) or not _WHOLE_NUMBER.fullmatch(digits):
            self.refuse("must be a whole number from 0 to 999999999")
        return int(digits)

    def kept(self, limit: int) -> Any:
        """The value, which is at most so many bytes long as JSON and can be stored."""
        self._keep(lambda: values.encode(self.value, limit))
        return self.value

    def decoded(self) -> "Field":
        """What the text stands for where it is JSON, else itself: clients encode objects once too often."""
        text = self.value
        if not isinstance(text, str):
            return self
        try:
            return Field(self.path, self._keep(lambda: values.decode(text)))
        except ValueError:
            return self

    def _keep(self, check: Callable[[], T]) -> T:
        try:
            return check()
        except values.NotKept as problem:
            self.refuse(str(problem))

    def _is_small_number(self) -> bool:
        return isinstance(self.value, int) and not isinstance(self.value, bool) and self.value.bit_length() <= 64
