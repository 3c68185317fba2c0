// SPDX-License-Identifier: Apache-2.0
package tinderbox.runtime;

import com.amazonaws.services.lambda.crac.CheckpointException;
import com.amazonaws.services.lambda.crac.Core;
import com.amazonaws.services.lambda.crac.RestoreException;
import java.io.IOException;

/**
 * What this runtime does about the snapshot of a function that has SnapStart. It waits in one call of the Runtime API while
 * the snapshot is taken, and each environment that is made from it comes back from that same call.
 */
final class Snapshot {
    private Snapshot() {}

    static boolean isWanted() {
        return "snap-start".equals(System.getenv("AWS_LAMBDA_INITIALIZATION_TYPE"));
    }

    /** Returns in an environment that goes on from the snapshot. False: the function's own code failed, and that is told. */
    static boolean goThrough(RuntimeApi api) throws Exception {
        try {
            Core.getGlobalContext().beforeCheckpoint(null);
        } catch (CheckpointException error) {
            tell(api, "init/error", "Runtime.BeforeCheckpointError", error);
            return false;
        }
        // What is garbage would be in the snapshot.
        System.gc();
        System.out.flush();
        System.err.flush();
        Randomness.leave();
        RuntimeApi.Answer answer = api.restored();
        if (answer.status != 200) {
            throw new IOException("it answered " + answer.status + " to the request to be restored");
        }
        if (answer.length > 0) {
            Variables.change(answer);
        }
        Randomness.renew();
        try {
            Core.getGlobalContext().afterRestore(null);
        } catch (RestoreException error) {
            tell(api, "restore/error", "Runtime.AfterRestoreError", error);
            return false;
        }
        return true;
    }

    /** Each hook's failure is in the log, and the first one is reported. */
    private static void tell(RuntimeApi api, String where, String type, Exception failed) throws IOException {
        for (Throwable error : failed.getSuppressed()) {
            Log.fail(Failure.report(Failure.clean(error)));
        }
        Throwable first = failed.getSuppressed()[0];
        Failure.Fault fault = new Failure.Fault(type, first.toString(), null);
        fault.setStackTrace(first.getStackTrace());
        Bytes document = RuntimeApi.message();
        Failure.write(fault, document);
        api.post(where, Failure.header(fault), document);
    }
}
