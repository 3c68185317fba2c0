// SPDX-License-Identifier: Apache-2.0
package tinderbox.bridge;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.CustomPojoSerializer;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import com.amazonaws.services.lambda.runtime.RequestStreamHandler;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.Type;
import java.util.Iterator;
import java.util.ServiceLoader;
import tinderbox.runtime.Bridge;
import tinderbox.runtime.Invocation;

/** Loaded by `BridgeLoader`, beside the interfaces that the function brings. */
public final class CoreBridge implements Bridge {
    private static final String STREAM = "com.amazonaws.services.lambda.runtime.RequestStreamHandler";
    private static final String SERVICE = "META-INF/services/com.amazonaws.services.lambda.runtime.CustomPojoSerializer";

    @Override
    public Class<?> contextType() {
        return Context.class;
    }

    @Override
    public Object context(Invocation invocation) {
        return new LambdaContext(invocation);
    }

    @Override
    public boolean isRequestHandler(Class<?> type) {
        return RequestHandler.class.isAssignableFrom(type);
    }

    @Override
    public boolean isStreamHandler(Class<?> type) {
        // By the name: most functions do not need the interface, and it would be loaded for this question.
        for (Class<?> one = type; one != null; one = one.getSuperclass()) {
            for (Class<?> implemented : one.getInterfaces()) {
                if (implemented.getName().equals(STREAM) || isStreamHandler(implemented)) {
                    return true;
                }
            }
        }
        return false;
    }

    @Override
    public Class<?> requestHandlerType() {
        return RequestHandler.class;
    }

    @Override
    @SuppressWarnings("unchecked")
    public Object handle(Object handler, Object input, Object context) {
        return ((RequestHandler<Object, Object>) handler).handleRequest(input, (Context) context);
    }

    @Override
    public void handle(Object handler, InputStream input, OutputStream output, Object context) throws IOException {
        ((RequestStreamHandler) handler).handleRequest(input, output, (Context) context);
    }

    @Override
    public Object customSerializer() {
        ClassLoader function = CoreBridge.class.getClassLoader().getParent();
        // Most functions have none, and the loader of services is slow to say so.
        if (function.getResource(SERVICE) == null) {
            return null;
        }
        Iterator<CustomPojoSerializer> found;
        try {
            found = ServiceLoader.load(CustomPojoSerializer.class, function).iterator();
        } catch (NoClassDefFoundError error) {
            // An older version of the interfaces.
            return null;
        }
        if (!found.hasNext()) {
            return null;
        }
        Object serializer = found.next();
        if (found.hasNext()) {
            throw new IllegalStateException("Found multiple CustomPOJOSerializer implementations on classpath");
        }
        return serializer;
    }

    @Override
    public Object fromJson(Object serializer, InputStream input, Type type) {
        return ((CustomPojoSerializer) serializer).fromJson(input, type);
    }

    @Override
    public void toJson(Object serializer, Object value, OutputStream output, Type type) {
        ((CustomPojoSerializer) serializer).toJson(value, output, type);
    }
}
