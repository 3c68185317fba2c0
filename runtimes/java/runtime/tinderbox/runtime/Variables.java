// SPDX-License-Identifier: Apache-2.0
package tinderbox.runtime;

import java.lang.reflect.Field;
import java.util.Map;

/**
 * The map behind `System.getenv`, which child processes get too. `getenv` of native libraries still sees what the process
 * was started with.
 */
final class Variables {
    private Variables() {}

    /** Sets those that an answer of the Runtime API names. */
    static void change(RuntimeApi.Answer answer) throws Exception {
        Map<String, String> variables = all();
        for (Map.Entry<?, ?> entry : ((Map<?, ?>) JsonReader.read(answer.data, answer.offset, answer.length)).entrySet()) {
            variables.put((String) entry.getKey(), (String) entry.getValue());
        }
    }

    @SuppressWarnings("unchecked")
    static Map<String, String> all() throws ReflectiveOperationException {
        Map<String, String> shown = System.getenv();
        // AWS's runtime opens java.util to do the same.
        Field behind = shown.getClass().getDeclaredField("m");
        behind.setAccessible(true);
        return (Map<String, String>) behind.get(shown);
    }
}
