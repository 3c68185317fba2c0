// SPDX-License-Identifier: Apache-2.0
package example;

import java.util.List;

public record Point(int x, int y, List<String> names) {
    public static class Mirror {
        public Point handle(Point point) {
            return new Point(-point.x(), point.y(), point.names());
        }
    }
}
