// SPDX-License-Identifier: Apache-2.0
package tinderbox.runtime;

import java.security.GeneralSecurityException;
import java.security.Provider;
import java.security.SecureRandom;
import java.security.SecureRandomSpi;
import java.security.Security;

/**
 * Random generators that do not go on alike in all environments of one snapshot. The usual one asks the kernel again when what
 * it has is a tenth of a second old; those that only compute from a seed get another. Whoever has set the seed of a SHA1PRNG
 * before its first number wants the same numbers again, and gets them.
 *
 * Does not reach a generator that was asked for with this JDK's own provider or with parameters.
 */
public final class Randomness extends Provider {
    private static final long serialVersionUID = 1;
    private static final String BEHIND = "SUN";
    private static final int SEED_BYTES = 32;
    /** How long a generator that asks the kernel keeps what it got, and a little more. */
    private static final long KEPT_MS = 101;

    private static volatile int generation;
    private static long leftMs;

    private Randomness() {
        super("Tinderbox", 1.0, "randomness that is renewed after a snapshot");
        // The first is what `new SecureRandom()` takes.
        put("SecureRandom.NativePRNG", OfKernel.class.getName());
        put("SecureRandom.NativePRNG ThreadSafe", "true");
        put("SecureRandom.SHA1PRNG", OfSeed.class.getName());
        put("SecureRandom.DRBG", OfKernelSeed.class.getName());
    }

    /** Before there is any generator of the function's. */
    static void install() {
        Security.insertProviderAt(new Randomness(), 1);
    }

    /** The last moment before a snapshot. */
    static void leave() {
        leftMs = System.currentTimeMillis();
    }

    /** After it: what is drawn from now on is new. */
    static void renew() throws InterruptedException {
        generation++;
        Thread.sleep(Math.max(0, Math.min(KEPT_MS, leftMs + KEPT_MS - System.currentTimeMillis())));
    }

    /** A generator of the JDK behind one of ours. */
    abstract static class Behind extends SecureRandomSpi {
        private static final long serialVersionUID = 1;
        final SecureRandom behind;

        Behind(String algorithm) throws GeneralSecurityException {
            behind = SecureRandom.getInstance(algorithm, BEHIND);
        }

        @Override
        protected void engineSetSeed(byte[] seed) {
            behind.setSeed(seed);
        }

        @Override
        protected void engineNextBytes(byte[] bytes) {
            behind.nextBytes(bytes);
        }

        @Override
        protected byte[] engineGenerateSeed(int count) {
            return behind.generateSeed(count);
        }
    }

    public static final class OfKernel extends Behind {
        private static final long serialVersionUID = 1;

        public OfKernel() throws GeneralSecurityException {
            super("NativePRNG");
        }
    }

    /** `SecureRandom` lets one caller at a time in. */
    public static class OfKernelSeed extends Behind {
        private static final long serialVersionUID = 1;
        private int seeded = generation;

        public OfKernelSeed() throws GeneralSecurityException {
            this("DRBG");
        }

        OfKernelSeed(String algorithm) throws GeneralSecurityException {
            super(algorithm);
        }

        @Override
        protected void engineNextBytes(byte[] bytes) {
            int now = generation;
            if (seeded != now) {
                seeded = now;
                behind.setSeed(new SecureRandom().generateSeed(SEED_BYTES));
            }
            super.engineNextBytes(bytes);
        }
    }

    public static final class OfSeed extends OfKernelSeed {
        private static final long serialVersionUID = 1;
        private boolean hasBegun;
        private boolean isRepeatable;

        public OfSeed() throws GeneralSecurityException {
            super("SHA1PRNG");
        }

        @Override
        protected void engineSetSeed(byte[] seed) {
            isRepeatable |= !hasBegun;
            super.engineSetSeed(seed);
        }

        @Override
        protected void engineNextBytes(byte[] bytes) {
            hasBegun = true;
            if (isRepeatable) {
                behind.nextBytes(bytes);
            } else {
                super.engineNextBytes(bytes);
            }
        }
    }
}
