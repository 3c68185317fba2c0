// SPDX-License-Identifier: Apache-2.0
// InvokeWithResponseStream with the AWS SDK for JavaScript v3. Arguments: endpoint, name of a function whose event is
// the list of steps that it takes (see test_streaming.py).
import assert from "node:assert/strict";
import { InvokeWithResponseStreamCommand, LambdaClient, PutFunctionConcurrencyCommand } from "@aws-sdk/client-lambda";

const [endpoint, FunctionName] = process.argv.slice(2);
const lambda = new LambdaClient({
  endpoint,
  region: "us-east-1",
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
  maxAttempts: 1,
});
const stream = async (...steps) => {
  const Payload = JSON.stringify(["streaming", steps]);
  return lambda.send(new InvokeWithResponseStreamCommand({ FunctionName, Payload, LogType: "Tail" }));
};

const response = await stream(["write", "first"], ["wait", 5], ["write", "second"]);
assert.equal(response.StatusCode, 200);
assert.equal(response.ExecutedVersion, "$LATEST");
const pieces = [];
let complete;
for await (const event of response.EventStream) {
  if (event.PayloadChunk) {
    pieces.push(Buffer.from(event.PayloadChunk.Payload).toString());
    if (pieces.length === 1) {
      await lambda.send(new PutFunctionConcurrencyCommand({ FunctionName, ReservedConcurrentExecutions: 5 }));
    }
  }
  complete = event.InvokeComplete;
}
assert.deepEqual(pieces, ["first", "second"]);
assert.equal(complete.ErrorCode, undefined);
assert.match(Buffer.from(complete.LogResult, "base64").toString(), /REPORT RequestId/);

for await (const event of (await stream(["fail", "Function.Bad", { errorMessage: "bad" }])).EventStream) {
  assert.equal(event.InvokeComplete.ErrorCode, "Function.Bad");
  assert.deepEqual(JSON.parse(event.InvokeComplete.ErrorDetails), { errorMessage: "bad" });
}
console.log("every step passed");
