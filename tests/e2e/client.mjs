// SPDX-License-Identifier: Apache-2.0
// A day with the AWS SDK for JavaScript v3. Arguments: endpoint, function name, runtime, path of a zip.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import {
  CreateFunctionCommand,
  DeleteFunctionCommand,
  GetFunctionCommand,
  InvokeCommand,
  LambdaClient,
  paginateListFunctions,
  PublishVersionCommand,
  ResourceNotFoundException,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionActiveV2,
  waitUntilFunctionUpdatedV2,
} from "@aws-sdk/client-lambda";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const [endpoint, FunctionName, Runtime, zip] = process.argv.slice(2);
const settings = {
  endpoint,
  region: "us-east-1",
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
  maxAttempts: 1,
};
const lambda = new LambdaClient(settings);
const wait = { client: lambda, maxWaitTime: 30, minDelay: 1, maxDelay: 1 };

const identity = await new STSClient(settings).send(new GetCallerIdentityCommand({}));
assert.equal(identity.Account, "000000000000");

const created = await lambda.send(
  new CreateFunctionCommand({
    FunctionName,
    Runtime,
    Handler: "index.handler",
    Role: "arn:aws:iam::000000000000:role/lambda-role",
    Code: { ZipFile: readFileSync(zip) },
  }),
);
assert.equal(created.State, "Pending");
await waitUntilFunctionActiveV2(wait, { FunctionName });

const invoked = await lambda.send(
  new InvokeCommand({ FunctionName, Payload: JSON.stringify({ a: "ä" }), LogType: "Tail" }),
);
assert.equal(invoked.StatusCode, 200);
assert.equal(invoked.ExecutedVersion, "$LATEST");
assert.deepEqual(JSON.parse(invoked.Payload.transformToString()), { got: { a: "ä" }, by: FunctionName });
assert.match(Buffer.from(invoked.LogResult, "base64").toString(), /REPORT RequestId/);

await lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, MemorySize: 256 }));
await waitUntilFunctionUpdatedV2(wait, { FunctionName });
const version = await lambda.send(new PublishVersionCommand({ FunctionName }));
assert.equal(version.Version, "1");
const found = await lambda.send(new GetFunctionCommand({ FunctionName, Qualifier: "1" }));
assert.equal(found.Configuration.MemorySize, 256);
const listed = [];
for await (const page of paginateListFunctions({ client: lambda }, {})) listed.push(...page.Functions);
assert.ok(listed.some((entry) => entry.FunctionName === FunctionName));

await lambda.send(new DeleteFunctionCommand({ FunctionName }));
await assert.rejects(lambda.send(new GetFunctionCommand({ FunctionName })), (error) => {
  assert.ok(error instanceof ResourceNotFoundException);
  assert.equal(error.$metadata.httpStatusCode, 404);
  assert.match(error.message, /^Function not found: arn:/);
  return true;
});
console.log("every step passed");
