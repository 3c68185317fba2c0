// SPDX-License-Identifier: Apache-2.0
package tinderbox.runtime;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * One kept-alive connection to the Runtime API, on a bare socket. A response and the request for the next event leave in
 * one write.
 */
final class RuntimeApi {
    /** Enough for any head that this class writes, but for the longest request ids. */
    private static final int HEAD_ROOM = 512;

    private final String host;
    private final String version;
    private final String path;
    private final byte[] next;
    private Socket socket;
    private InputStream input;
    private OutputStream output;
    private byte[] received = new byte[32 * 1024];
    private int start;
    private int end;

    /** What the Runtime API answered. The body is only good until the next answer is read. */
    static final class Answer {
        final int status;
        final Headers headers;
        final byte[] data;
        final int offset;
        final int length;

        Answer(int status, Headers headers, byte[] data, int offset, int length) {
            this.status = status;
            this.headers = headers;
            this.data = data;
            this.offset = offset;
            this.length = length;
        }

        String text() {
            return new String(data, offset, length, StandardCharsets.UTF_8);
        }
    }

    /** Names in lower case and values, one after the other. There are few: a list is the fastest map. */
    static final class Headers {
        private String[] all = new String[32];
        private int count;

        void add(String name, String value) {
            if (count + 2 > all.length) {
                all = java.util.Arrays.copyOf(all, all.length * 2);
            }
            all[count++] = name;
            all[count++] = value;
        }

        String get(String name) {
            for (int i = 0; i < count; i += 2) {
                if (all[i].equals(name)) {
                    return all[i + 1];
                }
            }
            return null;
        }
    }

    RuntimeApi(String address) {
        int slash = address.indexOf('/');
        host = slash < 0 ? address : address.substring(0, slash);
        version = (slash < 0 ? "" : address.substring(slash)) + "/2018-06-01/";
        path = version + "runtime/";
        next = get(path + "invocation/next");
    }

    static RuntimeApi ofThisSandbox() {
        return new RuntimeApi(Main.variable("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001"));
    }

    /** A buffer with room in front for the head of the message that carries it. */
    static Bytes message() {
        return new Bytes(HEAD_ROOM);
    }

    private byte[] get(String path) {
        return ascii("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\nUser-Agent: tinderbox-java/"
                + System.getProperty("java.specification.version") + "\r\n\r\n");
    }

    boolean isOpen() {
        return socket != null;
    }

    /** Which function this is. */
    Answer function() throws IOException {
        return ask(path + "function");
    }

    /** Answered once this process goes on from its snapshot. */
    Answer restored() throws IOException {
        return ask(path + "restore/next");
    }

    Answer ping() throws IOException {
        return ask(version + "ping");
    }

    private Answer ask(String path) throws IOException {
        byte[] request = get(path);
        send(request, 0, request.length);
        return receive();
    }

    /** The first event, before there is anything to answer. */
    Answer next() throws IOException {
        send(next, 0, next.length);
        return receive();
    }

    /** Posts `body` alone. */
    Answer post(String where, String headers, Bytes body) throws IOException {
        int from = prepend(where, headers, body);
        send(body.array(), from, body.length() - from);
        return receive();
    }

    /** Who is told that the Runtime API did not take what was posted. */
    interface Refused {
        void refused(Answer answer);
    }

    /** Posts `body` and answers the next event. */
    Answer postAndNext(String where, String headers, Bytes body, Refused refused) throws IOException {
        int from = prepend(where, headers, body);
        // A server that closes the connection after each answer gets the two messages one by one.
        boolean isJoint = isOpen();
        if (isJoint) {
            body.write(next, 0, next.length);
        }
        send(body.array(), from, body.length() - from);
        Answer answer = receive();
        if (answer.status != 202) {
            refused.refused(answer);
        }
        if (!isJoint || !isOpen()) {
            return next();
        }
        return receive();
    }

    /** Puts the head of a POST before its body, and says where it begins. */
    int prepend(String where, String headers, Bytes body) {
        byte[] head = ascii("POST " + path + where + " HTTP/1.1\r\nHost: " + host + "\r\n" + headers + "Content-Length: "
                + (body.length() - HEAD_ROOM) + "\r\n\r\n");
        return body.putBefore(HEAD_ROOM, head);
    }

