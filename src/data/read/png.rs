//! PNG pictures: grey ones are `[height, width]`, colored ones `[3, height, width]`, as `conv2d` reads them.

use std::io::Cursor;

use crate::data::problems::FileProblem;
use crate::data::read::Format;
use crate::data::{Column, Table, Values};

/// A decoded picture. Bytes, or 16-bit values.
pub struct Picture {
    pub shape: Vec<usize>,
    pub values: Values,
}

/// Pixels of the largest picture that is decoded.
const MOST_PIXELS: usize = 1 << 26;

/// One row of the column `images`.
pub fn read(name: &str, bytes: &[u8]) -> Result<Table, FileProblem> {
    let Picture { mut shape, values } = picture(name, bytes)?;
    shape.insert(0, 1);
    let column = Column { name: Some("images".into()), shape, values };
    Ok(Table { name: name.into(), alias: None, columns: vec![column], lines: None })
}

/// The picture in these bytes. Palettes and greys of fewer than 8 bits are widened, an opaque alpha is left out.
pub fn picture(name: &str, bytes: &[u8]) -> Result<Picture, FileProblem> {
    let broken = |why: String| FileProblem::Damaged { file: name.into(), format: Format::Png, why, help: None };
    let unread = |error: png::DecodingError| broken(format!("is not a PNG picture that can be read: {error}"));
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(unread)?;
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    let size = reader.output_buffer_size().filter(|_| width.saturating_mul(height) <= MOST_PIXELS);
    let size = size.ok_or_else(|| broken(format!("is too large a picture: {width} x {height}")))?;
    let mut pixels = vec![0; size];
    let frame = reader.next_frame(&mut pixels).map_err(unread)?;
    pixels.truncate(frame.buffer_size());
    let samples = frame.color_type.samples();
    let wide = frame.bit_depth == png::BitDepth::Sixteen;
    let values: Vec<u16> = match wide {
        true => pixels.chunks_exact(2).map(|b| u16::from_be_bytes([b[0], b[1]])).collect(),
        false => pixels.iter().map(|b| u16::from(*b)).collect(),
    };
    let opaque = if wide { u16::MAX } else { 255 };
    let colors = if samples.is_multiple_of(2) { samples - 1 } else { samples };
    if colors < samples && values.chunks_exact(samples).any(|pixel| pixel[colors] != opaque) {
        let help = Some("draw it on a background, and save it without transparency".into());
        let why = "has transparent pixels, which have no color".into();
        return Err(FileProblem::Damaged { file: name.into(), format: Format::Png, why, help });
    }
    let planes = (0..colors).flat_map(|color| values.iter().skip(color).step_by(samples));
    let values = match wide {
        true => Values::Reals(planes.map(|v| f64::from(*v)).collect()),
        false => Values::Bytes(planes.map(|v| *v as u8).collect()),
    };
    let shape = if colors == 1 { vec![height, width] } else { vec![colors, height, width] };
    Ok(Picture { shape, values })
}

