# SPDX-License-Identifier: Apache-2.0
"""Further accounts of a server, as tests of the wall between them speak of it."""

import configparser

from harness import PYTHON, policy, unique, zip_bytes

OTHER = "111122223333"
ROOT_OF_OTHER = {"AWS": f"arn:aws:iam::{OTHER}:root"}
HELLO = "def handler(event, context): return 'hello'"


def account(server, *arguments, check=True):
    command, *rest = arguments
    return server.tinderbox("account", command, "--data-dir", server.data_dir, *rest, check=check)


class Account:
    """A further account, as its root sees it."""

    def __init__(self, server, number):
        assert account(server, "create", number).stdout.strip() == number
        self.path = server.data_dir / f"credentials-{number}"
        read = configparser.ConfigParser()
        read.read(self.path)
        self.server, self.number = server, number
        self.key = (read["default"]["aws_access_key_id"], read["default"]["aws_secret_access_key"])

    def client(self, service="lambda", **more):
        return self.server.client(service, *self.key, **more)

    def role(self, *statements, trust=None):
        iam, name = self.client("iam"), unique("role")
        trust = trust or {"Service": "lambda.amazonaws.com"}
        trusting = policy({"Effect": "Allow", "Principal": trust, "Action": "sts:AssumeRole"})
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusting)["Role"]
        if statements:
            iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=policy(*statements))
        return made

    def user(self, *statements):
        iam, name = self.client("iam"), unique("user")
        iam.create_user(UserName=name)
        if statements:
            iam.put_user_policy(UserName=name, PolicyName="p", PolicyDocument=policy(*statements))
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    def function(self, name, role, source=HELLO):
        client = self.client()
        client.create_function(
            FunctionName=name,
            Runtime=PYTHON,
            Handler="index.handler",
            Role=role,
            Code={"ZipFile": zip_bytes({"index.py": source})},
        )
        client.get_waiter("function_active_v2").wait(
            FunctionName=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 900}
        )
