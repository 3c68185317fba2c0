// SPDX-License-Identifier: Apache-2.0
package example;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** Handlers of every form. */
public class Shapes {
    public String text(String event) {
        return event + "!";
    }

    public int number(int event, Context context) {
        return event + context.getFunctionName().length();
    }

    public Object any(Object event) {
        return event == null ? "nothing" : event.getClass().getSimpleName();
    }

    public void nothing(Map<String, Object> event) {}

    public long none() {
        return 42;
    }

    public String alone(Context context) {
        return context.getFunctionVersion();
    }

    public List<Integer> list(List<Integer> event) {
        int sum = 0;
        for (Integer one : event) {
            sum += one;
        }
        event.add(sum);
        return event;
    }

    public static Map<String, Long> still(TreeMap<String, Long> event) {
        event.put("first", event.firstEntry().getValue());
        return event;
    }

    public void stream(InputStream input, OutputStream output) throws IOException {
        copy(input, output);
    }

    public void streamWithContext(InputStream input, OutputStream output, Context context) throws IOException {
        output.write(('"' + context.getAwsRequestId() + '"').getBytes("UTF-8"));
    }

    // Of these the second is the handler.
    public String many(String event) {
        return "one";
    }

    public String many(String event, Context context) {
        return "two";
    }

    public String many() {
        return "none";
    }

    public String tooMany(String one, String two) {
        return one;
    }

    static void copy(InputStream input, OutputStream output) throws IOException {
        byte[] part = new byte[4096];
        int count;
        while ((count = input.read(part)) > 0) {
            output.write(part, 0, count);
        }
    }

    public static class Upper implements RequestHandler<String, String> {
        @Override
        public String handleRequest(String event, Context context) {
            return event.toUpperCase();
        }
    }

    /** Its type arguments are a superclass's. */
    public abstract static class Doubles<T extends Number> implements RequestHandler<List<T>, Double> {
        @Override
        public Double handleRequest(List<T> event, Context context) {
            double sum = 0;
            for (T one : event) {
                sum += one.doubleValue();
            }
            return sum;
        }
    }

    public static class Sum extends Doubles<Short> {}

    public static class Plain {
        public String handleRequest(Map<String, String> event) {
            return event.get("name");
        }
    }

    public static class Copy implements RequestStreamHandler {
        @Override
        public void handleRequest(InputStream input, OutputStream output, Context context) throws IOException {
            copy(input, output);
        }
    }
}
