use std::io::Cursor;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::error::ImageError;
use image::imageops;
use image::{DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder, ImageFormat, ImageReader, Limits};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use crate::failure::Failure;

/// The largest file that is read.
pub(crate) const LARGEST: usize = 1024 * 1024;
/// The most pixels a logo may have to a side. A small file may unpack to anything.
const SIDE: u32 = 4096;
/// Memory that unpacking may take: four bytes for each of those pixels, and as much again for the way there.
const MEMORY: u64 = 2 * 4 * (SIDE as u64) * (SIDE as u64);
/// Logos that are unpacked at a time, over all organisations.
static TURNS: Semaphore = Semaphore::const_new(2);

/// What a logo is scaled down to.
const WIDTH: u32 = 512;
const HEIGHT: u32 = 128;

/// A file that is no logo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidLogo {
    #[error("choose a file first")]
    Missing,
    #[error("the file is larger than 1 MB: choose a smaller one")]
    TooLarge,
    #[error("an SVG can hold scripts, so it is not taken: save it as a PNG")]
    Svg,
    #[error("the file is no PNG, JPEG or WebP, whatever its name is: choose one that is")]
    OtherKind,
    #[error("the picture has more than {SIDE} pixels to a side, or takes too much memory: scale it down")]
    TooManyPixels,
    #[error("the picture is broken: save it anew, as a PNG")]
    Broken,
}

/// The logo made from what was sent: a PNG of its pixels alone, so that nothing that was hidden in the file is passed on.
///
/// # Errors
///
/// The inner one says what is wrong with the file.
pub(crate) async fn made(file: Vec<u8>) -> Result<Result<Vec<u8>, InvalidLogo>, Failure> {
    let _turn = TURNS.acquire().await.map_err(|error| Failure::internal(&error))?;
    spawn_blocking(move || make(&file)).await.map_err(|error| Failure::internal(&error))
}

fn make(file: &[u8]) -> Result<Vec<u8>, InvalidLogo> {
    let kind = kind(file)?;
    let mut reader = ImageReader::with_format(Cursor::new(file), kind);
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE);
    limits.max_image_height = Some(SIDE);
    limits.max_alloc = Some(MEMORY);
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder().map_err(refused)?;
    limits.reserve(decoder.total_bytes()).map_err(refused)?;
    // Cameras note which side was up.
    let orientation = decoder.orientation().map_err(refused)?;
    let mut image = DynamicImage::from_decoder(decoder).map_err(refused)?;
    image.apply_orientation(orientation);
    if image.width() > WIDTH || image.height() > HEIGHT {
        image = image.resize(WIDTH, HEIGHT, imageops::FilterType::CatmullRom);
    }
    encoded(&image)
}

fn kind(file: &[u8]) -> Result<ImageFormat, InvalidLogo> {
    if file.is_empty() {
        return Err(InvalidLogo::Missing);
    }
    match image::guess_format(file) {
        Ok(kind @ (ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP)) => Ok(kind),
        _ if is_svg(file) => Err(InvalidLogo::Svg),
        _ => Err(InvalidLogo::OtherKind),
    }
}

fn is_svg(file: &[u8]) -> bool {
    let beginning = &file[..file.len().min(1024)];
    beginning.windows(4).any(|word| word.eq_ignore_ascii_case(b"<svg"))
}

fn refused(error: ImageError) -> InvalidLogo {
    match error {
        ImageError::Limits(_) => InvalidLogo::TooManyPixels,
        _ => InvalidLogo::Broken,
    }
}

fn encoded(image: &DynamicImage) -> Result<Vec<u8>, InvalidLogo> {
    let (pixels, mut png) = (image.to_rgba8(), Vec::new());
    PngEncoder::new_with_quality(&mut png, CompressionType::Best, FilterType::Adaptive)
        .write_image(&pixels, pixels.width(), pixels.height(), ExtendedColorType::Rgba8)
        .map_err(refused)?;
    Ok(png)
}