/// Pictures of one shape, by file name, and the label of each where there are labels.
pub fn folder(name: &str, pictures: Vec<(String, Picture)>, labels: Option<Vec<String>>) -> Result<Table, FileProblem> {
    let Some((first, shape)) = pictures.first().map(|(file, picture)| (file.clone(), picture.shape.clone())) else {
        return Err(FileProblem::Empty { file: name.into() });
    };
    if let Some((file, other)) = pictures.iter().find(|(_, picture)| picture.shape != shape) {
        let (file, found, expected) = (file.clone(), other.shape.clone(), shape);
        return Err(FileProblem::Pictures { file, found, first, expected });
    }
    let rows = pictures.len();
    let bytes = pictures.iter().all(|(_, picture)| matches!(picture.values, Values::Bytes(_)));
    let values = if bytes {
        let of = |(_, picture): (String, Picture)| match picture.values {
            Values::Bytes(bytes) => bytes,
            _ => vec![],
        };
        Values::Bytes(pictures.into_iter().flat_map(of).collect())
    } else {
        // Pictures of 8 and of 16 bits have values in different units: white is 255 in one and 65535 in the other.
        let of = |(_, picture): (String, Picture)| match picture.values {
            Values::Bytes(bytes) => bytes.into_iter().map(|b| 257.0 * f64::from(b)).collect(),
            Values::Reals(reals) => reals,
            Values::Text(_) => vec![],
        };
        Values::Reals(pictures.into_iter().flat_map(of).collect())
    };
    let images = Column { name: Some("images".into()), shape: [vec![rows], shape].concat(), values };
    let labels = labels.map(|labels| {
        let numbers: Option<Vec<f64>> = labels.iter().map(|label| label.parse::<u32>().ok().map(f64::from)).collect();
        let values = numbers.map_or(Values::Text(labels), Values::Reals);
        Column { name: Some("labels".into()), shape: vec![rows], values }
    });
    let columns = [images].into_iter().chain(labels).collect();
    Ok(Table { name: name.into(), alias: None, columns, lines: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Problem;

    pub fn encode(color: png::ColorType, depth: png::BitDepth, width: u32, height: u32, data: &[u8]) -> Vec<u8> {
        let mut bytes = vec![];
        let mut encoder = png::Encoder::new(&mut bytes, width, height);
        encoder.set_color(color);
        encoder.set_depth(depth);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(data).unwrap();
        writer.finish().unwrap();
        bytes
    }

    use png::{BitDepth, ColorType};

    #[test]
    fn grey_and_color_have_their_shapes() {
        let grey = picture("a.png", &encode(ColorType::Grayscale, BitDepth::Eight, 3, 1, &[0, 128, 255])).unwrap();
        assert_eq!((grey.shape, grey.values), (vec![1, 3], Values::Bytes(vec![0, 128, 255])));
        let color = picture("a.png", &encode(ColorType::Rgb, BitDepth::Eight, 2, 1, &[1, 2, 3, 4, 5, 6])).unwrap();
        assert_eq!((color.shape, color.values), (vec![3, 1, 2], Values::Bytes(vec![1, 4, 2, 5, 3, 6])));
        let wide = picture("a.png", &encode(ColorType::Grayscale, BitDepth::Sixteen, 1, 1, &[1, 0])).unwrap();
        assert_eq!(wide.values, Values::Reals(vec![256.0]));
        let one_bit = picture("a.png", &encode(ColorType::Grayscale, BitDepth::One, 2, 1, &[0b0100_0000])).unwrap();
        assert_eq!(one_bit.values, Values::Bytes(vec![0, 255]));
    }

    #[test]
    fn alpha_must_be_opaque() {
        let opaque = encode(ColorType::GrayscaleAlpha, BitDepth::Eight, 2, 1, &[9, 255, 8, 255]);
        assert_eq!(picture("a.png", &opaque).unwrap().values, Values::Bytes(vec![9, 8]));
        let glass = encode(ColorType::GrayscaleAlpha, BitDepth::Eight, 2, 1, &[9, 255, 8, 254]);
        let message = Problem::from(read("a.png", &glass).unwrap_err()).message;
        assert_eq!(message, "a.png has transparent pixels, which have no color");
    }

    #[test]
    fn a_folder_has_one_size() {
        let picture = |w, h| Picture { shape: vec![h, w], values: Values::Bytes(vec![0; w * h]) };
        let pictures = || vec![("a.png".to_string(), picture(2, 1)), ("b.png".to_string(), picture(2, 1))];
        let table = folder("p", pictures(), Some(vec!["3".into(), "7".into()])).unwrap();
        assert_eq!(table.columns[0].shape, [2, 1, 2]);
        assert_eq!(table.columns[1].values, Values::Reals(vec![3.0, 7.0]));
        let table = folder("p", pictures(), Some(vec!["cat".into(), "7".into()])).unwrap();
        assert_eq!(table.columns[1].values, Values::Text(vec!["cat".into(), "7".into()]));
        let uneven = [pictures(), vec![("c.png".into(), picture(3, 1))]].concat_all();
        let message = Problem::from(folder("p", uneven, None).unwrap_err()).message;
        assert_eq!(message, "c.png is 3 x 1 in grey, and a.png is 2 x 1 in grey");
    }

    /// `concat` without `Clone`.
    trait ConcatAll<T> {
        fn concat_all(self) -> Vec<T>;
    }

    impl<T, const N: usize> ConcatAll<T> for [Vec<T>; N] {
        fn concat_all(self) -> Vec<T> {
            self.into_iter().flatten().collect()
        }
    }
}
