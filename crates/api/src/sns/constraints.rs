// SPDX-License-Identifier: Apache-2.0
//! What members must satisfy, by the names AWS's model gives the shapes.

use wire::Constraints;

const NONE: Constraints = Constraints::NONE;

pub const AMAZON_RESOURCE_NAME: Constraints = NONE.length(1, 1_011);
pub const TAG_KEY: Constraints = NONE.length(1, 128);
pub const TAG_KEY_LIST: Constraints = NONE.each(&TAG_KEY);
pub const TAG_VALUE: Constraints = NONE.length(0, 256);
