// SPDX-License-Identifier: Apache-2.0
package com.amazonaws.services.lambda.crac;

/** What is to be told before a snapshot is taken, and after it is gone on from. */
public interface Resource {
    void beforeCheckpoint(Context<? extends Resource> context) throws Exception;

    void afterRestore(Context<? extends Resource> context) throws Exception;
}
