// SPDX-License-Identifier: Apache-2.0
package example;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Date;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/** A bean with a property of every kind. */
public class Order extends OrderBase {
    public enum Size {
        SMALL,
        LARGE {
            @Override
            public String toString() {
                return "large";
            }
        }
    }

    public static class Item<T> {
        private T what;
        private int count = 1;

        public T getWhat() {
            return what;
        }

        void setWhat(T what) {
            this.what = what;
        }

        public int getCount() {
            return count;
        }

        public Item<T> setCount(int count) {
            this.count = count;
            return this;
        }
    }

    public String open = "default";
    private boolean paid;
    private Size size;
    private List<Item<String>> items = new ArrayList<>();
    private Map<Size, Set<Long>> bySize;
    private BigDecimal price;
    private BigInteger total;
    private Date when;
    private UUID uuid;
    private byte[] raw;
    private ByteBuffer buffer;
    private Optional<String> note = Optional.empty();
    private char[] letters;
    private Double rate;
    private String hidden = "hidden";
    private transient String skipped = "skipped";
    private String eventSourceArn;

    public boolean isPaid() {
        return paid;
    }

    public void setPaid(boolean paid) {
        this.paid = paid;
    }

    public Size getSize() {
        return size;
    }

    public void setSize(Size size) {
        this.size = size;
    }

    public List<Item<String>> getItems() {
        return items;
    }

    public void setItems(List<Item<String>> items) {
        this.items = items;
    }

    public Map<Size, Set<Long>> getBySize() {
        return bySize;
    }

    public void setBySize(EnumMap<Size, Set<Long>> bySize) {
        throw new IllegalStateException("the setter that takes what the getter gives is the one");
    }

    public void setBySize(Map<Size, Set<Long>> bySize) {
        this.bySize = bySize;
    }

    public BigDecimal getPrice() {
        return price;
    }

    public BigInteger getTotal() {
        return total;
    }

    public Date getWhen() {
        return when;
    }

    public UUID getUuid() {
        return uuid;
    }

    public byte[] getRaw() {
        return raw;
    }

    public ByteBuffer getBuffer() {
        return buffer;
    }

    public Optional<String> getNote() {
        return note;
    }

    public char[] getLetters() {
        return letters;
    }

    public Double getRate() {
        return rate;
    }

    public String getEventSourceArn() {
        return eventSourceArn;
    }

    public void setEventSourceArn(String eventSourceArn) {
        this.eventSourceArn = eventSourceArn;
    }

    public static class Handler {
        public Order handle(Order order) {
            return order;
        }
    }
}
