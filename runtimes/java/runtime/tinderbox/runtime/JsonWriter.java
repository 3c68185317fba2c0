// SPDX-License-Identifier: Apache-2.0
package tinderbox.runtime;

import java.lang.reflect.Array;
import java.lang.reflect.InvocationTargetException;
import java.nio.ByteBuffer;
import java.util.Base64;
import java.util.Calendar;
import java.util.Date;
import java.util.Iterator;
import java.util.Map;
import java.util.Optional;

/** Writes values of any type as JSON, in UTF-8. Beans by their getters and public fields, null where there is nothing. */
final class JsonWriter {
    private static final byte[] HEX = {'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'};

    private final Bytes out;
    private int depth;

    private JsonWriter(Bytes out) {
        this.out = out;
    }

    static void write(Object value, Bytes out) throws JsonException {
        new JsonWriter(out).value(value);
    }

    private void value(Object value) throws JsonException {
        if (value == null) {
            out.ascii("null");
        } else if (value instanceof String) {
            text((String) value);
        } else if (value instanceof Number) {
            number((Number) value);
        } else if (value instanceof Boolean) {
            out.ascii((Boolean) value ? "true" : "false");
        } else if (value instanceof Map) {
            map((Map<?, ?>) value);
        } else if (value instanceof Iterable && !(value instanceof java.nio.file.Path)) {
            all(((Iterable<?>) value).iterator());
        } else if (value.getClass().isArray()) {
            array(value);
        } else if (value instanceof Enum) {
            text(((Enum<?>) value).name());
        } else {
            rare(value);
        }
    }

    private void rare(Object value) throws JsonException {
        if (value instanceof CharSequence || value instanceof Character || isText(value)) {
            text(value.toString());
        } else if (value instanceof Optional) {
            value(((Optional<?>) value).orElse(null));
        } else if (value instanceof Date) {
            out.ascii(Long.toString(((Date) value).getTime()));
        } else if (value instanceof Calendar) {
            out.ascii(Long.toString(((Calendar) value).getTimeInMillis()));
        } else if (value instanceof ByteBuffer) {
            ByteBuffer buffer = ((ByteBuffer) value).duplicate();
            byte[] bytes = new byte[buffer.remaining()];
            buffer.get(bytes);
            text(Base64.getEncoder().encodeToString(bytes));
        } else if (value instanceof Iterator) {
            all((Iterator<?>) value);
        } else if (value instanceof java.util.concurrent.atomic.AtomicBoolean) {
            out.ascii(value.toString());
        } else if (value instanceof Class) {
            text(((Class<?>) value).getName());
        } else if (value.getClass().getName().startsWith("java.time.")) {
            throw new JsonException("Java 8 date/time type `" + value.getClass().getName() + "` not supported by default");
        } else if (value.getClass().getName().equals("org.joda.time.DateTime")) {
            text(value.toString());
        } else {
            bean(value);
        }
    }

    private static boolean isText(Object value) {
        return value instanceof java.util.UUID || value instanceof java.net.URI || value instanceof java.net.URL
                || value instanceof java.util.Locale || value instanceof java.util.Currency
                || value instanceof java.io.File || value instanceof java.nio.file.Path
                || value instanceof java.nio.charset.Charset || value instanceof java.util.regex.Pattern;
    }

    private void number(Number value) {
        boolean isFloating = value instanceof Double || value instanceof Float;
        if (isFloating && (Double.isNaN(value.doubleValue()) || Double.isInfinite(value.doubleValue()))) {
            text(value.toString());
        } else {
            out.ascii(value.toString());
        }
    }

