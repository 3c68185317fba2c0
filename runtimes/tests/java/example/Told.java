// SPDX-License-Identifier: Apache-2.0
package example;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.logging.LogLevel;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Handlers that tell what they were told, write to the log, and fail. */
public class Told implements RequestHandler<Object, Map<String, Object>> {
    @Override
    public Map<String, Object> handleRequest(Object event, Context context) {
        Map<String, Object> told = new LinkedHashMap<>();
        told.put("id", context.getAwsRequestId());
        told.put("arn", context.getInvokedFunctionArn());
        told.put("name", context.getFunctionName());
        told.put("version", context.getFunctionVersion());
        told.put("memory", context.getMemoryLimitInMB());
        told.put("group", context.getLogGroupName());
        told.put("stream", context.getLogStreamName());
        told.put("left", context.getRemainingTimeInMillis());
        told.put("tenant", context.getTenantId());
        told.put("trace", System.getProperty("com.amazonaws.xray.traceHeader"));
        told.put("identity", context.getIdentity());
        if (context.getClientContext() != null) {
            told.put("title", context.getClientContext().getClient().getAppTitle());
            told.put("custom", context.getClientContext().getCustom());
            told.put("environment", context.getClientContext().getEnvironment());
        }
        return told;
    }

    public static class Process {
        public Map<String, Object> handle(List<String> names) {
            Map<String, Object> found = new LinkedHashMap<>();
            for (String name : names) {
                found.put(name, name.startsWith("$") ? System.getenv(name.substring(1)) : System.getProperty(name));
            }
            try {
                java.io.File file = new java.io.File("/tmp/ü");
                found.put("made", file.createNewFile() && file.delete());
                // Both ways to look at a path, from where the process stands.
                found.put("stands", java.nio.file.Files.exists(java.nio.file.Paths.get("example/Told.class"))
                        && new java.io.File("example/Told.class").exists());
            } catch (java.io.IOException error) {
                found.put("made", error.toString());
            }
            if (names.contains("stem")) {
                try {
                    byte[] started = java.nio.file.Files.readAllBytes(java.nio.file.Paths.get("/proc/self/environ"));
                    found.put("was_stem", new String(started).contains("TINDERBOX_STEM=1"));
                } catch (java.io.IOException error) {
                    found.put("was_stem", error.toString());
                }
            }
            found.put("heap", Runtime.getRuntime().maxMemory() >> 20);
            found.put("charset", java.nio.charset.Charset.defaultCharset().name());
            return found;
        }
    }

    public static class Logs {
        public void handle(String event, Context context) {
            System.out.println("printed ü");
            System.out.print("in ");
            System.out.print("parts\n");
            System.err.println("complained");
            context.getLogger().log("two\nlines\n");
            context.getLogger().log("debugged", LogLevel.DEBUG);
            context.getLogger().log("warned", LogLevel.WARN);
            context.getLogger().log("raw".getBytes());
        }
    }

    public static class Fails {
        public static class Bad extends Exception {
            public Bad(Throwable cause) {
                super("bad ü", cause);
            }
        }

        public String handle(String how) throws Exception {
            switch (how) {
                case "checked":
                    throw new Bad(new IllegalStateException("deeper"));
                case "silent":
                    throw new NullPointerException() {
                        @Override
                        public String getMessage() {
                            return null;
                        }
                    };
                case "exit":
                    System.exit(3);
                    return "";
                case "memory":
                    List<long[]> all = new ArrayList<>();
                    for (;;) {
                        all.add(new long[1 << 20]);
                    }
                case "sleep":
                    Thread.sleep(60_000);
                    return "";
                case "deep":
                    return handle(how);
                default:
                    return how;
            }
        }
    }

    public static class FailsPlainly implements RequestHandler<String, String> {
        @Override
        public String handleRequest(String event, Context context) {
            throw new RuntimeException("plain");
        }
    }

    public static class FailsToInitialise {
        static final int NUMBER = Integer.parseInt("x");

        public void handle() {}
    }

    public static class FailsToConstruct {
        public FailsToConstruct() {
            throw new UnsupportedOperationException("not now");
        }

        public void handle() {}
    }

    public static class HasNoConstructor {
        private HasNoConstructor() {}

        public void handle() {}
    }

    public static class GivesOddThings {
        public static class Cycle {
            public Cycle getSelf() {
                return this;
            }
        }

        public static class Trap {
            public String getTrap() {
                throw new IllegalArgumentException("trapped");
            }
        }

        public Object handle(String what) {
            switch (what) {
                case "cycle":
                    return new Cycle();
                case "trap":
                    return new Trap();
                case "time":
                    return java.time.Instant.now();
                case "empty":
                    return new Object();
                case "letters":
                    return "ü\u2028\u007f\ud83d\ude00\u0000\t\"\\ \ud83d.";
                default:
                    return new Object[] {Double.NaN, 1.5f, 1e300, new int[] {1}, 'c', Thread.State.NEW, new StringBuilder("b")};
            }
        }
    }
}