#[cfg(test)]
mod tests {
    use image::RgbaImage;

    use super::*;

    fn picture(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
        let mut image = DynamicImage::ImageRgba8(RgbaImage::from_pixel(width, height, image::Rgba([200, 30, 30, 255])));
        if format == ImageFormat::Jpeg {
            image = image.to_rgb8().into();
        }
        let mut file = Cursor::new(Vec::new());
        image.write_to(&mut file, format).unwrap();
        file.into_inner()
    }

    fn size(png: &[u8]) -> (u32, u32) {
        let image = image::load_from_memory_with_format(png, ImageFormat::Png).unwrap();
        (image.width(), image.height())
    }

    /// A PNG whose header says so many pixels, and that has none.
    fn bomb(width: u32, height: u32) -> Vec<u8> {
        let mut file = picture(1, 1, ImageFormat::Png);
        file[16..20].copy_from_slice(&width.to_be_bytes());
        file[20..24].copy_from_slice(&height.to_be_bytes());
        let sum = crc(&file[12..29]);
        file[29..33].copy_from_slice(&sum.to_be_bytes());
        file
    }

    /// The CRC of a PNG's chunks, the slow way.
    fn crc(bytes: &[u8]) -> u32 {
        let step = |sum: u32| if sum & 1 == 1 { 0xedb8_8320 ^ (sum >> 1) } else { sum >> 1 };
        !bytes.iter().fold(u32::MAX, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), |sum, _| step(sum)))
    }

    #[test]
    fn a_picture_of_any_of_the_three_kinds_becomes_a_png_that_fits() {
        for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
            for (from, to) in [((600, 100), (512, 85)), ((100, 400), (32, 128)), ((40, 20), (40, 20))] {
                let png = make(&picture(from.0, from.1, format)).unwrap();
                assert_eq!(image::guess_format(&png).unwrap(), ImageFormat::Png);
                assert_eq!(size(&png), to, "{format:?}");
            }
        }
    }

    #[test]
    fn nothing_that_is_hidden_in_a_file_survives() {
        let mut file = picture(10, 10, ImageFormat::Png);
        file.extend_from_slice(b"<script>alert(1)</script>");
        let end = file.len() - 25 - 12;
        // A comment in front of the last chunk, as `exiftool` would write one.
        let text = b"tEXtComment\0the secret place";
        let mut chunk = (text.len() as u32 - 4).to_be_bytes().to_vec();
        chunk.extend_from_slice(text);
        chunk.extend_from_slice(&crc(text).to_be_bytes());
        file.splice(end..end, chunk);
        assert!(file.windows(6).any(|word| word == b"secret"));
        let png = make(&file).unwrap();
        assert!(!png.windows(6).any(|word| word == b"secret" || word == b"script"));
    }

    #[test]
    fn what_is_no_picture_is_refused_in_words() {
        let mut cut = picture(64, 64, ImageFormat::Png);
        cut.truncate(60);
        for (file, refusal) in [
            (Vec::new(), InvalidLogo::Missing),
            (b"<?xml version=\"1.0\"?><svg xmlns=\"http://www.w3.org/2000/svg\"/>".to_vec(), InvalidLogo::Svg),
            (b"hello, this is a text".to_vec(), InvalidLogo::OtherKind),
            (b"GIF89a\x01\0\x01\0".to_vec(), InvalidLogo::OtherKind),
            (b"<!doctype html><script>".to_vec(), InvalidLogo::OtherKind),
            (cut, InvalidLogo::Broken),
            (b"\x89PNG\r\n\x1a\n".to_vec(), InvalidLogo::Broken),
            (bomb(60_000, 60_000), InvalidLogo::TooManyPixels),
            (bomb(4097, 1), InvalidLogo::TooManyPixels),
            (bomb(0x7fff_ffff, 0x7fff_ffff), InvalidLogo::TooManyPixels),
        ] {
            assert_eq!(make(&file), Err(refusal), "{:?}", &file[..file.len().min(40)]);
        }
    }
}
