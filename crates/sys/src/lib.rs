// SPDX-License-Identifier: Apache-2.0
//! Linux: namespaces, mounts, cgroups, seccomp, descriptors. The only unsafe code.
//!
//! Everything here is a thin, safe name for what the kernel does; no policy. What a sandbox may see and use is decided
//! in `sandbox`. Safe calls come from `rustix`; what it has not, or has as `unsafe`, is here, a few lines each.

pub mod cgroup;
pub mod children;
pub mod descriptors;
pub mod identity;
pub mod mounts;
pub mod namespaces;
pub mod netlink;
pub mod process;
pub mod program;
pub mod seccomp;
pub mod trace;
