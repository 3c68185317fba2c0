// SPDX-License-Identifier: Apache-2.0
package tinderbox.runtime;

import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.io.UnsupportedEncodingException;
import java.lang.reflect.Constructor;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.Locale;

/**
 * The log: what `LambdaLogger` writes, and the standard output. With a pipe for frames an event may have several lines; on
 * the standard output a line is an event, and the lines of one event are separated by carriage returns.
 */
public final class Log {
    /** In the order of AWS's LogLevel. */
    private static final String[] LEVELS = {"UNDEFINED", "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"};
    private static final int FRAME = 0xa55a0000;

    private static OutputStream output = new FileOutputStream(FileDescriptor.out);
    private static boolean isFramed;
    private static boolean isJson;
    private static int lowest;

    private Log() {}

    /** Reads how this function logs. */
    static void open() {
        try {
            System.setOut(new PrintStream(new Buffered(new FileOutputStream(FileDescriptor.out)), true, "UTF-8"));
            System.setErr(new PrintStream(new Buffered(new FileOutputStream(FileDescriptor.err)), true, "UTF-8"));
        } catch (UnsupportedEncodingException error) {
            throw new IllegalStateException(error);
        }
        String pipe = System.getenv("_LAMBDA_TELEMETRY_LOG_FD");
        if (pipe != null && !isFramed) {
            try {
                // As AWS's runtime does it: nothing of Java's own takes the number of a descriptor.
                Constructor<FileDescriptor> of = FileDescriptor.class.getDeclaredConstructor(int.class);
                of.setAccessible(true);
                output = new FileOutputStream(of.newInstance(Integer.parseInt(pipe)));
                isFramed = true;
            } catch (ReflectiveOperationException | RuntimeException error) {
                System.err.println("the pipe for the log can not be used: " + error);
            }
        }
        isJson = "JSON".equalsIgnoreCase(System.getenv("AWS_LAMBDA_LOG_FORMAT"));
        String level = System.getenv("AWS_LAMBDA_LOG_LEVEL");
        lowest = level == null ? 0 : Math.max(0, java.util.Arrays.asList(LEVELS).indexOf(level.toUpperCase(Locale.ROOT)));
    }

    /** `level` is the name of one of AWS's levels. */
    public static void write(String message, String level) {
        int number = java.util.Arrays.asList(LEVELS).indexOf(level);
        if (isJson) {
            if (number == 0 || number >= lowest) {
                put(document(message, number <= 0 ? "INFO" : level), number, true);
            }
            return;
        }
        // As AWS has it: without JSON, levels are shown and do not filter.
        String line = number <= 0 ? message : "[" + level + "] " + message;
        put(line.getBytes(StandardCharsets.UTF_8), number, false);
    }

    /** An error that ends an invocation. */
    static void fail(String report) {
        write(report, isJson ? "ERROR" : "UNDEFINED");
    }

    public static void write(byte[] message) {
        put(message, 0, isJson);
    }

    private static byte[] document(String message, String level) {
        Bytes line = new Bytes(0);
        line.ascii("{\"timestamp\":\"");
        line.ascii(DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'").format(Instant.now().atOffset(ZoneOffset.UTC)));
        line.ascii("\",\"message\":");
        JsonWriter.text(message, line);
        line.ascii(",\"level\":\"" + level + "\"");
        Invocation invocation = Invocation.current();
        if (invocation != null) {
            line.ascii(",\"AWSRequestId\":");
            JsonWriter.text(invocation.requestId, line);
            if (invocation.tenantId != null) {
                line.ascii(",\"tenantId\":");
                JsonWriter.text(invocation.tenantId, line);
            }
        }
        line.ascii("}");
        return java.util.Arrays.copyOf(line.array(), line.length());
    }

    private static void put(byte[] message, int level, boolean isDocument) {
        try {
            synchronized (Log.class) {
                output.write(isFramed ? frame(message, level, isDocument) : line(message));
            }
        } catch (IOException error) {
            // Nobody is there to read it.
        }
    }

    private static byte[] frame(byte[] message, int level, boolean isDocument) {
        int kind = FRAME | (level <= 0 ? 0 : level * 4) | (isDocument ? 2 : 3);
        java.nio.ByteBuffer frame = java.nio.ByteBuffer.allocate(16 + message.length);
        Instant now = Instant.now();
        frame.putInt(kind).putInt(message.length);
        frame.putLong(now.getEpochSecond() * 1_000_000 + now.getNano() / 1000).put(message);
        return frame.array();
    }

    private static byte[] line(byte[] message) {
        int length = message.length;
        if (length > 0 && message[length - 1] == '\n') {
            length--;
        }
        byte[] line = java.util.Arrays.copyOf(message, length + 1);
        for (int i = 0; i < length; i++) {
            if (line[i] == '\n') {
                line[i] = '\r';
            }
        }
        line[length] = '\n';
        return line;
    }

    /** What is printed in one call leaves in one write, unless it is large. */
    private static final class Buffered extends OutputStream {
        private final OutputStream target;
        private final byte[] waiting = new byte[8192];
        private int count;

        Buffered(OutputStream target) {
            this.target = target;
        }

        @Override
        public void write(int value) throws IOException {
            if (count == waiting.length) {
                flush();
            }
            waiting[count++] = (byte) value;
            if (value == '\n') {
                flush();
            }
        }

        @Override
        public void write(byte[] source, int offset, int length) throws IOException {
            if (length > waiting.length - count) {
                flush();
            }
            if (length > waiting.length) {
                target.write(source, offset, length);
                return;
            }
            System.arraycopy(source, offset, waiting, count, length);
            count += length;
        }

        @Override
        public void flush() throws IOException {
            int length = count;
            count = 0;
            target.write(waiting, 0, length);
        }
    }
}
