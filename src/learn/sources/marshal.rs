//! A bounded reader of what `cProfile` writes: Python's `marshal`, of which it takes dictionaries, tuples, numbers and texts. Nothing is
//! handed to Python, which would trust such a file.

use crate::learn::rows::Problem;

/// The deepest nesting: a dictionary of tuples, with dictionaries of tuples in them.
const DEEPEST: usize = 8;
/// The greatest number of values; one that is referred to counts again, with all that is in it, for it is copied.
const MAX_VALUES: usize = 4_000_000;
/// So many bytes of a text count as a value.
const TEXT_OF_A_VALUE: usize = 64;
/// The longest text in bytes.
const LONGEST: usize = 1 << 16;
/// Set in a type byte whose value is referred to later.
const REFERRED: u8 = 0x80;

/// A value, as far as profiles have them.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    None,
    Int(i64),
    Float(f64),
    Text(String),
    Tuple(Vec<Value>),
    Dict(Vec<(Value, Value)>),
}

/// Whether a file begins as a profile does: with a dictionary whose first key is a tuple.
pub(super) fn is_profile(begin: &[u8]) -> bool {
    let kind = |b: &u8| b & !REFERRED;
    matches!(begin, [first, second, ..] if kind(first) == b'{' && matches!(kind(second), b'(' | b')'))
        // JSON has a text there.
        || matches!(begin, [first, b'0'] if kind(first) == b'{')
}

/// Reads one value, which the file has to consist of.
pub(super) fn read(bytes: &[u8]) -> Result<Value, Problem> {
    let mut reader = Reader {
        bytes,
        at: 0,
        values: 0,
        known: Vec::new(),
    };
    let value = reader.value(0)?;
    value.ok_or_else(|| reader.problem("ends where a value is expected"))
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    values: usize,
    /// Values that may be referred to, and for how many each counts; what is still being read is [`Value::None`].
    known: Vec<(Value, usize)>,
}

