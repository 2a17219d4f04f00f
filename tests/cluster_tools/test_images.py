"""Tags, stages and which images stay."""

import pytest

from cluster import images, loading
from cluster.settings import ClusterError

DOCKERFILE = """\
# About all of it.
ARG BASE=python
ARG DEPS=deps

FROM ${BASE} AS deps
COPY site /site
# A remark.
FROM ${DEPS} AS operator
COPY app /app
FROM scratch AS op
COPY op /op
"""


def test_a_stage_is_cut_out_with_the_argument_that_it_stands_on() -> None:
    assert images.stage(DOCKERFILE, "operator") == "ARG DEPS=deps\nFROM ${DEPS} AS operator\nCOPY app /app\n"
    assert images.stage(DOCKERFILE, "op") == "FROM scratch AS op\nCOPY op /op\n"


def test_an_unknown_target_is_an_error() -> None:
    with pytest.raises(ClusterError, match="no target opera"):
        images.stage(DOCKERFILE, "opera")


def test_every_target_of_ours_is_in_the_dockerfile() -> None:
    text = images.DOCKERFILE.read_text()
    for name in (*images.NAMES, "operator-deps", "algorithm-deps"):
        assert images.stage(text, name)


def test_the_newest_of_each_image_stay_and_whatever_is_wanted() -> None:
    refs = ["a:1", "b:1", "a:2", "a:3", "a:4"]

    assert loading.to_keep(refs, {"a:1"}) == {"a:1", "a:3", "a:4", "b:1"}
