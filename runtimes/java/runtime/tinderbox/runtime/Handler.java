// SPDX-License-Identifier: Apache-2.0
package tinderbox.runtime;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.lang.reflect.Method;
import java.lang.reflect.Type;

/** A function's handler, whatever form it has. */
abstract class Handler {
    /** Runs it on the event of `invocation` and appends its response to `response`. */
    abstract void handle(Invocation invocation, Bytes response) throws Throwable;

    /** How values become bytes: by our own codec, or one that the function brings. */
    static final class Codec {
        private final Bridge bridge;
        private final Object custom;

        Codec(Bridge bridge) {
            this.bridge = bridge;
            custom = bridge == null ? null : bridge.customSerializer();
        }

        Object read(RuntimeApi.Answer event, Type type) throws Failure.Fault {
            if (custom != null) {
                return bridge.fromJson(custom, stream(event), type);
            }
            try {
                return Binder.bind(JsonReader.read(event.data, event.offset, event.length), type);
            } catch (JsonException error) {
                throw failed("An error occurred during JSON parsing", error);
            }
        }

        void write(Object value, Type type, Bytes response) throws Failure.Fault {
            if (custom != null) {
                bridge.toJson(custom, value, response, type);
                return;
            }
            try {
                JsonWriter.write(value, response);
            } catch (JsonException error) {
                throw failed("An error occurred during JSON serialization of response", error);
            }
        }

        private static Failure.Fault failed(String what, JsonException error) {
            Throwable clean = Failure.clean(error);
            IOException cause = new IOException(clean.getMessage(), clean.getCause());
            cause.setStackTrace(new StackTraceElement[0]);
            UncheckedIOException outer = new UncheckedIOException(cause);
            outer.setStackTrace(new StackTraceElement[0]);
            return new Failure.Fault("java.lang.RuntimeException", what, outer);
        }
    }

    static InputStream stream(RuntimeApi.Answer event) {
        return new ByteArrayInputStream(event.data, event.offset, event.length);
    }

    /** What implements AWS's RequestHandler. */
    static final class OfInterface extends Handler {
        private final Bridge bridge;
        private final Codec codec;
        private final Object instance;
        private final Type input;
        private final Type output;

        OfInterface(Bridge bridge, Object instance) {
            this.bridge = bridge;
            this.instance = instance;
            codec = new Codec(bridge);
            input = Binder.argumentOf(instance.getClass(), bridge.requestHandlerType(), 0);
            output = Binder.argumentOf(instance.getClass(), bridge.requestHandlerType(), 1);
        }

        @Override
        void handle(Invocation invocation, Bytes response) throws Failure.Fault {
            Object value = codec.read(invocation.event, input);
            codec.write(bridge.handle(instance, value, bridge.context(invocation)), output, response);
        }
    }

    /** What implements AWS's RequestStreamHandler. */
    static final class OfStream extends Handler {
        private final Bridge bridge;
        private final Object instance;

        OfStream(Bridge bridge, Object instance) {
            this.bridge = bridge;
            this.instance = instance;
        }

        @Override
        void handle(Invocation invocation, Bytes response) throws IOException {
            bridge.handle(instance, stream(invocation.event), response, bridge.context(invocation));
        }
    }

    /** Any method: at most one input or the two streams, and perhaps the context behind them. */
    static final class OfMethod extends Handler {
        private final Bridge bridge;
        private final Codec codec;
        private final Object instance;
        private final Method method;
        private final Type[] types;
        private final boolean hasContext;

        OfMethod(Bridge bridge, Object instance, Method method, boolean hasContext) {
            this.bridge = bridge;
            this.instance = instance;
            this.method = method;
            this.hasContext = hasContext;
            codec = new Codec(bridge);
            types = method.getGenericParameterTypes();
        }

        @Override
        void handle(Invocation invocation, Bytes response) throws Throwable {
            Object[] arguments = new Object[types.length];
            boolean isStream = false;
            for (int i = 0; i < arguments.length; i++) {
                if (hasContext && i == arguments.length - 1) {
                    arguments[i] = bridge.context(invocation);
                } else if (types[i] == InputStream.class) {
                    arguments[i] = stream(invocation.event);
                    isStream = true;
                } else if (types[i] == OutputStream.class) {
                    arguments[i] = response;
                    isStream = true;
                } else {
                    arguments[i] = codec.read(invocation.event, types[i]);
                }
            }
            Object value = method.invoke(instance, arguments);
            if (!isStream) {
                codec.write(value, method.getGenericReturnType(), response);
            }
        }
    }
}
