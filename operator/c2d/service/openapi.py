"""The OpenAPI document: what /spec answers, what /api/v1/docs shows, and what docs/reference is made from."""

from typing import Any

from c2d import __version__

Json = dict[str, Any]


def _text(description: str, **more: Any) -> Json:
    return {"type": "string", "description": description, **more}


def _whole(description: str, **more: Any) -> Json:
    return {"type": "integer", "description": description, **more}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _object(properties: Json, required: list[str] | None = None, **more: Any) -> Json:
    return {"type": "object", "properties": properties, "required": required or list(properties), **more}


_OWNER = _text(
    "The consumer's address.", minLength=2, maxLength=42, example="0xC41808BBef371AD5CFc76466dDF9dEe228d2BdAA"
)
_AGREEMENT = _text("The order that pays for the run.", minLength=2, maxLength=256)
_JOB = _text("The job: 32 hexadecimal digits.", minLength=2, maxLength=256, example="6951125396154f2da719f097ae758bb5")
_SIGNATURE = _text(
    "The Provider's signature over owner + jobId (where there is one) + nonce, as 0x and r, s, v in hexadecimal."
)
_NONCE = "The time in nanoseconds since 1970; fresh for some minutes."

SCHEMAS: Json = {
    "Error": _object({"error": _text("What is wrong, and what to do about it.")}),
    "Result": _object(
        {
            "filename": _text("Relative to the outputs folder, or the log's name."),
            "filesize": _whole("Bytes."),
            "type": _text(
                "What it is.", enum=["output", "algorithmLog", "configrationLog", "filteringLog", "publishLog"]
            ),
        }
    ),
    "Status": _object(
        {
            "agreementId": _text("As it was given."),
            "jobId": _text("32 hexadecimal digits."),
            "owner": _text("As it was given."),
            "status": _whole("1, 20, 30, 31, 32, 40, 60 or 70; above 60 the job has ended, as it has with 31 and 32."),
            "statusText": _text("The status in words; how a run ended, when it ended badly."),
            "dateCreated": _text("Seconds since 1970."),
            "dateFinished": _text("Seconds since 1970; null before the end.", nullable=True),
            "results": {
                "description": "What can be fetched now, in the order of getResult's index; empty text before.",
                "oneOf": [{"type": "array", "items": _ref("Result")}, {"type": "string", "enum": [""]}],
            },
            "stopreq": _whole("0 none, 1 by a user, 2 by the clock."),
            "removed": _whole("1 when its results were removed on request."),
            "algoDID": _text('The algorithm\'s DID, or "raw".'),
            "inputDID": {"type": "array", "items": {"type": "string"}, "description": "The datasets' DIDs."},
        }
    ),
    "Environment": _object(
        {
            "id": _text("The ComputeEnvironment's name."),
            "cpuNumber": {"type": "number", "description": "CPUs of one job."},
            "cpuType": _text("The kind of CPU."),
            "gpuNumber": _whole("GPUs of one job."),
            "gpuType": _text("The kind of GPU."),
            "ramGB": {"type": "number", "description": "Memory of one job, in GiB."},
            "diskGB": {"type": "number", "description": "Volume of one job, in GiB."},
            "priceMin": {"type": "number", "description": "Price of a minute."},
            "desc": _text("The data owner's description."),
            "currentJobs": _whole("Jobs that run now."),
            "maxJobs": _whole("Jobs that may run at a time; more wait."),
            "consumerAddress": _text("The address to order assets for."),
            "storageExpiry": _whole("Seconds that results are kept; 0: until they are removed."),
            "maxJobDuration": _whole("Seconds that an algorithm may run."),
            "lastSeen": _text("Seconds since 1970."),
            "allowedChainId": {
                "type": "array",
                "items": {"type": "integer"},
                "description": "Only where chains are restricted.",
            },
        },
        ["id", "cpuNumber", "ramGB", "diskGB", "priceMin", "currentJobs", "maxJobs", "consumerAddress", "lastSeen"],
    ),
    "Start": _object(
        {
            "workflow": _object(
                {"stages": {"type": "array", "items": {"type": "object"}, "description": "Exactly one."}},
                description="What is to be done: datasets, algorithm, and where the metadata is.",
            ),
            "agreementId": _AGREEMENT,
            "owner": _OWNER,
            "providerSignature": _SIGNATURE,
            "environment": _text("The environment's id.", minLength=1, maxLength=256),
            "nonce": {"description": _NONCE, "oneOf": [{"type": "integer"}, {"type": "string"}]},
            "providerAddress": _text("Not needed: the signature says who signed."),
            "validUntil": _whole("The end of what was paid for, in seconds since 1970; 0 or absent: the maximum."),
            "chainId": _whole("The chain of the order."),
        },
        ["workflow", "agreementId", "owner", "providerSignature", "environment", "nonce"],
    ),
}


