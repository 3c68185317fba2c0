// SPDX-License-Identifier: Apache-2.0
package tinderbox.runtime;

import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.lang.reflect.TypeVariable;
import java.lang.reflect.WildcardType;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Calendar;
import java.util.Collection;
import java.util.Collections;
import java.util.Date;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;

/** Makes what a handler declares out of what `JsonReader` read. Names that a class does not have are passed over. */
final class Binder {
    /** Numbers for dates are seconds in AWS's event classes, and milliseconds everywhere else. */
    private static final String EVENTS = "com.amazonaws.services.lambda.runtime.events.";

    private Binder() {}

    static Object bind(Object value, Type type) throws JsonException {
        return bind(value, type, Collections.<TypeVariable<?>, Type>emptyMap(), Object.class);
    }

    private static Object bind(Object value, Type type, Map<TypeVariable<?>, Type> variables, Class<?> owner)
            throws JsonException {
        Type known = resolve(type, variables);
        if (known instanceof GenericArrayType) {
            return array(value, ((GenericArrayType) known).getGenericComponentType(), variables, owner);
        }
        Class<?> raw = raw(known);
        if (value == null) {
            return absent(raw);
        }
        if (raw == Object.class) {
            return natural(value);
        }
        if (raw.isArray()) {
            return array(value, raw.getComponentType(), variables, owner);
        }
        if (Collection.class.isAssignableFrom(raw) || raw == Iterable.class) {
            return collection(value, raw, argument(known, 0, variables), variables, owner);
        }
        if (Map.class.isAssignableFrom(raw)) {
            return map(value, raw, known, variables, owner);
        }
        if (raw == Optional.class) {
            return Optional.ofNullable(bind(value, argument(known, 0, variables), variables, owner));
        }
        if (value instanceof Map) {
            return bean((Map<?, ?>) value, raw, known, variables);
        }
        if (value instanceof List) {
            throw mismatch(raw, "START_ARRAY");
        }
        return scalar(value, raw, owner);
    }

    // --- types ----------------------------------------------------------------------------------------------------------

    /** What `wanted`, a generic class or interface, has as its argument number `index` in `type`. */
    static Type argumentOf(Class<?> type, Class<?> wanted, int index) {
        Map<TypeVariable<?>, Type> variables = new HashMap<>();
        collect(type, variables);
        Type found = resolve(wanted.getTypeParameters()[index], variables);
        return found instanceof TypeVariable ? Object.class : found;
    }

    private static void collect(Type type, Map<TypeVariable<?>, Type> variables) {
        if (type == null) {
            return;
        }
        Class<?> raw = raw(type);
        if (type instanceof ParameterizedType) {
            Type[] arguments = ((ParameterizedType) type).getActualTypeArguments();
            for (int i = 0; i < arguments.length; i++) {
                variables.put(raw.getTypeParameters()[i], arguments[i]);
            }
        }
        collect(raw.getGenericSuperclass(), variables);
        for (Type one : raw.getGenericInterfaces()) {
            collect(one, variables);
        }
    }

    private static Type resolve(Type type, Map<TypeVariable<?>, Type> variables) {
        Type known = type;
        for (int i = 0; i < 100; i++) {
            if (known instanceof WildcardType) {
                known = ((WildcardType) known).getUpperBounds()[0];
            } else if (known instanceof TypeVariable && variables.containsKey(known)) {
                known = variables.get(known);
            } else {
                return known;
            }
        }
        return Object.class;
    }

    private static Class<?> raw(Type type) {
        if (type instanceof Class) {
            return (Class<?>) type;
        }
        if (type instanceof ParameterizedType) {
            return (Class<?>) ((ParameterizedType) type).getRawType();
        }
        if (type instanceof TypeVariable) {
            return raw(((TypeVariable<?>) type).getBounds()[0]);
        }
        return Object.class;
    }

    /** The argument of a collection or map, also where a class of the function's own fixes it. */
    private static Type argument(Type type, int index, Map<TypeVariable<?>, Type> variables) {
        if (type instanceof ParameterizedType) {
            Type[] arguments = ((ParameterizedType) type).getActualTypeArguments();
            return index < arguments.length ? resolve(arguments[index], variables) : Object.class;
        }
        Class<?> raw = raw(type);
        if (Map.class.isAssignableFrom(raw)) {
            return argumentOf(raw, Map.class, index);
        }
        return Collection.class.isAssignableFrom(raw) ? argumentOf(raw, Collection.class, 0) : Object.class;
    }