impl Reader<'_> {
    fn problem(&self, what: &str) -> Problem {
        Problem::new(format!("the profile {what} (byte {})", self.at))
            .help("expected is a file that cProfile or `python -m cProfile -o FILE` has written")
    }

    /// Counts so many values more.
    fn counts(&mut self, values: usize) -> Result<(), Problem> {
        self.values = self.values.saturating_add(values);
        if self.values > MAX_VALUES {
            return Err(self.problem("is too large"));
        }
        Ok(())
    }

    fn take(&mut self, n: usize) -> Result<&[u8], Problem> {
        let end = self.at.checked_add(n).filter(|e| *e <= self.bytes.len());
        let Some(end) = end else {
            return Err(self.problem("is cut off"));
        };
        let taken = &self.bytes[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Problem> {
        Ok(self.take(1)?[0])
    }

    fn int(&mut self) -> Result<i32, Problem> {
        let bytes = self.take(4)?;
        Ok(i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn length(&mut self) -> Result<usize, Problem> {
        let length = self.int()?;
        usize::try_from(length).map_err(|_| self.problem("has a negative length"))
    }

    fn text(&mut self, length: usize) -> Result<Value, Problem> {
        if length > LONGEST {
            return Err(self.problem("has a text that is too long"));
        }
        self.counts(length / TEXT_OF_A_VALUE)?;
        let text = String::from_utf8_lossy(self.take(length)?).into_owned();
        Ok(Value::Text(text))
    }

    /// The next value; `None` at the end of a dictionary.
    fn value(&mut self, depth: usize) -> Result<Option<Value>, Problem> {
        let before = self.values;
        self.counts(1)?;
        if depth > DEEPEST {
            return Err(self.problem("nests too deep"));
        }
        let kind = self.byte()?;
        let place = (kind & REFERRED != 0).then(|| {
            self.known.push((Value::None, 1));
            self.known.len() - 1
        });
        let value = match kind & !REFERRED {
            b'0' => return Ok(None),
            b'N' => Value::None,
            b'i' => Value::Int(i64::from(self.int()?)),
            b'l' => self.long()?,
            b'g' => {
                let bytes = self.take(8)?;
                let mut eight = [0; 8];
                eight.copy_from_slice(bytes);
                Value::Float(f64::from_le_bytes(eight))
            }
            b'u' | b's' | b't' | b'a' | b'A' => {
                let length = self.length()?;
                self.text(length)?
            }
            b'z' | b'Z' => {
                let length = usize::from(self.byte()?);
                self.text(length)?
            }
            b'(' => {
                let length = self.length()?;
                self.tuple(length, depth)?
            }
            b')' => {
                let length = usize::from(self.byte()?);
                self.tuple(length, depth)?
            }
            b'{' => self.dict(depth)?,
            b'r' => {
                let place = self.length()?;
                let Some(counts) = self.known.get(place).map(|(_, counts)| *counts) else {
                    return Err(self.problem("refers to a value that is not there"));
                };
                self.counts(counts)?;
                self.known[place].0.clone()
            }
            _ => return Err(self.problem("holds something that no profile has")),
        };
        if let Some(place) = place {
            // A whole dictionary is never referred to, and its copy would be as large.
            if !matches!(value, Value::Dict(_)) {
                self.known[place] = (value.clone(), self.values - before);
            }
        }
        Ok(Some(value))
    }

    /// Digits of 15 bits; what is past 64 bits is no count.
    fn long(&mut self) -> Result<Value, Problem> {
        let digits = self.int()?;
        let mut value = 0_i128;
        if digits.unsigned_abs() > 5 {
            return Err(self.problem("has a number that is too large"));
        }
        for i in 0..digits.unsigned_abs() {
            let bytes = self.take(2)?;
            let digit = i128::from(u16::from_le_bytes([bytes[0], bytes[1]]));
            value |= digit << (15 * i);
        }
        let value = if digits < 0 { -value } else { value };
        let value =
            i64::try_from(value).map_err(|_| self.problem("has a number that is too large"))?;
        Ok(Value::Int(value))
    }

    fn tuple(&mut self, length: usize, depth: usize) -> Result<Value, Problem> {
        // Each value takes a byte at least.
        if length > self.bytes.len() - self.at {
            return Err(self.problem("is cut off"));
        }
        let mut values = Vec::new();
        for _ in 0..length {
            let value = self.value(depth + 1)?;
            values.push(value.ok_or_else(|| self.problem("ends within a tuple"))?);
        }
        Ok(Value::Tuple(values))
    }

    fn dict(&mut self, depth: usize) -> Result<Value, Problem> {
        let mut entries = Vec::new();
        while let Some(key) = self.value(depth + 1)? {
            let value = self.value(depth + 1)?;
            entries.push((
                key,
                value.ok_or_else(|| self.problem("ends within a dictionary"))?,
            ));
        }
        Ok(Value::Dict(entries))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_off_or_hostile_is_refused() {
        // {("a", 1): 2.5}, as marshal.dumps(..., 4) of Python writes it.
        let good = b"\xfb\xa9\x02\xda\x01a\xe9\x01\x00\x00\x00\xe7\x00\x00\x00\x00\x00\x00\x04@0";
        let key = Value::Tuple(vec![Value::Text("a".into()), Value::Int(1)]);
        assert_eq!(
            read(good).unwrap(),
            Value::Dict(vec![(key, Value::Float(2.5))])
        );
        for end in 0..good.len() {
            assert!(read(&good[..end]).is_err(), "{end}");
        }
        // 4096 references to a tuple of 4096 references to a text of 60 kB: 16 million of it.
        let texts = [b"\xf5\x60\xea\0\0".to_vec(), vec![b'a'; 60_000]].concat();
        let many =
            |of: &[u8]| [&b"\xa8\x01\x10\0\0"[..], of, &b"r\x01\0\0\0".repeat(4096)].concat();
        let bomb = [
            &b"(\x01\x10\0\0"[..],
            &many(&texts),
            &b"r\0\0\0\0".repeat(4096),
        ]
        .concat();
        let deep = [b"\xa9\x01".repeat(100), b"N".to_vec()].concat();
        for bad in [
            &deep[..],
            &bomb,
            b"(\xff\xff\xff\x7f",
            b"(\xff\xff\xff\xff",
            b"u\xff\xff\xff\x7f",
            b"r\x05\x00\x00\x00",
            b"c",
            b"l\x00\x00\x00\x80",
        ] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }
}
