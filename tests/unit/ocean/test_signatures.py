"""Who signed a text. The two vectors were made by the Provider's own code."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from c2d.ocean import signatures
from c2d.ocean.errors import BadAddress, BadKey, BadSignature, OceanError

KEY = "0x1f990f8b013fc5c7955e0f8746f11ded231721b9cf3f99ff06cdc03492b28090"
ADDRESS = "0xe17D2A07EFD5b112F4d675ea2d122ddb145d117B"
OWNER = "0xC41808BBef371AD5CFc76466dDF9dEe228d2BdAA"
TEXT = f"{OWNER}1700000000000000000"
SIGNATURE = (
    "0x9e454935daaf88e27b303e410e988926a37422430cb313256682b5ce4349a61f"
    "66b0fa4d412ff8a877fa7023d3d7f9982483537dbd2ac9a27c9eda0f518d746f01"
)
TEXT_WITH_JOB = f"{OWNER}6951125396154f2da719f097ae758bb51700000000000000000"
SIGNATURE_WITH_JOB = (
    "0xd5df1b1e9c26690c077e7741067cffdefc801d17711baac273c83e215149e62c"
    "3177ca6f0f8b19ff78b8e81708d30f3c94092908427b767b66b9d6d126b1db4001"
)
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141

VECTORS = pytest.mark.parametrize(
    ("text", "signature"),
    [
        pytest.param(TEXT, SIGNATURE, id="owner and nonce"),
        pytest.param(TEXT_WITH_JOB, SIGNATURE_WITH_JOB, id="owner, job and nonce"),
    ],
)


@VECTORS
def test_the_providers_signature_gives_its_address(text, signature):
    assert signatures.recover(text, signature) == ADDRESS


@VECTORS
def test_we_sign_as_the_provider_does(text, signature):
    assert signatures.sign(text, signatures.PrivateKey(KEY)) == signature


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param(SIGNATURE[:-2] + "1c", id="28 for 1"),
        pytest.param(SIGNATURE[:-2] + "1C", id="28 in upper case"),
        pytest.param(SIGNATURE.upper(), id="upper case, 0X too"),
        pytest.param(SIGNATURE[2:], id="without 0x"),
    ],
)
def test_other_spellings_of_a_signature(signature):
    assert signatures.recover(TEXT, signature) == ADDRESS


def test_the_twin_of_a_signature_gives_the_same_address():
    high = f"{ORDER - int(SIGNATURE[66:130], 16):064x}"
    assert signatures.recover(TEXT, f"{SIGNATURE[:66]}{high}00") == ADDRESS


def test_another_text_gives_another_address():
    assert signatures.recover(f"{OWNER}1700000000000000001", SIGNATURE) != ADDRESS


def number(value: int) -> str:
    return f"{value:064x}"


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param(None, id="none"),
        pytest.param(5, id="a number"),
        pytest.param(bytes.fromhex(SIGNATURE[2:]), id="bytes"),
        pytest.param([SIGNATURE], id="a list"),
        pytest.param("", id="empty"),
        pytest.param("0x", id="only 0x"),
        pytest.param(SIGNATURE[:-1], id="an odd number of digits"),
        pytest.param(SIGNATURE[:-2], id="without v"),
        pytest.param(SIGNATURE + "00", id="too long"),
        pytest.param("0x" + "0" * 5_000_000, id="far too long"),
        pytest.param(SIGNATURE + "\n", id="a line end"),
        pytest.param(" " + SIGNATURE[2:-1], id="a space"),
        pytest.param(SIGNATURE[:-1] + "g", id="no hex"),
        pytest.param(SIGNATURE[:-1] + "\u0661", id="a digit of another script"),
        pytest.param(SIGNATURE[:-1] + "\ud800", id="half of a surrogate pair"),
        pytest.param("0x" + "0" * 130, id="all zero"),
        pytest.param("0x" + "f" * 128 + "00", id="all ones"),
        pytest.param("0x" + number(0) + SIGNATURE[66:], id="r is 0"),
        pytest.param("0x" + number(ORDER) + SIGNATURE[66:], id="r is the order"),
        pytest.param(SIGNATURE[:66] + number(0) + "01", id="s is 0"),
        pytest.param(SIGNATURE[:66] + number(ORDER) + "01", id="s is the order"),
        pytest.param("0x" + number(5) + SIGNATURE[66:], id="r is on no point"),
        *(pytest.param(SIGNATURE[:-2] + f"{v:02x}", id=f"v is {v}") for v in (2, 3, 26, 29, 31, 35, 128, 255)),
    ],
)
def test_what_is_no_signature_gives_no_address(signature):
    with pytest.raises(BadSignature):
        signatures.recover(TEXT, signature)


@pytest.mark.parametrize(
    "text", [pytest.param("\ud800", id="half of a surrogate pair"), pytest.param("a" * 4097, id="a very long text")]
)
def test_a_text_that_nobody_signs(text):
    with pytest.raises(BadSignature):
        signatures.recover(text, SIGNATURE)
    with pytest.raises(BadSignature):
        signatures.sign(text, signatures.PrivateKey(KEY))


any_text = st.text(st.characters(exclude_categories=()), max_size=200)
hexes = st.binary(min_size=60, max_size=70).map(lambda raw: "0x" + raw.hex())
points = st.binary(min_size=64, max_size=64).flatmap(
    lambda raw: st.sampled_from(["00", "01", "1b", "1c"]).map(lambda v: f"0x{raw.hex()}{v}")
)


@given(text=any_text, signature=any_text | hexes | points | st.binary() | st.none() | st.integers() | st.lists(hexes))
@example(text=TEXT, signature="0x" + number(1) * 2 + "00")
@settings(max_examples=500, deadline=None)
def test_whatever_is_sent_gives_an_address_or_bad_signature(text, signature):
    try:
        address = signatures.recover(text, signature)
    except BadSignature:
        return
    assert signatures.checksum_address(address) == address


@given(
    text=st.text(max_size=100),
    secret=st.integers(min_value=1, max_value=ORDER - 1),
)
@settings(deadline=None)
def test_what_a_key_signs_gives_its_address(text, secret):
    key = signatures.PrivateKey(number(secret))
    assert signatures.recover(text, signatures.sign(text, key)) == key.address


# --- keys


@pytest.mark.parametrize(
    "text",
    [pytest.param(KEY, id="0x"), pytest.param(KEY[2:].upper(), id="bare"), pytest.param(KEY + "\n", id="a line")],
)
def test_the_address_of_a_key(text):
    assert signatures.PrivateKey(text).address == ADDRESS


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="empty"),
        pytest.param(KEY[:-1], id="too short"),
        pytest.param(KEY + "0", id="too long"),
        pytest.param(KEY[:-1] + "x", id="no hex"),
        pytest.param("0" * 64, id="zero"),
        pytest.param(number(ORDER), id="the order of the curve"),
        pytest.param("\ud800" * 64, id="no characters"),
    ],
)
def test_what_is_no_key_is_refused_without_being_shown(text):
    with pytest.raises(BadKey) as caught:
        signatures.PrivateKey(text)
    assert text == "" or text not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_key_hides_itself():
    key = signatures.PrivateKey(KEY)
    for shown in (repr(key), str(key), f"{key}", f"{[key]}"):
        assert KEY[2:] not in shown
        assert ADDRESS in shown


# --- addresses


# The examples of EIP-55.
@pytest.mark.parametrize(
    "address",
    [
        "0x52908400098527886E0F7030069857D2E4169EE7",
        "0xde709f2102306220921060314715629080e2fb77",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    ],
)
def test_checksums_as_the_standard_has_them(address):
    assert signatures.checksum_address(address.lower()) == address
    assert signatures.checksum_address("0x" + address[2:].upper()) == address


@pytest.mark.parametrize(
    "text", ["", "0x", ADDRESS[:-1], ADDRESS + "0", ADDRESS[2:], ADDRESS + "\n", "0x" + "\u0661" * 40, None, 5]
)
def test_what_is_no_address(text):
    assert not signatures.is_address(text)
    if isinstance(text, str):
        with pytest.raises(BadAddress):
            signatures.checksum_address(text)


def test_every_error_is_one_of_the_package():
    assert all(issubclass(each, OceanError) for each in (BadSignature, BadAddress, BadKey))
