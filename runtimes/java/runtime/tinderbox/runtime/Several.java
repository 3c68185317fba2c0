// SPDX-License-Identifier: Apache-2.0
package tinderbox.runtime;

/**
 * Several invocations at once in one JVM: as many threads as may run wait for events, each on a connection of its own,
 * and call the one handler. What ends badly in one of them, be it an Error, ends alone.
 */
final class Several {
    private Several() {}

    /** Starts all but one of the threads: the one that calls this is the last. */
    static void serve(int count, Handler handler) {
        Invocation.becomeSeveral();
        for (int i = 1; i < count; i++) {
            new Thread(() -> serveOne(handler), "invocations-" + i).start();
        }
    }

    private static void serveOne(Handler handler) {
        try {
            Main.serve(RuntimeApi.ofThisSandbox(), handler);
        } catch (Exception error) {
            Main.complain(error);
        }
        Runtime.getRuntime().halt(1);
    }
}
