// SPDX-License-Identifier: Apache-2.0
package example;

/** Has no setter: the field behind the getter is written. */
public class OrderBase {
    private String id;

    public String getId() {
        return id;
    }
}
