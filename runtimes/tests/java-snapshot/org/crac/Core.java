// SPDX-License-Identifier: Apache-2.0
package org.crac;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;

/**
 * Stands for the library of this name, which functions bring: it finds the platform's package by a property, and looks for the
 * same names there by reflection. What it registers is a proxy that it holds itself.
 */
public final class Core {
    private static final List<Object> HELD = new ArrayList<>();
    private static final Context<Resource> GLOBAL = new Context<Resource>() {
        @Override
        public void register(Resource resource) {
            try {
                String place = System.getProperty("org.crac.Core.Compat");
                Class<?> core = Class.forName(place + ".Core");
                core.getMethod("checkpointRestore");
                Class.forName(place + ".CheckpointException");
                Class.forName(place + ".RestoreException");
                Class<?> type = Class.forName(place + ".Resource");
                Object proxy = Proxy.newProxyInstance(Core.class.getClassLoader(), new Class<?>[] {type}, (self, method, arguments) -> {
                    try {
                        boolean isTold = method.getDeclaringClass() == type;
                        return isTold
                                ? Resource.class.getMethod(method.getName(), Context.class).invoke(resource, this)
                                : method.invoke(resource, arguments);
                    } catch (InvocationTargetException error) {
                        throw error.getCause();
                    }
                });
                HELD.add(proxy);
                Object context = core.getMethod("getGlobalContext").invoke(null);
                Class.forName(place + ".Context").getMethod("register", type).invoke(context, proxy);
            } catch (ReflectiveOperationException error) {
                throw new IllegalStateException(error);
            }
        }

        @Override
        public void beforeCheckpoint(Context<? extends Resource> context) {
            throw new UnsupportedOperationException();
        }

        @Override
        public void afterRestore(Context<? extends Resource> context) {
            throw new UnsupportedOperationException();
        }
    };

    private Core() {}

    public static Context<Resource> getGlobalContext() {
        return GLOBAL;
    }
}
