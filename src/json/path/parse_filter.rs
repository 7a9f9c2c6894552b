//! Parses filters and computed values.
//!
//! A parenthesis may hold a condition or a value, and only the text after it decides which one it
//! has to be. The parser reads either as a [`Term`], and refuses a condition where a value is
//! needed. Trying one and then the other would double the work at every parenthesis.

use super::ast::{Function, Logic, Operand, Operator, Relation};
use super::cursor::{Cursor, Fault, Parsed, TOO_DEEP};
use super::expected::Expected;
use super::limits::{METHODS_MAX, PATTERNS_MAX};
use super::pattern::{Pattern, Reach};
use crate::error::CommandError;
use crate::json::Value;

const TOO_MANY_PATTERNS: CommandError = CommandError::fixed("ERR the path has too many regular expressions");

/// The rules that may follow any value except a parenthesis.
const AFTER_VALUE: Expected = Expected::METHOD.with(Expected::KEYS);

enum Term {
    Value(Operand),
    Condition(Logic),
}

/// An operator comes before others that are a prefix of it, because the first match is taken.
const RELATIONS: [(&[u8], Relation); 6] = [
    (b"==", Relation::Equal),
    (b"!=", Relation::NotEqual),
    (b"<=", Relation::LessOrEqual),
    (b"<", Relation::Less),
    (b">=", Relation::GreaterOrEqual),
    (b">", Relation::Greater),
];

const WORDS: [(&[u8], Relation); 8] = [
    (b"in", Relation::In),
    (b"nin", Relation::NotIn),
    (b"subsetof", Relation::SubsetOf),
    (b"anyof", Relation::AnyOf),
    (b"noneof", Relation::NoneOf),
    (b"sizeof", Relation::Size),
    (b"size", Relation::Size),
    (b"empty", Relation::Empty),
];

