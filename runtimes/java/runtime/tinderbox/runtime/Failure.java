// SPDX-License-Identifier: Apache-2.0
package tinderbox.runtime;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.reflect.InvocationTargetException;
import java.util.Arrays;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.Set;

/** What the Runtime API and the log are told about an error, in AWS's words. */
final class Failure {
    private static final String OURS = "tinderbox.";
    private static final int CAUSES_MAX = 50;

    private Failure() {}

    /** An error without a stack of its own: its place is the function's settings, not its code. */
    static final class Fault extends Exception {
        private static final long serialVersionUID = 1;
        final String type;

        Fault(String type, String message, Throwable cause) {
            super(message, cause, false, true);
            this.type = type;
            setStackTrace(new StackTraceElement[0]);
        }
    }

    /** Unpacks what reflection wrapped, and takes the runtime's own frames off. */
    static Throwable clean(Throwable error) {
        Throwable clean = error;
        while (clean instanceof InvocationTargetException && clean.getCause() != null) {
            clean = clean.getCause();
        }
        Set<Throwable> seen = Collections.newSetFromMap(new IdentityHashMap<Throwable, Boolean>());
        for (Throwable one = clean; one != null && seen.add(one); one = one.getCause()) {
            trim(one);
            for (Throwable suppressed : one.getSuppressed()) {
                trim(suppressed);
            }
        }
        return clean;
    }

    private static void trim(Throwable error) {
        StackTraceElement[] trace = error.getStackTrace();
        for (int i = 0; i < trace.length; i++) {
            if (trace[i].getClassName().startsWith(OURS)) {
                error.setStackTrace(Arrays.copyOf(trace, i));
                return;
            }
        }
    }

    static String type(Throwable error) {
        return error instanceof Fault ? ((Fault) error).type : error.getClass().getName();
    }

    /** Whether this process can not go on. */
    static boolean isFatal(Throwable error) {
        return error instanceof VirtualMachineError || error instanceof java.io.IOError;
    }

    static void write(Throwable error, Bytes out) {
        write(error, out, 0);
    }

    private static void write(Throwable error, Bytes out, int depth) {
        out.ascii("{\"errorMessage\":");
        JsonWriter.text(message(error), out);
        out.ascii(",\"errorType\":");
        JsonWriter.text(type(error), out);
        out.ascii(",\"stackTrace\":[");
        String separator = "";
        for (StackTraceElement element : error.getStackTrace()) {
            out.ascii(separator);
            separator = ",";
            JsonWriter.text(element.toString(), out);
        }
        out.ascii("]");
        if (error.getCause() != null && depth < CAUSES_MAX) {
            out.ascii(",\"cause\":");
            write(error.getCause(), out, depth + 1);
        }
        out.ascii("}");
    }

    private static String message(Throwable error) {
        String message;
        try {
            message = error.getLocalizedMessage();
        } catch (RuntimeException broken) {
            message = null;
        }
        return message == null ? error.getClass().getName() : message;
    }

    /** A class may be called anything, a header may not. */
    static String header(Throwable error) {
        String type = type(error);
        for (int i = 0; i < type.length(); i++) {
            if (type.charAt(i) <= ' ' || type.charAt(i) > '~') {
                type = "Function.Unknown";
            }
        }
        return "Content-Type: application/json\r\nLambda-Runtime-Function-Error-Type: " + type + "\r\n";
    }

    /** As the log shows it. */
    static String report(Throwable error) {
        if (error instanceof Fault && error.getCause() == null) {
            return error.getMessage() + ": " + type(error) + "\n";
        }
        StringWriter trace = new StringWriter();
        Throwable shown = error instanceof Fault ? error.getCause() : error;
        try {
            shown.printStackTrace(new PrintWriter(trace));
        } catch (RuntimeException broken) {
            trace.write(shown.getClass().getName() + "\n");
        }
        return message(error) + ": " + type(error) + "\n" + trace + "\n";
    }
}
