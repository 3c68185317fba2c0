// SPDX-License-Identifier: Apache-2.0
package example;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;

/** Waits until as many invocations have come as the event says: one after the other they never would. */
public class Together implements RequestHandler<Map<String, Object>, Map<String, Object>> {
    private static final AtomicInteger CAME = new AtomicInteger();

    @Override
    public Map<String, Object> handleRequest(Map<String, Object> event, Context context) {
        CAME.incrementAndGet();
        context.getLogger().log("came " + context.getAwsRequestId());
        while (CAME.get() < ((Number) event.getOrDefault("together", 1)).intValue()) {
            Thread.yield();
        }
        if (event.containsKey("deep")) {
            descend(0);
        }
        if (event.containsKey("exit")) {
            System.exit(3);
        }
        Map<String, Object> told = new LinkedHashMap<>();
        told.put("id", context.getAwsRequestId());
        told.put("handler", System.identityHashCode(this));
        told.put("stream", context.getLogStreamName());
        told.put("trace", context.getXrayTraceId());
        told.put("property", System.getProperty("com.amazonaws.xray.traceHeader"));
        return told;
    }

    private static int descend(int depth) {
        return descend(depth + 1) + depth;
    }
}
