// SPDX-License-Identifier: Apache-2.0
package tinderbox.runtime;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.Type;

/**
 * The way to AWS's interfaces. They are in the function's package, in whatever version it brings; what implements this is
 * loaded beside them, so that they are called as plainly as the function's own code calls them.
 */
public interface Bridge {
    Class<?> contextType();

    Object context(Invocation invocation);

    boolean isRequestHandler(Class<?> type);

    boolean isStreamHandler(Class<?> type);

    /** The interface whose arguments say what a request handler takes and gives. */
    Class<?> requestHandlerType();

    Object handle(Object handler, Object input, Object context);

    void handle(Object handler, InputStream input, OutputStream output, Object context) throws IOException;

    /** A serializer that the function brings as a service, or null. */
    Object customSerializer();

    Object fromJson(Object serializer, InputStream input, Type type);

    void toJson(Object serializer, Object value, OutputStream output, Type type);
}
