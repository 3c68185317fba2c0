// SPDX-License-Identifier: Apache-2.0
package tinderbox.runtime;

import java.io.IOException;
import java.io.InputStream;
import java.util.LinkedHashMap;
import java.util.Map;

/** Loads the bridge below the function's classes. Its bytes are resources of this jar under another name, read once. */
final class BridgeLoader extends ClassLoader {
    private static final String MAIN = "tinderbox.bridge.CoreBridge";
    private static final String[] NAMES = {
        MAIN,
        "tinderbox.bridge.LambdaContext",
        "tinderbox.bridge.LambdaContext$Identity",
        "tinderbox.bridge.LambdaContext$Caller",
        "tinderbox.bridge.LambdaContext$Logger",
    };
    private static final Map<String, byte[]> BYTES = new LinkedHashMap<>();

    private BridgeLoader(ClassLoader function) {
        super(function);
    }

    /** None if the function does not have AWS's interfaces. */
    static Bridge open(ClassLoader function) {
        try {
            Class.forName("com.amazonaws.services.lambda.runtime.Context", false, function);
        } catch (ClassNotFoundException error) {
            return null;
        }
        try {
            return (Bridge) new BridgeLoader(function).loadClass(MAIN).getDeclaredConstructor().newInstance();
        } catch (ReflectiveOperationException error) {
            throw new IllegalStateException(error);
        }
    }

    /** Ours are not asked for anywhere else: each loader that does not have one would make an exception to say so. */
    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        if (!read().containsKey(name)) {
            return super.loadClass(name, resolve);
        }
        synchronized (getClassLoadingLock(name)) {
            Class<?> loaded = findLoadedClass(name);
            return loaded == null ? findClass(name) : loaded;
        }
    }

    @Override
    protected Class<?> findClass(String name) throws ClassNotFoundException {
        byte[] bytes = read().get(name);
        if (bytes == null) {
            throw new ClassNotFoundException(name);
        }
        return defineClass(name, bytes, 0, bytes.length);
    }

    private static Map<String, byte[]> read() {
        if (BYTES.isEmpty()) {
            for (String name : NAMES) {
                String resource = "/bridge/" + name.replace('.', '/') + ".class";
                try (InputStream stream = BridgeLoader.class.getResourceAsStream(resource)) {
                    Bytes bytes = new Bytes(0);
                    byte[] part = new byte[8192];
                    int count;
                    while ((count = stream.read(part)) > 0) {
                        bytes.write(part, 0, count);
                    }
                    BYTES.put(name, java.util.Arrays.copyOf(bytes.array(), bytes.length()));
                } catch (IOException error) {
                    throw new IllegalStateException(resource, error);
                }
            }
        }
        return BYTES;
    }
}
