//! A grid of characters to draw on.

/// Most characters of a line, without the labels of the vertical axis.
pub(super) const ACROSS: usize = 64;
/// Number of lines.
pub(super) const UP: usize = 16;

/// Characters, on which letters and lines of dots are drawn: eight dots to a character (Braille) if Unicode may be used.
pub(super) struct TextCanvas {
    unicode: bool,
    across: usize,
    dots: Vec<u8>,
    letters: Vec<Option<char>>,
    /// The curves that run through each character, a bit for each.
    curves: Vec<u64>,
}

impl TextCanvas {
    pub(super) fn new(across: usize, unicode: bool) -> Self {
        let cells = across * UP;
        Self {
            unicode,
            across,
            dots: vec![0; cells],
            letters: vec![None; cells],
            curves: vec![0; cells],
        }
    }

    /// Number of dots across and up.
    pub(super) fn fine(&self) -> (usize, usize) {
        let (x, y) = self.dots_of_a_sign();
        (self.across * x, UP * y)
    }

    fn dots_of_a_sign(&self) -> (usize, usize) {
        if self.unicode { (2, 4) } else { (1, 1) }
    }

    /// Index of the character that a dot is in: a letter put there lies on the line through the dot.
    fn sign(&self, (x, y): (usize, usize)) -> usize {
        let (across, up) = self.dots_of_a_sign();
        (y / up) * self.across + x / across
    }

    fn dot(&mut self, x: usize, y: usize, curve: usize) {
        // The order of the dots in a Braille character, by row and column.
        const BITS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
        let at = self.sign((x, y));
        self.curves[at] |= 1 << (curve % 64);
        self.dots[at] |= if self.unicode { BITS[y % 4][x % 2] } else { 1 };
    }

    /// The dots of a straight line.
    fn between(from: (usize, usize), to: (usize, usize)) -> impl Iterator<Item = (usize, usize)> {
        let steps = from.0.abs_diff(to.0).max(from.1.abs_diff(to.1)).max(1);
        let at = move |a: usize, b: usize, i: usize| (a * (steps - i) + b * i + steps / 2) / steps;
        (0..=steps).map(move |i| (at(from.0, to.0, i), at(from.1, to.1, i)))
    }

    /// Draws a straight line of a curve.
    pub(super) fn line(&mut self, from: (usize, usize), to: (usize, usize), curve: usize) {
        for (x, y) in Self::between(from, to) {
            self.dot(x, y, curve);
        }
    }

    /// Puts a letter at a dot, unless there is one already; returns the letter that is there then.
    pub(super) fn letter(&mut self, at: (usize, usize), letter: char) -> char {
        let sign = self.sign(at);
        *self.letters[sign].get_or_insert(letter)
    }

    /// Puts a letter on a line of this curve where no other curve runs, if there is such a place.
    pub(super) fn letter_alone(
        &mut self,
        from: (usize, usize),
        to: (usize, usize),
        curve: usize,
        letter: char,
    ) -> bool {
        let free = Self::between(from, to)
            .map(|dot| self.sign(dot))
            .find(|&at| self.letters[at].is_none() && self.curves[at] == 1 << (curve % 64));
        if let Some(at) = free {
            self.letters[at] = Some(letter);
        }
        free.is_some()
    }

    pub(super) fn text(&self, line: usize) -> String {
        let of = |i: usize| match (self.letters[i], self.dots[i]) {
            (Some(l), _) => l,
            (None, 0) => ' ',
            (None, d) if self.unicode => char::from_u32(0x2800 + u32::from(d)).unwrap_or('.'),
            (None, _) => '.',
        };
        let signs: String = (line * self.across..(line + 1) * self.across)
            .map(of)
            .collect();
        signs.trim_end().to_owned()
    }
}