    // --- values ---------------------------------------------------------------------------------------------------------

    private static Object absent(Class<?> raw) {
        if (raw == Optional.class) {
            return Optional.empty();
        }
        return raw.isPrimitive() ? Array.get(Array.newInstance(raw, 1), 0) : null;
    }

    /** Maps and lists as they are, but numbers with a fraction as doubles. */
    @SuppressWarnings("unchecked")
    static Object natural(Object value) {
        if (value instanceof JsonReader.Decimal) {
            return ((JsonReader.Decimal) value).doubleValue();
        }
        if (value instanceof Map) {
            for (Map.Entry<String, Object> entry : ((Map<String, Object>) value).entrySet()) {
                entry.setValue(natural(entry.getValue()));
            }
        } else if (value instanceof List) {
            List<Object> list = (List<Object>) value;
            for (int i = 0; i < list.size(); i++) {
                list.set(i, natural(list.get(i)));
            }
        }
        return value;
    }

    private static Object array(Object value, Type component, Map<TypeVariable<?>, Type> variables, Class<?> owner)
            throws JsonException {
        Class<?> raw = raw(resolve(component, variables));
        if (value == null) {
            return null;
        }
        if (raw == byte.class && value instanceof String) {
            return base64((String) value);
        }
        if (raw == char.class && value instanceof String) {
            return ((String) value).toCharArray();
        }
        List<?> list = value instanceof List ? (List<?>) value : Collections.singletonList(value);
        Object array = Array.newInstance(raw, list.size());
        for (int i = 0; i < list.size(); i++) {
            Array.set(array, i, bind(list.get(i), component, variables, owner));
        }
        return array;
    }

    private static Object collection(
            Object value, Class<?> raw, Type element, Map<TypeVariable<?>, Type> variables, Class<?> owner)
            throws JsonException {
        Collection<Object> collection = emptyCollection(raw);
        // A single value is a list of one, as AWS has it.
        Collection<?> all = value instanceof List ? (List<?>) value : Collections.singletonList(value);
        for (Object one : all) {
            collection.add(bind(one, element, variables, owner));
        }
        return collection;
    }

    @SuppressWarnings("unchecked")
    private static Collection<Object> emptyCollection(Class<?> raw) throws JsonException {
        if (!raw.isInterface() && !Modifier.isAbstract(raw.getModifiers())) {
            return (Collection<Object>) instance(raw);
        }
        if (raw.isAssignableFrom(ArrayList.class)) {
            return new ArrayList<>();
        }
        if (SortedSet.class.isAssignableFrom(raw) && raw.isAssignableFrom(TreeSet.class)) {
            return new TreeSet<>();
        }
        if (Set.class.isAssignableFrom(raw) && raw.isAssignableFrom(LinkedHashSet.class)) {
            return new LinkedHashSet<>();
        }
        if (Queue.class.isAssignableFrom(raw) && raw.isAssignableFrom(ArrayDeque.class)) {
            return raw == Deque.class ? new ArrayDeque<>() : new java.util.LinkedList<>();
        }
        throw new JsonException("cannot construct an instance of " + raw.getName() + ": it is abstract");
    }

