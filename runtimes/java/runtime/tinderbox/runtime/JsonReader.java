// SPDX-License-Identifier: Apache-2.0
package tinderbox.runtime;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * JSON text, in UTF-8, as maps, lists, strings, numbers, booleans and null. A number with a fraction keeps its text until
 * somebody says which type it shall have.
 */
final class JsonReader {
    static final int DEPTH_MAX = 1000;

    private final byte[] text;
    private final int end;
    private final int begin;
    private int at;
    private int depth;

    /** A number with a fraction or an exponent. */
    static final class Decimal extends Number {
        private static final long serialVersionUID = 1;
        final String text;

        Decimal(String text) {
            this.text = text;
        }

        @Override
        public int intValue() {
            return (int) doubleValue();
        }

        @Override
        public long longValue() {
            return (long) doubleValue();
        }

        @Override
        public float floatValue() {
            return Float.parseFloat(text);
        }

        @Override
        public double doubleValue() {
            return Double.parseDouble(text);
        }

        @Override
        public String toString() {
            return text;
        }
    }

    private JsonReader(byte[] text, int offset, int length) {
        this.text = text;
        begin = offset;
        at = offset;
        end = offset + length;
    }

    static Object read(byte[] text, int offset, int length) throws JsonException {
        JsonReader reader = new JsonReader(text, offset, length);
        Object value = reader.value();
        reader.blank();
        if (reader.at < reader.end) {
            throw reader.unexpected("the end of the document");
        }
        return value;
    }

    private Object value() throws JsonException {
        blank();
        switch (at < end ? text[at] : 0) {
            case '{':
                return object();
            case '[':
                return array();
            case '"':
                return string();
            case 't':
                return word("true", Boolean.TRUE);
            case 'f':
                return word("false", Boolean.FALSE);
            case 'n':
                return word("null", null);
            default:
                return number();
        }
    }

    private Map<String, Object> object() throws JsonException {
        enter();
        Map<String, Object> object = new LinkedHashMap<>();
        if (isNext('}')) {
            return leave(object);
        }
        do {
            blank();
            if (at >= end || text[at] != '"') {
                throw unexpected("a name in double quotes");
            }
            String name = string();
            if (!isNext(':')) {
                throw unexpected("a colon");
            }
            object.put(name, value());
        } while (isNext(','));
        if (!isNext('}')) {
            throw unexpected("a comma or the end of the object");
        }
        return leave(object);
    }

    private List<Object> array() throws JsonException {
        enter();
        List<Object> array = new ArrayList<>();
        if (isNext(']')) {
            return leave(array);
        }
        do {
            array.add(value());
        } while (isNext(','));
        if (!isNext(']')) {
            throw unexpected("a comma or the end of the array");
        }
        return leave(array);
    }

    private void enter() throws JsonException {
        at++;
        if (++depth > DEPTH_MAX) {
            throw new JsonException("the document is nested more than " + DEPTH_MAX + " levels deep");
        }
    }

    private <T> T leave(T value) {
        depth--;
        return value;
    }

    private String string() throws JsonException {
        int from = ++at;
        boolean isPlain = true;
        while (at < end) {
            byte one = text[at];
            if (one == '"') {
                String plain = slice(from, at++, isPlain);
                return plain;
            }
            if (one == '\\') {
                return escaped(from);
            }
            if (one >= 0 && one < ' ') {
                throw new JsonException("Illegal unquoted character (code " + one + ") in a string" + place());
            }
            isPlain &= one >= 0;
            at++;
        }
        throw unexpected("the end of a string");
    }

    @SuppressWarnings("deprecation")
    private String slice(int from, int to, boolean isAscii) {
        return isAscii ? new String(text, 0, from, to - from) : new String(text, from, to - from, StandardCharsets.UTF_8);
    }

    private String escaped(int from) throws JsonException {
        StringBuilder built = new StringBuilder();
        int plain = from;
        while (at < end) {
            byte one = text[at];
            if (one == '"') {
                built.append(slice(plain, at++, false));
                return built.toString();
            }
            if (one >= 0 && one < ' ') {
                throw new JsonException("Illegal unquoted character (code " + one + ") in a string" + place());
            }
            if (one == '\\') {
                built.append(slice(plain, at, false));
                at++;
                built.append(escape());
                plain = at;
            } else {
                at++;
            }
        }
        throw unexpected("the end of a string");
    }

    private char escape() throws JsonException {
        if (at >= end) {
            throw unexpected("an escaped character");
        }
        switch (text[at++]) {
            case '"':
                return '"';
            case '\\':
                return '\\';
            case '/':
                return '/';
            case 'b':
                return '\b';
            case 'f':
                return '\f';
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 't':
                return '\t';
            case 'u':
                int code = 0;
                for (int i = 0; i < 4; i++) {
                    int digit = at < end ? Character.digit(text[at], 16) : -1;
                    if (digit < 0) {
                        throw unexpected("four hexadecimal digits");
                    }
                    code = code * 16 + digit;
                    at++;
                }
                return (char) code;
            default:
                at--;
                throw unexpected("an escaped character");
        }
    }

    private Object number() throws JsonException {
        int from = at;
        if (at < end && text[at] == '-') {
            at++;
        }
        int first = at;
        digits();
        if (text[first] == '0' && at - first > 1) {
            at = first;
            throw unexpected("a number without leading zeroes");
        }
        boolean isWhole = true;
        if (at < end && text[at] == '.') {
            at++;
            digits();
            isWhole = false;
        }
        if (at < end && (text[at] == 'e' || text[at] == 'E')) {
            at++;
            if (at < end && (text[at] == '+' || text[at] == '-')) {
                at++;
            }
            digits();
            isWhole = false;
        }
        String digits = slice(from, at, true);
        if (!isWhole) {
            return new Decimal(digits);
        }
        if (digits.length() < 19) {
            long value = Long.parseLong(digits);
            if (value == (int) value) {
                return (int) value;
            }
            return value;
        }
        BigInteger large = new BigInteger(digits);
        if (large.bitLength() < 64) {
            return large.longValue();
        }
        return large;
    }

    private void digits() throws JsonException {
        int from = at;
        while (at < end && text[at] >= '0' && text[at] <= '9') {
            at++;
        }
        if (at == from) {
            throw unexpected("a value");
        }
    }

    private Object word(String word, Object value) throws JsonException {
        for (int i = 0; i < word.length(); i++) {
            if (at + i >= end || text[at + i] != word.charAt(i)) {
                throw unexpected("a value");
            }
        }
        at += word.length();
        return value;
    }

    private boolean isNext(char wanted) {
        blank();
        if (at < end && text[at] == wanted) {
            at++;
            return true;
        }
        return false;
    }

    private void blank() {
        while (at < end && (text[at] == ' ' || text[at] == '\n' || text[at] == '\r' || text[at] == '\t')) {
            at++;
        }
    }

    private JsonException unexpected(String wanted) {
        String found = at < end ? "Unexpected character (code " + (text[at] & 0xff) + ")" : "Unexpected end-of-input";
        return new JsonException(found + ": was expecting " + wanted + place());
    }

    private String place() {
        int line = 1;
        int column = 1;
        for (int i = begin; i < at && i < end; i++) {
            column++;
            if (text[i] == '\n') {
                line++;
                column = 1;
            }
        }
        return " at line: " + line + ", column: " + column;
    }
}
