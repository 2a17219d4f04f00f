"""The pages that derive from the code: `python -m docs.generate` writes them, tests/docs fails when they are stale."""

import enum
import json
import pathlib
from collections.abc import Iterator, Mapping
from typing import Any

import typer.main
import yaml

from c2d.api import phases, reasons, schema
from c2d.cli.main import app
from c2d.engine.main import Options
from c2d.service import openapi
from c2d.service.settings import Settings
from docs import api_page, variables
from docs.markdown import code, page, table

ROOT = pathlib.Path(__file__).parent.parent
REFERENCE = ROOT / "docs" / "reference"
CHART = ROOT / "charts" / "c2d"

BEGIN, END = "<!-- phases: generated -->\n", "<!-- /phases -->\n"

Json = dict[str, Any]


def pages() -> dict[pathlib.Path, str]:
    """File -> its whole text, as it should be."""
    architecture = ROOT / "docs" / "architecture.md"
    definitions = schema.definitions()
    return {
        REFERENCE / "computejob.md": _resource(definitions["computejobs.yaml"], _JOB),
        REFERENCE / "computeenvironment.md": _resource(definitions["computeenvironments.yaml"], _ENVIRONMENT),
        REFERENCE / "phases.md": _phases(),
        REFERENCE / "reasons.md": _reasons(),
        REFERENCE / "chart.md": _chart(),
        REFERENCE / "settings.md": _settings(),
        REFERENCE / "cli.md": _cli(),
        REFERENCE / "api.md": api_page.text(openapi.DOCUMENT),
        architecture: with_diagram(architecture.read_text()),
    }


# --- custom resources

_JOB = """\
What was asked is in `spec`, what was observed is in `status`. The API server refuses a field that it doesn't know when
it is asked to (`c2d run` and `kubectl create` ask). Only `stop` and `ttlSecondsAfterFinished` may change once the job
exists, and a stop can't be taken back.

`validUntil` bounds the run, not the wait: the algorithm gets `min(maxJobDurationSeconds, validUntil - its start)`, and
at least 60 seconds. 1970-01-01T00:00:00Z means that there is no bound.
"""
_ENVIRONMENT = """\
A job takes a copy of its environment when it is accepted (`status.resolvedEnvironment`). A later change of the
environment never alters a job that runs. Jobs and environments find each other by namespace and name.
"""


def _resource(definition: Json, words: str) -> str:
    spec = definition["spec"]
    version, naming = spec["versions"][0], spec["names"]
    parts = version["schema"]["openAPIV3Schema"]
    facts = (
        f"`apiVersion: {spec['group']}/{version['name']}`, `kind: {naming['kind']}`, namespaced. "
        f"kubectl knows it as `{naming['plural']}` and `{naming['shortNames'][0]}`. {parts['description']}\n"
    )
    columns = [
        (item["name"], code(item["jsonPath"]), "with `-o wide`" if item.get("priority") else "")
        for item in version["additionalPrinterColumns"]
    ]
    return page(
        naming["kind"],
        "operator/c2d/api",
        facts,
        words,
        "## spec\n",
        _fields(parts["properties"]["spec"]),
        "## status\n\nWritten by the engine only.\n",
        _fields(parts["properties"]["status"]),
        "## Columns of `kubectl get`\n",
        table(("column", "field", ""), columns),
    )


def _fields(node: Json) -> str:
    rules = list(_rules(node, ""))
    listed = "\nRules that the API server checks:\n" + "".join(f"- {rule}\n" for rule in rules) if rules else ""
    return table(("field", "type", "default", "meaning"), list(_rows(node, ""))) + listed


def _rules(node: Json, path: str) -> Iterator[str]:
    for rule in node.get("x-kubernetes-validations", ()):
        yield (f"`{path}`: " if path else "") + rule["message"]
    for name, child in node.get("properties", {}).items():
        if name != "resolvedEnvironment":
            inner = f"{path}.{name}" if path else name
            yield from _rules(child.get("items", child), f"{inner}[]" if "items" in child else inner)


def _rows(node: Json, prefix: str) -> Iterator[tuple[str, ...]]:
    for name, child in node.get("properties", {}).items():
        path = f"{prefix}{name}"
        if path == "resolvedEnvironment":
            link = f"{child['description']} Fields: [ComputeEnvironment](computeenvironment.md#spec)."
            yield f"`{path}`", "object", "", link
            continue
        needed = name in node.get("required", ())
        yield f"`{path}`", _type(child), "required" if needed else _default(child), child.get("description", "")
        inner = child.get("items", child)
        yield from _rows(inner, f"{path}[]." if "items" in child else f"{path}.")


