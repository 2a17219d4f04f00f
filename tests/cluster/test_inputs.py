"""Examples of examples/inputs on a real kubelet, as far as no other test has their kind here.

Whole volumes, buckets, files in Secrets, URLs and assets are in test_assets.py and test_jobs.py; what configure makes
of each example, without a cluster, is in tests/data_plane/test_inputs.py.
"""

import hashlib
import json
import os
from typing import Any

import yaml

from c2d.api.phases import Phase
from c2d.kube.resources import Object
from examples import manifests
from tests.kit.live import Live

MAIN = b"print(open('/data/transformations/algorithm1').read())\n"


def example(story: Live, name: str, **replaced: str) -> Object:
    """Its spec, with other words in the place of some, and the image of this cluster."""
    text = (manifests.FOLDER / "inputs" / f"{name}.yaml").read_text()
    for there, here in replaced.items():
        assert there in text
        text = text.replace(there, here)
    spec: Object = manifests.with_image(yaml.safe_load(text), story.site.algorithm_image)["spec"]
    return spec


async def then_log(story: Live, spec: Object, **more: Any) -> str:
    """What the algorithm printed."""
    status = await story.then_ended(await story.when_submitted(**spec, **more))
    assert status["phase"] == Phase.SUCCEEDED, status
    return story.results(status)["algorithmLog/algorithm.log"].decode()


def line(path: str, content: str) -> str:
    """As the examples' algorithm prints it."""
    return f"{hashlib.sha256(content.encode()).hexdigest()} /data/inputs/{path}"


async def test_folders_of_one_volume_are_two_inputs(story: Live) -> None:
    files = {"images/2025/a": "one", "images/2025/deep/b": "two", "images/2024/a": "not asked for", "labels/all": "3"}
    claim = await story.given_volume(**files)
    environment = await story.given_environment(assets={"allowVolumes": True})
    log = await then_log(story, example(story, "volume", **{"example-data": claim}), environment=environment)
    assert log.splitlines() == [
        line("algoCustomData.json", "null"),
        line("images/a", "one"),
        line("images/deep/b", "two"),
        line("labels/all", "3"),
    ]


async def test_an_algorithm_of_files_from_three_places(story: Live) -> None:
    url = story.site.url_of("main.py", MAIN)
    story.site.url_of("model.bin", b"model")
    keys = {name: os.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    spec = example(
        story,
        "algorithm-files",
        **{
            "https://code.example.com/main.py": json.dumps(url),
            "https://s3.example.com": story.site.s3_endpoint_in_cluster,
            "example-datasets": story.site.datasets,
            "example-inputs": await story.given_secret(**{"settings.json": '{"depth": 3}'}),
            "example-bucket": await story.given_secret(**keys),
        },
    )
    assert json.loads(await then_log(story, spec)) == {"depth": 3}


async def test_parameters_in_a_secret_are_where_others_are(story: Live) -> None:
    secret = await story.given_secret(parameters='{"threshold": 0.25}')
    log = await then_log(story, example(story, "custom-data", **{"example-inputs": secret}))
    assert log.splitlines() == [line("algoCustomData.json", '{"threshold": 0.25}')]
