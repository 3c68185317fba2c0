// SPDX-License-Identifier: Apache-2.0
//! What a sandbox holds of memory, apart from its `/tmp` and from what the kernel keeps of files. Pure.
//!
//! The kernel counts all of it together, and calls when the sum passes a mark. Then somebody has to look.

use std::time::Duration;

/// Closer than this to its memory size a function is looked at often, and not woken for.
const NEAR_BYTES: u64 = 8 << 20;
/// As much in `/tmp` may turn into memory unseen for a moment.
const LITTLE_BYTES: u64 = 4 << 20;
/// Faster than this no function takes memory.
const BYTES_PER_MS: u64 = 4 << 20;
/// How often is looked, at the most and at the least.
const LOOK_MS: (u64, u64) = (5, 50);
/// A file in a tmpfs takes a little more in the kernel than this, besides its pages.
pub(crate) const FILE_BYTES: u64 = 896;

/// What is held at one time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Held {
    /// As the kernel counts.
    pub(crate) all_bytes: u64,
    /// What it can take back at any time.
    pub(crate) spare_bytes: u64,
    /// What processes have, alone or shared, `/tmp` included.
    pub(crate) kept_bytes: u64,
    pub(crate) tmp_bytes: u64,
    /// What the kernel needs to know the files in `/tmp`.
    pub(crate) tmp_names_bytes: u64,
}

impl Held {
    /// What counts against the memory size of a function.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.all_bytes.saturating_sub(self.apart_bytes())
    }

    /// What does not.
    pub(crate) fn apart_bytes(&self) -> u64 {
        self.spare_bytes + self.tmp_bytes + self.tmp_names_bytes
    }

    /// The part of it that the kernel could never give back.
    fn certain_bytes(&self) -> u64 {
        self.kept_bytes.saturating_sub(self.tmp_bytes)
    }
}

/// What to do about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// More than there may be.
    Over,
    /// More than there may be, unless the kernel gives back these.
    Reclaim { bytes: u64 },
    /// Nothing, until the sum passes this mark.
    Sleep { until_bytes: u64 },
    /// Nothing until then. Later there may be too much.
    Look { after: Duration },
}

/// Far enough below `memory_bytes` no part needs to be known.
pub(crate) fn is_far(all_bytes: u64, memory_bytes: u64) -> bool {
    all_bytes.saturating_add(NEAR_BYTES) < memory_bytes
}

pub(crate) fn judge(held: &Held, memory_bytes: u64) -> Verdict {
    if is_far(held.all_bytes, memory_bytes) {
        return Verdict::Sleep { until_bytes: memory_bytes };
    }
    let Some(left) = memory_bytes.checked_sub(held.memory_bytes()) else {
        return match held.certain_bytes() > memory_bytes {
            true => Verdict::Over,
            false => Verdict::Reclaim { bytes: held.memory_bytes() - memory_bytes },
        };
    };
    if left > NEAR_BYTES && held.tmp_bytes + held.tmp_names_bytes < LITTLE_BYTES {
        return Verdict::Sleep { until_bytes: held.all_bytes + left };
    }
    Verdict::Look { after: look_after(left) }
}

/// How soon there could be `left_bytes` more.
pub(crate) fn look_after(left_bytes: u64) -> Duration {
    let (least, most) = LOOK_MS;
    Duration::from_millis((left_bytes / BYTES_PER_MS).clamp(least, most))
}

/// What the kernel itself keeps a sandbox from passing, while somebody looks: room for all of `/tmp`, and for as many files.
pub(crate) fn ceiling(memory_bytes: u64, tmp_bytes: u64) -> u64 {
    memory_bytes.saturating_add(tmp_bytes).saturating_add(tmp_bytes / 4096 * (FILE_BYTES + 128))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1 << 20;

    fn held(own_mb: u64, spare_mb: u64, tmp_mb: u64) -> Held {
        Held {
            all_bytes: (own_mb + spare_mb + tmp_mb) * MB,
            spare_bytes: spare_mb * MB,
            kept_bytes: (own_mb + tmp_mb) * MB,
            tmp_bytes: tmp_mb * MB,
            tmp_names_bytes: 0,
        }
    }

    fn judged(own_mb: u64, spare_mb: u64, tmp_mb: u64) -> Verdict {
        judge(&held(own_mb, spare_mb, tmp_mb), 128 * MB)
    }

    #[test]
    fn only_memory_counts() {
        assert_eq!(judged(129, 0, 0), Verdict::Over);
        assert_eq!(judged(129, 400, 500), Verdict::Over);
        assert!(!matches!(judged(127, 400, 500), Verdict::Over | Verdict::Reclaim { .. }));
        let full = Held { tmp_names_bytes: 100 * MB, ..held(120, 0, 500) };
        let full = Held { all_bytes: full.all_bytes + 100 * MB, ..full };
        assert_eq!(full.memory_bytes(), 120 * MB);
        assert!(matches!(judge(&full, 128 * MB), Verdict::Look { .. }));
    }

    #[test]
    fn who_is_far_from_too_much_is_left_alone() {
        assert_eq!(judged(40, 0, 0), Verdict::Sleep { until_bytes: 128 * MB });
        assert_eq!(judged(40, 20, 40), Verdict::Sleep { until_bytes: 128 * MB });
        assert_eq!(judged(40, 400, 0), Verdict::Sleep { until_bytes: 528 * MB });
        assert_eq!(judge(&Held::default(), 0), Verdict::Look { after: Duration::from_millis(5) });
    }

    #[test]
    fn what_could_turn_into_memory_is_looked_at_the_oftener_the_closer_it_is() {
        let after = |verdict| match verdict {
            Verdict::Look { after } => after.as_millis(),
            other => panic!("{other:?}"),
        };
        assert_eq!(after(judged(28, 0, 500)), 25);
        assert_eq!(after(judged(125, 0, 0)), 5);
        assert_eq!(after(judge(&held(100, 0, 10_000), 10_000 * MB)), 50);
    }

    #[test]
    fn what_the_kernel_may_give_back_is_asked_for_first() {
        let held = Held { kept_bytes: 100 * MB, ..held(140, 0, 0) };
        assert_eq!(judge(&held, 128 * MB), Verdict::Reclaim { bytes: 12 * MB });
    }

    #[test]
    fn the_ceiling_has_room_for_a_full_tmp_of_small_files() {
        let pages = 512 * MB / 4096;
        let full = 128 * MB + 512 * MB + pages * FILE_BYTES;
        assert!(ceiling(128 * MB, 512 * MB) >= full);
        assert_eq!(ceiling(u64::MAX, 1), u64::MAX);
    }
}