def _type(node: Json) -> str:
    if "items" in node:
        size = f", {node.get('minItems', 0)} to {node['maxItems']}" if "maxItems" in node else ""
        return f"list of {_type(node['items'])}{size}"
    if "enum" in node:
        return " or ".join(code(value) for value in node["enum"])
    if isinstance(node.get("additionalProperties"), dict):
        return "map of strings"
    kind = node.get("format") or node.get("type", "any JSON")
    kind = " or ".join(kind) if isinstance(kind, list) else str(kind)
    return kind + "".join(f", {text}" for text in (_bounds(node), _pattern(node)) if text)


def _bounds(node: Json) -> str:
    if "minimum" in node and "maximum" in node:
        return f"{node['minimum']} to {node['maximum']}"
    if "minimum" in node:
        return f"{node['minimum']} or more"
    return f"at most {node['maxLength']} characters" if "maxLength" in node and "pattern" not in node else ""


def _pattern(node: Json) -> str:
    return code(node["pattern"]) if "pattern" in node else ""


def _default(node: Json) -> str:
    default = node.get("default", "")
    return "see below" if isinstance(default, dict) else code(json.dumps(default) if default != "" else "")


# --- tables of the product


def state_diagram() -> str:
    """Mermaid, from the table of phases."""
    lines = ["stateDiagram-v2", "    [*] --> Pending"]
    for phase, row in phases.TABLE.items():
        lines += [f"    {phase} --> {after}" for after in row.next] or [f"    {phase} --> [*]"]
    return "```mermaid\n" + "\n".join(lines) + "\n```\n"


def with_diagram(text: str) -> str:
    """The text with the diagram of now between its marks."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + state_diagram() + END + after


def _phases() -> str:
    rows = [
        (f"`{phase}`", str(row.code), f"`{row.text}`", row.meaning, ", ".join(row.next) or "-")
        for phase, row in phases.TABLE.items()
    ]
    words = (
        "Code and text are those that Ocean clients poll for; the text of `Running` ends with a space. A job in one of "
        f"{', '.join(phase for phase in phases.TABLE if phase in phases.ACTIVE)} takes a place in its environment.\n\n"
        "A run that did not succeed ends with code 70 and a text that says why, such as "
        "`Job finished: AlgorithmFailed (exit code 3)`. Two kinds of failure keep codes and texts of their own: "
        + " and ".join(f"{code} `{text}`" for code, text in reasons.PROVISIONING_TEXTS.items())
        + ", see [reasons](reasons.md).\n"
    )
    head = ("phase", "code", "text", "meaning", "may be followed by")
    return page("Phases", "operator/c2d/api/phases.py", words, table(head, rows), state_diagram())


def _reasons() -> str:
    rows = [
        (f"`{reason}`", ending.phase, str(ending.code), ending.hint or "-")
        for reason, ending in reasons.ENDINGS.items()
    ]
    words = (
        "`status.reason` says why a job ended, or why it still waits. `status.message` has the details, and "
        "`status.hint` the sentence below. Whatever else breaks while the data is being provisioned also ends "
        "with code 31. [Debug a job](../howto/debug-a-job.md) says more about each.\n"
    )
    asset_words = (
        "## Of assets\n\n`status.asset.reason`, and in the end that of the condition `AssetPublished`, say why results "
        "did not become an [asset](../howto/publish-results-as-assets.md). None of these fails a job.\n"
    )
    asset_rows = [(f"`{reason}`", hint) for reason, hint in reasons.ASSET_HINTS.items()]
    return page(
        "Reasons",
        "operator/c2d/api/reasons.py",
        words,
        table(("reason", "ends in", "code", "hint"), rows),
        asset_words,
        table(("reason", "hint"), asset_rows),
    )


# --- chart


def _chart() -> str:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    described = json.loads((CHART / "values.schema.json").read_text())
    words = (
        "`helm show values charts/c2d` prints the same with comments. A value that is not in this table is refused. "
        "The chart also installs the two CustomResourceDefinitions, once; Helm never changes them afterwards, see "
        "[Run on your cluster](../howto/run-on-your-cluster.md#upgrade).\n"
    )
    head = ("value", "type", "default", "meaning")
    return page("Chart values", "charts/c2d", words, table(head, list(_values(described, values, ""))))


def _values(node: Json, value: Any, prefix: str) -> Iterator[tuple[str, ...]]:
    for name, child in node.get("properties", {}).items():
        path, inner = f"{prefix}{name}", value.get(name) if isinstance(value, dict) else None
        nested = "properties" in child or child.get("items", {}).get("properties")
        default = "" if inner is None or "properties" in child else code(json.dumps(inner))
        needed = name in node.get("required", ()) and inner is None
        yield f"`{path}`", _type(child), "required" if needed else default, child["description"]
        if nested:
            yield from _values(child.get("items", child), inner, f"{path}[]." if "items" in child else f"{path}.")


# --- environment variables


class Recorder(dict[str, str]):
    """An environment that remembers what was looked up in it, and with which default."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__(values)
        self.asked: dict[str, str] = {}

    def get(self, key: str, default: Any = None) -> Any:
        self.asked[key] = default or ""
        return super().get(key, default)


