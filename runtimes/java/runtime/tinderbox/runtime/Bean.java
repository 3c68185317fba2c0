// SPDX-License-Identifier: Apache-2.0
package tinderbox.runtime;

import java.lang.reflect.AccessibleObject;
import java.lang.reflect.Constructor;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A class as JSON sees it: its properties in the order of its fields, those of its superclass first. What counts as one
 * is what AWS's runtime takes: public getters and fields to read; setters of any visibility, public fields, and fields
 * behind a public getter to write.
 */
final class Bean {
    private static final Map<Class<?>, Bean> KNOWN = new LinkedHashMap<>();

    final Class<?> type;
    /** Made by its components, if it is a record. */
    final Constructor<?> record;
    private final Map<String, Property> properties = new LinkedHashMap<>();
    /** To write: by name, and by name in lower case. */
    private final Map<String, Property> writable = new LinkedHashMap<>();
    private Property[] readable;

    static final class Property {
        final String name;
        private Field field;
        private Method getter;
        private Method setter;
        /** Where the value goes in the constructor of a record. */
        int index = -1;
        Type componentType;
        private boolean isPublicField;

        Property(String name) {
            this.name = name;
        }

        boolean isReadable() {
            return getter != null || isPublicField;
        }

        boolean isWritable() {
            return index >= 0 || setter != null || isPublicField || (field != null && getter != null);
        }

        Type type() {
            if (index >= 0) {
                return componentType;
            }
            return setter != null ? setter.getGenericParameterTypes()[0] : field.getGenericType();
        }

        Object read(Object bean) throws ReflectiveOperationException {
            return getter != null ? getter.invoke(bean) : field.get(bean);
        }

        void write(Object bean, Object value) throws ReflectiveOperationException {
            if (setter != null) {
                setter.invoke(bean, value);
            } else {
                field.set(bean, value);
            }
        }
    }

    private Bean(Class<?> type) {
        this.type = type;
        record = recordConstructor();
        fields(type);
        if (record != null) {
            components();
        } else {
            methods();
        }
        List<Property> all = new ArrayList<>();
        for (Property property : properties.values()) {
            if (property.isReadable()) {
                all.add(property);
            }
            if (property.isWritable()) {
                writable.put(property.name, property);
            }
        }
        for (Property property : properties.values()) {
            if (property.isWritable()) {
                writable.putIfAbsent(property.name.toLowerCase(Locale.ROOT), property);
            }
        }
        readable = all.toArray(new Property[0]);
    }

    static Bean of(Class<?> type) {
        synchronized (KNOWN) {
            Bean bean = KNOWN.get(type);
            if (bean == null) {
                bean = new Bean(type);
                KNOWN.put(type, bean);
            }
            return bean;
        }
    }

    static void forgetAll() {
        synchronized (KNOWN) {
            KNOWN.clear();
        }
    }

    Property[] readable() {
        return readable;
    }

    /** The property of this name, or else of one that differs in upper and lower case only, as AWS's event classes need. */
    Property writable(String name) {
        Property exact = writable.get(name);
        return exact != null ? exact : writable.get(name.toLowerCase(Locale.ROOT));
    }

    private void fields(Class<?> owner) {
        if (owner == null || owner == Object.class) {
            return;
        }
        fields(owner.getSuperclass());
        for (Field field : owner.getDeclaredFields()) {
            int modifiers = field.getModifiers();
            if (Modifier.isStatic(modifiers) || Modifier.isTransient(modifiers) || field.isSynthetic()) {
                continue;
            }
            Property property = property(field.getName());
            property.field = field;
            property.isPublicField = Modifier.isPublic(modifiers);
            open(field);
        }
    }

