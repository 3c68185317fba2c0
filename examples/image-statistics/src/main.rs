// SPDX-License-Identifier: Apache-2.0
//! Colours, brightness and sharpness of a photo: a native function for `provided.al2023`.
//!
//! {"image": base64} -> {"width", "height", "mean", "brightness", "contrast", "sharpness", "colours"}

mod runtime;
mod statistics;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use image::{ImageReader, Limits};
use runtime::Failure;
use std::io::Cursor;

const PIXELS_MAX: u32 = 12_000;

#[derive(serde::Deserialize)]
struct Event {
    image: String,
}

fn handle(event: &[u8]) -> Result<Vec<u8>, Failure> {
    let event: Event =
        serde_json::from_slice(event).map_err(|error| Failure::new("InvalidEvent", error))?;
    let bytes =
        STANDARD.decode(event.image).map_err(|error| Failure::new("InvalidImage", error))?;
    let mut limits = Limits::default();
    limits.max_image_width = Some(PIXELS_MAX);
    limits.max_image_height = Some(PIXELS_MAX);
    let mut reader = ImageReader::new(Cursor::new(bytes))
        .with_guessed_format()
        .map_err(|error| Failure::new("InvalidImage", error))?;
    reader.limits(limits);
    let photo = reader.decode().map_err(|error| Failure::new("InvalidImage", error))?.to_rgb8();
    let statistics =
        statistics::of(&photo).ok_or_else(|| Failure::new("InvalidImage", "it has no pixel"))?;
    serde_json::to_vec(&statistics).map_err(|error| Failure::new("InvalidStatistics", error))
}

fn main() -> std::io::Result<()> {
    runtime::serve(handle)
}
