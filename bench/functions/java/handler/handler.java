// SPDX-License-Identifier: Apache-2.0
package handler;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.util.LinkedHashMap;
import java.util.Map;

/** Answers its event, after a while if it says so. Called as the functions of the other kinds are. */
public final class handler implements RequestHandler<Map<String, Object>, Map<String, Object>> {
    @Override
    public Map<String, Object> handleRequest(Map<String, Object> event, Context context) {
        Object pause = event.get("sleep_ms");
        if (pause != null) {
            try {
                Thread.sleep(((Number) pause).longValue());
            } catch (InterruptedException error) {
                throw new IllegalStateException(error);
            }
        }
        Map<String, Object> answer = new LinkedHashMap<>();
        answer.put("ok", true);
        answer.put("echo", event);
        return answer;
    }
}
