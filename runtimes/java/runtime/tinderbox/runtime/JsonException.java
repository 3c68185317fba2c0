// SPDX-License-Identifier: Apache-2.0
package tinderbox.runtime;

/** A document that is no JSON, or that does not become the type that is wanted, or a value that does not become JSON. */
public final class JsonException extends Exception {
    private static final long serialVersionUID = 1;

    JsonException(String message) {
        super(message);
    }

    JsonException(String message, Throwable cause) {
        super(message, cause);
    }
}
