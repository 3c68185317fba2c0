#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Deploys the alerts with the AWS CLI, and prints where they arrive.
set -euo pipefail
cd "$(dirname "$0")"

account=$(aws sts get-caller-identity --query Account --output text)
region=${AWS_DEFAULT_REGION:-us-east-1}
runtime=$(python3 -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

# Version 1 of the AWS CLI knows AWS_ENDPOINT_URL for everything but SQS.
aws() {
    command aws ${AWS_ENDPOINT_URL:+--endpoint-url "$AWS_ENDPOINT_URL"} "$@"
}

# Creates something, unless it is there from an earlier run.
create() {
    aws "$@" >"$work/answer" 2>"$work/error" ||
        grep -q 'EntityAlreadyExists\|ResourceAlreadyExists\|ResourceConflict' "$work/error" ||
        { cat "$work/error" >&2; exit 1; }
}

# deploy NAME STATEMENTS [OPTION...]: a function, and a role of its own that may log and do what the statements say.
deploy() {
    local name=$1 logs=arn:aws:logs:$region:$account statements
    statements='{"Effect": "Allow", "Action": "logs:CreateLogGroup", "Resource": "'$logs':*"},
        {"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
         "Resource": "'$logs':log-group:/aws/lambda/'$name':*"}'$2
    shift 2
    create iam create-role --role-name "$name" --assume-role-policy-document '{"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}'
    aws iam put-role-policy --role-name "$name" --policy-name least-privilege \
        --policy-document '{"Version": "2012-10-17", "Statement": ['"$statements"']}'
    python3 -m zipfile --create "$work/$name.zip" "functions/$name.py"
    create lambda create-function --function-name "$name" --runtime "$runtime" --handler "$name.handler" \
        --role "arn:aws:iam::$account:role/$name" --zip-file "fileb://$work/$name.zip" "$@"
    aws lambda wait function-active-v2 --function-name "$name"
}

# Where people hear of it. A queue stands for whatever reads alerts.
topic=$(aws sns create-topic --name alerts --query TopicArn --output text)
inbox=arn:aws:sqs:$region:$account:alerts-inbox
cat >"$work/policy" <<END
{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"},
 "Action": "sqs:SendMessage", "Resource": "$inbox", "Condition": {"ArnEquals": {"aws:SourceArn": "$topic"}}}]}
END
python3 -c 'import json, sys; print(json.dumps({"Policy": sys.stdin.read()}))' <"$work/policy" >"$work/attributes"
inbox_url=$(aws sqs create-queue --queue-name alerts-inbox --attributes "file://$work/attributes" \
    --query QueueUrl --output text)
aws sns subscribe --topic-arn "$topic" --protocol sqs --notification-endpoint "$inbox" >/dev/null

deploy alert ', {"Effect": "Allow", "Action": "sns:Publish", "Resource": "'"$topic"'"}' \
    --timeout 30 --memory-size 256 --environment "Variables={TOPIC_ARN=$topic}"
deploy checkout '' --timeout 3

# What of the checkout's log is trouble: lines with ERROR, as logging and the runtime write them, and timeouts.
create logs create-log-group --log-group-name /aws/lambda/checkout
create lambda add-permission --function-name alert --statement-id logs --principal logs.amazonaws.com \
    --action lambda:InvokeFunction --source-account "$account" \
    --source-arn "arn:aws:logs:$region:$account:log-group:/aws/lambda/checkout:*"
aws logs put-subscription-filter --log-group-name /aws/lambda/checkout --filter-name trouble \
    --filter-pattern '?ERROR ?"Task timed out"' --destination-arn "arn:aws:lambda:$region:$account:function:alert"

echo "INBOX=$inbox_url"
