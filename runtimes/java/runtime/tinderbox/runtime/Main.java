// SPDX-License-Identifier: Apache-2.0
package tinderbox.runtime;

import java.io.IOException;

/** The Java runtime: loads a handler, then serves it events from the Runtime API. */
public final class Main implements RuntimeApi.Refused {
    /** A response that was larger is not kept for the next. */
    private static final int KEPT_BYTES_MAX = 1 << 20;

    private Main() {}

    public static void main(String[] arguments) {
        RuntimeApi api = RuntimeApi.ofThisSandbox();
        try {
            if (System.getenv("TINDERBOX_STEM") != null) {
                Stem.becomeAFunction(api);
            }
            Log.open();
            boolean hasSnapshot = Snapshot.isWanted();
            if (hasSnapshot) {
                Randomness.install();
            }
            Handler handler = load(api);
            String most = System.getenv("AWS_LAMBDA_MAX_CONCURRENCY");
            if (handler != null && most != null) {
                Several.serve(Integer.parseInt(most), handler);
            }
            if (handler != null && (!hasSnapshot || Snapshot.goThrough(api))) {
                serve(api, handler);
            }
        } catch (Exception error) {
            complain(error);
        }
        Runtime.getRuntime().halt(1);
    }

    static void complain(Exception error) {
        System.err.println("the runtime stops: the connection to the Runtime API broke: " + error);
    }

    private static Handler load(RuntimeApi api) throws IOException {
        Throwable failed;
        // Where the library for hooks around snapshots looks.
        System.setProperty("org.crac.Core.Compat", "com.amazonaws.services.lambda.crac");
        try {
            HandlerLoader loader = new HandlerLoader(variable("LAMBDA_TASK_ROOT", "/var/task"), "/opt");
            Thread.currentThread().setContextClassLoader(loader.classes());
            return loader.load(variable("_HANDLER", ""));
        } catch (Throwable error) {
            failed = Failure.clean(error);
        }
        Log.fail(Failure.report(failed));
        Bytes document = RuntimeApi.message();
        Failure.write(failed, document);
        api.post("init/error", Failure.header(failed), document);
        return null;
    }

    /** Serves events, one after the other, for as long as there is a Runtime API. */
    static void serve(RuntimeApi api, Handler handler) throws IOException {
        // No method reference, which takes a millisecond to make.
        RuntimeApi.Refused refused = new Main();
        RuntimeApi.Answer event = api.next();
        Bytes message = RuntimeApi.message();
        int empty = message.length();
        for (;;) {
            if (event.status != 200) {
                throw new IOException("it answered " + event.status + " to the request for the next event");
            }
            Invocation invocation = new Invocation(event);
            invocation.begin();
            String path = "invocation/" + invocation.requestId;
            Throwable failed = run(handler, invocation, message);
            if (failed == null) {
                event = api.postAndNext(path + "/response", "Content-Type: application/json\r\n", message, refused);
            } else {
                message.cut(empty);
                Log.fail(Failure.report(failed));
                Failure.write(failed, message);
                if (Failure.isFatal(failed) && !Invocation.isOneOfSeveral()) {
                    api.post(path + "/error", Failure.header(failed), message);
                    Runtime.getRuntime().halt(1);
                }
                event = api.postAndNext(path + "/error", Failure.header(failed), message, refused);
            }
            message = message.length() > KEPT_BYTES_MAX ? RuntimeApi.message() : message;
            message.cut(empty);
        }
    }

    private static Throwable run(Handler handler, Invocation invocation, Bytes response) {
        try {
            handler.handle(invocation, response);
            return null;
        } catch (Throwable error) {
            return Failure.clean(error);
        }
    }

    /** The caller has got an error; this process can go on. */
    @Override
    public void refused(RuntimeApi.Answer answer) {
        if (answer.status >= 500) {
            System.err.println("the runtime stops: the Runtime API failed with status " + answer.status);
            Runtime.getRuntime().halt(1);
        }
        System.err.println("LAMBDA_RUNTIME Failed to post handler success response. Http response code: " + answer.status
                + ". " + answer.text());
    }

    static String variable(String name, String instead) {
        String value = System.getenv(name);
        return value == null ? instead : value;
    }
}
