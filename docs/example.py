"""The worked example of docs/reference/api.md: one call and its answer. tests/docs holds both to the schemas.

The key is nobody's: it is in these pages, so never let it into `service.allowedProviders`.
"""

from typing import Any

Json = dict[str, Any]

KEY = "0x1f990f8b013fc5c7955e0f8746f11ded231721b9cf3f99ff06cdc03492b28090"
ADDRESS = "0xe17D2A07EFD5b112F4d675ea2d122ddb145d117B"
OWNER = "0xC41808BBef371AD5CFc76466dDF9dEe228d2BdAA"
JOB = "6951125396154f2da719f097ae758bb5"
NONCE = 1700000000000000000
# Of OWNER + NONCE, and of OWNER + JOB + NONCE.
START_SIGNATURE = (
    "0x9e454935daaf88e27b303e410e988926a37422430cb313256682b5ce4349a61f"
    "66b0fa4d412ff8a877fa7023d3d7f9982483537dbd2ac9a27c9eda0f518d746f01"
)
JOB_SIGNATURE = (
    "0xd5df1b1e9c26690c077e7741067cffdefc801d17711baac273c83e215149e62c"
    "3177ca6f0f8b19ff78b8e81708d30f3c94092908427b767b66b9d6d126b1db4001"
)
AGREEMENT = "0x5d3c0f1b2a49687c8e7d6f5a4b3c2d1e0f9a8b7c6d5e4f3a2b1c0d9e8f7a6b5c"

START: Json = {
    "workflow": {
        "stages": [
            {
                "index": 0,
                "input": [{"index": 0, "id": "numbers", "url": ["https://data.example.com/numbers.csv"]}],
                "algorithm": {
                    "rawcode": 'print("hello")\nopen("/data/outputs/answer.txt", "w").write("42\\n")\n',
                    "container": {
                        "image": "registry.example.com/algorithms/python",
                        "tag": "3.11",
                        "entrypoint": "python3 $ALGO",
                    },
                },
                "compute": {"Instances": 1, "namespace": "default", "maxtime": 3600},
                "output": {"metadataUri": "https://aquarius.example.com"},
            }
        ]
    },
    "agreementId": AGREEMENT,
    "owner": OWNER,
    "providerSignature": START_SIGNATURE,
    "environment": "default",
    "nonce": NONCE,
    "validUntil": 1700003600,
}

STARTED: Json = {
    "agreementId": AGREEMENT,
    "jobId": JOB,
    "owner": OWNER,
    "status": 1,
    "statusText": "Warming up",
    "dateCreated": "1700000001.0",
    "dateFinished": None,
    "results": "",
    "stopreq": 0,
    "removed": 0,
    "algoDID": "raw",
    "inputDID": ["numbers"],
}

FINISHED: Json = {
    **STARTED,
    "status": 70,
    "statusText": "Job finished",
    "dateFinished": "1700000012.0",
    "results": [
        {"filename": "answer.txt", "filesize": 3, "type": "output"},
        {"filename": "algorithm.log", "filesize": 6, "type": "algorithmLog"},
        {"filename": "configure.log", "filesize": 404, "type": "configrationLog"},
        {"filename": "publish.log", "filesize": 186, "type": "publishLog"},
    ],
}

ENVIRONMENT: Json = {
    "id": "default",
    "cpuNumber": 2,
    "cpuType": "",
    "gpuNumber": 0,
    "gpuType": "",
    "ramGB": 4,
    "diskGB": 20,
    "priceMin": 0,
    "desc": "2 CPUs, 4 GiB, an hour at most",
    "currentJobs": 0,
    "maxJobs": 5,
    "consumerAddress": ADDRESS,
    "storageExpiry": 0,
    "maxJobDuration": 3600,
    "lastSeen": "1700000000.25",
}
