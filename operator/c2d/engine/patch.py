"""JSON merge patches (RFC 7396): what has to be sent to turn one object into another. Pure."""

from c2d.kube.resources import Object


def merge_patch(before: Object, after: Object) -> Object:
    """Empty when they are equal; what is gone becomes null, lists are replaced as a whole."""
    patch: Object = {key: None for key in before if key not in after}
    for key, value in after.items():
        known = before.get(key)
        if isinstance(value, dict) and isinstance(known, dict):
            inner = merge_patch(known, value)
            if inner:
                patch[key] = inner
        elif known != value:
            patch[key] = value
    return patch
