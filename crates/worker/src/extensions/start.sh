# SPDX-License-Identifier: Apache-2.0
# Starts the external extensions of a function and then its runtime; see external.rs.
# Arguments: the folder of the pipes, the folder of the extensions, their number, their names, the runtime's command.
# The names of variables start as no variable of a function can.
_pipes=$1 _folder=$2 _count=$3 _index=0
shift 3
# What the shell itself says about jobs is nobody's log. Number 5 is the runtime's pipe for log records.
exec 3>&2 2>/dev/null
while [ "$_index" -lt "$_count" ]; do
    (
        unset AWS_EXECUTION_ENV AWS_LAMBDA_LOG_GROUP_NAME AWS_LAMBDA_LOG_STREAM_NAME
        unset AWS_XRAY_CONTEXT_MISSING AWS_XRAY_DAEMON_ADDRESS LAMBDA_RUNTIME_DIR LAMBDA_TASK_ROOT
        unset _HANDLER _AWS_XRAY_DAEMON_ADDRESS _AWS_XRAY_DAEMON_PORT _LAMBDA_TELEMETRY_LOG_FD
        "$_folder/$1" >>"$_pipes/output" 2>&1 3>&- 5>&-
        echo "$_index $?" >>"$_pipes/exits"
    ) &
    _index=$((_index + 1))
    shift
done
"$@" 2>&3 3>&- &
_runtime=$!
while read -r _signal; do kill -s "$_signal" "$_runtime"; done <"$_pipes/orders" &
wait "$_runtime"
echo "runtime $?" >>"$_pipes/exits"
# Until the sandbox is ended from outside.
wait