    private void methods() {
        for (Method method : type.getMethods()) {
            if (Modifier.isStatic(method.getModifiers()) || method.isBridge() || method.getDeclaringClass() == Object.class) {
                continue;
            }
            String name = getterName(method);
            if (name != null && !isGroovy(method)) {
                Property property = property(name);
                if (property.getter == null || property.getter.getName().startsWith("is")) {
                    property.getter = method;
                    open(method);
                }
            }
        }
        for (Class<?> owner = type; owner != null && owner != Object.class; owner = owner.getSuperclass()) {
            for (Method method : owner.getDeclaredMethods()) {
                boolean isSetter = method.getParameterCount() == 1 && method.getName().length() > 3
                        && method.getName().startsWith("set") && !Modifier.isStatic(method.getModifiers())
                        && !method.isBridge() && !method.isSynthetic();
                if (isSetter) {
                    setter(property(propertyName(method.getName(), 3)), method);
                }
            }
        }
    }

    /** Of several setters the one that takes what the getter gives. */
    private static void setter(Property property, Method method) {
        Class<?> wanted = property.getter != null ? property.getter.getReturnType() : null;
        if (property.setter == null
                || (property.setter.getParameterTypes()[0] != wanted && method.getParameterTypes()[0] == wanted)) {
            property.setter = method;
            open(method);
        }
    }

    private static String getterName(Method method) {
        String name = method.getName();
        Class<?> result = method.getReturnType();
        if (method.getParameterCount() > 0 || result == void.class) {
            return null;
        }
        if (name.length() > 3 && name.startsWith("get")) {
            return propertyName(name, 3);
        }
        if (name.length() > 2 && name.startsWith("is") && (result == boolean.class || result == Boolean.class)) {
            return propertyName(name, 2);
        }
        return null;
    }

    private static boolean isGroovy(Method method) {
        return method.getReturnType().getName().startsWith("groovy.lang.");
    }

    /** `URLPath` is `urlpath`: all capital letters in front become small ones. */
    private static String propertyName(String method, int prefix) {
        char[] name = method.substring(prefix).toCharArray();
        for (int i = 0; i < name.length; i++) {
            char small = Character.toLowerCase(name[i]);
            if (small == name[i]) {
                break;
            }
            name[i] = small;
        }
        return new String(name);
    }

    private Property property(String name) {
        Property property = properties.get(name);
        if (property == null) {
            property = new Property(name);
            properties.put(name, property);
        }
        return property;
    }

    // --- records, which Java 8 does not know ---------------------------------------------------------------------------

    private Object[] recordComponents() {
        try {
            if (!"java.lang.Record".equals(type.getSuperclass() == null ? "" : type.getSuperclass().getName())) {
                return null;
            }
            return (Object[]) Class.class.getMethod("getRecordComponents").invoke(type);
        } catch (ReflectiveOperationException error) {
            return null;
        }
    }

    private Constructor<?> recordConstructor() {
        Object[] components = recordComponents();
        if (components == null) {
            return null;
        }
        try {
            Class<?>[] types = new Class<?>[components.length];
            for (int i = 0; i < types.length; i++) {
                types[i] = (Class<?>) components[i].getClass().getMethod("getType").invoke(components[i]);
            }
            Constructor<?> constructor = type.getDeclaredConstructor(types);
            open(constructor);
            return constructor;
        } catch (ReflectiveOperationException error) {
            return null;
        }
    }

    private void components() {
        Object[] components = recordComponents();
        for (int i = 0; i < components.length; i++) {
            try {
                Class<?> kind = components[i].getClass();
                Property property = property((String) kind.getMethod("getName").invoke(components[i]));
                property.index = i;
                property.componentType = (Type) kind.getMethod("getGenericType").invoke(components[i]);
                property.getter = (Method) kind.getMethod("getAccessor").invoke(components[i]);
                open(property.getter);
            } catch (ReflectiveOperationException error) {
                throw new IllegalStateException(error);
            }
        }
    }

    /** Members of Java's own classes stay as closed as they are. */
    static void open(AccessibleObject member) {
        try {
            member.setAccessible(true);
        } catch (RuntimeException closed) {
            // Using it says why not.
        }
    }
}
