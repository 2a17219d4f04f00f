"""How results that stay on a job's volume are read: whoever wants some says so on the job, the engine then starts a
reader, a pod that mounts nothing but the results, and deletes it once nobody has asked for a while.
"""

from pathlib import PurePosixPath

from c2d.api import volume
from c2d.api.environment import GROUP

# An annotation of the job: when results were last asked for, in RFC 3339. Who reads for long says so again.
ASKED = f"{GROUP}/results-asked"
PORT = 8090
# GET /<key>, with a token of one of the readers' service accounts, made for this audience. The header is not
# Authorization, which an API server takes out when it passes a request on to a pod.
AUDIENCE = "c2d-reader"
TOKEN_HEADER = "X-C2D-Token"  # noqa: S105 - its name
READY = "/ready"  # for the kubelet; no key is a single name
ROOT = PurePosixPath(volume.ROOT, volume.RESULTS)

# Variables of the reader pod: the API server's public keys, and who may read.
KEYS = "C2D_READER_KEYS"
SUBJECTS = "C2D_READERS"
