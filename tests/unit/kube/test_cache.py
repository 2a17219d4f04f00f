from typing import Any

from hypothesis import given
from hypothesis import strategies as some

from c2d.kube import names
from c2d.kube.cache import Children, Store


def item(name: str, uid: str, version: int, **labels: str) -> dict[str, Any]:
    metadata = {"namespace": "ns", "name": name, "uid": uid, "resourceVersion": str(version), "labels": labels}
    return {"metadata": metadata}


def test_news_that_come_late_do_not_replace_newer_ones() -> None:
    store = Store()
    assert store.put(item("a", "1", 5))
    assert not store.put(item("a", "1", 4))
    assert store.get(("ns", "a")) == item("a", "1", 5)


def test_what_was_deleted_does_not_come_back_with_a_late_answer() -> None:
    store = Store()
    store.put(item("a", "1", 5))
    store.remove(item("a", "1", 6))
    assert not store.put(item("a", "1", 4))
    assert len(store) == 0


def test_a_namesake_of_something_deleted_is_somebody_else() -> None:
    store = Store()
    store.put(item("a", "1", 5))
    store.put(item("a", "2", 7))
    store.remove(item("a", "1", 6))
    assert store.get(("ns", "a")) == item("a", "2", 7)


def test_children_are_found_by_their_owner() -> None:
    pods = Children("owner")
    pods.put(item("b", "2", 1, owner="x"))
    pods.put(item("a", "1", 2, owner="x"))
    pods.put(item("c", "3", 3, owner="y"))
    assert [pod["metadata"]["name"] for pod in pods.of("x")] == ["a", "b"]
    pods.remove(item("a", "1", 4, owner="x"))
    assert [pod["metadata"]["name"] for pod in pods.of("x")] == ["b"]


@given(some.text("abcdefghijklmnopqrstuvwxyz.-0123456789", min_size=1, max_size=253), some.uuids())
def test_a_childs_name_fits_everywhere_and_tells_jobs_apart(job: str, uid: Any) -> None:
    name = names.pod(job, str(uid), "algorithm", 3)
    assert len(name) <= 63
    assert "." not in name
    assert name.endswith(f"-{str(uid)[:8]}-algorithm-3")
