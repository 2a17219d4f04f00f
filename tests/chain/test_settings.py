import json
import subprocess
import sys

import pytest

from c2d.chain import settings
from c2d.chain.errors import BadChain

GOOD = {"chainId": 137, "rpcUrl": "https://node.example/v1/secret-key", "factoryAddress": "0x" + "12" * 20}


def test_a_chain_has_defaults_for_what_is_not_said() -> None:
    (found,) = settings.parse(json.dumps([GOOD]))
    assert (found.chain_id, found.confirmations, found.max_fee) == (137, 1, 500 * 10**9)
    assert settings.parse("") == ()


def test_a_chain_does_not_show_its_url() -> None:
    assert "secret-key" not in repr(settings.parse(json.dumps([GOOD])))


@pytest.mark.parametrize(
    "text,words",
    [
        ("{", "it must be a JSON list"),
        ('{"a": 1}', "valid list"),
        (json.dumps([{**GOOD, "factoryAddress": "0x12"}]), "0.factoryAddress: "),
        (json.dumps([{**GOOD, "rpcUrl": "wss://node.example/secret-key"}]), "0.rpcUrl: "),
        (json.dumps([{**GOOD, "confirmations": 0}]), "0.confirmations: "),
        (json.dumps([{**GOOD, "gas": 1}]), "0.gas: "),
        (json.dumps([GOOD, GOOD]), "two chains have the same chainId"),
    ],
)
def test_what_is_wrong_is_named_and_never_shown(text: str, words: str) -> None:
    with pytest.raises(BadChain) as caught:
        settings.parse(text)
    assert words in str(caught.value)
    assert "secret-key" not in str(caught.value)


def test_an_engine_loads_nothing_of_web3_before_it_publishes_an_asset() -> None:
    """In a process of its own, where no other test has loaded it; with a chain and without one."""
    code = """
import sys
from c2d.engine import main
from c2d.engine.minting import Minter
from c2d.engine.observe import World
environ = {"C2D_IMAGE": "any", "OPERATOR_PRIVATE_KEY": "0x" + "c2" * 32, "C2D_CHAINS": sys.argv[1]}
options = main.Options.read(environ)
for chain in options.chains:
    Minter(None, World(), chain, options.key, print)
print(sorted({name.partition(".")[0] for name in sys.modules} & {"web3", "rlp", "eth_abi", "eth_account"}))
"""
    for chains in ("", json.dumps([GOOD])):
        assert in_a_process_of_its_own(code, chains) == "[]"


def test_what_comes_with_web3_does_not_let_the_engine_recurse_deeper() -> None:
    """Or else nested JSON, in a Provider's answer for instance, would end the engine."""
    code = """
import json, sys
from c2d.chain import loading
before = sys.getrecursionlimit()
loading.load()
try:
    json.loads("[" * 1_000_000)
except RecursionError:
    print("web3" in sys.modules, sys.getrecursionlimit() - before)
"""
    assert in_a_process_of_its_own(code) == "True 0"


def in_a_process_of_its_own(code: str, *arguments: str) -> str:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
