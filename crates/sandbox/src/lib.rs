//! What a sandbox may see and use, and the launcher that builds it.
