// SPDX-License-Identifier: Apache-2.0
//! Simulations.

use crate::Iam;
use api::iam::SimulationOperations;

impl SimulationOperations for Iam {}
