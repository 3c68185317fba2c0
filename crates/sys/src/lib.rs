//! Linux: namespaces, mounts, cgroups, seccomp, descriptors. The only unsafe code.
