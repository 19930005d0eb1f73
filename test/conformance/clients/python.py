"""boto3, or the AWS command line in this process, driven by lines of JSON."""

import contextlib
import io
import json
import os
import re
import sys

if sys.argv[1] == "cli":
    # First, because it brings a botocore of its own that stands in for the other.
    from awscli.clidriver import create_clidriver

import botocore.session
from botocore import xform_name

NAMES = {"meetings": "chime-sdk-meetings", "legacy": "chime"}
REGION = "eu-central-1"


def operations():
    session = botocore.session.get_session()
    return {ours: session.get_service_model(name).operation_names for ours, name in NAMES.items()}


class Boto3:
    def __init__(self):
        self.clients = {}

    def call(self, q):
        import boto3
        from botocore.config import Config
        from botocore.exceptions import ClientError, ParamValidationError

        key = q["key"]
        name = (q["service"], q["url"], key["accessKeyId"], key["secretAccessKey"])
        if name not in self.clients:
            self.clients[name] = boto3.client(
                NAMES[q["service"]], endpoint_url=q["url"], region_name=REGION,
                aws_access_key_id=key["accessKeyId"], aws_secret_access_key=key["secretAccessKey"],
                config=Config(retries={"total_max_attempts": 1}))
        try:
            output = getattr(self.clients[name], xform_name(q["op"]))(**q["input"])
        except ParamValidationError as e:
            return {"refused": str(e)}
        except ClientError as e:
            meta = e.response["ResponseMetadata"]
            return {"error": {"name": e.response["Error"]["Code"], "status": meta["HTTPStatusCode"],
                              "message": e.response["Error"]["Message"], "requestId": meta.get("RequestId")}}
        meta = output.pop("ResponseMetadata")
        return {"status": meta["HTTPStatusCode"], "requestId": meta.get("RequestId"), "output": output}


class CommandLine:
    """The command line says neither status nor request id."""

    def call(self, q):
        os.environ.update(AWS_ACCESS_KEY_ID=q["key"]["accessKeyId"], AWS_SECRET_ACCESS_KEY=q["key"]["secretAccessKey"])
        args = [NAMES[q["service"]], xform_name(q["op"], "-"), "--endpoint-url", q["url"], "--region", REGION,
                "--output", "json", "--no-paginate", "--no-cli-pager", "--cli-input-json", json.dumps(q["input"])]
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            status = create_clidriver().main(args)
        text = out.getvalue().strip()
        if status == 0:
            return {"output": json.loads(text) if text else {}}
        said = re.search(r"An error occurred \((\w+)\) when calling the \w+ operation(?: \(reached max retries: \d+\))?: (.*)", err.getvalue(), re.S)
        if said:
            return {"error": {"name": said[1], "message": said[2].strip()}}
        if "Parameter validation failed" in err.getvalue():
            return {"refused": err.getvalue()}
        return {"broken": "aws %s: status %d: %s" % (" ".join(args), status, err.getvalue())}


def main():
    lines, answers = sys.stdin, sys.stdout
    client = {"boto3": Boto3, "cli": CommandLine}[sys.argv[1]]()
    for line in lines:
        question = json.loads(line)
        try:
            answer = operations() if "ask" in question else client.call(question)
        except Exception as e:  # of the client, which the case has to see
            answer = {"broken": "%s: %s" % (type(e).__name__, e)}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


main()
