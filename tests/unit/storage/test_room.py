"""Memory is shared, and nobody waits for ever."""

import threading
from concurrent.futures import ThreadPoolExecutor

from c2d.storage.room import Room


def test_more_than_there_is_means_all() -> None:
    assert Room(10).take(100) == 10


def test_who_wants_more_than_is_free_waits() -> None:
    room, taken = Room(10), threading.Event()
    room.take(8)

    def take() -> None:
        room.take(5)
        taken.set()

    thread = threading.Thread(target=take)
    thread.start()
    assert not taken.wait(0.05)
    room.give(8)
    assert taken.wait(10)
    thread.join()


def test_many_threads_never_take_more_than_there_is() -> None:
    room, lock = Room(10), threading.Lock()
    now, most = 0, 0

    def use(count: int) -> None:
        nonlocal now, most
        taken = room.take(count)
        with lock:
            now += taken
            most = max(most, now)
        with lock:
            now -= taken
        room.give(taken)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(use, [count % 15 for count in range(2000)]))
    assert most <= 10
    assert room.take(10) == 10
