"""The command `c2d-configure`.

Python looks for garbage again and again while it loads a program, of which nothing is garbage: a fifth of the start.
"""

import gc
from typing import NoReturn


def main() -> NoReturn:
    gc.disable()
    from c2d.configure import main as program  # noqa: PLC0415 - what takes its time to load

    program.main()


if __name__ == "__main__":
    main()
