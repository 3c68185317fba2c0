// SPDX-License-Identifier: Apache-2.0
package com.amazonaws.services.lambda.crac;

import java.lang.ref.WeakReference;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * All resources in their order: the last one is told first before a snapshot, and last after it. One that nothing else
 * holds goes. Each is told, whatever the others throw.
 */
final class Registered extends Context<Resource> {
    private final List<WeakReference<Resource>> all = new ArrayList<>();

    @Override
    public synchronized void register(Resource resource) {
        if (resource == null) {
            throw new NullPointerException("resource");
        }
        all.removeIf(known -> known.get() == null || known.get() == resource);
        all.add(new WeakReference<>(resource));
    }

    @Override
    public void beforeCheckpoint(Context<? extends Resource> context) throws CheckpointException {
        List<Resource> resources = held();
        Collections.reverse(resources);
        CheckpointException failed = new CheckpointException();
        for (Resource resource : resources) {
            try {
                resource.beforeCheckpoint(this);
            } catch (CheckpointException error) {
                suppress(error, failed);
            } catch (Exception error) {
                failed.addSuppressed(error);
            }
        }
        if (failed.getSuppressed().length > 0) {
            throw failed;
        }
    }

    @Override
    public void afterRestore(Context<? extends Resource> context) throws RestoreException {
        RestoreException failed = new RestoreException();
        for (Resource resource : held()) {
            try {
                resource.afterRestore(this);
            } catch (RestoreException error) {
                suppress(error, failed);
            } catch (Exception error) {
                failed.addSuppressed(error);
            }
        }
        if (failed.getSuppressed().length > 0) {
            throw failed;
        }
    }

    private synchronized List<Resource> held() {
        List<Resource> held = new ArrayList<>();
        for (WeakReference<Resource> known : all) {
            Resource resource = known.get();
            if (resource != null) {
                held.add(resource);
            }
        }
        return held;
    }

    /** Those of a context within this one count as its own. */
    private static void suppress(Exception error, Exception failed) {
        if (error.getSuppressed().length == 0) {
            failed.addSuppressed(error);
        }
        for (Throwable one : error.getSuppressed()) {
            failed.addSuppressed(one);
        }
    }
}