impl Cursor<'_> {
    /// Parses a filter after its `?`, up to the closing bracket.
    pub(super) fn filter(&mut self) -> Parsed<Logic> {
        self.enter_filter()?;
        self.skip_spaces();
        let begin = self.at();
        let logic = self.either();
        if logic.is_err() {
            // If no part of the filter could be read, the error names the whole filter as missing.
            self.set_expected_only_at(begin, Expected::FILTER);
        }
        let logic = logic?;
        self.leave_filter();
        Ok(logic)
    }

    fn either(&mut self) -> Parsed<Logic> {
        let mut terms = vec![self.both()?];
        while self.joined(b"||", Expected::OR) {
            terms.push(self.both()?);
        }
        Ok(if terms.len() == 1 { terms.swap_remove(0) } else { Logic::Or(terms) })
    }

    fn both(&mut self) -> Parsed<Logic> {
        let mut terms = vec![self.condition()?];
        while self.joined(b"&&", Expected::AND) {
            terms.push(self.condition()?);
        }
        Ok(if terms.len() == 1 { terms.swap_remove(0) } else { Logic::And(terms) })
    }

    fn joined(&mut self, token: &[u8], expected: Expected) -> bool {
        self.skip_spaces();
        self.expect(expected);
        self.take(token)
    }

    fn condition(&mut self) -> Parsed<Logic> {
        self.skip_spaces();
        if self.peek() == Some(b'!') {
            self.enter()?;
            self.take(b"!");
            let inner = self.condition()?;
            self.leave();
            return Ok(Logic::Not(Box::new(inner)));
        }
        let left = match self.sum(true)? {
            Term::Condition(logic) => return Ok(logic),
            Term::Value(left) => left,
        };
        self.skip_spaces();
        self.expect(Expected::RELATION);
        if self.take(b"=~") {
            self.skip_spaces();
            let right = self.pattern_value()?;
            let pattern = self.pattern(&right, Reach::Like)?;
            return Ok(Logic::Like(left, right, pattern));
        }
        match self.relation() {
            Some(relation) => Ok(Logic::Compare(relation, left, self.value()?)),
            None => Ok(Logic::Test(left)),
        }
    }

    fn relation(&mut self) -> Option<Relation> {
        let symbol = RELATIONS.iter().find(|row| self.take(row.0));
        symbol.or_else(|| WORDS.iter().find(|row| self.word(row.0))).map(|row| row.1)
    }

    /// Compiles the pattern, if the operand is a literal text.
    fn pattern(&mut self, operand: &Operand, reach: Reach) -> Parsed<Option<Pattern>> {
        let Operand::Literal(encoded) = operand else { return Ok(None) };
        let Some(text) = Value::at(encoded, 0).as_text() else { return Ok(None) };
        self.patterns += 1;
        if self.patterns > PATTERNS_MAX {
            return Err(Fault::Limit(TOO_MANY_PATTERNS));
        }
        Ok(Some(Pattern::compile(text, reach)))
    }

    /// Parses the right side of `=~`, where escapes in a text belong to the pattern.
    fn pattern_value(&mut self) -> Parsed<Operand> {
        self.skip_spaces();
        if matches!(self.peek(), Some(b'\'' | b'"'))
            && let Some(literal) = self.literal(true)?
        {
            self.expect(AFTER_VALUE | Expected::SUM | Expected::PRODUCT);
            return Ok(Operand::Literal(literal));
        }
        self.value()
    }

    /// Parses an operand of a comparison, an argument, or a whole projection; refuses a condition.
    pub(super) fn value(&mut self) -> Parsed<Operand> {
        self.skip_spaces();
        let begin = self.at();
        match self.sum(false)? {
            Term::Value(operand) => Ok(operand),
            Term::Condition(_) => self.fail(begin, Expected::OPERAND),
        }
    }

    fn sum(&mut self, first: bool) -> Parsed<Term> {
        const OPERATORS: &[(u8, Operator)] = &[(b'+', Operator::Add), (b'-', Operator::Subtract)];
        let term = self.product(first)?;
        self.chain(term, Expected::SUM, OPERATORS, |cursor| cursor.product(false))
    }

    fn product(&mut self, first: bool) -> Parsed<Term> {
        const OPERATORS: &[(u8, Operator)] =
            &[(b'*', Operator::Multiply), (b'/', Operator::Divide), (b'%', Operator::Remainder)];
        let term = self.factor(first)?;
        self.chain(term, Expected::PRODUCT, OPERATORS, |cursor| cursor.factor(false))
    }

    /// Parses the operators and operands that follow, of one level of precedence, from left to
    /// right.
    fn chain(
        &mut self,
        first: Term,
        expected: Expected,
        operators: &[(u8, Operator)],
        next: impl Fn(&mut Self) -> Parsed<Term>,
    ) -> Parsed<Term> {
        let Term::Value(first) = first else { return Ok(first) };
        let mut more = Vec::new();
        loop {
            self.skip_spaces();
            self.expect(expected);
            let Some(&(_, operator)) = operators.iter().find(|row| self.take(&[row.0])) else { break };
            self.skip_spaces();
            let begin = self.at();
            match next(self)? {
                Term::Value(operand) => more.push((operator, operand)),
                Term::Condition(_) => return self.fail(begin, Expected::OPERAND),
            }
        }
        Ok(Term::Value(if more.is_empty() { first } else { Operand::Arithmetic(Box::new(first), more) }))
    }

    fn factor(&mut self, first: bool) -> Parsed<Term> {
        self.skip_spaces();
        let begin = self.at();
        if self.take(b"(") {
            return self.group(first);
        }
        if self.is_negation() {
            return self.negated(begin);
        }
        let operand = if self.take(b"$") {
            Operand::Query(self.query(true)?)
        } else if self.take(b"@") {
            Operand::Query(self.query(false)?)
        } else if self.is_call() {
            self.call(None)?
        } else if let Some(literal) = self.literal(false)? {
            Operand::Literal(literal)
        } else {
            return self.fail(begin, Expected::OPERAND);
        };
        self.methods(operand).map(Term::Value)
    }

    fn group(&mut self, first: bool) -> Parsed<Term> {
        self.enter()?;
        self.skip_spaces();
        let begin = self.at();
        let term = if first {
            let inner = self.either();
            if inner.is_err() {
                self.add_expected_only_at(begin, Expected::FILTER);
            }
            match inner? {
                Logic::Test(operand) => Term::Value(operand),
                logic => Term::Condition(logic),
            }
        } else {
            self.sum(false)?
        };
        self.need(b")")?;
        self.leave();
        Ok(term)
    }

    /// Whether a minus comes next that is not the sign of a number literal.
    fn is_negation(&self) -> bool {
        matches!(self.rest(), [b'-', after, ..] if !after.is_ascii_digit())
    }

    fn negated(&mut self, begin: usize) -> Parsed<Term> {
        self.enter()?;
        self.take(b"-");
        let term = self.factor(false)?;
        self.leave();
        match term {
            Term::Value(operand) => Ok(Term::Value(Operand::Negated(Box::new(operand)))),
            Term::Condition(_) => self.fail(begin, Expected::OPERAND),
        }
    }

    /// Parses a `~` after a path or a literal, or a chain of methods such as `.keys().first()`.
    fn methods(&mut self, mut operand: Operand) -> Parsed<Operand> {
        self.skip_spaces();
        self.expect(Expected::METHOD);
        if matches!(operand, Operand::Query(_) | Operand::Literal(_)) {
            self.expect(Expected::KEYS);
            if self.take(b"~") {
                return Ok(Operand::Call(Function::Keys, vec![operand], None));
            }
        }
        for _ in 0..=METHODS_MAX {
            self.skip_spaces();
            self.expect(Expected::METHOD);
            let begin = self.at();
            let dotted = self.take(b".");
            self.skip_spaces();
            if !(dotted && self.is_call()) {
                self.back_to(begin);
                return Ok(operand);
            }
            operand = self.call(Some(operand))?;
        }
        Err(Fault::Limit(TOO_DEEP))
    }

    /// Parses a function's name, which the caller has seen, and its arguments.
    fn call(&mut self, own: Option<Operand>) -> Parsed<Operand> {
        self.enter()?;
        let begin = self.at();
        let function = Function::named(self.function_name());
        self.need(b"(")?;
        let mut arguments: Vec<Operand> = own.into_iter().collect();
        self.skip_spaces();
        if self.peek() != Some(b')') {
            arguments.push(self.argument()?);
            while self.comma() {
                arguments.push(self.argument()?);
            }
        }
        self.need(b")")?;
        self.leave();
        let Some(function) = function.filter(|function| function.takes(arguments.len())) else {
            // A call with a wrong number of arguments yields nothing in a projection. In a filter
            // it is an error, as in RFC 9535.
            let refused = function.is_some() && self.is_in_filter();
            return if refused { self.fail(begin, Expected::FUNCTION) } else { Ok(Operand::Nothing) };
        };
        let pattern = match (function, arguments.last()) {
            (Function::Match, Some(last)) => self.pattern(last, Reach::Match)?,
            (Function::Search, Some(last)) => self.pattern(last, Reach::Search)?,
            _ => None,
        };
        Ok(Operand::Call(function, arguments, pattern))
    }

    /// Parses an argument: a path, a literal or another call, but no arithmetic, parenthesis or
    /// method.
    fn argument(&mut self) -> Parsed<Operand> {
        self.skip_spaces();
        let begin = self.at();
        if self.take(b"$") {
            return self.query(true).map(Operand::Query);
        }
        if self.take(b"@") {
            return self.query(false).map(Operand::Query);
        }
        if self.is_call() {
            return self.call(None);
        }
        match self.literal(false)? {
            Some(literal) => Ok(Operand::Literal(literal)),
            None => self.fail(begin, Expected::ARGUMENT | Expected::FUNCTION),
        }
    }
}
