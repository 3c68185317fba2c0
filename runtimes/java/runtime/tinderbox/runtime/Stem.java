// SPDX-License-Identifier: Apache-2.0
package tinderbox.runtime;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.Map;
import java.util.TimeZone;

/** A runtime that is started before anybody knows for which function, and asks. */
final class Stem {
    private static final long MOVED_MAX_NS = 5_000_000_000L;

    private Stem() {}

    /** Returns when the code is mounted and the environment variables are the function's. */
    static void becomeAFunction(RuntimeApi api) throws Exception {
        Map<String, String> variables = Variables.all();
        Path task = Paths.get(Main.variable("LAMBDA_TASK_ROOT", "/var/task"));
        Path here = Paths.get("/proc/self/cwd");
        Files.isSameFile(here, task);
        WarmUp.run(api);
        RuntimeApi.Answer answer = api.function();
        if (answer.status != 200) {
            throw new IOException("it answered " + answer.status + " to the question which function this is");
        }
        variables.remove("TINDERBOX_STEM");
        Variables.change(answer);
        zone(variables.get("TZ"));
        // No JVM can change its directory. It is moved from outside, at the same time as it gets the answer.
        long end = System.nanoTime() + MOVED_MAX_NS;
        while (!Files.isSameFile(here, task)) {
            if (System.nanoTime() > end) {
                throw new IOException("it was not moved to the function's code");
            }
            Thread.yield();
        }
    }

    /** What the JVM would have made of TZ at its start. */
    static void zone(String value) {
        if (value != null && !value.isEmpty()) {
            String name = value.startsWith(":") ? value.substring(1) : value;
            System.setProperty("user.timezone", name.startsWith("posix/") ? name.substring(6) : name);
            TimeZone.setDefault(null);
        }
    }
}
