// SPDX-License-Identifier: Apache-2.0
package com.amazonaws.services.lambda.crac;

/**
 * Where the library org.crac, which functions bring, finds what stands behind it on Lambda: it looks into the package that
 * the property org.crac.Core.Compat names. The names here are that library's, and the package is AWS's.
 */
public final class Core {
    private static final Context<Resource> GLOBAL = new Registered();

    private Core() {}

    public static Context<Resource> getGlobalContext() {
        return GLOBAL;
    }

    /** When a snapshot is taken, the platform decides. */
    public static void checkpointRestore() throws CheckpointException, RestoreException {
        throw new UnsupportedOperationException();
    }
}
