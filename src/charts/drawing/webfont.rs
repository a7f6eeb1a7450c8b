//! Embeds the font in SVG files and the page, so that they look the same where it is not installed and texts stay texts: they can be
//! selected, searched and read aloud, unlike outlines drawn as paths. Only the characters of a picture are embedded, as a WOFF file in a
//! `data:` address: some kilobytes instead of 80 for the whole font.

use std::collections::BTreeSet;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::font;
use super::sheet::Shape;

/// Tables that a browser needs of a font, and the outlines. Kerning is left out: widths are computed without it.
const TABLES: [&[u8; 4]; 9] = [
    b"CFF ", b"OS/2", b"cmap", b"head", b"hhea", b"hmtx", b"maxp", b"name", b"post",
];

/// The operator that ends an outline.
const ENDCHAR: u8 = 14;

/// The characters that pictures use: regular ones, and bold ones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signs([BTreeSet<char>; 2]);

impl Signs {
    /// Adds the characters of a picture.
    pub(crate) fn add(&mut self, shapes: &[Shape]) {
        for shape in shapes {
            if let Shape::Text(label) = shape {
                self.0[usize::from(label.bold)].extend(label.text.chars());
            }
        }
    }

    /// Style sheet rules that embed the font with these characters.
    pub(crate) fn faces(&self) -> String {
        let fonts = [(400, font::REGULAR), (700, font::BOLD)];
        let used = fonts.iter().zip(&self.0).filter(|(_, s)| !s.is_empty());
        let face = |((weight, font), signs): (&(u32, &[u8]), &BTreeSet<char>)| {
            let data = subset(font, signs)?;
            Some(format!(
                "@font-face{{font-family:Inter;font-weight:{weight};src:url(data:font/woff;base64,{data}) format(\"woff\")}}\n"
            ))
        };
        used.filter_map(face).collect()
    }
}

/// The font with the outlines of only these characters, as WOFF in base 64; `None` if it is not the font that comes with the program.
fn subset(font: &[u8], signs: &BTreeSet<char>) -> Option<String> {
    let cmap = table(font, b"cmap")?;
    let used: BTreeSet<usize> = signs.iter().filter_map(|&c| glyph(cmap, c)).collect();
    let mut tables = Vec::new();
    for tag in TABLES {
        let bytes = table(font, tag)?;
        tables.push((
            tag,
            if tag == b"CFF " {
                blanked(bytes, &used)?
            } else {
                bytes.to_vec()
            },
        ));
    }
    woff(&tables).map(|bytes| base64(&bytes))
}

/// Whether the font has all characters of a text.
pub(crate) fn has(font: &[u8], text: &str) -> bool {
    let cmap = table(font, b"cmap");
    cmap.is_some_and(|cmap| text.chars().all(|c| glyph(cmap, c).is_some()))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<usize> {
    let b = bytes.get(at..at + 2)?;
    Some(usize::from(u16::from_be_bytes([b[0], b[1]])))
}

/// A big-endian number of `size` bytes.
fn number_at(bytes: &[u8], at: usize, size: usize) -> Option<usize> {
    let b = bytes.get(at..at + size)?;
    Some(b.iter().fold(0, |n, &b| n << 8 | usize::from(b)))
}

fn table<'a>(font: &'a [u8], tag: &[u8]) -> Option<&'a [u8]> {
    let records = 12..12 + 16 * u16_at(font, 4)?;
    let record = records
        .step_by(16)
        .find(|&r| font.get(r..r + 4) == Some(tag))?;
    let (at, length) = (
        number_at(font, record + 8, 4)?,
        number_at(font, record + 12, 4)?,
    );
    font.get(at..at + length)
}

/// The glyph number of a character, from the segment table that every font has for the basic plane.
fn glyph(cmap: &[u8], sign: char) -> Option<usize> {
    let code = usize::from(u16::try_from(u32::from(sign)).ok()?);
    let tables = (0..u16_at(cmap, 2)?).filter_map(|i| number_at(cmap, 8 + 8 * i, 4));
    let at = tables.into_iter().find(|&t| u16_at(cmap, t) == Some(4))?;
    let twice = u16_at(cmap, at + 6)?;
    let (ends, starts) = (at + 14, at + 16 + twice);
    let (deltas, offsets) = (starts + twice, starts + 2 * twice);
    let segment = (0..twice)
        .step_by(2)
        .find(|s| u16_at(cmap, ends + s).is_some_and(|end| end >= code))?;
    let start = u16_at(cmap, starts + segment)?;
    if start > code {
        return None;
    }
    let delta = u16_at(cmap, deltas + segment)?;
    let found = match u16_at(cmap, offsets + segment)? {
        0 => code,
        offset => u16_at(cmap, offsets + segment + offset + 2 * (code - start))?,
    };
    let glyph = (found + delta) % 0x1_0000;
    (glyph > 0).then_some(glyph)
}

