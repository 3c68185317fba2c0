//! The durable substrate: keyspaces and blobs.
