#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Deploys the pictures with boto3, and prints where they are."""

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent))

from deploying import ACCOUNT, PYTHON, REGION, SESSION, allow, arn, function, let, packed, public_url  # noqa: E402

SIZES = "128x128 320x200 1280x720"

client, s3, sqs = (SESSION.client(name) for name in ("lambda", "s3", "sqs"))


def pillow():
    """The ARN of a layer with Pillow, which is compiled: it comes as a wheel for the Python that runs this."""
    build = FOLDER / "build" / PYTHON
    if not build.exists():
        wheels = ["--quiet", "--disable-pip-version-check", "--no-compile", "--only-binary", ":all:"]
        draft = build.with_suffix(".draft")
        requirements = ["--target", draft / "python", "--requirement", FOLDER / "requirements.txt"]
        subprocess.run([sys.executable, "-m", "pip", "install", *wheels, *requirements], check=True)
        draft.rename(build)
    files = {path.relative_to(build): path for path in build.rglob("*") if path.is_file()}
    layer = client.publish_layer_version(
        LayerName="pillow", Content={"ZipFile": packed(files)}, CompatibleRuntimes=[PYTHON]
    )
    return layer["LayerVersionArn"]


# Buckets' names are unique in the world. What is made goes to a bucket of its own: a function that writes where its uploads
# are is told of what it wrote, for ever.
photos, thumbnails = (f"{name}-{ACCOUNT}-{REGION}" for name in ("photos", "thumbnails"))
for bucket in (photos, thumbnails):
    s3.create_bucket(Bucket=bucket)
failed_url = sqs.create_queue(QueueName="photos-failed")["QueueUrl"]
failed = arn("sqs", "photos-failed")

layer = pillow()
code = {f"{name}.py": FOLDER / f"functions/{name}.py" for name in ("picture", "upload", "serve")}
buckets = {"PHOTOS": photos, "THUMBNAILS": thumbnails}
# Without leave to list a bucket, what is not there is forbidden and not missing.
may_list = allow("s3:ListBucket", [f"arn:aws:s3:::{photos}", f"arn:aws:s3:::{thumbnails}"])
may_make = [
    allow("s3:GetObject", f"arn:aws:s3:::{photos}/*"),
    allow("s3:PutObject", f"arn:aws:s3:::{thumbnails}/*"),
]

upload = function(
    "photo-upload",
    code,
    *may_make,
    may_list,
    allow("sqs:SendMessage", failed),
    Handler="upload.handler",
    Layers=[layer],
    MemorySize=512,
    Environment={"Variables": buckets},
)
# What is no photo will not become one: it is not tried again, and somebody is told.
client.put_function_event_invoke_config(
    FunctionName="photo-upload", MaximumRetryAttempts=0, DestinationConfig={"OnFailure": {"Destination": failed}}
)
let("photo-upload", "s3.amazonaws.com", f"arn:aws:s3:::{photos}")
s3.put_bucket_notification_configuration(
    Bucket=photos,
    NotificationConfiguration={
        "LambdaFunctionConfigurations": [{"LambdaFunctionArn": upload, "Events": ["s3:ObjectCreated:*"]}]
    },
)

function(
    "photo-serve",
    code,
    *may_make,
    may_list,
    allow("s3:GetObject", f"arn:aws:s3:::{thumbnails}/*"),
    Handler="serve.handler",
    Layers=[layer],
    MemorySize=512,
    Environment={"Variables": {**buckets, "SIZES": SIZES}},
)
url = public_url("photo-serve")

print(f"PHOTOS={photos}\nTHUMBNAILS={thumbnails}\nFAILED={failed_url}\nURL={url}")