    private void map(Map<?, ?> map) throws JsonException {
        enter();
        char separator = '{';
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            out.write(separator);
            separator = ',';
            text(key(entry.getKey()));
            out.write(':');
            value(entry.getValue());
        }
        leave(separator == '{', '{', '}');
    }

    private static String key(Object key) throws JsonException {
        if (key == null) {
            throw new JsonException("Null key for a Map not allowed in JSON");
        }
        if (key instanceof Enum) {
            return ((Enum<?>) key).name();
        }
        return key instanceof Class ? ((Class<?>) key).getName() : key.toString();
    }

    private void all(Iterator<?> iterator) throws JsonException {
        enter();
        char separator = '[';
        while (iterator.hasNext()) {
            out.write(separator);
            separator = ',';
            value(iterator.next());
        }
        leave(separator == '[', '[', ']');
    }

    private void array(Object array) throws JsonException {
        if (array instanceof byte[]) {
            text(Base64.getEncoder().encodeToString((byte[]) array));
            return;
        }
        if (array instanceof char[]) {
            text(new String((char[]) array));
            return;
        }
        enter();
        int length = Array.getLength(array);
        for (int i = 0; i < length; i++) {
            out.write(i == 0 ? '[' : ',');
            value(Array.get(array, i));
        }
        leave(length == 0, '[', ']');
    }

    private void bean(Object bean) throws JsonException {
        enter();
        char separator = '{';
        for (Bean.Property property : Bean.of(bean.getClass()).readable()) {
            Object value;
            try {
                value = property.read(bean);
            } catch (InvocationTargetException error) {
                throw failed(bean, property.name, error.getCause());
            } catch (ReflectiveOperationException error) {
                throw failed(bean, property.name, error);
            }
            out.write(separator);
            separator = ',';
            text(property.name);
            out.write(':');
            value(value);
        }
        leave(separator == '{', '{', '}');
    }

    private static JsonException failed(Object bean, String name, Throwable cause) {
        String place = " (through reference chain: " + bean.getClass().getName() + "[\"" + name + "\"])";
        return new JsonException(cause.getMessage() + place, cause);
    }

    private void enter() throws JsonException {
        if (++depth > JsonReader.DEPTH_MAX) {
            throw new JsonException("Infinite recursion, or a value nested more than " + JsonReader.DEPTH_MAX + " levels deep");
        }
    }

    private void leave(boolean isEmpty, char open, char close) {
        depth--;
        if (isEmpty) {
            out.write(open);
        }
        out.write(close);
    }

    private void text(String text) {
        text(text, out);
    }

    /** Letters outside ASCII as they are; half a surrogate pair as a question mark. */
    static void text(String text, Bytes out) {
        int length = text.length();
        out.write('"');
        for (int i = 0; i < length; i++) {
            char one = text.charAt(i);
            if (one < ' ' || one == '"' || one == '\\') {
                escaped(one, out);
            } else if (one < 0x80) {
                out.write(one);
            } else if (one < 0x800) {
                out.write(0xc0 | one >> 6);
                out.write(0x80 | one & 0x3f);
            } else if (!Character.isSurrogate(one)) {
                out.write(0xe0 | one >> 12);
                out.write(0x80 | one >> 6 & 0x3f);
                out.write(0x80 | one & 0x3f);
            } else if (Character.isHighSurrogate(one) && i + 1 < length && Character.isLowSurrogate(text.charAt(i + 1))) {
                int code = Character.toCodePoint(one, text.charAt(++i));
                out.write(0xf0 | code >> 18);
                out.write(0x80 | code >> 12 & 0x3f);
                out.write(0x80 | code >> 6 & 0x3f);
                out.write(0x80 | code & 0x3f);
            } else {
                out.write('?');
            }
        }
        out.write('"');
    }

    private static void escaped(char one, Bytes out) {
        out.write('\\');
        switch (one) {
            case '\n':
                out.write('n');
                break;
            case '\r':
                out.write('r');
                break;
            case '\t':
                out.write('t');
                break;
            case '\b':
                out.write('b');
                break;
            case '\f':
                out.write('f');
                break;
            case '"':
            case '\\':
                out.write(one);
                break;
            default:
                out.ascii("u00");
                out.write(HEX[one >> 4]);
                out.write(HEX[one & 15]);
        }
    }
}