def _query(name: str, schema: Json, *, required: bool = False) -> Json:
    description = schema.get("description", "")
    return {"name": name, "in": "query", "required": required, "description": description, "schema": schema}


def _signed(*, required: bool = True) -> list[Json]:
    nonce = _text(_NONCE)
    return [
        _query("providerSignature", _SIGNATURE, required=required),
        _query("nonce", nonce, required=required),
    ]


_ADMIN: Json = {
    "name": "Admin",
    "in": "header",
    "required": False,
    "description": "One of the passwords in ALLOWED_ADMINS.",
    "schema": {"type": "string"},
}
_ERRORS = {
    400: "The request can't be carried out as it is; the text names the field.",
    401: "The caller may not.",
    404: "There is no such result.",
    415: "Neither a query nor a body.",
    416: "The range begins behind the end.",
    429: "More requests a second than one Provider may make.",
    503: "Worth a retry in a moment.",
}


def _json(description: str, schema: Json) -> Json:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _answers(success: Json, *codes: int) -> Json:
    errors = {str(code): _json(_ERRORS[code], _ref("Error")) for code in codes}
    return {"200": success, **errors}


def _list(name: str, description: str) -> Json:
    return _json(description, {"type": "array", "items": _ref(name)})


_JOB_FILTERS = [_query("jobId", _JOB), _query("agreementId", _AGREEMENT), _query("owner", _OWNER)]
_CONTROL = [_query("owner", _OWNER, required=True), _query("jobId", _JOB), _query("agreementId", _AGREEMENT)]
_ALIVE: Json = {"type": "object", "properties": {"alive": {"type": "boolean"}}}
_READY: Json = {"type": "object", "properties": {"ready": {"type": "boolean"}, "why": {"type": "string"}}}
_STREAM: Json = {"description": "The bytes.", "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}}
_LOG: Json = {"description": "The log.", "content": {"text/plain": {"schema": {"type": "string"}}}}

_COMPUTE: Json = {
    "post": {
        "operationId": "start",
        "tags": ["jobs"],
        "summary": "Start a job",
        "description": "The same request again, with the same or a new nonce, answers with the same job.",
        "requestBody": {"required": True, "content": {"application/json": {"schema": _ref("Start")}}},
        "responses": _answers(_list("Status", "The job, as the only element."), 400, 401, 415, 429, 503),
    },
    "get": {
        "operationId": "status",
        "tags": ["jobs"],
        "summary": "Watch jobs",
        "description": "At least one of jobId, agreementId and owner; those that are given must all fit.",
        "parameters": [*_JOB_FILTERS, _query("chainId", _text("The chain.")), *_signed(required=False)],
        "responses": _answers(
            _list("Status", "The jobs, the oldest first; none is an empty array."), 400, 401, 429, 503
        ),
    },
    "put": {
        "operationId": "stop",
        "tags": ["jobs"],
        "summary": "Stop a job, or all of an owner",
        "description": "Logs are still published.",
        "parameters": [*_CONTROL, *_signed()],
        "responses": _answers(_list("Status", "The jobs as they are now."), 400, 401, 429, 503),
    },
    "delete": {
        "operationId": "remove",
        "tags": ["jobs"],
        "summary": "Remove the results of a job, or of all jobs of an owner",
        "description": "An unfinished job is stopped first. Without any parameter nothing happens.",
        "parameters": [{**parameter, "required": False} for parameter in (*_CONTROL, *_signed())],
        "responses": _answers(
            _json(
                "The jobs as they are now; an empty text where nothing was asked.",
                {"oneOf": [{"type": "array", "items": _ref("Status")}, {"type": "string", "enum": [""]}]},
            ),
            400,
            401,
            429,
            503,
        ),
    },
}

_RESULT: Json = {
    "get": {
        "operationId": "getResult",
        "tags": ["jobs"],
        "summary": "Fetch a result",
        "description": "A Range header gives a part of it.",
        "parameters": [
            _query("owner", _OWNER, required=True),
            _query("jobId", _JOB, required=True),
            _query("index", _text("The result's place in the status object's list, from 0."), required=True),
            *_signed(),
        ],
        "responses": {
            **_answers(_STREAM, 400, 401, 404, 416, 429, 503),
            "206": {**_STREAM, "description": "The bytes of the range."},
        },
    }
}


def _admin(operation: str, summary: str, success: Json, *codes: int, parameters: list[Json] | None = None) -> Json:
    return {
        "operationId": operation,
        "tags": ["admin"],
        "summary": summary,
        "parameters": [_ADMIN, *(parameters or [])],
        "responses": _answers(success, 400, 401, *codes),
    }


def _plain(operation: str, summary: str, responses: Json, tag: str = "service") -> Json:
    return {"operationId": operation, "tags": [tag], "summary": summary, "responses": responses}


_ANY: Json = {"type": "object"}
_PAGE = [
    _query("limit", _whole("Jobs of a page, at most 1000.", minimum=1, maximum=1000, default=100)),
    _query("after", _text('The "next" of the page before.')),
    _query("phase", _text("Only jobs in this phase.")),
    _query("environment", _text("Only jobs of this environment.")),
    _query("owner", _text("Only jobs of this owner.")),
]
_LOG_QUERY = [
    _query("jobId", _JOB, required=True),
    _query("component", _text("Which pod.", enum=["configure", "algorithm", "publish"], default="algorithm")),
    _query("follow", {"type": "boolean", "description": "Wait for what is still to come."}),
]

DOCUMENT: Json = {
    "openapi": "3.0.3",
    "info": {
        "title": "operator-service",
        "version": __version__,
        "description": "Providers of the Ocean network start, watch and stop compute jobs here, and fetch results.\n\n"
        "Parameters are taken from the query if there is one, otherwise from a JSON body, with every method.",
        "license": {"name": "Apache-2.0"},
    },
    "tags": [
        {"name": "jobs", "description": "For Providers, who sign each request."},
        {"name": "environments", "description": "What is on offer."},
        {"name": "admin", "description": "For the data owner, with the Admin header."},
        {"name": "service", "description": "For the cluster, and for people who look around."},
    ],
    "paths": {
        "/api/v1/operator/compute": _COMPUTE,
        "/api/v1/operator/getResult": _RESULT,
        "/api/v1/operator/environments": {
            "get": {
                "operationId": "environments",
                "tags": ["environments"],
                "summary": "What is on offer",
                "parameters": [_query("chainId", _text("Only those that serve this chain; also as chain_id."))],
                "responses": {"200": _list("Environment", "The environments, full ones included.")},
            }
        },
        "/api/v1/operator/runningjobs": {
            "get": _admin(
                "runningjobs",
                "The unfinished jobs of every owner",
                _json("The jobs.", {"type": "array", "items": _ANY}),
                503,
            )
        },
        "/api/v1/operator/pgsqlinit": {
            "post": _admin("pgsqlinit", "Bring the database's schema up to date", {"description": "It is."}, 503)
        },
        "/api/v1/operator/info": {
            "get": _admin("info", "The state of this replica", _json("Environments, counts, archive.", _ANY))
        },
        "/api/v1/operator/list": {
            "get": _admin("list", "All jobs, the newest first", _json("A page of jobs.", _ANY), 503, parameters=_PAGE)
        },
        "/api/v1/operator/logs": {
            "get": _admin("logs", "The log of one of a job's pods", _LOG, 404, 503, parameters=_LOG_QUERY)
        },
        "/": {"get": _plain("root", "The operator's address and version", {"200": _json("Facts.", _ANY)})},
        "/healthz": {"get": _plain("healthz", "Whether the process lives", {"200": _json("It does.", _ALIVE)})},
        "/readyz": {
            "get": _plain(
                "readyz",
                "Whether this replica may be asked",
                {"200": _json("It may.", _READY), "503": _json("It may not, and why.", _READY)},
            )
        },
        "/metrics": {"get": _plain("metrics", "Numbers for Prometheus", {"200": _LOG})},
        "/spec": {"get": _plain("spec", "This document", {"200": _json("OpenAPI.", _ANY)})},
        "/api/v1/docs": {
            "get": _plain(
                "docs",
                "This document, to be read and tried",
                {"200": {"description": "A page.", "content": {"text/html": {}}}},
            )
        },
    },
    "components": {"schemas": SCHEMAS},
}
