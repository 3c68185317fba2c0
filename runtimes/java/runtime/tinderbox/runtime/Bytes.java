// SPDX-License-Identifier: Apache-2.0
package tinderbox.runtime;

import java.io.OutputStream;
import java.util.Arrays;

/** Bytes that grow. Some room in front can be kept free, for what is only known at the end. */
final class Bytes extends OutputStream {
    private byte[] array;
    private int length;

    Bytes(int roomInFront) {
        array = new byte[roomInFront + 1024];
        length = roomInFront;
    }

    byte[] array() {
        return array;
    }

    int length() {
        return length;
    }

    /** Forgets what came after the first `length` bytes. */
    void cut(int length) {
        this.length = length;
    }

    @Override
    public void write(int value) {
        reserve(1);
        array[length++] = (byte) value;
    }

    @Override
    public void write(byte[] source, int offset, int count) {
        reserve(count);
        System.arraycopy(source, offset, array, length, count);
        length += count;
    }

    /** Text of characters below U+0080. */
    @SuppressWarnings("deprecation")
    void ascii(String text) {
        int count = text.length();
        reserve(count);
        text.getBytes(0, count, array, length);
        length += count;
    }

    /** Puts `head` right in front of `position`, and says where it begins. What is there already moves if it must. */
    int putBefore(int position, byte[] head) {
        if (head.length > position) {
            int shift = head.length - position;
            reserve(shift);
            System.arraycopy(array, position, array, head.length, length - position);
            length += shift;
            System.arraycopy(head, 0, array, 0, head.length);
            return 0;
        }
        System.arraycopy(head, 0, array, position - head.length, head.length);
        return position - head.length;
    }

    void reserve(int count) {
        if (array.length - length < count) {
            array = Arrays.copyOf(array, Math.max(array.length * 2, length + count));
        }
    }
}