    @SuppressWarnings("unchecked")
    private static Object map(
            Object value, Class<?> raw, Type type, Map<TypeVariable<?>, Type> variables, Class<?> owner)
            throws JsonException {
        if (!(value instanceof Map)) {
            if ("".equals(value)) {
                return null;
            }
            throw mismatch(raw, token(value));
        }
        Type keys = argument(type, 0, variables);
        Type values = argument(type, 1, variables);
        boolean isAsRead = raw(keys) == String.class || raw(keys) == Object.class;
        if (isAsRead && raw(values) == Object.class && raw.isAssignableFrom(LinkedHashMap.class)) {
            return natural(value);
        }
        Map<Object, Object> map;
        if (!raw.isInterface() && !Modifier.isAbstract(raw.getModifiers())) {
            map = (Map<Object, Object>) instance(raw);
        } else if (SortedMap.class.isAssignableFrom(raw) && raw.isAssignableFrom(TreeMap.class)) {
            map = new TreeMap<>();
        } else if (raw.isAssignableFrom(java.util.concurrent.ConcurrentHashMap.class) && raw != Map.class) {
            map = new java.util.concurrent.ConcurrentHashMap<>();
        } else {
            map = new LinkedHashMap<>();
        }
        for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
            Object key = bind(entry.getKey(), keys, variables, owner);
            map.put(key, bind(entry.getValue(), values, variables, owner));
        }
        return map;
    }

    private static Object bean(Map<?, ?> value, Class<?> raw, Type type, Map<TypeVariable<?>, Type> outer)
            throws JsonException {
        if (isPlain(raw)) {
            throw mismatch(raw, "START_OBJECT");
        }
        Map<TypeVariable<?>, Type> variables = new HashMap<>(outer);
        collect(type, variables);
        Bean bean = Bean.of(raw);
        if (bean.record != null) {
            return record(value, bean, variables);
        }
        Object made = instance(raw);
        for (Map.Entry<?, ?> entry : value.entrySet()) {
            Bean.Property property = bean.writable((String) entry.getKey());
            if (property == null) {
                continue;
            }
            try {
                property.write(made, bind(entry.getValue(), property.type(), variables, raw));
            } catch (JsonException error) {
                throw within(error, raw, property.name);
            } catch (ReflectiveOperationException | IllegalArgumentException error) {
                throw within(cause(error), raw, property.name);
            }
        }
        return made;
    }

    private static Object record(Map<?, ?> value, Bean bean, Map<TypeVariable<?>, Type> variables) throws JsonException {
        Class<?>[] types = bean.record.getParameterTypes();
        Object[] arguments = new Object[types.length];
        for (int i = 0; i < types.length; i++) {
            arguments[i] = absent(types[i]);
        }
        for (Map.Entry<?, ?> entry : value.entrySet()) {
            Bean.Property property = bean.writable((String) entry.getKey());
            if (property == null) {
                continue;
            }
            try {
                arguments[property.index] = bind(entry.getValue(), property.type(), variables, bean.type);
            } catch (JsonException error) {
                throw within(error, bean.type, property.name);
            }
        }
        try {
            return bean.record.newInstance(arguments);
        } catch (ReflectiveOperationException error) {
            throw new JsonException("cannot construct an instance of " + bean.type.getName(), cause(error));
        }
    }

    private static Object instance(Class<?> raw) throws JsonException {
        if (raw.isInterface() || Modifier.isAbstract(raw.getModifiers())) {
            throw new JsonException("cannot construct an instance of " + raw.getName() + ": it is abstract");
        }
        try {
            Constructor<?> constructor = raw.getDeclaredConstructor();
            Bean.open(constructor);
            return constructor.newInstance();
        } catch (NoSuchMethodException error) {
            throw new JsonException("cannot construct an instance of " + raw.getName()
                    + ": it has no constructor without parameters");
        } catch (ReflectiveOperationException error) {
            throw new JsonException("cannot construct an instance of " + raw.getName(), cause(error));
        }
    }

    private static boolean isPlain(Class<?> raw) {
        return raw.isPrimitive() || raw.isEnum() || raw == String.class || Number.class.isAssignableFrom(raw)
                || raw == Boolean.class || raw == Character.class || raw == Date.class || raw == UUID.class;
    }

    // --- numbers, texts, booleans ---------------------------------------------------------------------------------------

    private static Object scalar(Object value, Class<?> raw, Class<?> owner) throws JsonException {
        if (raw == String.class || raw == CharSequence.class) {
            return value.toString();
        }
        if (raw.isEnum()) {
            return constant(value, raw);
        }
        if (value instanceof String && ((String) value).isEmpty() && raw != Character.class && raw != char.class) {
            return absent(raw);
        }
        try {
            if (raw == boolean.class || raw == Boolean.class) {
                return truth(value);
            }
            if (raw == char.class || raw == Character.class) {
                return character(value);
            }
            if (raw.isPrimitive() || Number.class.isAssignableFrom(raw)) {
                return number(value, raw);
            }
            return special(value, raw, owner);
        } catch (NumberFormatException error) {
            throw mismatch(raw, token(value) + " (" + shortened(value) + ")");
        }
    }

    private static Object number(Object value, Class<?> raw) throws JsonException {
        if (value instanceof Boolean) {
            throw mismatch(raw, token(value));
        }
        BigDecimal exact = raw == float.class || raw == Float.class || raw == double.class || raw == Double.class
                ? null
                : new BigDecimal(value.toString().trim());
        if (raw == int.class || raw == Integer.class) {
            return within(exact, Integer.MIN_VALUE, Integer.MAX_VALUE, raw).intValue();
        }
        if (raw == long.class || raw == Long.class) {
            return within(exact, Long.MIN_VALUE, Long.MAX_VALUE, raw).longValue();
        }
        if (raw == short.class || raw == Short.class) {
            return within(exact, Short.MIN_VALUE, Short.MAX_VALUE, raw).shortValue();
        }
        if (raw == byte.class || raw == Byte.class) {
            // Also what an unsigned byte would be, as AWS takes it.
            return within(exact, Byte.MIN_VALUE, 255, raw).byteValue();
        }
        if (raw == float.class || raw == Float.class) {
            return Float.parseFloat(value.toString().trim());
        }
        if (raw == double.class || raw == Double.class) {
            return Double.parseDouble(value.toString().trim());
        }
        if (raw == BigInteger.class) {
            return exact.toBigInteger();
        }
        if (raw == BigDecimal.class) {
            return exact;
        }
        if (raw == java.util.concurrent.atomic.AtomicInteger.class) {
            return new java.util.concurrent.atomic.AtomicInteger(
                    within(exact, Integer.MIN_VALUE, Integer.MAX_VALUE, raw).intValue());
        }
        if (raw == java.util.concurrent.atomic.AtomicLong.class) {
            return new java.util.concurrent.atomic.AtomicLong(
                    within(exact, Long.MIN_VALUE, Long.MAX_VALUE, raw).longValue());
        }
        if (raw == Number.class) {
            return natural(value);
        }
        return fromText(value, raw);
    }

    private static BigDecimal within(BigDecimal value, long least, long most, Class<?> raw) throws JsonException {
        if (value.compareTo(BigDecimal.valueOf(least)) < 0 || value.compareTo(BigDecimal.valueOf(most)) > 0) {
            throw new JsonException("Numeric value (" + shortened(value) + ") out of range of " + raw.getName());
        }
        return value;
    }

    private static Object truth(Object value) throws JsonException {
        if (value instanceof Boolean) {
            return value;
        }
        String text = value.toString().trim();
        if (value instanceof Number) {
            return ((Number) value).doubleValue() != 0;
        }
        if (text.equalsIgnoreCase("true") || text.equalsIgnoreCase("false")) {
            return Boolean.valueOf(text);
        }
        throw mismatch(boolean.class, token(value) + " (" + shortened(value) + ")");
    }

    private static Object character(Object value) throws JsonException {
        if (value instanceof Number) {
            return (char) ((Number) value).intValue();
        }
        String text = value.toString();
        if (text.length() != 1) {
            throw mismatch(char.class, token(value) + " (" + shortened(value) + ")");
        }
        return text.charAt(0);
    }

    private static Object constant(Object value, Class<?> raw) throws JsonException {
        Object[] constants = raw.getEnumConstants();
        if (value instanceof Integer && (Integer) value >= 0 && (Integer) value < constants.length) {
            return constants[(Integer) value];
        }
        for (Object constant : constants) {
            if (constant.toString().equals(value) || ((Enum<?>) constant).name().equals(value)) {
                return constant;
            }
        }
        if ("".equals(value)) {
            return null;
        }
        throw new JsonException("Cannot deserialize value of type " + raw.getName() + " from " + shortened(value)
                + ": it is none of its constants");
    }

    private static Object special(Object value, Class<?> raw, Class<?> owner) throws JsonException {
        if (raw == Date.class) {
            return new Date(millis(value, owner));
        }
        if (raw == Calendar.class || raw == java.util.GregorianCalendar.class) {
            Calendar calendar = new java.util.GregorianCalendar(java.util.TimeZone.getTimeZone("UTC"));
            calendar.setTimeInMillis(millis(value, owner));
            return calendar;
        }
        if (raw == ByteBuffer.class) {
            return ByteBuffer.wrap(base64(value.toString()));
        }
        if (raw.getName().startsWith("java.time.")) {
            throw new JsonException("Java 8 date/time type `" + raw.getName() + "` not supported by default");
        }
        if (raw.getName().equals("org.joda.time.DateTime")) {
            return construct(raw, Object.class, value instanceof Number ? (Object) millis(value, owner) : value);
        }
        return fromText(value, raw);
    }

    private static Object fromText(Object value, Class<?> raw) throws JsonException {
        String text = value.toString();
        if (raw == UUID.class) {
            try {
                return UUID.fromString(text);
            } catch (IllegalArgumentException error) {
                throw mismatch(raw, token(value) + " (" + shortened(value) + ")");
            }
        }
        if (raw == java.util.Locale.class) {
            return java.util.Locale.forLanguageTag(text.replace('_', '-'));
        }
        if (raw == Class.class || raw == java.io.InputStream.class) {
            throw mismatch(raw, token(value));
        }
        for (String factory : new String[] {"valueOf", "fromString", "create", "getInstance"}) {
            try {
                Method method = raw.getMethod(factory, String.class);
                if (Modifier.isStatic(method.getModifiers()) && raw.isAssignableFrom(method.getReturnType())) {
                    Bean.open(method);
                    return method.invoke(null, text);
                }
            } catch (NoSuchMethodException none) {
                continue;
            } catch (ReflectiveOperationException error) {
                throw new JsonException("cannot construct an instance of " + raw.getName(), cause(error));
            }
        }
        if (Modifier.isAbstract(raw.getModifiers())) {
            throw new JsonException("cannot construct an instance of " + raw.getName() + ": it is abstract");
        }
        return construct(raw, String.class, text);
    }

    private static Object construct(Class<?> raw, Class<?> parameter, Object argument) throws JsonException {
        try {
            Constructor<?> constructor = raw.getDeclaredConstructor(parameter);
            Bean.open(constructor);
            return constructor.newInstance(argument);
        } catch (NoSuchMethodException none) {
            throw mismatch(raw, token(argument) + " (" + shortened(argument) + ")");
        } catch (ReflectiveOperationException error) {
            throw new JsonException("cannot construct an instance of " + raw.getName(), cause(error));
        }
    }

    private static long millis(Object value, Class<?> owner) throws JsonException {
        if (value instanceof Number) {
            boolean isSeconds = owner.getName().startsWith(EVENTS);
            BigDecimal number = new BigDecimal(value.toString());
            return (isSeconds ? number.movePointRight(3) : number).longValue();
        }
        String text = value.toString().trim();
        try {
            if (text.length() == 10) {
                return java.time.LocalDate.parse(text).atStartOfDay(java.time.ZoneOffset.UTC).toInstant().toEpochMilli();
            }
            // +0200 as well as +02:00, and neither for UTC.
            String zoned = text.replaceFirst("([+-]\\d\\d)(\\d\\d)$", "$1:$2");
            boolean hasZone = zoned.endsWith("Z") || zoned.matches(".*[+-]\\d\\d:\\d\\d$");
            return java.time.OffsetDateTime.parse(hasZone ? zoned : zoned + "Z").toInstant().toEpochMilli();
        } catch (java.time.format.DateTimeParseException error) {
            throw mismatch(Date.class, token(value) + " (" + shortened(value) + ")");
        }
    }

    private static byte[] base64(String text) throws JsonException {
        try {
            return Base64.getDecoder().decode(text);
        } catch (IllegalArgumentException error) {
            throw new JsonException("a byte array must be text in base64: " + error.getMessage());
        }
    }

    // --- errors ---------------------------------------------------------------------------------------------------------

    private static JsonException mismatch(Class<?> raw, String found) {
        return new JsonException("Can not deserialize instance of " + raw.getName() + " out of " + found + " token");
    }

    private static JsonException within(Throwable error, Class<?> owner, String name) {
        String place = " (through reference chain: " + owner.getName() + "[\"" + name + "\"])";
        return new JsonException(error.getMessage() + place, error instanceof JsonException ? error.getCause() : error);
    }

    private static Throwable cause(Exception error) {
        return error instanceof InvocationTargetException ? error.getCause() : error;
    }

    private static String token(Object value) {
        if (value instanceof Map) {
            return "START_OBJECT";
        }
        if (value instanceof List) {
            return "START_ARRAY";
        }
        if (value instanceof Boolean) {
            return (Boolean) value ? "VALUE_TRUE" : "VALUE_FALSE";
        }
        if (value instanceof String) {
            return "VALUE_STRING";
        }
        return value instanceof JsonReader.Decimal ? "VALUE_NUMBER_FLOAT" : "VALUE_NUMBER_INT";
    }

    private static String shortened(Object value) {
        String text = value.toString();
        return text.length() > 60 ? text.substring(0, 60) + "..." : text;
    }
}
