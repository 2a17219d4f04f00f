"""`python -m examples.demo`: the whole story once, on the cluster that the environment names."""

import asyncio
import os
import pathlib
import sys
from collections.abc import Mapping
from datetime import UTC, datetime

import rich.console
import rich.rule
import rich.text

from c2d import __version__
from c2d.cli import display, errors, pages, results, run
from c2d.cli.connect import Place
from c2d.cli.job import Job
from c2d.kube.client import Client
from c2d.kube.resources import Object
from examples import manifests
from examples.branin import dataset
from examples.demo import owner, picture, prediction
from examples.demo.settings import Settings

_BUILD = pathlib.Path("build/demo")


class Story:
    """Tells what happens, chapter by chapter."""

    def __init__(self, console: rich.console.Console) -> None:
        self._console = console

    def chapter(self, title: str) -> None:
        self._console.print()
        self._console.print(rich.rule.Rule(rich.text.Text(title, style="bold"), align="left", style="dim"))

    def done(self, text: str) -> None:
        self.show(rich.text.Text.assemble(("✓ ", "green"), text))

    def show(self, what: rich.console.RenderableType) -> None:
        # A line that is too long is left to the terminal, so that what is copied from it has no line ends inside.
        self._console.print(what, soft_wrap=isinstance(what, rich.text.Text))

    def follow(self) -> display.Display:
        return display.choose(self._console)


async def play(settings: Settings, environ: Mapping[str, str], story: Story) -> None:
    """Raises an error of `errors.EXPECTED` as soon as something isn't as it should be."""
    async with await Client.connect(user_agent=f"c2d-demo/{__version__}") as client:
        story.chapter("The data owner")
        await _publish_dataset(client, settings, story)
        story.chapter("The consumer submits a job")
        ended = await _run(client, settings, environ, story)
    story.chapter("What left the cluster")
    folder = _BUILD / ended.name
    story.show(pages.steps(ended, datetime.now(UTC)))
    story.show("")
    manifest = await asyncio.to_thread(results.download, Place(), ended, folder, settings.endpoint, lambda *_: None)
    story.show(results.table(manifest))
    story.done(f"{len(manifest.results)} results downloaded and verified, in {folder}")
    story.chapter("Was it worth it?")
    _judge(folder, story)


async def _publish_dataset(client: Client, settings: Settings, story: Story) -> None:
    content = dataset.arff().encode()
    await asyncio.to_thread(owner.upload, settings, content)
    story.done(f"{dataset.CELLS**2} samples are in the private bucket {settings.datasets_bucket}")
    await owner.keep_secret(client, settings.namespace, owner.signed_url(settings))
    story.done(f"their URL is in the Secret {owner.SECRET}: no consumer, no algorithm sees it")


async def _run(client: Client, settings: Settings, environ: Mapping[str, str], story: Story) -> Job:
    submitted = await run.submit(client, _asked(settings, environ), settings.namespace)
    story.done(f"{submitted.name}: an algorithm of their own, which will have no network")
    ended = await run.to_the_end(client, submitted, story.follow())
    story.show(pages.end(ended))
    if not ended.succeeded:
        raise errors.CliError(f"the job is {ended.status.phase}", f"See c2d get {ended.name} -n {ended.namespace}.")
    return ended


def _asked(settings: Settings, environ: Mapping[str, str]) -> Object:
    item = manifests.job("branin/job.yaml", environ)
    return {**item, "spec": {**item["spec"], "environment": settings.environment}}


def _judge(folder: pathlib.Path, story: Story) -> None:
    found = prediction.compare(prediction.read(folder / "outputs" / "result"))
    # Beside the results: `c2d verify` takes a file that is not one of them for a trespasser.
    path = folder.with_name(f"{folder.name}-surface.png")
    picture.draw(found, path)
    story.done(f"the learned surface beside the true one: {path}")
    if found.error > prediction.TOLERANCE:
        why = (
            f"the prediction is off by {found.error:.1%} of the function's range, more than {prediction.TOLERANCE:.0%}"
        )
        raise errors.CliError(why, "Look at the picture, then at the algorithm's log.")
    story.done(f"the model is off by {found.error:.2%} of the function's range, and only its owner saw the data")


def main() -> None:
    """Ends with 0 only when everything was as it should be."""
    console = rich.console.Console(highlight=False)
    try:
        asyncio.run(play(Settings.read(os.environ), os.environ, Story(console)))
    except KeyboardInterrupt:
        raise SystemExit(errors.INTERRUPTED) from None
    except errors.EXPECTED as error:
        said = errors.explain(error)
        sys.stderr.write(f"\nthe demo failed: {said.message}\n" + (f"  {said.remedy}\n" if said.remedy else ""))
        raise SystemExit(said.exit_code) from None


if __name__ == "__main__":
    main()
