// SPDX-License-Identifier: Apache-2.0
package org.crac;

/** As functions know it. */
public interface Resource {
    void beforeCheckpoint(Context<? extends Resource> context) throws Exception;

    void afterRestore(Context<? extends Resource> context) throws Exception;
}