def engine_variables() -> dict[str, str]:
    """What the engine reads -> its default."""
    environ = Recorder({"C2D_IMAGE": "any"})
    Options.read(environ)
    return environ.asked


def service_variables() -> dict[str, str]:
    """What the operator-service reads -> its default."""
    environ = Recorder({"C2D_JOB_TTL_SECONDS": "1", "POSTGRES_HOST": "any"})
    Settings.read(environ)
    return environ.asked


def _service_defaults() -> dict[str, str]:
    """Those that a look-up does not show."""
    settings = Settings.read({})
    access, limits = settings.access, settings.limits
    return {
        "C2D_SERVICE_PORT": str(settings.port),
        "C2D_MAX_BODY_BYTES": str(limits.body_bytes),
        "C2D_MAX_STREAMS": str(limits.streams),
        "C2D_REQUESTS_PER_SECOND": str(limits.requests_per_second),
        "SIGNATURE_REQUIRED": str(int(access.signature_required)),
        "C2D_NONCE_WINDOW_SECONDS": str(access.window_seconds),
        "C2D_RUNNING_JOBS_PUBLIC": str(int(access.running_jobs_public)),
    }


def _described(read: Mapping[str, str], meanings: Mapping[str, str]) -> list[tuple[str, ...]]:
    return [(f"`{name}`", code(read.get(name, "")) or "-", text) for name, text in meanings.items()]


def _settings() -> str:
    engine = _described(engine_variables(), variables.ENGINE)
    service = _described({**service_variables(), **_service_defaults()}, variables.SERVICE)
    return page(
        "Environment variables",
        "the programs and docs/variables.py",
        "## The engine\n\nThe chart sets them; see [chart values](chart.md).\n",
        table(("variable", "default", "meaning"), engine),
        "## The operator-service\n\nThe chart sets these, too.\n",
        table(("variable", "default", "meaning"), service),
        "## The command line\n",
        table(("variable", "meaning"), [(f"`{name}`", text) for name, text in variables.CLI.items()]),
        "## The development cluster: what it reads\n",
        table(("variable", "meaning"), [(f"`{name}`", text) for name, text in variables.CLUSTER.items()]),
        '## The development cluster: what it tells\n\n`eval "$(make -s env)"` sets them.\n',
        table(("variable", "meaning"), [(f"`{name}`", text) for name, text in variables.TOLD.items()]),
        "## Inside a job's pods\n\nWhat an algorithm finds is in the [container contract](container-contract.md).\n",
    )


# --- command line


def _cli() -> str:
    command = typer.main.get_command(app)
    words = (
        "`kubectl c2d` is the same program. `--namespace` and `--context` may also stand before the command; the "
        "commands of `c2d provider` need no cluster, only the URL of an operator-service. "
        "`c2d configure`, `c2d publish`, `c2d verify` and `c2d crate` need neither. "
        "Answers go to the standard output, progress and errors to the standard error. Exit codes: 0 done, "
        "1 it did not work out, 2 it can't be done as it was asked, 130 interrupted.\n"
    )
    sections = [_command(name, each) for name, each in commands(command)]
    return page("c2d", "operator/c2d/cli/main.py", words, *sections)


def commands(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Each command by its words, those of sub-groups included."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


def _command(name: str, command: Any) -> str:
    parameters = list(command.params)
    arguments = [part for part in parameters if part.param_type_name == "argument"]
    words = [part.metavar if part.required else f"[{part.metavar}]" for part in arguments]
    rows = [
        (", ".join(f"`{text}`" for text in _spelled(part)), "required" if part.required else "", _help(part))
        for part in parameters
    ]
    usage = " ".join(["c2d", name, *words, "[OPTIONS]"])
    text = " ".join((command.help or "").split())
    return f"## c2d {name}\n\n`{usage}`\n\n{text}\n\n" + table(("parameter", "", "meaning"), rows)


def _spelled(parameter: Any) -> list[str]:
    return [parameter.metavar] if parameter.param_type_name == "argument" else list(parameter.opts)


def _help(parameter: Any) -> str:
    default, kind = parameter.default, parameter.type_descriptor.annotation
    words = [f"`{word.value}`" for word in kind] if isinstance(kind, type) and issubclass(kind, enum.Enum) else []
    choices = f" One of {', '.join(words)}." if words else ""
    shown = f" Default: `{getattr(default, 'value', default)}`." if default not in (None, False) else ""
    variable = f" Also from `{parameter.envvar}`." if parameter.envvar else ""
    return f"{parameter.help}{choices}{shown if not parameter.required else ''}{variable}"


def main() -> None:
    for path, text in pages().items():
        path.write_text(text)


if __name__ == "__main__":
    main()