    private void send(byte[] message, int offset, int length) throws IOException {
        if (socket == null) {
            int colon = host.lastIndexOf(':');
            Socket fresh = new Socket();
            fresh.setTcpNoDelay(true);
            fresh.connect(new InetSocketAddress(host.substring(0, colon), Integer.parseInt(host.substring(colon + 1))));
            socket = fresh;
            input = fresh.getInputStream();
            output = fresh.getOutputStream();
            start = 0;
            end = 0;
        }
        output.write(message, offset, length);
    }

    private Answer receive() throws IOException {
        int line = start;
        int status = 0;
        Headers headers = new Headers();
        for (;;) {
            int stop = lineEnd(line);
            if (stop < 0) {
                line -= more();
                continue;
            }
            if (stop == line && status > 0) {
                line += 2;
                break;
            }
            if (status == 0) {
                status = Integer.parseInt(latin(line + 9, line + 12));
            } else {
                addHeader(headers, line, stop);
            }
            line = stop + 2;
        }
        start = line;
        Answer answer = headers.get("transfer-encoding") == null ? whole(status, headers) : chunked(status, headers);
        if ("close".equalsIgnoreCase(headers.get("connection"))) {
            socket.close();
            socket = null;
        }
        return answer;
    }

    private void addHeader(Headers headers, int from, int to) {
        int colon = from;
        while (colon < to && received[colon] != ':') {
            colon++;
        }
        String name = latin(from, colon).toLowerCase(Locale.ROOT);
        headers.add(name, colon < to ? latin(colon + 1, to).trim() : "");
    }

    private Answer whole(int status, Headers headers) throws IOException {
        String text = headers.get("content-length");
        int length = text == null ? 0 : Integer.parseInt(text);
        if (end - start >= length) {
            int from = start;
            start += length;
            return new Answer(status, headers, received, from, length);
        }
        // Larger than what is here: an array of its own, which the buffer does not keep.
        byte[] body = new byte[length];
        int have = end - start;
        System.arraycopy(received, start, body, 0, have);
        start = 0;
        end = 0;
        while (have < length) {
            int count = input.read(body, have, length - have);
            if (count < 0) {
                throw new IOException("it was closed");
            }
            have += count;
        }
        return new Answer(status, headers, body, 0, length);
    }

    private Answer chunked(int status, Headers headers) throws IOException {
        Bytes body = new Bytes(0);
        for (;;) {
            String line = line();
            int size = Integer.parseInt(line.split(";", 2)[0].trim(), 16);
            if (size == 0) {
                break;
            }
            while (end - start < size + 2) {
                more();
            }
            body.write(received, start, size);
            start += size + 2;
        }
        while (!line().isEmpty()) {
            continue;
        }
        return new Answer(status, headers, body.array(), 0, body.length());
    }

    private String line() throws IOException {
        int stop;
        while ((stop = lineEnd(start)) < 0) {
            more();
        }
        String line = latin(start, stop);
        start = stop + 2;
        return line;
    }

    /** Where the line ends that begins at `from`; -1 if that is not here yet. */
    private int lineEnd(int from) {
        for (int i = from; i + 1 < end; i++) {
            if (received[i] == '\r' && received[i + 1] == '\n') {
                return i;
            }
        }
        return -1;
    }

    /** Reads more, and says by how much what was there has moved to the front. */
    private int more() throws IOException {
        int moved = start;
        if (start > 0) {
            System.arraycopy(received, start, received, 0, end - start);
            end -= start;
            start = 0;
        }
        if (end == received.length) {
            received = java.util.Arrays.copyOf(received, received.length * 2);
        }
        int count = input.read(received, end, received.length - end);
        if (count < 0) {
            throw new IOException("it was closed");
        }
        end += count;
        return moved;
    }

    @SuppressWarnings("deprecation")
    private String latin(int from, int to) {
        return new String(received, 0, from, to - from);
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.ISO_8859_1);
    }
}
