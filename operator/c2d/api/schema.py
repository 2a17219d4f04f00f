"""From the models to the CustomResourceDefinitions: `python -m c2d.api.schema` writes crds/.

Kubernetes wants *structural* schemas: no $ref, no title, no anyOf with null, a type on every node.
"""

import pathlib
import sys
from typing import Any

import pydantic
import yaml

from c2d.api.environment import GROUP, VERSION, EnvironmentSpec, EnvironmentStatus
from c2d.api.job import JobSpec, JobStatus

Json = dict[str, Any]
_DROPPED = {"title", "additionalProperties", "$defs", "const", "discriminator"}


def structural(model: type[pydantic.BaseModel], keep_defaults: bool) -> Json:
    """The model's schema as a CRD may hold it.

    Defaults of a spec are kept, so that the API server fills them in and `kubectl get -o yaml` shows what holds;
    those of a status are left out, as they would appear in objects that nobody has observed yet.
    """
    document = model.model_json_schema(by_alias=True, mode="validation")
    return _node(document, document.get("$defs", {}), keep_defaults)


def _node(node: Json, definitions: Json, keep_defaults: bool) -> Json:
    if "$ref" in node:
        target = definitions[node["$ref"].rsplit("/", 1)[1]]
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    if "anyOf" in node:
        (choice,) = [choice for choice in node["anyOf"] if choice.get("type") != "null"]
        node = {**choice, **{key: value for key, value in node.items() if key != "anyOf"}}
        return _node(node, definitions, keep_defaults)
    result = {key: value for key, value in node.items() if key not in _DROPPED}
    if not keep_defaults or result.get("default") in (None, {}, []):
        result.pop("default", None)
    if "properties" in node:
        result["properties"] = {
            name: _node(child, definitions, keep_defaults) for name, child in node["properties"].items()
        }
    if isinstance(node.get("additionalProperties"), dict):
        result["additionalProperties"] = _node(node["additionalProperties"], definitions, keep_defaults)
    if "items" in node:
        result["items"] = _node(node["items"], definitions, keep_defaults)
    return result


def _column(name: str, path: str, kind: str = "string", priority: int = 0) -> Json:
    return {"name": name, "jsonPath": path, "type": kind, **({"priority": priority} if priority else {})}


JOB_COLUMNS = [
    _column("Environment", ".spec.environment"),
    _column("Phase", ".status.phase"),
    _column("Progress", ".status.progress"),
    _column("Reason", ".status.reason"),
    _column("Algorithm", ".spec.algorithm.container.image"),
    _column("Duration", ".status.duration"),
    _column("Age", ".metadata.creationTimestamp", "date"),
    _column("Owner", ".spec.owner", priority=1),
    _column("Node", ".status.steps.algorithm.node", priority=1),
    _column("Results", ".status.results.location", priority=1),
    _column("Asset", ".status.resultsDid", priority=1),
]

ENVIRONMENT_COLUMNS = [
    _column("Running", ".status.running", "integer"),
    _column("Queued", ".status.queued", "integer"),
    _column("Max", ".spec.maxJobs", "integer"),
    _column("Ready", ".status.ready", "boolean"),
    _column("CPU", ".spec.resources.cpu"),
    _column("Memory", ".spec.resources.memory"),
    _column("Age", ".metadata.creationTimestamp", "date"),
    _column("Runtime", ".spec.pod.runtimeClassName", priority=1),
]


def _definition(kind: str, short: str, description: str, columns: list[Json], spec: Json, status: Json) -> Json:
    plural = f"{kind.lower()}s"
    schema = {
        "type": "object",
        "description": description,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"type": "object"},
            "spec": spec,
            "status": status,
        },
    }
    version = {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": columns,
        "schema": {"openAPIV3Schema": schema},
    }
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Namespaced",
            "names": {
                "kind": kind,
                "listKind": f"{kind}List",
                "plural": plural,
                "singular": kind.lower(),
                "shortNames": [short],
                "categories": ["c2d"],
            },
            "versions": [version],
        },
    }


def definitions() -> dict[str, Json]:
    """File name -> CustomResourceDefinition."""
    return {
        "computejobs.yaml": _definition(
            "ComputeJob",
            "cjob",
            "A run of an algorithm beside the data; only its results leave.",
            JOB_COLUMNS,
            structural(JobSpec, keep_defaults=True),
            structural(JobStatus, keep_defaults=False),
        ),
        "computeenvironments.yaml": _definition(
            "ComputeEnvironment",
            "cenv",
            "What a data owner offers to run jobs on, and the rules for it.",
            ENVIRONMENT_COLUMNS,
            structural(EnvironmentSpec, keep_defaults=True),
            structural(EnvironmentStatus, keep_defaults=False),
        ),
    }


class _Dumper(yaml.SafeDumper):
    """Writes a repeated part again instead of pointing at it: a CRD is read by people."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - the base class asks per value
        return True


def render(definition: Json) -> str:
    head = "# Generated from operator/c2d/api by `make crds`; change the models, not this file.\n"
    return head + yaml.dump(definition, Dumper=_Dumper, sort_keys=False, width=110, allow_unicode=True)


def main() -> None:
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "crds")
    for name, definition in definitions().items():
        (folder / name).write_text(render(definition))


if __name__ == "__main__":
    main()
