//! A grid of signs to draw on.

/// Signs across, without the labels of the upward axis.
pub(super) const ACROSS: usize = 64;
/// Lines up.
pub(super) const UP: usize = 16;

/// Signs, drawn on by letters and by lines of dots: eight to a sign (Braille) where Unicode may be used.
pub(super) struct Canvas {
    unicode: bool,
    dots: Vec<u8>,
    letters: Vec<Option<char>>,
}

impl Canvas {
    pub(super) fn new(unicode: bool) -> Self {
        Self {
            unicode,
            dots: vec![0; ACROSS * UP],
            letters: vec![None; ACROSS * UP],
        }
    }

    /// How many dots there are across and up.
    pub(super) fn fine(&self) -> (usize, usize) {
        if self.unicode {
            (ACROSS * 2, UP * 4)
        } else {
            (ACROSS, UP)
        }
    }

    fn dot(&mut self, x: usize, y: usize) {
        if !self.unicode {
            self.dots[y * ACROSS + x] = 1;
            return;
        }
        // The order of the dots in a Braille sign, by line and column.
        const BITS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
        self.dots[(y / 4) * ACROSS + x / 2] |= BITS[y % 4][x % 2];
    }

    pub(super) fn line(&mut self, from: (usize, usize), to: (usize, usize)) {
        let steps = from.0.abs_diff(to.0).max(from.1.abs_diff(to.1)).max(1);
        let between = |a: usize, b: usize, i: usize| (a * (steps - i) + b * i + steps / 2) / steps;
        for i in 0..=steps {
            self.dot(between(from.0, to.0, i), between(from.1, to.1, i));
        }
    }

    /// Puts a letter; the first of a place stays. The letter that is there now.
    pub(super) fn letter(&mut self, at: (usize, usize), letter: char) -> char {
        *self.letters[at.1 * ACROSS + at.0].get_or_insert(letter)
    }

    pub(super) fn text(&self, line: usize) -> String {
        let of = |i: usize| match (self.letters[i], self.dots[i]) {
            (Some(l), _) => l,
            (None, 0) => ' ',
            (None, d) if self.unicode => char::from_u32(0x2800 + u32::from(d)).unwrap_or('.'),
            (None, _) => '.',
        };
        let signs: String = (line * ACROSS..(line + 1) * ACROSS).map(of).collect();
        signs.trim_end().to_owned()
    }
}
