"""What each environment variable means; tests/docs compares this with what the programs read."""

ENGINE = {
    "C2D_IMAGE": "The image of the configure and publish pods: the engine's own. Required.",
    "C2D_IMAGE_PULL_POLICY": "When these pods pull it: `Always`, `IfNotPresent` or `Never`.",
    "C2D_IMAGE_PULL_SECRETS": "Secrets with which these pods pull it, with commas between, beside the environment's.",
    "C2D_NAMESPACES": "The namespaces whose jobs it works on, with commas between. Empty: the one that it runs in.",
    "C2D_CANARY": "One more probe of the isolation gate, as `tcp://IP:PORT`. The chart names the engine's own Service, "
    "which listens for this. Empty: none.",
    "C2D_HEALTH_PORT": "Where `/healthz` answers.",
    "C2D_SIGNER_PORT": "Where configure and publish pods get signatures, and tell how far they are.",
    "C2D_SIGNER_URL": "That port as configure and publish pods reach it. Empty: nothing is fetched from Providers, "
    "no receipt is signed, and no progress is shown.",
    "C2D_METADATA_URI": "The Aquarius for jobs that name none.",
    "C2D_TRUSTED_METADATA_URIS": "The others that a job may name, with commas between. With neither: any.",
    "C2D_CHAINS": "Where results can become assets: a JSON list of objects with `chainId`, `rpcUrl`, `factoryAddress` "
    "and, if need be, `maxFeeGwei` and `confirmations`; see `operator.chains` of the [chart](chart.md). Empty: "
    "nowhere.",
    "C2D_READERS": "Service accounts that may read results on volumes, as `namespace:name`, with commas between. "
    "Empty: nobody.",
    "OPERATOR_PRIVATE_KEY": "The key that signs downloads from Providers: 0x and 64 hexadecimal digits. Its address is "
    "the environments' consumer address. Empty: none.",
    "LOG_LEVEL": "`DEBUG`, `INFO` or `WARNING`.",
}
SERVICE = {
    "C2D_SERVICE_PORT": "Where it listens.",
    "C2D_NAMESPACE": "The namespace whose jobs and environments it serves. Empty: the one that it runs in.",
    "C2D_MAX_BODY_BYTES": "The largest body of a request.",
    "C2D_MAX_STREAMS": "Results and logs that one replica streams at a time.",
    "C2D_REQUESTS_PER_SECOND": "Requests of one Provider in a second, for each replica; 0: no limit.",
    "C2D_METADATA_URI": "The Aquarius for jobs that name none.",
    "C2D_JOB_TTL_SECONDS": "Seconds from the end of a job to the deletion of its ComputeJob. Its results stay in the "
    "bucket; with an archive they can still be fetched. Empty: it stays.",
    "C2D_S3_CREDENTIALS": "A folder with a folder for each Secret with S3 credentials, which holds a file for each of "
    "its entries: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and, if there is one, `AWS_SESSION_TOKEN`.",
    "C2D_READER_TOKEN": "A file with a token of its own service account for the audience `c2d-reader`, with which it "
    "reads results on volumes.",
    "ALLOWED_PROVIDERS": "A JSON list of the addresses of Providers that may call.",
    "ALLOWED_ADMINS": "A JSON list of the passwords of the admin routes.",
    "SIGNATURE_REQUIRED": "`1`, or `0`: then whoever reaches it starts and stops anybody's jobs.",
    "C2D_NONCE_WINDOW_SECONDS": "How far a request's nonce, a time, may be from now.",
    "C2D_RUNNING_JOBS_PUBLIC": "`1`: `/runningjobs`, which shows every owner, answers without a password.",
    "POSTGRES_HOST": "The PostgreSQL of the archive. Empty: there is no archive.",
    "POSTGRES_PORT": "Its port; 5432 unless set.",
    "POSTGRES_DB": "The database; named like the user unless set.",
    "POSTGRES_USER": "Its user; `postgres` unless set.",
    "POSTGRES_PASSWORD": "That user's password. Empty: libpq looks where it always does.",
    "POSTGRES_SSLMODE": "As in libpq; `prefer` unless set.",
    "POSTGRES_SSLROOTCERT": "A file with the certificates to trust, for `verify-ca` and `verify-full`.",
    "LOG_LEVEL": "`DEBUG`, `INFO` or `WARNING`.",
}
CLI = {
    "KUBECONFIG": "The cluster, as for kubectl.",
    "C2D_SERVICE_URL": "The operator-service, for `c2d provider`; the same as `--url`.",
    "C2D_PROVIDER_KEY": "A Provider's private key, for `c2d provider`; the same as `--key`, but unseen by others.",
    "C2D_ENVIRONMENT": "The environment, for `c2d provider start`; the same as `--environment`.",
    "C2D_IPFS_HEADERS": "A folder with headers for an IPFS node, each in a file `<Secret's name>/<header>`.",
    "C2D_S3_ENDPOINT": "The S3 server or the IPFS node, as seen from here, for `c2d results` and `c2d logs`; the S3 "
    "server for `c2d publish`; the same as `--endpoint`.",
    "OPERATOR_PRIVATE_KEY": "The key that signs downloads from Providers, for `c2d configure`: 0x and 64 hexadecimal "
    "digits. Its account is the one that the assets were ordered for.",
    "AWS_ACCESS_KEY_ID": "Key that may read the results; for `c2d publish`, write them. Everything else that botocore "
    "understands works, too.",
    "AWS_SECRET_ACCESS_KEY": "Its secret.",
    "AWS_REGION": "The bucket's region, for `c2d publish`. Default: `us-east-1`.",
}
CLUSTER = {
    "KUBECONFIG": "Names a cluster that is there: it is used, none is created. Unset: kind where Docker or Podman "
    "answers, else the components as processes of this machine (Linux, root).",
    "C2D_STATE": "The folder of the running cluster; `make down` deletes it. Default: `/var/lib/c2d-cluster`.",
    "C2D_CACHE": "Built programs, packages and images, which outlive the cluster. Default: `~/.cache/c2d`.",
    "KUBEBUILDER_ASSETS": "A folder with ready programs (`etcd`, `kube-apiserver`, `kubectl` and so on), which are "
    "then not compiled.",
    "C2D_IMAGE": "The operator's image, for a cluster that was not made here; required there.",
    "C2D_S3_IMAGE": "The S3 server's image, for a cluster that was not made here. Default: versitygw's own.",
    "C2D_ALGORITHM_IMAGE": "The image for examples and tests, for a cluster that was not made here. Default: "
    "`python:3.11-slim`, which does for all examples but `branin`.",
    "C2D_NOSHELL_IMAGE": "The image without a shell that one test uses, for a cluster that was not made here.",
    "C2D_POSTGRES_IMAGE": "The PostgreSQL's image, for a cluster that was not made here. Default: the official one.",
}
TOLD = {
    "KUBECONFIG": "The cluster.",
    "C2D_NAMESPACE": "Where the operator is.",
    "C2D_ENVIRONMENT": "The ComputeEnvironment that is there.",
    "C2D_SERVICE_URL": "The operator-service as seen from this machine; what a Provider calls OPERATOR_SERVICE_URL.",
    "C2D_PROVIDER_KEY": "The private key of the one Provider that may call it, made for this cluster.",
    "C2D_ADMIN_PASSWORD": "The password of its admin routes.",
    "C2D_S3_ENDPOINT": "The S3 server as seen from this machine.",
    "C2D_S3_ENDPOINT_IN_CLUSTER": "The S3 server as seen from a pod.",
    "C2D_S3_BUCKET": "The bucket of the results.",
    "C2D_S3_DATASETS_BUCKET": "A private bucket for datasets.",
    "AWS_ACCESS_KEY_ID": "A key to both buckets.",
    "AWS_SECRET_ACCESS_KEY": "Its secret.",
    "AWS_REGION": "Their region.",
    "C2D_OPERATOR_IMAGE": "The operator's image as pods name it.",
    "C2D_ALGORITHM_IMAGE": "The example algorithms' image as pods name it.",
    "C2D_NOSHELL_IMAGE": "The image without a shell.",
    "POSTGRES_HOST": "After `make up POSTGRES=1`: the PostgreSQL as seen from this machine.",
    "POSTGRES_PORT": "Its port.",
    "POSTGRES_DB": "Its database.",
    "POSTGRES_USER": "Its user, who may make more databases.",
    "POSTGRES_PASSWORD": "That user's password.",
}