/// An index of byte strings in CFF: where each begins, where the last ends, and where the index ends.
fn index(cff: &[u8], at: usize) -> Option<(Vec<usize>, usize)> {
    let count = u16_at(cff, at)?;
    if count == 0 {
        return Some((Vec::new(), at + 2));
    }
    let size = usize::from(*cff.get(at + 2)?);
    let data = at + 2 + size * (count + 1);
    let offsets = (0..=count).map(|i| Some(data + number_at(cff, at + 3 + i * size, size)?));
    let offsets: Vec<usize> = offsets.collect::<Option<_>>()?;
    let end = *offsets.last()?;
    Some((offsets, end))
}

/// Where a font's outlines are, from its dictionary: the operand of operator 17.
fn outlines(dictionary: &[u8]) -> Option<usize> {
    let (mut i, mut last) = (0, None);
    while let Some(&b) = dictionary.get(i) {
        i += 1;
        match b {
            17 => return last,
            28 => (last, i) = (number_at(dictionary, i, 2), i + 2),
            29 => (last, i) = (number_at(dictionary, i, 4), i + 4),
            30 => {
                while dictionary.get(i).is_some_and(|b| b & 0x0F != 0x0F) {
                    i += 1;
                }
                i += 1;
            }
            32..=246 => last = usize::from(b).checked_sub(139),
            247..=250 => {
                last = Some((usize::from(b) - 247) * 256 + number_at(dictionary, i, 1)? + 108);
                i += 1;
            }
            251..=254 => (last, i) = (None, i + 1),
            12 => i += 1,
            _ => {}
        }
    }
    None
}

/// The outlines with all but the used ones (and that of missing characters) emptied. They keep their lengths, so nothing else has to move;
/// compressed, that costs nothing.
fn blanked(cff: &[u8], used: &BTreeSet<usize>) -> Option<Vec<u8>> {
    let (_, names_end) = index(cff, usize::from(*cff.get(2)?))?;
    let (dictionaries, _) = index(cff, names_end)?;
    let dictionary = cff.get(*dictionaries.first()?..*dictionaries.get(1)?)?;
    let (starts, _) = index(cff, outlines(dictionary)?)?;
    let mut out = cff.to_vec();
    for (glyph, ends) in starts.windows(2).enumerate() {
        if glyph > 0 && !used.contains(&glyph) {
            out.get_mut(ends[0]..ends[1])?.fill(ENDCHAR);
        }
    }
    Some(out)
}

fn woff(tables: &[(&[u8; 4], Vec<u8>)]) -> Option<Vec<u8>> {
    let padded = |n: usize| n.div_ceil(4) * 4;
    let mut directory = Vec::new();
    let mut data = Vec::new();
    let start = 44 + 20 * tables.len();
    for (tag, bytes) in tables {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).ok()?;
        let squeezed = encoder.finish().ok()?;
        let stored = if squeezed.len() < bytes.len() {
            &squeezed
        } else {
            bytes
        };
        directory.extend_from_slice(&tag[..]);
        for n in [start + data.len(), stored.len(), bytes.len()] {
            directory.extend(u32::try_from(n).ok()?.to_be_bytes());
        }
        directory.extend(checksum(bytes).to_be_bytes());
        data.extend_from_slice(stored);
        data.resize(padded(data.len()), 0);
    }
    let plain: usize = tables.iter().map(|(_, b)| padded(b.len())).sum();
    let count = u16::try_from(tables.len()).ok()?;
    let mut out = Vec::with_capacity(start + data.len());
    out.extend(b"wOFFOTTO");
    out.extend(u32::try_from(start + data.len()).ok()?.to_be_bytes());
    out.extend(count.to_be_bytes());
    out.extend([0, 0]);
    let whole = 12 + 16 * tables.len() + plain;
    out.extend(u32::try_from(whole).ok()?.to_be_bytes());
    // Version 1.0; no metadata, and no private data.
    out.extend([0, 1, 0, 0]);
    out.resize(44, 0);
    out.extend(directory);
    out.extend(data);
    Some(out)
}

