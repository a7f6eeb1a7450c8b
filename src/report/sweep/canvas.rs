//! A grid of signs to draw on.

/// Signs across at most, without the labels of the upward axis.
pub(super) const ACROSS: usize = 64;
/// Lines up.
pub(super) const UP: usize = 16;

/// Signs, drawn on by letters and by lines of dots: eight to a sign (Braille) where Unicode may be used.
pub(super) struct TextCanvas {
    unicode: bool,
    across: usize,
    dots: Vec<u8>,
    letters: Vec<Option<char>>,
    /// Which curves run through a sign, a bit each.
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

    /// How many dots there are across and up.
    pub(super) fn fine(&self) -> (usize, usize) {
        let (x, y) = self.dots_of_a_sign();
        (self.across * x, UP * y)
    }

    fn dots_of_a_sign(&self) -> (usize, usize) {
        if self.unicode { (2, 4) } else { (1, 1) }
    }

    /// The sign that a dot is in: a letter put there stands on the line that runs through the dot.
    fn sign(&self, (x, y): (usize, usize)) -> usize {
        let (across, up) = self.dots_of_a_sign();
        (y / up) * self.across + x / across
    }

    fn dot(&mut self, x: usize, y: usize, curve: usize) {
        let at = self.sign((x, y));
        self.curves[at] |= 1 << (curve % 64);
        // The order of the dots in a Braille sign, by line and column.
        const BITS: [[u8; 2]; 4] = [[0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80]];
        self.dots[at] |= if self.unicode { BITS[y % 4][x % 2] } else { 1 };
    }

    /// The dots of a line.
    fn between(from: (usize, usize), to: (usize, usize)) -> impl Iterator<Item = (usize, usize)> {
        let steps = from.0.abs_diff(to.0).max(from.1.abs_diff(to.1)).max(1);
        let at = move |a: usize, b: usize, i: usize| (a * (steps - i) + b * i + steps / 2) / steps;
        (0..=steps).map(move |i| (at(from.0, to.0, i), at(from.1, to.1, i)))
    }

    /// Draws a line of a curve.
    pub(super) fn line(&mut self, from: (usize, usize), to: (usize, usize), curve: usize) {
        for (x, y) in Self::between(from, to) {
            self.dot(x, y, curve);
        }
    }

    /// Puts a letter at a dot; the first of a place stays. The letter that is there now.
    pub(super) fn letter(&mut self, at: (usize, usize), letter: char) -> char {
        let sign = self.sign(at);
        *self.letters[sign].get_or_insert(letter)
    }

    /// Puts a letter on a line of this curve where no other one runs, if there is such a place.
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
