// SPDX-License-Identifier: Apache-2.0
package example;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.RandomAccessFile;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.crac.Core;
import org.crac.Resource;

/** What a function that has SnapStart may hold when it is written down. */
public class Snapped implements RequestHandler<Map<String, Object>, Map<String, Object>>, Resource {
    private static final List<String> HOOKS = new ArrayList<>();

    private final String born = UUID.randomUUID().toString();
    private final AtomicInteger ticks = new AtomicInteger();
    private final ExecutorService pool = Executors.newFixedThreadPool(8);
    private final ScheduledExecutorService clock = Executors.newScheduledThreadPool(1, task -> {
        Thread thread = new Thread(task);
        thread.setDaemon(true);
        return thread;
    });
    private final ThreadLocal<String> own = new ThreadLocal<>();
    private final Map<String, SecureRandom> generators = new TreeMap<>();
    private final SecureRandom repeatable;
    private final RandomAccessFile file;
    private final Socket line;
    private int calls;

    public Snapped() throws Exception {
        own.set("own");
        // Some threads have ended by then, and some sleep.
        for (int i = 0; i < 20; i++) {
            pool.submit(() -> born.hashCode()).get();
            Thread ended = new Thread(() -> {});
            ended.start();
            ended.join();
        }
        clock.scheduleAtFixedRate(ticks::incrementAndGet, 0, 20, TimeUnit.MILLISECONDS);
        generators.put("default", new SecureRandom());
        generators.put("SHA1PRNG", SecureRandom.getInstance("SHA1PRNG"));
        generators.put("DRBG", SecureRandom.getInstance("DRBG"));
        for (SecureRandom generator : generators.values()) {
            generator.nextLong();
        }
        repeatable = SecureRandom.getInstance("SHA1PRNG");
        repeatable.setSeed(7);
        Files.write(Paths.get("/tmp/shown"), "abc".getBytes());
        file = new RandomAccessFile(new File("/tmp/shown"), "r");
        file.read();
        line = new Socket("127.0.0.1", 4566);
        Core.getGlobalContext().register(this);
        Core.getGlobalContext().register(new Second());
    }

    private static final List<Resource> KEPT = new ArrayList<>();

    private static final class Second implements Resource {
        Second() {
            KEPT.add(this);
        }

        @Override
        public void beforeCheckpoint(org.crac.Context<? extends Resource> context) {
            HOOKS.add("before 2");
        }

        @Override
        public void afterRestore(org.crac.Context<? extends Resource> context) {
            HOOKS.add("after 2");
        }
    }

    @Override
    public void beforeCheckpoint(org.crac.Context<? extends Resource> context) {
        fail("BEFORE");
        HOOKS.add("before 1");
    }

    @Override
    public void afterRestore(org.crac.Context<? extends Resource> context) {
        fail("AFTER");
        HOOKS.add("after 1");
    }

    private static void fail(String when) {
        if (when.equals(System.getenv("FAIL"))) {
            throw new IllegalStateException("not " + when);
        }
    }

    @Override
    public Map<String, Object> handleRequest(Map<String, Object> event, Context context) {
        Map<String, Object> told = new LinkedHashMap<>();
        try {
            calls++;
            if (event.containsKey("exit")) {
                Runtime.getRuntime().halt(3);
            }
            Thread.sleep(((Number) event.getOrDefault("sleep_ms", 0)).longValue());
            told.put("born", born);
            told.put("calls", calls);
            told.put("hooks", HOOKS);
            told.put("kind", System.getenv("AWS_LAMBDA_INITIALIZATION_TYPE"));
            told.put("stream", context.getLogStreamName());
            told.put("keys", Arrays.asList(System.getenv("AWS_ACCESS_KEY_ID"), System.getenv("AWS_SECRET_ACCESS_KEY")));
            tell(told);
        } catch (Exception error) {
            throw new IllegalStateException(error);
        }
        return told;
    }

    private void tell(Map<String, Object> told) throws Exception {
        Map<String, String> drawn = new TreeMap<>();
        for (Map.Entry<String, SecureRandom> generator : generators.entrySet()) {
            drawn.put(generator.getKey(), Long.toHexString(generator.getValue().nextLong()));
        }
        drawn.put("uuid", UUID.randomUUID().toString());
        told.put("drawn", drawn);
        told.put("repeated", calls == 1 ? repeatable.nextInt() : 0);
        int sum = 0;
        for (int i = 0; i < 100; i++) {
            int number = i;
            sum += pool.submit(() -> number).get();
        }
        told.put("sum", sum);
        int before = ticks.get();
        while (ticks.get() == before) {
            Thread.sleep(1);
        }
        told.put("own", own.get());
        told.put("file", file.length() + " " + (char) file.read());
        System.gc();
        told.put("child", child());
        told.put("line", line());
    }

    private static String child() throws IOException {
        Process child = new ProcessBuilder("/bin/echo", "child").start();
        return new BufferedReader(new InputStreamReader(child.getInputStream())).readLine();
    }

    /** A connection from before the snapshot is a dead end. */
    private String line() {
        try {
            line.getOutputStream().write("GET / HTTP/1.1\r\n\r\n".getBytes());
            return line.getInputStream().read() < 0 ? "dead" : "alive";
        } catch (IOException error) {
            return "dead";
        }
    }
}
