"""A workload identity: the pod has a token in a file, which STS exchanges for credentials, again and again."""

import contextlib
import http.server
import threading
import urllib.parse
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from c2d.api.report import EXIT_FAILED, EXIT_OK, EXIT_RETRY
from tests.data_plane.benches import S3Bench
from tests.data_plane.s3server import KEY, SECRET, S3Server
from tests.data_plane.volumes import Volume

ROLE = "arn:aws:iam::111122223333:role/results-writer"


class Sts:
    """As much as is asked; credentials last `lifetime`. versitygw knows no session tokens, so they are empty."""

    def __init__(self, lifetime: timedelta, status: int = 200) -> None:
        self.lifetime = lifetime
        self.status = status
        self.asked: list[dict[str, str]] = []
        self.url = ""

    @contextlib.contextmanager
    def running(self) -> Iterator["Sts"]:
        sts = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                sts.asked.append(dict(urllib.parse.parse_qsl(body.decode())))
                answer = sts.answer().encode()
                self.send_response(sts.status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *words: object) -> None:
                pass

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            self.url = f"http://127.0.0.1:{server.server_port}"
            threading.Thread(target=server.serve_forever, daemon=True).start()
            yield self
            server.shutdown()

    def answer(self) -> str:
        end = datetime.now(UTC) + self.lifetime
        return f"""<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
          <AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>{KEY}</AccessKeyId>
          <SecretAccessKey>{SECRET}</SecretAccessKey><SessionToken></SessionToken>
          <Expiration>{end:%Y-%m-%dT%H:%M:%SZ}</Expiration></Credentials></AssumeRoleWithWebIdentityResult>
        </AssumeRoleWithWebIdentityResponse>"""


def identity(sts: Sts, folder: Path) -> dict[str, str]:
    """What the cloud's webhook puts into the pod."""
    token = folder / "token"
    token.write_text("proof")
    return {
        "AWS_ROLE_ARN": ROLE,
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
        "AWS_ENDPOINT_URL_STS": sts.url,
        "AWS_REGION": "us-east-1",
    }


def test_results_are_written_with_the_identity_of_the_pod(
    s3: S3Server, volume: Volume, place_name: str, tmp_path: Path
) -> None:
    bench = S3Bench(s3, volume, place_name)
    for number in range(20):
        bench.output(f"{number}")
    with Sts(timedelta(hours=1)).running() as sts:
        bench.environment = identity(sts, tmp_path)
        done = bench.publish()
    assert done.code == EXIT_OK, done.output
    bench.assert_nothing_else()
    (asked,) = sts.asked
    assert (asked["RoleArn"], asked["WebIdentityToken"]) == (ROLE, "proof")
    assert "proof" not in done.output


def test_credentials_that_end_soon_are_renewed_on_the_way(
    s3: S3Server, volume: Volume, place_name: str, tmp_path: Path
) -> None:
    bench = S3Bench(s3, volume, place_name)
    for number in range(20):
        bench.output(f"{number}")
    # Less than botocore wants to be left.
    with Sts(timedelta(minutes=5)).running() as sts:
        bench.environment = identity(sts, tmp_path)
        assert bench.publish().code == EXIT_OK
    bench.assert_nothing_else()
    assert len(sts.asked) > 1


def test_a_role_that_may_not_be_assumed_is_told(s3: S3Server, volume: Volume, place_name: str, tmp_path: Path) -> None:
    bench = S3Bench(s3, volume, place_name)
    bench.output("a")
    with Sts(timedelta(hours=1), status=403).running() as sts:
        bench.environment = identity(sts, tmp_path)
        done = bench.publish()
    assert done.code in (EXIT_FAILED, EXIT_RETRY)
    assert done.report["reason"] == "PublishFailed"
    assert "proof" not in done.output + str(done.report)
