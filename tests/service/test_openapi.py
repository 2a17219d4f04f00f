"""The service does what its own document says, for requests that fit it and for requests that don't."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import GenerationMode
from schemathesis.checks import (
    not_a_server_error,
)
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from c2d.service import lookup, openapi
from tests.kit.service import ADMIN, Background, in_background, job

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]

document = schemathesis.openapi.from_dict(openapi.DOCUMENT)
document.config.generation.update(modes=list(GenerationMode))
bounded = settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def background() -> Iterator[Background]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lookup, "_PATIENCE", 0.0)
        variables = {"SIGNATURE_REQUIRED": "0", "C2D_REQUESTS_PER_SECOND": "0"}
        with in_background(job(), job("Succeeded", 1), **variables) as background:
            yield background


@document.parametrize()
@bounded
def test_as_its_document_says(case: Any, background: Background) -> None:
    case.call_and_validate(base_url=background.url, checks=CHECKS)


@document.include(tag="admin").parametrize()
@bounded
def test_for_an_admin_as_its_document_says(case: Any, background: Background) -> None:
    case.headers = {**(case.headers or {}), "Admin": ADMIN}
    case.call_and_validate(base_url=background.url, checks=CHECKS)