fn checksum(bytes: &[u8]) -> u32 {
    let word = |c: &[u8]| {
        let mut word = [0; 4];
        word[..c.len()].copy_from_slice(c);
        u32::from_be_bytes(word)
    };
    bytes.chunks(4).map(word).fold(0, u32::wrapping_add)
}

fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut three = [0; 3];
        three[..chunk.len()].copy_from_slice(chunk);
        let n = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        for i in 0..4_u32 {
            let sign = SIGNS[(n >> (18 - 6 * i) & 63) as usize];
            out.push(if i as usize > chunk.len() {
                '='
            } else {
                char::from(sign)
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn base_64() {
        assert_eq!(base64(b"Man"), "TWFu");
        assert_eq!(base64(b"Ma"), "TWE=");
        assert_eq!(base64(b"M"), "TQ==");
        assert_eq!(base64(b""), "");
    }

    #[test]
    fn signs_have_outlines_and_others_have_none() {
        let cmap = table(font::REGULAR, b"cmap").unwrap();
        for sign in "aZ09µ×≥ Ω✗✓".chars() {
            assert!(glyph(cmap, sign).is_some(), "{sign}");
        }
        assert_eq!(glyph(cmap, '\u{1F40D}'), None);
        assert_eq!(glyph(cmap, '中'), None);
        let numbers: BTreeSet<Option<usize>> = ('a'..='z').map(|c| glyph(cmap, c)).collect();
        assert_eq!(numbers.len(), 26, "each its own");
    }

    #[test]
    fn a_subset_keeps_what_it_has_to_show_and_is_small() {
        let used: BTreeSet<char> = "Best: threads:8".chars().collect();
        let whole = table(font::BOLD, b"CFF ").unwrap();
        let cmap = table(font::BOLD, b"cmap").unwrap();
        let glyphs: BTreeSet<usize> = used.iter().filter_map(|&c| glyph(cmap, c)).collect();
        let cut = blanked(whole, &glyphs).unwrap();
        assert_eq!(cut.len(), whole.len());
        let (_, names_end) = index(whole, usize::from(whole[2])).unwrap();
        let (dictionaries, _) = index(whole, names_end).unwrap();
        let at = outlines(&whole[dictionaries[0]..dictionaries[1]]).unwrap();
        let (starts, _) = index(whole, at).unwrap();
        for (g, ends) in starts.windows(2).enumerate() {
            let (a, b) = (&cut[ends[0]..ends[1]], &whole[ends[0]..ends[1]]);
            if g == 0 || glyphs.contains(&g) {
                assert_eq!(a, b, "glyph {g}");
            } else {
                assert!(a.iter().all(|&b| b == ENDCHAR), "glyph {g}");
            }
        }
        let small = subset(font::BOLD, &used).unwrap();
        let all = subset(font::BOLD, &(' '..='\u{2FFF}').collect()).unwrap();
        assert!(small.len() < 9_000 && all.len() > 20_000, "{}", small.len());
    }

    #[test]
    fn its_tables_are_whole() {
        let file = woff(&[(b"head", vec![7; 300]), (b"name", b"abc".to_vec())]).unwrap();
        assert_eq!(number_at(&file, 8, 4), Some(file.len()));
        let entry = |i: usize| {
            let at = 44 + 20 * i;
            let of = |k: usize| number_at(&file, at + 4 * k, 4).unwrap();
            (of(1), of(2), of(3))
        };
        let (at, stored, length) = entry(0);
        let mut plain = Vec::new();
        flate2::read::ZlibDecoder::new(&file[at..at + stored])
            .read_to_end(&mut plain)
            .unwrap();
        assert_eq!((plain, length), (vec![7; 300], 300));
        let (at, stored, length) = entry(1);
        assert_eq!((&file[at..at + stored], length), (&b"abc"[..], 3));
        assert_eq!(subset(b"no font", &BTreeSet::new()), None);
    }
}
