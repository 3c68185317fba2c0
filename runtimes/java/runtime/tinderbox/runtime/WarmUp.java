// SPDX-License-Identifier: Apache-2.0
package tinderbox.runtime;

/** What a stem does before it has a function, so that its first event finds everything loaded. */
final class WarmUp {
    private WarmUp() {}

    static void run() throws Exception {}
}
