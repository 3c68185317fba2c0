// SPDX-License-Identifier: Apache-2.0
//! What the pixels of a photo have in common. Pure.

use image::RgbImage;
use serde::Serialize;
use std::collections::HashMap;

const COLOURS_MAX: usize = 5;
/// Colours whose upper bits agree are one colour.
const COLOUR_BITS: u8 = 3;

#[derive(Debug, Serialize)]
pub struct Statistics {
    width: u32,
    height: u32,
    /// The average of each channel, 0 to 255.
    mean: [f64; 3],
    /// The average luminance, 0 to 1.
    brightness: f64,
    /// The standard deviation of the luminance, 0 to 0.5.
    contrast: f64,
    /// The variance of the Laplacian of the luminance: near 0 for a blurred photo.
    sharpness: f64,
    /// The most frequent ones first.
    colours: Vec<Colour>,
}

#[derive(Debug, Serialize)]
struct Colour {
    hex: String,
    share: f64,
}

/// None if there is no pixel.
pub fn of(photo: &RgbImage) -> Option<Statistics> {
    let (width, height) = photo.dimensions();
    if width == 0 || height == 0 {
        return None;
    }
    let count = f64::from(width) * f64::from(height);
    let mut mean = [0.0; 3];
    let mut frequencies: HashMap<[u8; 3], u32> = HashMap::new();
    for pixel in photo.pixels() {
        for (sum, channel) in mean.iter_mut().zip(pixel.0) {
            *sum += f64::from(channel) / count;
        }
        *frequencies.entry(pixel.0.map(|channel| channel >> (8 - COLOUR_BITS))).or_default() += 1;
    }
    let luminance: Vec<f64> = photo.pixels().map(|pixel| luminance(pixel.0)).collect();
    let (brightness, variance) = mean_and_variance(&luminance);
    let (_, sharpness) = mean_and_variance(&laplacian(&luminance, width as usize));
    let colours = most_frequent(frequencies, count);
    Some(Statistics {
        width,
        height,
        mean,
        brightness,
        contrast: variance.sqrt(),
        sharpness,
        colours,
    })
}

/// Rec. 709, 0 to 1.
fn luminance([red, green, blue]: [u8; 3]) -> f64 {
    (0.2126 * f64::from(red) + 0.7152 * f64::from(green) + 0.0722 * f64::from(blue)) / 255.0
}

fn mean_and_variance(values: &[f64]) -> (f64, f64) {
    if values.is_empty() {
        return (0.0, 0.0);
    }
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    (mean, values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count)
}

/// How much each inner pixel differs from its four neighbours.
fn laplacian(values: &[f64], width: usize) -> Vec<f64> {
    let rows: Vec<&[f64]> = values.chunks(width).collect();
    let mut edges = Vec::new();
    for three in rows.windows(3) {
        let [above, here, below] = three else { continue };
        for (index, window) in here.windows(3).enumerate() {
            let [left, middle, right] = window else { continue };
            edges.push(above[index + 1] + below[index + 1] + left + right - 4.0 * middle);
        }
    }
    edges
}

fn most_frequent(frequencies: HashMap<[u8; 3], u32>, count: f64) -> Vec<Colour> {
    let mut all: Vec<_> = frequencies.into_iter().collect();
    all.sort_by_key(|(colour, frequency)| (std::cmp::Reverse(*frequency), *colour));
    let half = 1 << (7 - COLOUR_BITS);
    let hex = |colour: [u8; 3]| {
        let [red, green, blue] = colour.map(|channel| (channel << (8 - COLOUR_BITS)) + half);
        format!("#{red:02x}{green:02x}{blue:02x}")
    };
    all.into_iter()
        .take(COLOURS_MAX)
        .map(|(colour, frequency)| Colour { hex: hex(colour), share: f64::from(frequency) / count })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    #[test]
    fn a_photo_of_one_colour_has_no_edges() {
        let flat = of(&RgbImage::from_pixel(8, 4, Rgb([255, 0, 0]))).unwrap();
        assert_eq!((flat.width, flat.height), (8, 4));
        assert!((flat.mean[0] - 255.0).abs() < 1e-9 && flat.mean[1] == 0.0);
        assert!((flat.brightness - 0.2126).abs() < 1e-9);
        assert!(flat.contrast < 1e-6 && flat.sharpness < 1e-9);
        assert_eq!(flat.colours.len(), 1);
        assert_eq!(flat.colours[0].hex, "#f01010");
    }

    #[test]
    fn a_chessboard_is_as_sharp_as_can_be() {
        let board =
            RgbImage::from_fn(
                8,
                8,
                |x, y| if (x + y) % 2 == 0 { Rgb([255; 3]) } else { Rgb([0; 3]) },
            );
        let board = of(&board).unwrap();
        assert!((board.brightness - 0.5).abs() < 1e-9 && (board.contrast - 0.5).abs() < 1e-9);
        assert!((board.sharpness - 16.0).abs() < 1e-9);
        assert!((board.colours[0].share - 0.5).abs() < 1e-9);
    }

    #[test]
    fn no_pixel_no_statistics() {
        assert!(of(&RgbImage::new(0, 5)).is_none());
    }
}
