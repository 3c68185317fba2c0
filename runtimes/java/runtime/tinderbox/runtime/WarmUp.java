// SPDX-License-Identifier: Apache-2.0
package tinderbox.runtime;

import java.io.IOException;
import java.nio.charset.StandardCharsets;

/**
 * What a stem does before it has a function. The first time is slow: classes that were never loaded and code that was
 * never run cost more than all else that a cold start does. So it loads a small function of ours, from where functions
 * have their classes, and lets it answer events that nobody sent.
 */
final class WarmUp {
    private static final String[] HANDLERS = {
        "tinderbox.warm.Rehearsal", "tinderbox.warm.Rehearsal::bean", "tinderbox.warm.Rehearsal$Copy"
    };
    /** Enough for the compiler to have seen what every event needs. */
    private static final int ROUNDS = 20;
    private static final int LOADS = 4;
    private static final int QUESTIONS = 20;
    private static final int VARIABLES = 30;
    private static final String VARIABLE = "TINDERBOX_REHEARSAL_";

    private static final byte[] EVENT = ("{\"key\": [\"a\", 1, 2.5, true, null, {\"b\": 0}], \"name\": \"\\u00fc\", "
            + "\"count\": 3, \"parts\": [{\"name\": \"x\"}]}").getBytes(StandardCharsets.UTF_8);

    private WarmUp() {}

    static void run(RuntimeApi api) throws Exception {
        for (int i = 0; i < QUESTIONS; i++) {
            if (api.ping().status != 200) {
                throw new IOException("it does not answer");
            }
        }
        Thread thread = Thread.currentThread();
        ClassLoader before = thread.getContextClassLoader();
        String own = Main.variable("LAMBDA_RUNTIME_DIR", "/var/runtime");
        for (int i = 0; i < LOADS; i++) {
            rehearseVariables();
            Stem.zone(System.getenv("TZ"));
            Log.open();
            Snapshot.isWanted();
            try (HandlerLoader loader = new HandlerLoader(own, own)) {
                thread.setContextClassLoader(loader.classes());
                for (String name : HANDLERS) {
                    rehearse(api, loader.load(name));
                }
            } catch (Throwable error) {
                throw new IOException("the rehearsal failed", error);
            } finally {
                thread.setContextClassLoader(before);
            }
            Bean.forgetAll();
        }
        // Nothing of it is left for the function to find.
        System.clearProperty("com.amazonaws.xray.traceHeader");
        Invocation.forget();
        System.gc();
    }

    /** Sets as many as a function has, and takes them away again. */
    private static void rehearseVariables() throws Exception {
        StringBuilder document = new StringBuilder("{");
        for (int i = 0; i < VARIABLES; i++) {
            document.append(i == 0 ? "\"" : ",\"").append(VARIABLE).append(i).append("\":\"/a/value:/of/a\"");
        }
        byte[] bytes = document.append("}").toString().getBytes(StandardCharsets.UTF_8);
        Variables.change(new RuntimeApi.Answer(200, new RuntimeApi.Headers(), bytes, 0, bytes.length));
        for (int i = 0; i < VARIABLES; i++) {
            Variables.all().remove(VARIABLE + i);
        }
    }

    private static void rehearse(RuntimeApi api, Handler handler) throws Throwable {
        RuntimeApi.Headers headers = new RuntimeApi.Headers();
        headers.add("lambda-runtime-aws-request-id", "0");
        headers.add("lambda-runtime-deadline-ms", "1");
        headers.add("lambda-runtime-trace-id", "Root=0");
        RuntimeApi.Answer event = new RuntimeApi.Answer(200, headers, EVENT, 0, EVENT.length);
        for (int i = 0; i < ROUNDS; i++) {
            Invocation invocation = new Invocation(event);
            invocation.begin();
            Bytes response = RuntimeApi.message();
            handler.handle(invocation, response);
            api.prepend("invocation/0/response", "Content-Type: application/json\r\n", response);
        }
    }
}
