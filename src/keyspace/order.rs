//! The order of a sorted set: small pieces of a long sorted row.
//!
//! A cursor is found by two binary searches, and a rank by adding up the lengths of pieces: a
//! thousand for a hundred thousand elements, which takes less than a microsecond.
//!
//! Invariants:
//! * no piece is empty or longer than [`PIECE_MAX`];
//! * `len` is the sum of their lengths;
//! * the row is sorted as the caller's predicates say, each of which holds for a first part of it
//!   and for nothing after.

/// What moves when something is put in: 4 KiB at most, about what is in the processor's nearest
/// cache anyway.
const PIECE_MAX: usize = 256;

/// How full pieces are made from what is sorted already: with room for what comes.
const PIECE_BEGIN: usize = PIECE_MAX * 3 / 4;

/// An element by its score and by its position among the members.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ranked {
    pub score: f64,
    pub position: u32,
}

/// The position of an element, or where it would be inserted.
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
    /// Takes over what is sorted already.
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

    /// How many stand before a cursor.
    pub fn rank(&self, at: Cursor) -> usize {
        let rank = self.pieces[..at.piece].iter().map(Vec::len).sum::<usize>() + at.within;
        assert!(rank <= self.len, "no cursor is behind the end");
        rank
    }

    pub fn at_mut(&mut self, at: Cursor) -> Option<&mut Ranked> {
        self.pieces.get_mut(at.piece)?.get_mut(at.within)
    }

    pub fn insert(&mut self, at: Cursor, ranked: Ranked) {
        self.len += 1;
        let Some(piece) = self.pieces.get_mut(at.piece) else {
            // Behind everything: the last piece takes it, while it has room.
            match self.pieces.last_mut() {
                Some(last) if last.len() < PIECE_MAX => last.push(ranked),
                _ => self.pieces.push(vec![ranked]),
            }
            return;
        };
        piece.insert(at.within, ranked);
        if piece.len() > PIECE_MAX {
            let second = piece.split_off(PIECE_MAX / 2);
            assert!(!piece.is_empty() && !second.is_empty(), "both halves hold something");
            self.pieces.insert(at.piece + 1, second);
        }
    }

    /// # Panics
    /// If nothing stands there.
    pub fn remove(&mut self, at: Cursor) -> Ranked {
        let piece = &mut self.pieces[at.piece];
        let removed = piece.remove(at.within);
        if piece.is_empty() {
            self.pieces.remove(at.piece);
        }
        self.len -= 1;
        assert_eq!(self.len == 0, self.pieces.is_empty(), "no piece is empty");
        removed
    }

    /// From the one of rank `from` on to the end.
    pub fn forward(&self, from: usize) -> impl Iterator<Item = &Ranked> + Clone {
        let (piece, within) = self.split(from, self.pieces.iter());
        self.pieces[piece..].iter().flatten().skip(within)
    }

    /// From the one of rank `from`, counted from the end, down to the first.
    pub fn backward(&self, from: usize) -> impl Iterator<Item = &Ranked> + Clone {
        let (pieces, within) = self.split(from, self.pieces.iter().rev());
        let left = &self.pieces[..self.pieces.len() - pieces];
        left.iter().rev().flat_map(|piece| piece.iter().rev()).skip(within)
    }

    /// How many whole pieces make up less than `count`, and what is left of it.
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
