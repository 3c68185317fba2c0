// SPDX-License-Identifier: Apache-2.0
package com.amazonaws.services.lambda.crac;

/** Resources failed after a snapshot was gone on from: what they threw is suppressed in this. */
public class RestoreException extends Exception {
    private static final long serialVersionUID = 1;

    public RestoreException() {}

    public RestoreException(String message) {
        super(message);
    }
}
