// SPDX-License-Identifier: Apache-2.0
package tinderbox.runtime;

import java.nio.charset.StandardCharsets;
import java.util.Map;

/** What the headers of an event say. The bridge shows it to handlers as their context. */
public final class Invocation {
    /** The one that runs, for the lines of the log. */
    private static volatile Invocation current;
    /** Where several run at once: the one of each thread. */
    private static volatile ThreadLocal<Invocation> ofThread;

    final RuntimeApi.Answer event;
    public final String requestId;
    public final String functionArn;
    public final String tenantId;
    public final String traceId;
    private final long deadlineMs;

    Invocation(RuntimeApi.Answer event) {
        this.event = event;
        requestId = event.headers.get("lambda-runtime-aws-request-id");
        functionArn = event.headers.get("lambda-runtime-invoked-function-arn");
        tenantId = event.headers.get("lambda-runtime-aws-tenant-id");
        traceId = event.headers.get("lambda-runtime-trace-id");
        String deadline = event.headers.get("lambda-runtime-deadline-ms");
        deadlineMs = deadline == null ? 0 : Long.parseLong(deadline);
    }

    /** Of a thread that a handler started, none where several run at once: it could be anybody's. */
    static Invocation current() {
        return isOneOfSeveral() ? ofThread.get() : current;
    }

    /** From now on each thread has its own. */
    static void becomeSeveral() {
        ofThread = new ThreadLocal<>();
    }

    static boolean isOneOfSeveral() {
        return ofThread != null;
    }

    static void forget() {
        current = null;
    }

    void begin() {
        if (isOneOfSeveral()) {
            ofThread.set(this);
            return;
        }
        current = this;
        // What the X-Ray SDK for Java looks at; the variable of other languages stays unset, as on AWS.
        if (traceId != null) {
            System.setProperty("com.amazonaws.xray.traceHeader", traceId);
        } else {
            System.clearProperty("com.amazonaws.xray.traceHeader");
        }
    }

    public int remainingMs() {
        return (int) Math.max(0, deadlineMs - System.currentTimeMillis());
    }

    /** The document of a header, or null if there is none. */
    public Map<?, ?> document(String header) {
        String text = event.headers.get(header);
        if (text == null || text.isEmpty()) {
            return null;
        }
        // Headers were read as Latin-1; what they carry is UTF-8.
        byte[] bytes = text.getBytes(StandardCharsets.ISO_8859_1);
        try {
            return (Map<?, ?>) JsonReader.read(bytes, 0, bytes.length);
        } catch (JsonException | ClassCastException error) {
            throw new RuntimeException("Unable to parse " + header + " as JSON: " + error.getMessage());
        }
    }
}
