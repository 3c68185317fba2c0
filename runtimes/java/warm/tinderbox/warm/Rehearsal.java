// SPDX-License-Identifier: Apache-2.0
package tinderbox.warm;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A function that a stem runs before it is one: a little of what most functions do. */
public final class Rehearsal implements RequestHandler<Map<String, Object>, Map<String, Object>> {
    @Override
    public Map<String, Object> handleRequest(Map<String, Object> event, Context context) {
        Map<String, Object> answer = new LinkedHashMap<>();
        List<String> seen = new ArrayList<>();
        for (Map.Entry<String, Object> entry : event.entrySet()) {
            seen.add(entry.getKey() + "=" + String.valueOf(entry.getValue()).length());
        }
        answer.put("statusCode", 200);
        answer.put("seen", seen);
        answer.put("event", event);
        answer.put("id", context.getAwsRequestId());
        answer.put("left", context.getRemainingTimeInMillis());
        answer.put("region", System.getenv("AWS_REGION"));
        return answer;
    }

    public Part bean(Part part, Context context) {
        part.setCount(part.getCount() + part.getParts().size());
        return part;
    }

    public static final class Copy implements RequestStreamHandler {
        @Override
        public void handleRequest(InputStream input, OutputStream output, Context context) throws IOException {
            byte[] part = new byte[512];
            int count;
            while ((count = input.read(part)) > 0) {
                output.write(part, 0, count);
            }
        }
    }

    public static final class Part {
        private String name;
        private int count;
        private List<Part> parts;

        public String getName() {
            return name;
        }

        public void setName(String name) {
            this.name = name;
        }

        public int getCount() {
            return count;
        }

        public void setCount(int count) {
            this.count = count;
        }

        public List<Part> getParts() {
            return parts;
        }

        public void setParts(List<Part> parts) {
            this.parts = parts;
        }
    }
}
