"""Extra environment variables of the algorithm, an extension of the Ocean API. Pure."""

import re

from c2d.ocean.field import Field

ENVS_LIMIT = 64
NAME_LIMIT = 128  # characters
VALUE_LIMIT = 4096  # characters

_RULE = f"at most {NAME_LIMIT} letters, digits and _, the first no digit"
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def parse(envs: Field) -> dict[str, str]:
    """`{"NAME": "value"}` or `[{"name": "NAME", "value": "value"}]`; in their order. Raises WorkflowInvalid."""
    if not envs.is_set:
        return {}
    pairs = _of_list(envs) if isinstance(envs.value, list) else _of_object(envs)
    if len(pairs) > ENVS_LIMIT:
        envs.refuse(f"has more than {ENVS_LIMIT} variables", "put them into algocustomdata")
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in found:
            envs.refuse(f"has {name} twice")
        found[name] = value.text(VALUE_LIMIT)
    return found


def _of_list(envs: Field) -> list[tuple[str, Field]]:
    elements = envs.elements(ENVS_LIMIT, "put them into algocustomdata")
    return [(_name(element.child("name")), element.child("value")) for element in elements]


def _of_object(envs: Field) -> list[tuple[str, Field]]:
    if not isinstance(envs.value, dict):
        envs.refuse('must be an object {"NAME": "value"} or a list of {"name": "NAME", "value": "value"}')
    return [(_key(envs, key), Field(f"{envs.path}.{key}", value)) for key, value in envs.value.items()]


def _name(name: Field) -> str:
    text = name.needed_text(NAME_LIMIT)
    if not _NAME.fullmatch(text):
        name.refuse(f"must be {_RULE}")
    return text


def _key(envs: Field, key: object) -> str:
    if not isinstance(key, str) or len(key) > NAME_LIMIT or not _NAME.fullmatch(key):
        # Without the name itself, which may be anything.
        envs.refuse(f"has a name that is not {_RULE}")
    return key
