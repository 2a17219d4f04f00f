"""How a Provider is asked, and what its answers mean."""

import json
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2d.ocean import aquarius, provider
from c2d.ocean.errors import AssetInvalid
from c2d.ocean.provider import Endpoints, Order, Signed

DID = "did:op:" + "ab" * 32
ORDER = Order(DID, "service-1", "0xorder")
SIGNED = Signed("1700000000001", "0x" + "1f" * 65, "0xe17D2A07EFD5b112F4d675ea2d122ddb145d117B")


@pytest.mark.parametrize(
    ("endpoint", "root"),
    [
        ("https://example.org", "https://example.org"),
        ("https://example.org/", "https://example.org"),
        ("https://example.org//", "https://example.org"),
        ("http://example.org:8030", "http://example.org:8030"),
        ("https://example.org/provider/", "https://example.org/provider"),
        ("https://example.org/api/services", "https://example.org"),
        ("https://example.org/api/v1/services/", "https://example.org"),
        ("https://example.org/api/v1/services/consume", "https://example.org"),
        ("https://example.org/provider/api", "https://example.org/provider"),
        ("https://api.example.org/apis", "https://api.example.org/apis"),
        ("https://example.org/api/provider", "https://example.org/api/provider"),
        ("https://example.org/p?x=1#y", "https://example.org/p"),
    ],
)
def test_a_providers_own_url(endpoint: str, root: str) -> None:
    assert provider.root(endpoint) == root


@pytest.mark.parametrize("uri", ["https://a.example", "https://a.example/", "https://a.example/sub/"])
def test_a_ddos_url(uri: str) -> None:
    assert aquarius.ddo_url(uri, DID) == f"{uri.rstrip('/')}/api/aquarius/assets/ddo/{DID}"


STANDARD = Endpoints("https://p/api/services/fileinfo", "https://p/api/services/download")


@pytest.mark.parametrize(
    ("services", "found"),
    [
        pytest.param(
            {"fileinfo": ["POST", "/v2/info"], "download": ["GET", "v2/get"]},
            Endpoints("https://p/v2/info", "https://p/v2/get"),
            id="its own paths, with or without a slash",
        ),
        pytest.param({}, STANDARD, id="none"),
        pytest.param(None, STANDARD, id="null"),
        pytest.param({"fileinfo": "x", "download": ["GET"]}, STANDARD, id="other forms"),
        pytest.param({"fileinfo": ["POST", "https://evil.example/x"]}, STANDARD, id="another host"),
        pytest.param({"fileinfo": ["POST", "//evil.example/x"]}, STANDARD, id="another host without a scheme"),
        pytest.param({"fileinfo": ["POST", "/a/../../x"]}, STANDARD, id="a way up"),
        pytest.param({"fileinfo": ["POST", "@evil.example/x"]}, STANDARD, id="a host behind a user"),
        pytest.param({"fileinfo": ["POST", "/x?y"]}, STANDARD, id="a query"),
    ],
)
def test_endpoints(services: object, found: Endpoints) -> None:
    assert provider.endpoints("https://p", json.dumps({"serviceEndpoints": services}).encode()) == found


@given(st.binary())
def test_no_discovery_breaks_anything(content: bytes) -> None:
    assert provider.endpoints("https://p", content).download.startswith("https://p/")


def test_the_count_is_that_of_the_list() -> None:
    assert provider.count_files(b'[{"index": 0}, {"index": 1, "valid": false}]') == 2


@pytest.mark.parametrize("content", [b"[]", b"{}", b'{"error": "x"}', b"null", b"2", b"", b"\xff", b"[" * 100_000])
def test_what_is_no_list_is_an_error(content: bytes) -> None:
    with pytest.raises(AssetInvalid):
        provider.count_files(content)


def test_a_download_has_the_parameters_of_the_contract() -> None:
    assert provider.download_url("https://p/get", ORDER, 3, SIGNED) == (
        f"https://p/get?fileIndex=3&documentId={DID}&transferTxId=0xorder&serviceId=service-1"
        f"&consumerAddress={SIGNED.consumer_address}&nonce={SIGNED.nonce}&signature={SIGNED.signature}"
    )


@pytest.mark.parametrize(
    ("user_data", "sent"),
    [
        ({"a": "1&b=2#c", "d": "ä +%"}, '{"a":"1&b=2#c","d":"ä +%"}'),
        ([1, None], "[1,null]"),
        ("plain & text", "plain & text"),
        ('{"already": "encoded"}', '{"already": "encoded"}'),
        ("", ""),
        (0, "0"),
    ],
)
def test_user_data_is_encoded_once_and_quoted_in_full(user_data: object, sent: str) -> None:
    url = provider.download_url("https://p/get", Order(DID, "s", "t", user_data), 0, SIGNED)
    query = urlsplit(url).query
    assert parse_qsl(query, keep_blank_values=True)[-1] == ("userdata", sent)
    assert not set("&#+ %{") & set(query.rsplit("userdata=", 1)[1].replace("%", "")) - {"%"}


def test_what_an_order_has_can_not_add_a_parameter() -> None:
    url = provider.download_url("https://p/get", Order(DID, "s&nonce=0", "t#x"), 0, SIGNED)
    assert dict(parse_qsl(urlsplit(url).query))["serviceId"] == "s&nonce=0"
    assert urlsplit(url).fragment == ""


@pytest.mark.parametrize(
    ("status", "body", "nonce", "signature", "reason"),
    [
        (503, {"error": "Cannot create nonce: duplicate"}, True, False, "Cannot create nonce: duplicate"),
        (400, {"error": "nonce too low"}, True, False, "nonce too low"),
        (400, {"errors": {"nonce": ["is old"]}}, True, False, "nonce: is old"),
        (400, {"errors": {"signature": ["Invalid."]}}, False, True, "signature: Invalid."),
        (401, {"error": "Invalid signature"}, False, True, "Invalid signature"),
        (400, {"error": "Order invalid"}, False, False, "Order invalid"),
        (404, {"error": "no nonce here"}, False, False, "no nonce here"),
        (503, {"error": "chain is away"}, False, False, "chain is away"),
        (400, {"message": {"code": 3, "text": "bad"}}, False, False, "code: text: bad"),
        (500, "text", False, False, ""),
    ],
)
def test_refusals(status: int, body: object, nonce: bool, signature: bool, reason: str) -> None:
    told = provider.refusal(status, json.dumps(body).encode())
    assert (told.nonce, told.signature, told.reason) == (nonce, signature, reason)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Max retries exceeded with url: /geheim?geheim (host='geheim')", "Max retries exceeded with url: … …"),
        ("no such file https://geheim.example/geheim", "no such file …"),
        ("can't resolve data.geheim.internal", "can't resolve …"),
        ("10.1.2.3 refused", "… refused"),
        ("by geheim@example.org", "by …"),
        ("C:\\geheim\\geheim", "…"),
        ("signature 0x" + "1f" * 65, "signature …"),
        ("a\nforged\x1b[2J line\u202e", "a forged [2J line"),
        ("word " * 200, "word " * 60 + "…"),
    ],
)
def test_reasons_keep_secrets(text: str, shown: str) -> None:
    assert provider.sanitised(text) == shown


@given(st.integers(100, 599), st.binary() | st.recursive(st.text(), st.lists).map(lambda v: json.dumps(v).encode()))
def test_no_refusal_breaks_anything(status: int, body: bytes) -> None:
    reason = provider.refusal(status, body).reason
    assert reason == "" or reason.isprintable()
    assert len(reason) <= provider.REASON_LIMIT + 1
