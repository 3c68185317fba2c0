// SPDX-License-Identifier: Apache-2.0
package com.amazonaws.services.lambda.crac;

/** Resources failed before a snapshot: what they threw is suppressed in this. */
public class CheckpointException extends Exception {
    private static final long serialVersionUID = 1;

    public CheckpointException() {}

    public CheckpointException(String message) {
        super(message);
    }
}
