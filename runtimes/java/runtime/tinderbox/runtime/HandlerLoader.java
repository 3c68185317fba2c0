// SPDX-License-Identifier: Apache-2.0
package tinderbox.runtime;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Finds what `package.Class::method` or `package.Class` names, in the function's code and its layers. */
final class HandlerLoader implements AutoCloseable {
    private final URLClassLoader loader;
    private final Bridge bridge;

    /** The classes at the top of the package, then the jars in its lib, then those of the layers, as on AWS. */
    HandlerLoader(String task, String layers) throws MalformedURLException {
        List<URL> places = new ArrayList<>();
        places.add(new File(task).toURI().toURL());
        jars(new File(task, "lib"), places);
        jars(new File(layers, "java/lib"), places);
        loader = new URLClassLoader(places.toArray(new URL[0]), HandlerLoader.class.getClassLoader());
        bridge = BridgeLoader.open(loader);
    }

    private static void jars(File folder, List<URL> places) throws MalformedURLException {
        String[] names = folder.list();
        if (names == null) {
            return;
        }
        Arrays.sort(names);
        for (String name : names) {
            if (name.endsWith(".jar")) {
                places.add(new File(folder, name).toURI().toURL());
            }
        }
    }

    ClassLoader classes() {
        return loader;
    }

    @Override
    public void close() throws IOException {
        loader.close();
    }

    Handler load(String handler) throws Throwable {
        int colons = handler.indexOf("::");
        String name = colons < 0 ? handler : handler.substring(0, colons);
        String method = colons < 0 ? "" : handler.substring(colons + 2);
        if (name.isEmpty() || (colons >= 0 && method.isEmpty())) {
            throw new Failure.Fault("java.lang.RuntimeException", "Invalid handler: '" + handler + "'", null);
        }
        Class<?> type = type(name);
        return colons < 0 ? ofInterface(type) : ofMethod(type, method);
    }

    private Class<?> type(String name) throws Failure.Fault {
        try {
            return Class.forName(name, true, loader);
        } catch (ClassNotFoundException error) {
            Failure.clean(error);
            throw new Failure.Fault("java.lang.ClassNotFoundException", "Class not found: " + name, shown(error, name));
        }
    }

    /** AWS says where it has looked. */
    private ClassNotFoundException shown(ClassNotFoundException error, String name) {
        StringBuilder places = new StringBuilder();
        for (URL place : loader.getURLs()) {
            places.append(places.length() == 0 ? "" : ":").append(place);
        }
        ClassNotFoundException shown = new ClassNotFoundException(name + ". Current classpath: " + places);
        shown.setStackTrace(error.getStackTrace());
        return shown;
    }

    private Handler ofInterface(Class<?> type) throws Throwable {
        if (bridge != null && bridge.isStreamHandler(type)) {
            return new Handler.OfStream(bridge, instance(type));
        }
        if (bridge != null && bridge.isRequestHandler(type)) {
            return new Handler.OfInterface(bridge, instance(type));
        }
        String why = "Class " + type.getName() + " does not implement an appropriate handler interface";
        throw new Failure.Fault("java.lang.Exception", why, null);
    }

    private Handler ofMethod(Class<?> type, String name) throws Throwable {
        Method best = null;
        for (Method method : type.getMethods()) {
            if (!method.getName().equals(name) || method.isBridge() || !isSuitable(method)) {
                continue;
            }
            // The one with the most parameters; among those the one with the context.
            boolean isBetter = best == null || method.getParameterCount() > best.getParameterCount()
                    || (method.getParameterCount() == best.getParameterCount() && hasContext(method) && !hasContext(best));
            if (isBetter) {
                best = method;
            }
        }
        if (best == null) {
            String why = "No public method named " + name + " with appropriate method signature found on class " + type;
            throw new Failure.Fault("java.lang.Exception", why, null);
        }
        Bean.open(best);
        Object instance = Modifier.isStatic(best.getModifiers()) ? null : instance(type);
        return new Handler.OfMethod(bridge, instance, best, hasContext(best));
    }

    private boolean hasContext(Method method) {
        Class<?>[] types = method.getParameterTypes();
        return bridge != null && types.length > 0 && types[types.length - 1] == bridge.contextType();
    }

    private boolean isSuitable(Method method) {
        Class<?>[] types = method.getParameterTypes();
        int count = types.length - (hasContext(method) ? 1 : 0);
        for (int i = 0; i < count; i++) {
            boolean isStream = types[i] == InputStream.class || types[i] == OutputStream.class;
            if (count > 2 || (count == 2 && !isStream) || (bridge != null && types[i] == bridge.contextType())) {
                return false;
            }
        }
        return true;
    }

    private static Object instance(Class<?> type) throws Throwable {
        try {
            Constructor<?> constructor = type.getConstructor();
            Bean.open(constructor);
            return constructor.newInstance();
        } catch (NoSuchMethodException error) {
            String why = "Class " + type.getName() + " has no public zero-argument constructor";
            throw new Failure.Fault("java.lang.NoSuchMethodException", why, Failure.clean(error));
        } catch (InstantiationException error) {
            String why = "Class " + type.getName() + " cannot be instantiated";
            throw new Failure.Fault("java.lang.InstantiationException", why, Failure.clean(error));
        } catch (InvocationTargetException error) {
            throw error.getCause();
        }
    }
}
