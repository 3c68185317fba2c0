// SPDX-License-Identifier: Apache-2.0
// Buckets and objects with the AWS SDK for JavaScript v3, which sends streams in chunks with a checksum behind them.
// Arguments: endpoint, name of a bucket that is not there yet.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import {
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectsCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  NoSuchKey,
  paginateListObjectsV2,
  PutObjectCommand,
  S3Client,
  waitUntilBucketExists,
} from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";

const [endpoint, Bucket] = process.argv.slice(2);
const s3 = new S3Client({
  endpoint,
  region: "us-east-1",
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
  maxAttempts: 1,
});
const MIB = 1 << 20;
const bytes = Buffer.alloc(20 * MIB + 7, "tinderbox ");
const pieces = () => Readable.from(Array.from({ length: 21 }, (_, n) => bytes.subarray(n * MIB, (n + 1) * MIB)));
const sha256 = (data) => createHash("sha256").update(data).digest("base64");

// Which headers the requests had, by operation.
const sent = {};
s3.middlewareStack.add(
  (next, { commandName }) => async (step) => {
    sent[commandName] = step.request.headers;
    return next(step);
  },
  { step: "finalizeRequest", priority: "low", name: "listening" },
);

await s3.send(new CreateBucketCommand({ Bucket }));
await waitUntilBucketExists({ client: s3, maxWaitTime: 30, minDelay: 1, maxDelay: 1 }, { Bucket });

// A stream whose length is known: chunks, and the checksum in the trailer.
const length = 3 * MIB + 1;
const Body = Readable.from([bytes.subarray(0, MIB), bytes.subarray(MIB, length)]);
const put = await s3.send(
  new PutObjectCommand({ Bucket, Key: "ström", Body, ContentLength: length, Metadata: { who: "js" } }),
);
assert.equal(sent.PutObjectCommand["x-amz-trailer"], "x-amz-checksum-crc32");
assert.equal(sent.PutObjectCommand["content-encoding"], "aws-chunked");
const got = await s3.send(new GetObjectCommand({ Bucket, Key: "ström" }));
assert.equal(got.ContentEncoding, undefined);
assert.deepEqual(got.Metadata, { who: "js" });
assert.equal(got.ChecksumCRC32, put.ChecksumCRC32);
assert.ok(bytes.subarray(0, length).equals(Buffer.from(await got.Body.transformToByteArray())));

// A stream whose length nobody knows, in parts.
const parameters = { Bucket, Key: "long", Body: pieces(), ChecksumAlgorithm: "SHA256" };
const done = await new Upload({ client: s3, params: parameters, partSize: 6 * MIB, queueSize: 2 }).done();
assert.match(done.ETag, /-4"$/);
const parts = [0, 6, 12, 18].map((start) => bytes.subarray(start * MIB, Math.min((start + 6) * MIB, bytes.length)));
const sums = parts.map((part) => Buffer.from(sha256(part), "base64"));
assert.equal(done.ChecksumSHA256, `${sha256(Buffer.concat(sums))}-4`);
const told = await s3.send(
  new GetObjectAttributesCommand({ Bucket, Key: "long", ObjectAttributes: ["ObjectParts", "ObjectSize"] }),
);
assert.equal(told.ObjectSize, bytes.length);
assert.deepEqual(told.ObjectParts.Parts.map((part) => part.ChecksumSHA256), parts.map(sha256));
const hash = createHash("sha256");
for await (const piece of (await s3.send(new GetObjectCommand({ Bucket, Key: "long" }))).Body) hash.update(piece);
assert.equal(hash.digest("base64"), sha256(bytes));
const middle = await s3.send(new GetObjectCommand({ Bucket, Key: "long", Range: `bytes=${6 * MIB - 5}-${6 * MIB + 4}` }));
assert.equal(await middle.Body.transformToString(), bytes.subarray(6 * MIB - 5, 6 * MIB + 5).toString());

// Links, and what is not in them.
const putLink = await getSignedUrl(s3, new PutObjectCommand({ Bucket, Key: "by link" }), { expiresIn: 300 });
assert.equal((await fetch(putLink, { method: "PUT", body: "by link" })).status, 200);
const getLink = await getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: "by link" }), { expiresIn: 300 });
assert.equal(await (await fetch(getLink)).text(), "by link");
assert.equal((await fetch(getLink, { method: "DELETE" })).status, 403);
assert.equal((await fetch(getLink.replace("by%20link", "long"))).status, 403);

await s3.send(new CopyObjectCommand({ Bucket, Key: "copy", CopySource: `${Bucket}/long` }));
await assert.rejects(s3.send(new PutObjectCommand({ Bucket, Key: "copy", Body: "x", IfNoneMatch: "*" })), {
  name: "PreconditionFailed",
});
await assert.rejects(s3.send(new GetObjectCommand({ Bucket, Key: "absent" })), (error) => {
  assert.ok(error instanceof NoSuchKey);
  return error.$metadata.httpStatusCode === 404;
});

const keys = [];
for await (const page of paginateListObjectsV2({ client: s3, pageSize: 2 }, { Bucket })) {
  keys.push(...page.Contents.map((entry) => entry.Key));
}
assert.deepEqual(keys, ["by link", "copy", "long", "ström"]);
const Objects = keys.map((Key) => ({ Key }));
assert.equal((await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))).Deleted.length, 4);
await s3.send(new DeleteBucketCommand({ Bucket }));
console.log("every step passed");
