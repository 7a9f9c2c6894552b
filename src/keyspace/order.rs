//! The order of a sorted set: a sorted sequence in small pieces.
//!
//! Two binary searches find a position: one for the piece, one within it. A rank is the sum of the
//! lengths of the pieces before it. A hundred thousand elements make a thousand pieces, whose
//! lengths are added in less than a microsecond.
//!
//! Invariants:
//! * no piece is empty or longer than [`PIECE_MAX`];
//! * `len` is the sum of the lengths of the pieces;
//! * each predicate that a caller passes holds for a prefix of the sequence and for nothing after
//!   it.

/// Maximum elements in a piece. An insertion moves at most one piece, 4 KiB, a small part of the
/// processor's first-level cache.
const PIECE_MAX: usize = 256;

/// Number of elements in each piece built from sorted input; leaves room for insertions.
const PIECE_BEGIN: usize = PIECE_MAX * 3 / 4;

/// An element: its score and its position among the members.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ranked {
    pub score: f64,
    pub position: u32,
}

/// The position of an element, or the position at which it would be inserted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor {
    piece: usize,
    within: usize,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Order {
    pieces: Vec<Vec<Ranked>>,
    len: usize,
}

impl Order {
    /// Builds the order from sorted input.
    pub fn from_sorted(sorted: &[Ranked]) -> Order {
        Order { pieces: sorted.chunks(PIECE_BEGIN).map(<[Ranked]>::to_vec).collect(), len: sorted.len() }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// The first position for which `before` does not hold.
    pub fn seek(&self, before: impl Fn(&Ranked) -> bool) -> Cursor {
        let piece = self.pieces.partition_point(|piece| piece.last().is_some_and(&before));
        let within = self.pieces.get(piece).map_or(0, |piece| piece.partition_point(&before));
        Cursor { piece, within }
    }

    /// The number of elements before a cursor.
    pub fn rank(&self, at: Cursor) -> usize {
        let rank = self.pieces[..at.piece].iter().map(Vec::len).sum::<usize>() + at.within;
        assert!(rank <= self.len, "no cursor is past the end");
        rank
    }

    pub fn at_mut(&mut self, at: Cursor) -> Option<&mut Ranked> {
        self.pieces.get_mut(at.piece)?.get_mut(at.within)
    }

    pub fn insert(&mut self, at: Cursor, ranked: Ranked) {
        self.len += 1;
        let Some(piece) = self.pieces.get_mut(at.piece) else {
            // The position is the end of the sequence: the last piece takes the element if it has
            // room.
            match self.pieces.last_mut() {
                Some(last) if last.len() < PIECE_MAX => last.push(ranked),
                _ => self.pieces.push(vec![ranked]),
            }
            return;
        };
        piece.insert(at.within, ranked);
        if piece.len() > PIECE_MAX {
            let second = piece.split_off(PIECE_MAX / 2);
            assert!(!piece.is_empty() && !second.is_empty(), "both halves hold elements");
            self.pieces.insert(at.piece + 1, second);
        }
    }

    /// Removes and returns the element at `at`.
    ///
    /// # Panics
    /// If there is no element at that position.
    pub fn remove(&mut self, at: Cursor) -> Ranked {
        let piece = &mut self.pieces[at.piece];
        let removed = piece.remove(at.within);
        if piece.is_empty() {
            self.pieces.remove(at.piece);
        }
        self.len -= 1;
        assert_eq!(self.len == 0, self.pieces.is_empty(), "only an empty order has no piece");
        removed
    }

    /// The elements from rank `from` to the end.
    pub fn forward(&self, from: usize) -> impl Iterator<Item = &Ranked> + Clone {
        let (piece, within) = self.split(from, self.pieces.iter());
        self.pieces[piece..].iter().flatten().skip(within)
    }

    /// The elements in descending order, from rank `from` counted from the end.
    pub fn backward(&self, from: usize) -> impl Iterator<Item = &Ranked> + Clone {
        let (pieces, within) = self.split(from, self.pieces.iter().rev());
        let left = &self.pieces[..self.pieces.len() - pieces];
        left.iter().rev().flat_map(|piece| piece.iter().rev()).skip(within)
    }

    /// The number of whole pieces within the first `count` elements, and the number of elements
    /// after these pieces.
    fn split<'a>(&self, count: usize, pieces: impl Iterator<Item = &'a Vec<Ranked>>) -> (usize, usize) {
        let (mut whole, mut left) = (0, count.min(self.len));
        for piece in pieces {
            if left < piece.len() {
                break;
            }
            left -= piece.len();
            whole += 1;
        }
        (whole, left)
    }

    /// Fails if an invariant does not hold.
    #[cfg(test)]
    pub fn check(&self) {
        assert!(self.pieces.iter().all(|piece| !piece.is_empty() && piece.len() <= PIECE_MAX));
        assert_eq!(self.len, self.pieces.iter().map(Vec::len).sum::<usize>());
        let scores: Vec<f64> = self.forward(0).map(|ranked| ranked.score).collect();
        assert!(scores.is_sorted());
    }
}
